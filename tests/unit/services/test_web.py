from __future__ import annotations

import urllib.request
import uuid
from collections.abc import Iterator

import pytest
from flask import Flask

from casework.core.database import db
from casework.vault.keys import SubjectKey
from tests.services import web


@pytest.fixture
def small_app() -> Iterator[Flask]:
    """An app with a page that behaves and one that leaves a row in the session."""
    app = Flask("small")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)

    @app.get("/clean")
    def clean() -> str:
        return "clean"

    @app.get("/dirty")
    def dirty() -> str:
        db.session.add(SubjectKey(subject_id=uuid.uuid4(), compartment="CORE", dek_version=1))
        return "dirty"

    web.watch(app)
    yield app
    with app.app_context():
        db.engine.dispose()


def test_a_request_that_leaves_nothing_behind_passes(small_app: Flask) -> None:
    assert small_app.test_client().get("/clean").text == "clean"


def test_a_request_that_leaves_a_row_uncommitted_fails_the_test(small_app: Flask) -> None:
    with pytest.raises(AssertionError, match="left the session dirty: new <SubjectKey"):
        small_app.test_client().get("/dirty")


def test_one_dirty_request_does_not_taint_the_next(small_app: Flask) -> None:
    client = small_app.test_client()
    with pytest.raises(AssertionError):
        client.get("/dirty")

    assert client.get("/clean").text == "clean"


def test_the_live_server_answers_on_a_port_of_its_own(small_app: Flask) -> None:
    with web.serving(small_app) as address, urllib.request.urlopen(f"{address}/clean") as answer:
        assert answer.read() == b"clean"
