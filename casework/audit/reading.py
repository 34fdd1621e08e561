"""Reading the whole log in order, fast and in bounded memory: for exports and for verification."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from casework.core.database import db

CHUNK = 8192
"""Leaves read at a time: 32 tiles, a few MB of bodies."""

_NAME = re.compile(r":([a-z]\w*)")


class Reader:
    """One snapshot of the database. Statements name their parameters like `:first`; values come back as the driver
    gives them, without the cost of the mapping for each row."""

    def __init__(self, connection: Connection) -> None:
        self.is_postgresql = connection.dialect.name == "postgresql"
        raw: Any = connection.connection.driver_connection
        if self.is_postgresql:
            # Each chunk is a walk along the index of the leaves with one probe for each event; without statistics the
            # planner may prefer to read the whole table for each chunk.
            raw.execute("SET LOCAL enable_hashjoin = off")
            raw.execute("SET LOCAL enable_mergejoin = off")
            self._cursor = raw.cursor(binary=True)
        else:
            self._cursor = raw.cursor()

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """All rows of a statement; ask for a chunk at a time."""
        if self.is_postgresql:
            statement = _NAME.sub(r"%(\1)s", statement)
        self._cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = self._cursor.fetchall()
        return found

    def value(self, statement: str, **values: Any) -> Any:
        """The first column of the first row, None when there is none."""
        found = self.rows(statement, **values)
        return found[0][0] if found else None


def as_bytes(value: Any) -> bytes:
    """A value of a column of bytes. SQLite keeps whatever somebody puts there; what is no bytes becomes its text's."""
    return value if isinstance(value, bytes) else str(value).encode()


def as_text(value: Any) -> str:
    """The same for a column of text."""
    return value if isinstance(value, str) else as_bytes(value).decode(errors="backslashreplace")


@contextmanager
def snapshot(engine: Engine | None = None, *, damaged: bool = False) -> Iterator[Reader]:
    """The database as it is now, however long the reading takes; writers are not held up.

    `damaged`: text that is none is read too, which takes a little longer. SQLite would raise an error.
    """
    with (engine or db.engine).connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        connection.exec_driver_sql("SELECT 1")
        reader = Reader(connection)
        if reader.is_postgresql or not damaged:
            yield reader
            return
        raw: Any = connection.connection.driver_connection
        raw.text_factory = as_text
        try:
            yield reader
        finally:
            raw.text_factory = str


BODIES = (
    "SELECT l.leaf_hash, e.body FROM audit_leaf l LEFT JOIN audit_event e ON e.event_uid = l.event_uid "
    "WHERE l.idx >= :first AND l.idx < :last ORDER BY l.idx"
)
_BODY_TYPES = (bytes, type(None))
HASHES = "SELECT leaf_hash, NULL FROM audit_leaf WHERE idx >= :first AND idx < :last ORDER BY idx"


def leaves(
    reader: Reader, first: int, last: int, size: int, *, start: int = 0
) -> Iterator[tuple[int, list[tuple[bytes, bytes | None]]]]:
    """(index of the first, [(leaf hash, body)]) for the leaves `start` up to, not including, `size`, in chunks.

    Only those from `first` up to `last` come with their bodies; a body is None outside, and where its row is gone, and
    empty where retention dropped it. `start` and so each chunk is a multiple of 256. ValueError when a leaf row is missing.
    """
    for begin in range(start, size, CHUNK):
        end = min(begin + CHUNK, size)
        low, high = max(begin, first), min(end, last)
        low, high = (low, high) if low < high else (end, end)
        found: list[tuple[bytes, bytes | None]] = []
        for start, stop, statement in ((begin, low, HASHES), (low, high, BODIES), (high, end, HASHES)):
            if start < stop:
                found += reader.rows(statement, first=start, last=stop)
        if len(found) != end - begin:
            raise ValueError(f"rows of the tree are missing among the indices {begin} to {end - 1}")
        if not all(type(leaf) is bytes and type(body) in _BODY_TYPES for leaf, body in found):
            raise ValueError(f"something that is no bytes stands among the indices {begin} to {end - 1}")
        yield begin, found
