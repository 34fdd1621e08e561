"""Rows and events that wait to be stored: sealed as they are made, stored in bulk.

A row is a dictionary for a plain INSERT of many rows: building mapped objects one by one takes four times as long. What is
sealed is sealed exactly as a model does it, under the key of its subject and compartment, bound to field, row and subject.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, insert

from casework.access.actor import Actor
from casework.access.policy import POLICY_VERSION
from casework.audit import event
from casework.audit.trail import Declaration
from casework.core import clock
from casework.core.database import db
from casework.core.ids import new_id
from casework.vault.envelope import seal
from casework.vault.grant import Compartment
from casework.vault.keys import (
    DEK_BYTES,
    DataKey,
    SubjectKey,
    commitment_of,
    data_key,
    destroy_keys,
    provider,
    wrap_bound,
)
from casework.vault.sealed import Sealed, Sealing

SOURCE = "cli:demo"
EVENTS_AT_ONCE = 2000

Row = dict[str, Any]


class Act(NamedTuple):
    """One action of somebody, to become one event."""

    at: datetime
    declaration: Declaration
    actor: Actor
    entity_type: str | None = None
    entity_id: uuid.UUID | None = None
    subjects: tuple[uuid.UUID, ...] = ()
    purpose: str | None = None
    compartments: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    results: int | None = None


class _Form(NamedTuple):
    table: Table
    empty: Row
    sealed: dict[str, Sealed]
    key: str
    subject: str


@cache
def _form_of(model: Any) -> _Form:
    table = model.__table__
    sealed = model.sealed_fields() if issubclass(model, Sealing) else {}
    key = table.primary_key.columns[0].key  # a search document's id is the person's
    subject = getattr(model, "__subject__", "id")
    return _Form(
        table,
        dict.fromkeys(column.key for column in table.c),
        sealed,
        key,
        key if subject == "id" else subject,
    )


def id_at(moment: datetime) -> uuid.UUID:
    """An id that sorts by that moment."""
    with clock.moved_to(moment):
        return new_id()


@dataclass(slots=True)
class Sheaf:
    """Rows by table, events, and the keys that are to be destroyed once the rows stand."""

    rows: dict[Table, list[Row]] = field(default_factory=dict)
    acts: list[Act] = field(default_factory=list)
    _keys: dict[tuple[uuid.UUID, Compartment], DataKey] = field(default_factory=dict)
    _doomed: list[tuple[uuid.UUID, Compartment]] = field(default_factory=list)

    def add(self, model: Any, made: datetime, /, **values: Any) -> Row:
        """A new row of the model, made at that moment. KeyError for a column that there is none of."""
        form = _form_of(model)
        row = form.empty.copy()
        row[form.key] = values.pop("id", None) or id_at(made)
        for name in values:
            if name not in row:
                raise KeyError(f"{form.table.name} has no column {name}")
        row.update(values)
        if form.sealed:
            self._seal(form, row, made, [name for name in values if name in form.sealed])
        self.rows.setdefault(form.table, []).append(row)
        return row

    def put(self, model: Any, **row: Any) -> None:
        """A row without an id of its own and without sealed fields."""
        self.rows.setdefault(model.__table__, []).append(row)

    def reseal(self, model: Any, row: Row, at: datetime, **values: Any) -> None:
        """Gives sealed fields of a row that waits here a value."""
        row.update(values)
        self._seal(_form_of(model), row, at, list(values))

    def _seal(self, form: _Form, row: Row, at: datetime, names: list[str]) -> None:
        subject = row[form.subject]
        for name in names:
            value = row[name]
            if value is None or value == "":
                row[name] = None
                continue
            sealed = form.sealed[name]
            compartment = sealed.compartment
            if not isinstance(compartment, Compartment):
                compartment = compartment(SimpleNamespace(**row))
            key = self._keys.get((subject, compartment))
            if key is None:
                key = self._keys[(subject, compartment)] = self._first_key(subject, compartment, at)
            row[name] = seal(key.cipher, key.version, sealed.field, row[form.key], subject, value)

    def _first_key(self, subject: uuid.UUID, compartment: Compartment, at: datetime) -> DataKey:
        """The first data key of a subject that is new; its row waits with the others.

        A key ring asks the database for each key and adds it at once, which takes as long as all the rest.
        """
        dek = os.urandom(DEK_BYTES)
        kek_id, wrapped = provider().wrap(dek, wrap_bound(subject, compartment, 1))
        row = {
            "subject_id": subject,
            "compartment": compartment.value,
            "dek_version": 1,
            "kek_id": kek_id,
            "wrapped": wrapped,
            "commitment": commitment_of(dek),
            "created_at": at,
            "destroyed_at": None,
        }
        self.rows.setdefault(SubjectKey.__table__, []).append(row)
        return data_key(dek, 1)

    def destroy(self, subject: uuid.UUID, compartment: Compartment) -> None:
        """The key is destroyed with the next `store`."""
        self._doomed.append((subject, compartment))

    def store(self) -> None:
        """Inserts the rows in the open transaction, tables that others refer to first. Events wait for `record`."""
        connection = db.session.connection()
        for table in db.metadata.sorted_tables:
            rows = self.rows.get(table)
            if rows:
                connection.execute(insert(table), rows)
        for subject, compartment in self._doomed:
            destroy_keys(subject, [compartment])
        self.rows.clear()
        self._keys.clear()
        self._doomed.clear()

    def record(self) -> Iterator[int]:
        """Writes the events in the open transaction in the order of their time, each at its time; yields how many stand."""
        self.acts.sort(key=lambda act: act.at)
        for start in range(0, len(self.acts), EVENTS_AT_ONCE):
            chunk = self.acts[start : start + EVENTS_AT_ONCE]
            # Each draft is handed over with the clock at its moment.
            event.write_many(cast("list[event.EventDraft]", _drafts(chunk)))
            yield start + len(chunk)
        self.acts.clear()


def _drafts(acts: list[Act]) -> Iterator[event.EventDraft]:
    for act in acts:
        with clock.moved_to(act.at):
            yield event.EventDraft(
                action=act.declaration.action,
                category=act.declaration.category,
                code=act.declaration.code,
                outcome="success",
                agent_id=act.actor.id,
                agent_role=act.actor.role.value if act.actor.role else "system",
                agent_place=act.actor.place_id,
                purpose=act.purpose,
                endpoint=SOURCE,
                entity_type=act.entity_type,
                entity_id=act.entity_id,
                subject_ids=list(act.subjects),
                compartments=list(act.compartments),
                fields_accessed=list(act.fields),
                result_count=act.results,
                policy_version=POLICY_VERSION,
            )
