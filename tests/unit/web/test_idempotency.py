"""The same form twice is one piece of work."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from casework.core import clock
from casework.core.database import db
from casework.core.unit_of_work import begin, commit, rollback, unit_of_work
from casework.web import idempotency
from config.settings import Settings

ANN, BOB = uuid.UUID(int=21), uuid.UUID(int=22)
KEY = str(uuid.UUID(int=31))

pytestmark = pytest.mark.both_engines


@pytest.fixture
def store(settings: Settings) -> Iterator[Flask]:
    """No more of the product than its database."""
    app = Flask("store")
    app.config.from_mapping(settings.flask())
    db.init_app(app)
    yield app
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


def post_once(key: str = KEY, location: str = "/cases/1") -> None:
    with unit_of_work():
        idempotency.remember(ANN, key, "cases.open_case", location)


def test_finds_where_the_first_post_led_for_the_same_person_only(store: Flask) -> None:
    with store.app_context():
        post_once()
        assert idempotency.replayed(ANN, KEY) == "/cases/1"
        assert idempotency.replayed(BOB, KEY) is None
        assert idempotency.replayed(ANN, str(uuid.UUID(int=32))) is None


def test_lets_only_one_of_two_twins_in(store: Flask) -> None:
    with store.app_context():
        post_once()
        with pytest.raises(IntegrityError):
            post_once(location="/cases/2")
        assert idempotency.replayed(ANN, KEY) == "/cases/1"


def test_forgets_a_post_that_was_rolled_back(store: Flask) -> None:
    with store.app_context():
        begin(write=True)
        idempotency.remember(ANN, KEY, "cases.open_case", "/cases/1")
        rollback()
        assert idempotency.replayed(ANN, KEY) is None


@pytest.mark.parametrize("forged", ["", "x", "' OR 1=1", "0" * 99])
def test_takes_a_forged_key_for_none(store: Flask, forged: str) -> None:
    with store.app_context():
        post_once(forged)
        assert idempotency.replayed(ANN, forged) is None


def test_forgets_old_posts(store: Flask) -> None:
    with store.app_context():
        post_once()
        with unit_of_work():
            assert idempotency.forget_before(clock.now() - timedelta(days=1)) == 0
            assert idempotency.forget_before(clock.now() + timedelta(days=1)) == 1
            assert idempotency.replayed(ANN, KEY) is None


def test_a_twin_waits_for_the_first_post_and_lands_on_its_result(store: Flask) -> None:
    """On SQLite the second writer waits for the lock; on PostgreSQL, where it could write, for the form's own."""
    found: list[str | None] = []
    asked = threading.Event()

    def twin() -> None:
        with store.app_context():
            asked.set()
            begin(write=True)
            found.append(idempotency.replayed(ANN, KEY))
            rollback()

    with store.app_context():
        begin(write=True)
        assert idempotency.replayed(ANN, KEY) is None
        second = threading.Thread(target=twin)
        second.start()
        asked.wait(10)
        second.join(0.3)
        assert found == []
        idempotency.remember(ANN, KEY, "cases.open_case", "/cases/1")
        commit()
        second.join(20)
    assert found == ["/cases/1"]
