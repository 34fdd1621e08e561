"""Destroying all that is held of a person: keys first, then every row and file that other parts have said they hold.

A part of the product that keeps something of a person registers what drops it:

    register_eraser(fn)      # fn(person_id) -> {"drafts": 2} or None, in the open transaction, as the installation

It all happens in one transaction with its event. From the commit on no process opens anything of the person, and no
backup does whose key-encryption key has been destroyed (docs/keys.md).
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from casework.access.actor import SYSTEM, actor_or_none
from casework.access.row_security import bind_actor
from casework.cases.models import Person
from casework.core import clock
from casework.core.database import db
from casework.core.unit_of_work import after_commit
from casework.vault import names
from casework.vault.keys import destroy_keys

log = logging.getLogger("casework.cases")

Eraser = Callable[[uuid.UUID], Mapping[str, int] | None]

_erasers: dict[str, Eraser] = {}


def register_eraser(fn: Eraser) -> None:
    """Adds what drops the rows of one part of the product. It gives numbers by kind for the certificate, or None."""
    _erasers[f"{fn.__module__}.{fn.__qualname__}"] = fn


@contextmanager
def as_installation() -> Iterator[None]:
    """What belongs to a person is more than one actor sees: drafts of colleagues, documents, packages sent elsewhere."""
    db.session.flush()
    bind_actor(SYSTEM)
    yield
    db.session.flush()
    bind_actor(actor_or_none())


def destroy(person: Person) -> dict[str, int]:
    """Destroys everything of a person in the open transaction. Gives numbers by kind."""
    counts: Counter[str] = Counter()
    with as_installation():
        for fn in _erasers.values():
            counts.update(fn(person.id) or {})
        db.session.flush()
        counts["keys"] += destroy_keys(person.id)
        person.erased_at = clock.now()
        person.version += 1
    after_commit(names.forget)
    after_commit(leave_no_traces)
    return dict(counts)


def leave_no_traces(*, thorough: bool = False) -> None:
    """Cleans what the engine keeps of changed rows: SQLite's write-ahead log, PostgreSQL's old versions of key rows.

    `thorough` writes PostgreSQL's table of keys anew, which stops other work for that moment. Does no harm when repeated,
    and the worker repeats it: what it could not do now because somebody was reading, it does then.
    """
    try:
        _clean(thorough)
    except DBAPIError as problem:
        log.warning(
            "traces in the engine's files are left until the next run: %s", type(problem.orig).__name__
        )


def _clean(thorough: bool) -> None:
    engine = db.engine
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            # Straight to the driver: the pragma does not run inside a transaction.
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return
        # Whoever may not do this (migration 0010) is passed over; then the server does it at its next round.
        for table in ("subject_key", "draft", "search_document", "exact_index", "attachment"):
            connection.execute(text(f"VACUUM {table}"))
        if thorough:
            connection.execute(text("SELECT casework_rewrite_keys()"))
