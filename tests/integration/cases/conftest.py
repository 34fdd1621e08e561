"""A synthetic office on a day that stands still."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask

from casework.accounts import passwords
from casework.core import clock
from tests.services.cases import Office, open_office

NOON = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
Events = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def office(app: Flask) -> Office:
    """Two districts with their staff."""
    return open_office(app)


@pytest.fixture
def events(app: Flask) -> Events:
    """The audit log, oldest first."""
    from casework.audit.models import AuditEvent
    from casework.core.database import db

    def read() -> list[dict[str, Any]]:
        with app.app_context():
            rows = db.session.execute(db.select(AuditEvent.body).order_by(AuditEvent.id)).scalars().all()
            db.session.remove()
        return [json.loads(body) for body in rows]

    return read
