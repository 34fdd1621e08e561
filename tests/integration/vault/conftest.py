"""A few synthetic people with sealed names, written and read as the product does it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from flask import Flask

from casework.access.actor import SYSTEM, Actor
from casework.access.blueprint import PUBLIC
from casework.access.row_security import bind_actor
from casework.audit.boundary import acting
from casework.audit.models import AuditEvent
from casework.audit.trail import ACCESS_DENIED, Declaration, UseCase
from casework.cases.models import Person, PersonName
from casework.core import clock
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work
from casework.vault import keys
from casework.vault.grant import Compartment, Grant, granting

T = TypeVar("T")


class Records:
    """Writes and reads sealed fields: each call is one transaction."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def write(self, change: Callable[[], T]) -> T:
        """Does `change` inside a use case."""

        def verb(_actor: Actor) -> T:
            return change()

        act = UseCase(verb, Declaration(PUBLIC, "test.wrote", "C", ACCESS_DENIED))
        with self.app.app_context(), acting(SYSTEM, "test"):
            bind_actor(SYSTEM)
            return act(SYSTEM)

    def person(self, surname: str) -> uuid.UUID:
        """A person with this surname; the id of the name's row is the person's."""

        def add() -> uuid.UUID:
            person = Person(
                display_code=uuid.uuid4().hex[:7], version=1, created_by=SYSTEM.id, created_at=clock.now()
            )
            db.session.add(person)
            db.session.flush()
            db.session.add(PersonName(id=person.id, person_id=person.id, position=0, surname=surname))
            return person.id

        return self.write(add)

    @contextmanager
    def granted(self, *subjects: uuid.UUID) -> Iterator[None]:
        """A reading transaction with a Grant on the CORE compartment of these people."""
        grant = Grant(None)
        for subject in subjects:
            grant.widen(subject, [Compartment.CORE])
        with self.app.app_context(), granting(grant), unit_of_work(write=False):
            bind_actor(SYSTEM)
            yield

    def surname(self, person_id: uuid.UUID) -> Any:
        """The surname, opened under a Grant."""
        with self.granted(person_id):
            name = db.session.get_one(PersonName, person_id)
            assert name.surname is not None
            return name.surname.reveal()

    def run(self, statement: Any, **values: Any) -> Any:
        """A statement past the product, as somebody with the database in hand would run it."""
        with self.app.app_context(), db.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT set_config('casework.role', 'system', true)")
            done = connection.execute(statement, values)
            return done.all() if done.returns_rows else done.rowcount

    def stored(self, model: Any, row_id: uuid.UUID, column: str) -> bytes:
        """What the database holds."""
        table = model.__table__
        return bytes(self.run(db.select(table.c[column]).where(table.c.id == row_id))[0][0])

    def store(self, model: Any, row_id: uuid.UUID, column: str, value: bytes) -> None:
        """Changes what the database holds."""
        table = model.__table__
        assert self.run(table.update().where(table.c.id == row_id).values({column: value})) == 1

    def events(self) -> list[dict[str, Any]]:
        """The lines of the log, in order."""
        rows = self.run(db.select(AuditEvent.body).order_by(AuditEvent.id))
        return [json.loads(row[0]) for row in rows]


@pytest.fixture
def records(app: Flask) -> Iterator[Records]:
    """Nothing stored yet, nothing remembered of other tests."""
    keys.cache.clear()
    yield Records(app)
    keys.cache.clear()
