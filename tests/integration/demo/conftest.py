"""An installation with the places of the country pack, on a day that stands still."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask

from casework.accounts import passwords
from casework.accounts.commands import import_pack_places
from casework.audit.models import AuditEvent
from casework.core import clock
from casework.core.database import db
from casework.demo import filling

NOON = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
ENOUGH = 120
"""Cases of a usual demo: each state of a referral is there in each domain."""


@pytest.fixture(autouse=True)
def _quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def with_places(app: Flask) -> Flask:
    """The regions and districts are there, as `casework init` puts them."""
    with app.app_context():
        import_pack_places()
    return app


@pytest.fixture
def filled(with_places: Flask) -> Flask:
    """The usual synthetic caseload."""
    with with_places.app_context():
        assert filling.fill(ENOUGH, None) == ENOUGH
    return with_places


def rows_of(app: Flask, model: Any) -> list[Any]:
    """Every row of a table, as the installation itself sees it, by id."""
    from casework.access.actor import SYSTEM, acting_as

    table = model.__table__
    with app.app_context(), acting_as(SYSTEM):
        found = db.session.execute(db.select(table).order_by(table.c.id)).all()
        db.session.remove()
    return list(found)


def log_of(app: Flask) -> list[dict[str, Any]]:
    """The audit log, oldest first."""
    with app.app_context():
        bodies = db.session.scalars(db.select(AuditEvent.body).order_by(AuditEvent.id)).all()
        db.session.remove()
    return [json.loads(body) for body in bodies]
