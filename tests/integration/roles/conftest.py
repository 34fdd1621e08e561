"""An installation of three roles: the web server's app and the worker's, a synthetic office, commands, time that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask

from casework.accounts import passwords
from casework.app import create_app
from casework.cli import main
from casework.core import clock, jobs
from casework.core.database import db
from config.settings import DATABASE_URL, WORKER_DATABASE_URL
from tests.services import database_roles, web
from tests.services.cases import Office, open_office
from tests.services.database_roles import Roles

NOON = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


@pytest.fixture
def roles(tmp_path: Path) -> Iterator[Roles]:
    with database_roles.installation(tmp_path / "home") as installed:
        yield installed


@dataclass(frozen=True)
class House:
    """`web` works as the web role, `worker` as the worker role; the office was opened by command, its people use the pages."""

    roles: Roles
    web: Flask
    worker: Flask
    office: Office

    def do_every_job(self) -> dict[str, bool]:
        """All that the worker repeats, once; whether it went well by name."""
        return {job.name: jobs.run_once(self.worker, job) for job in jobs.registered()}


@pytest.fixture
def house(roles: Roles, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    pages, jobs_too = apps = create_app(roles.settings), create_app(roles.settings.for_worker())
    for app in apps:
        web.watch(app)
    with clock.frozen(NOON):
        yield House(roles, pages, jobs_too, replace(open_office(jobs_too), app=pages))
    for app in apps:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(
    roles: Roles, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Runs `casework …` in the environment that the document gives an operator."""
    monkeypatch.setenv("CASEWORK_HOME", str(roles.settings.home))
    monkeypatch.setenv(DATABASE_URL, roles.settings.database_url)
    monkeypatch.setenv(WORKER_DATABASE_URL, roles.settings.worker_database_url)

    def call(*arguments: str) -> Done:
        capfd.readouterr()
        return Done(main(list(arguments)), *capfd.readouterr())

    return call
