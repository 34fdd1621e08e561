"""The worker drops what is out of date, and says so only when there was something."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.accounts import jobs
from casework.accounts.models import SignInAttempt, StaffSession
from casework.core import clock
from casework.core.database import db
from tests.integration.accounts.conftest import Events
from tests.services.staff import sign_in

pytestmark = pytest.mark.both_engines
NOON = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


def _rows(app: Flask) -> tuple[int, int]:
    with app.app_context():
        counts = [
            db.session.scalar(db.select(db.func.count()).select_from(each))
            for each in (StaffSession, SignInAttempt)
        ]
        db.session.remove()
    return counts[0] or 0, counts[1] or 0


def test_drops_old_sessions_and_counts_with_one_event(
    app: Flask, client: FlaskClient, admin: uuid.UUID, events: Events
) -> None:
    with clock.frozen(NOON):
        sign_in(client, "nobody", "wrong")
        sign_in(client, "admin")
    with clock.frozen(NOON + timedelta(hours=20)), app.app_context():
        before = len(events())
        jobs.tidy_up()
        assert len(events()) == before
    assert _rows(app) == (1, 2)
    with clock.frozen(NOON + timedelta(days=31)), app.app_context():
        jobs.tidy_up()
    assert _rows(app) == (0, 0)
    assert (events()[-1]["code"], events()[-1]["agent_role"]) == ("auth.leftovers_dropped", "system")
