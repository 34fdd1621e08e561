"""The loop that repeats jobs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from casework.core import jobs
from casework.core.database import db

SOON = timedelta(milliseconds=1)


@pytest.fixture
def bare_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An app with a database and no jobs yet."""
    monkeypatch.setattr(jobs, "_jobs", {})
    app = Flask("jobs")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    yield app
    with app.app_context():
        db.engine.dispose()


def test_repeats_each_job_until_it_is_stopped(bare_app: Flask) -> None:
    stopped, seen = threading.Event(), {"often": 0, "once": 0}

    def often() -> None:
        seen["often"] += 1
        if seen["often"] == 3:
            stopped.set()

    def once() -> None:
        seen["once"] += 1

    jobs.register("once", timedelta(hours=1), once)
    jobs.register("often", SOON, often)
    jobs.run_until(bare_app, stopped)
    assert seen == {"often": 3, "once": 1}


def test_a_job_that_fails_is_logged_without_its_text_and_tried_again(
    bare_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    stopped, tries = threading.Event(), []

    def fails() -> None:
        tries.append(1)
        if len(tries) == 2:
            stopped.set()
        raise ValueError("a name that no log may hold")

    jobs.register("fails", SOON, fails)
    jobs.run_until(bare_app, stopped)
    assert len(tries) == 2
    assert "job fails failed: ValueError" in caplog.text
    assert "a name" not in caplog.text


def test_a_punctual_job_waits_for_no_other_one(bare_app: Flask) -> None:
    stopped, seen = threading.Event(), threading.Event()

    def slow() -> None:
        assert seen.wait(10)  # ends only because the punctual one goes on meanwhile
        stopped.set()

    runs: list[str] = []

    def punctual() -> None:
        runs.append(threading.current_thread().name)
        if len(runs) == 3:
            seen.set()

    jobs.register("slow", SOON, slow)
    jobs.register("punctual", SOON, punctual, punctual=True)
    jobs.run_until(bare_app, stopped)
    assert len(runs) >= 3
    assert set(runs) == {"job punctual"}
    assert not [thread for thread in threading.enumerate() if thread.name == "job punctual"]


def test_the_same_name_again_replaces_the_job(bare_app: Flask) -> None:
    jobs.register("same", SOON, lambda: 1)
    jobs.register("same", timedelta(hours=2), lambda: 2)
    assert [(job.name, job.every) for job in jobs.registered()] == [("same", timedelta(hours=2))]


def test_refuses_a_job_without_a_pause(bare_app: Flask) -> None:
    with pytest.raises(ValueError, match="positive"):
        jobs.register("never", timedelta(0), lambda: None)
