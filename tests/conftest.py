"""Fixtures of the whole suite.

`database_url`, `settings`, `app` and `client` are a freshly initialised installation for each test, copied from one
that the migrations built. A test marked `both_engines` runs on SQLite and on PostgreSQL; others run on SQLite.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services import databases

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser, Page

    from config.settings import Settings


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """The first process makes the folder that all processes of a parallel run share."""
    if not _is_worker(config):
        for name in [each for each in os.environ if each.startswith("CASEWORK_")]:
            del os.environ[name]  # what the developer runs elsewhere is none of the tests' business
        signal.signal(
            signal.SIGTERM, signal.default_int_handler
        )  # whoever ends the run still gets it tidied up
        databases.open_shared_folder()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The first process ends last: it stops PostgreSQL and removes everything."""
    if not _is_worker(config):
        databases.close_shared_folder()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test marked `both_engines` on each."""
    if "engine_name" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_engines"):
        metafunc.parametrize("engine_name", databases.ENGINES, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything under tests/browser is marked `browser`. A `both_engines` test that uses no database is a mistake."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
        if item.get_closest_marker("both_engines") and "engine_name" not in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(
                f"{item.nodeid} is marked both_engines but asks for no database, app or client"
            )


@pytest.fixture(scope="session", autouse=True)
def _shared_templates() -> None:
    from tests.services import web

    web.share_templates()


@pytest.fixture
def engine_name(request: pytest.FixtureRequest) -> databases.EngineName:
    """`sqlite` or `postgresql`."""
    name: databases.EngineName = getattr(request, "param", "sqlite")
    return name


@pytest.fixture
def settings(engine_name: databases.EngineName, tmp_path: Path) -> Iterator[Settings]:
    """The settings of an installation of this test's own: home with keys, database at the newest version."""
    with databases.installation(engine_name, tmp_path / "home") as installed:
        yield installed


@pytest.fixture
def home(settings: Settings) -> Path:
    """The installation's state folder."""
    return settings.home


@pytest.fixture
def database_url(settings: Settings) -> str:
    """The installation's database, for the role that the product uses."""
    return settings.database_url


@pytest.fixture
def empty_database_url(engine_name: databases.EngineName, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in it, for tests of the migrations and of `init` themselves."""
    with databases.empty_database(engine_name, tmp_path) as url:
        yield url


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The whole product on this test's installation."""
    from casework.app import create_app
    from casework.core.database import db
    from tests.services import web

    app = create_app(settings)
    web.watch(app)
    yield app
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client that fails when a request leaves the session dirty."""
    return app.test_client()


@pytest.fixture
def live_server(app: Flask) -> Iterator[str]:
    """The address of the app on a free port of this machine, without a slash at its end."""
    from tests.services import web

    with web.serving(app) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One headless browser for each process."""
    from tests.services.browser import browser

    with browser() as started:
        yield started


@pytest.fixture
def page(chromium: Browser, live_server: str) -> Iterator[Page]:
    """A page in a fresh profile, on a phone 320 CSS pixels wide; `page.goto("/path")` is on the live server.

    The test fails when a page asks for anything outside the live server or runs into a script error.
    """
    context = chromium.new_context(base_url=live_server, viewport={"width": 320, "height": 640})
    wrong: list[str] = []
    context.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((live_server, "data:"))
            else wrong.append(f"asked for {request.url}")
        ),
    )
    context.on("weberror", lambda error: wrong.append(f"script error: {error.error}"))
    yield context.new_page()
    context.close()
    assert not wrong, wrong
