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

from casework.app import create_app
from casework.core.database import db
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
def installations(engines: list[str]) -> Iterator[Iterator[tuple[str, Flask]]]:
    postgres.SETTINGS.update(DURABLE)
    databases.open_shared_folder()

    def each() -> Iterator[tuple[str, Flask]]:
        for name in engines:
            with (
                tempfile.TemporaryDirectory() as folder,
                databases.installation(name, Path(folder) / "home") as settings,  # type: ignore[arg-type]
            ):
                app = create_app(settings)
                yield name, app
                with app.app_context():
                    db.session.remove()
                    db.engine.dispose()

    try:
        yield each()
    finally:
        databases.close_shared_folder()
