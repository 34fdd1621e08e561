"""An installation of the product on each engine, PostgreSQL with its durable settings, and the clock of the benches."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text

from casework.app import create_app
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work
from tests.services import databases, postgres

FORK = multiprocessing.get_context("fork")
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_a_child(app: Flask, work: Callable[..., Any], *arguments: Any) -> Any:
    """Runs `work` in a fork of this process, in the app's context, and gives what it returns."""
    receiver, sender = FORK.Pipe(duplex=False)

    def run() -> None:
        with app.app_context():
            sender.send(work(*arguments))

    child = FORK.Process(target=run)
    child.start()
    try:
        return receiver.recv()
    finally:
        child.join()


@contextmanager
def durable_engines() -> Iterator[None]:
    """Inside, `installation` can be asked for; PostgreSQL keeps what it acknowledges."""
    postgres.SETTINGS.update(DURABLE)
    databases.open_shared_folder()
    try:
        yield
    finally:
        databases.close_shared_folder()


@contextmanager
def installation(name: str) -> Iterator[Flask]:
    """The product, freshly installed on this engine; gone afterwards."""
    with (
        tempfile.TemporaryDirectory() as folder,
        databases.installation(name, Path(folder) / "home") as settings,  # type: ignore[arg-type]
    ):
        app = create_app(settings)
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@contextmanager
def installations(engines: list[str]) -> Iterator[Iterator[tuple[str, Flask]]]:
    """One installation on each engine, one after the other."""

    def each() -> Iterator[tuple[str, Flask]]:
        for name in engines:
            with installation(name) as app:
                yield name, app

    with durable_engines():
        yield each()


def bytes_per_event(count: int) -> float:
    """What the log has on disk for each of its events: lines, tree, indices; the whole file where SQLite does not tell."""
    with unit_of_work(write=False):
        connection = db.session.connection()
        if connection.dialect.name == "postgresql":
            sizes = "SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables WHERE relname LIKE 'audit%'"
        elif connection.scalar(text("SELECT sqlite_compileoption_used('ENABLE_DBSTAT_VTAB')")):
            sizes = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%audit%'"
        else:
            sizes = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        return float(connection.execute(text(sizes)).scalar_one()) / count
