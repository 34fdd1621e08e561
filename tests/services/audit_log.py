"""A log to test with: events by the dozen, a verified state, and an attacker with the rights of a superuser."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy.engine import make_url

from casework.access.actor import SYSTEM
from casework.audit.boundary import acting
from casework.audit.event import EventDraft, write_many
from casework.audit.identity import Identity, identity_here
from casework.audit.keeping import beat
from casework.audit.live import verify_live
from casework.audit.note import Checkpoint
from casework.audit.sequencer import sequence_all, sign
from casework.audit.verify import Report
from casework.core.ids import new_id
from casework.core.unit_of_work import unit_of_work
from tests.services import databases


def write_events(count: int, *, code: str = "case.viewed", in_one: int = 50) -> None:
    """Events such as a reading of a case leaves, each about a person of its own."""
    for start in range(0, count, in_one):
        with unit_of_work():
            write_many([a_draft(code) for _ in range(min(in_one, count - start))])


def a_draft(code: str = "case.viewed") -> EventDraft:
    return EventDraft(
        action="R",
        category=code.partition(".")[0],
        code=code,
        outcome="success",
        agent_id=new_id(),
        agent_role="caseworker",
        entity_type="case",
        entity_id=new_id(),
        endpoint="GET /cases/<uuid:case_id>",
        subject_ids=[new_id()],
        compartments=["CORE"],
        fields_accessed=["person.surname"],
    )


def act() -> None:
    """One audited act through the boundary."""
    with acting(SYSTEM, "test"):
        beat(SYSTEM)


def grow(count: int) -> Checkpoint:
    """Writes events, sequences, signs; the checkpoint."""
    write_events(count)
    sequence_all()
    checkpoint = sign(identity_here())
    assert checkpoint is not None
    return checkpoint


def verified(**options: Any) -> Report:
    return verify_live(identity_here(), **options)


def kind_of(report: Report) -> str | None:
    return report.problem.kind if report.problem else None


@dataclass
class Attacker:
    """Somebody with all rights on the database. `:name` in a statement is a parameter."""

    database_url: str

    @contextmanager
    def connection(self) -> Iterator[Any]:
        url = make_url(self.database_url)
        if url.drivername.startswith("sqlite"):
            assert url.database is not None
            connection = sqlite3.connect(url.database, isolation_level=None)
            connection.execute("PRAGMA foreign_keys = OFF")
            try:
                yield connection
            finally:
                connection.close()
        else:
            assert url.database is not None
            with databases.cluster().superuser(url.database) as connection:
                yield connection

    @property
    def on_postgresql(self) -> bool:
        return self.database_url.startswith("postgresql")

    def disarm(self) -> None:
        """Removes every trigger."""
        with self.connection() as connection:
            if self.on_postgresql:
                for table in self._tables(connection):
                    connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            else:
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                ).fetchall():
                    connection.execute(f"DROP TRIGGER {name}")

    @staticmethod
    def _tables(connection: Any) -> list[str]:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'audit%'"
        ).fetchall()
        return [row[0] for row in rows]

    def does(self, statement: str, **values: Any) -> None:
        """Runs one statement, the triggers removed."""
        self.disarm()
        with self.connection() as connection:
            if self.on_postgresql:
                for name in values:
                    statement = statement.replace(f":{name}", f"%({name})s")
            connection.execute(statement, values)

    def forges_retention(self, up_to: int) -> None:
        """Rows that say that one person asked for it and another one agreed, without any event that says so."""
        one, other = self.event_at(3)[0], self.event_at(4)[0]
        self.does(
            "INSERT INTO audit_retention_request (id, up_to, cutoff, requested_by, requested_at) "
            "VALUES (:one, :up_to, '2099-01-01 00:00:00', :one, '2026-01-01 00:00:00')",
            one=one,
            up_to=up_to,
        )
        self.does(
            "INSERT INTO audit_retention_approval (request_id, approved_by, approved_at) "
            "VALUES (:one, :other, '2026-01-01 00:00:00')",
            one=one,
            other=other,
        )

    def asks(self, statement: str) -> list[tuple[Any, ...]]:
        with self.connection() as connection:
            return [tuple(row) for row in connection.execute(statement).fetchall()]

    def event_at(self, index: int) -> tuple[Any, bytes]:
        """(uid, body) of an index."""
        ((uid, body),) = self.asks(
            "SELECT e.event_uid, e.body FROM audit_leaf l JOIN audit_event e ON e.event_uid = l.event_uid "
            f"WHERE l.idx = {index}"
        )
        return uid, bytes(body)


def attacker_of(app: Flask) -> Attacker:
    return Attacker(app.extensions["casework_settings"].database_url)


def identity_of(app: Flask) -> Identity:
    return Identity(app.extensions["casework_settings"].home / "log")
