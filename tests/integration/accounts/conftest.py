"""A small installation with places and somebody of each role that the tests need."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask

from casework.accounts import passwords
from casework.audit.models import AuditEvent
from casework.core.database import db
from tests.services import staff

Events = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def places(app: Flask) -> dict[str, uuid.UUID]:
    """The ids of the small tree of places, by code."""
    return staff.add_places(app)


@pytest.fixture
def admin(app: Flask) -> uuid.UUID:
    """An administrator called `admin`."""
    return staff.add_staff(app, "admin", "admin")


@pytest.fixture
def worker(app: Flask, places: dict[str, uuid.UUID]) -> uuid.UUID:
    """A caseworker called `worker` of the district 1703202."""
    return staff.add_staff(app, "worker", "caseworker", place=places["1703202"])


@pytest.fixture
def events(app: Flask) -> Events:
    """Reads the audit log: code, outcome, reason, agent and entity of each event, oldest first."""
    import json

    def read() -> list[dict[str, Any]]:
        with app.app_context():
            rows = db.session.execute(db.select(AuditEvent.body).order_by(AuditEvent.id)).scalars().all()
            db.session.remove()
        return [json.loads(body) for body in rows]

    return read


@pytest.fixture(autouse=True)
def _quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing is slow on purpose; that it uses today's parameters is a test of its own."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
