"""Installations for tests: one template for each engine, built once by the migrations, and a quick copy for each test.

The processes of a parallel run share one folder, whose name the first process hands on in the environment. Whoever
needs a template or the cluster first makes it, under a lock; the first process removes everything at the end.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from sqlalchemy import create_engine

import casework.core.database  # noqa: F401 -- prepares every SQLite connection
from casework.audit.identity import make_identity
from casework.core import schema
from casework.vault.index_keys import make_index_key
from casework.vault.providers import make_file_kek
from config.settings import Settings
from tests.services import postgres

EngineName = Literal["sqlite", "postgresql"]
ENGINES: tuple[EngineName, ...] = ("sqlite", "postgresql")

SHARED = "CASEWORK_TEST_FOLDER"
PREFIX = "casework-tests-"
TEMPLATE = "casework_template"


def open_shared_folder() -> None:
    """Makes the folder that the processes of this run share. Only the first process calls it."""
    _remove_what_killed_runs_left()
    # The name carries who to ask whether the folder is in use.
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user when the tests run as root
    os.environ[SHARED] = str(folder)


def close_shared_folder() -> None:
    """Stops what runs in the shared folder and removes it."""
    if folder := os.environ.pop(SHARED, None):
        _remove(Path(folder))


def _remove_what_killed_runs_left() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if folder.stat().st_uid == os.getuid() and not Path(f"/proc/{owner}").exists():
            _remove(folder)


def _remove(folder: Path) -> None:
    cluster = folder / "postgresql"
    if (cluster / "user").exists():
        with suppress(postgres.PostgresProblem):
            postgres.attach(cluster).stop()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def once(name: str) -> Iterator[tuple[Path, bool]]:
    """The shared folder, and whether this process is to make `name` in it: the others wait until it is there.

    When making it fails, everyone who asks afterwards is told why and does not try again.
    """
    folder = Path(os.environ[SHARED])
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made, failed = folder / f"{name}.made", folder / f"{name}.failed"
        if failed.exists():
            raise RuntimeError(f"{name} could not be made: {failed.read_text()}")
        try:
            yield folder, not made.exists()
        except BaseException as problem:
            failed.write_text(f"{type(problem).__name__}: {problem}")
            raise
        made.touch()


def cluster() -> postgres.Cluster:
    """The cluster of this run, started by whoever asks first."""
    with once("postgresql") as (folder, mine):
        home = folder / "postgresql"
        if mine:
            home.mkdir()
            return postgres.start(home)
        return postgres.attach(home)


def settings_for(home: Path, database_url: str) -> Settings:
    """The settings of a test installation."""
    return Settings(
        environment="testing",
        home=home,
        database_url=database_url,
        secret_key="a secret of the tests and of nothing else",
        kek=f"file:{home / 'keys'}",
    )


def build(settings: Settings) -> None:
    """Keys and schema, as `casework init` makes them. Places and people come from the tests that need them."""
    settings.home.mkdir(mode=0o700)
    make_file_kek(settings.home / "keys")
    make_index_key(settings.home / "keys")
    make_identity(settings.home, "test")
    engine = create_engine(settings.database_url)
    try:
        schema.migrate(engine)
    finally:
        engine.dispose()


def template(engine_name: EngineName) -> Path:
    """The home of the engine's template, built when it is not there yet.

    Its database is the file in it for SQLite, `TEMPLATE` in the cluster for PostgreSQL.
    """
    server = cluster() if engine_name == "postgresql" else None
    with once(f"template-{engine_name}") as (folder, mine):
        home = folder / f"template-{engine_name}"
        if mine:
            if server:
                server.create(TEMPLATE)
            build(settings_for(home, server.url(TEMPLATE) if server else sqlite_url(home)))
        return home


def sqlite_url(home: Path) -> str:
    """The database of a home on the embedded engine."""
    return f"sqlite:///{home / 'casework.db'}"


@contextmanager
def installation(engine_name: EngineName, home: Path) -> Iterator[Settings]:
    """A freshly initialised installation in a folder that does not exist yet; its database is gone afterwards."""
    source = template(engine_name)
    shutil.copytree(source, home)
    if engine_name == "sqlite":
        yield settings_for(home, sqlite_url(home))
        return
    server, database = cluster(), f"test_{uuid.uuid4().hex}"
    server.create(database, template=TEMPLATE)
    try:
        yield settings_for(home, server.url(database))
    finally:
        server.drop(database)


@contextmanager
def empty_database(engine_name: EngineName, folder: Path) -> Iterator[str]:
    """The URL of a database with nothing in it, gone afterwards."""
    if engine_name == "sqlite":
        yield sqlite_url(folder)
        return
    server, database = cluster(), f"test_{uuid.uuid4().hex}"
    server.create(database)
    try:
        yield server.url(database)
    finally:
        server.drop(database)
