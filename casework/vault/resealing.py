"""Data keys over time: a new version of a key, and what the old one sealed sealed anew, until the old one can go.

Whoever writes a field seals it under the newest version anyway. The rest is re-sealed in the background: every model with
sealed fields is walked in batches, and an envelope is only replaced while it is still the one that was read. No record
changes, so no record's version moves and nobody's edit is lost. Order, which the caller keeps:

1. `renew_batch` makes new versions, committed. 2. `wait_for_writers`: from here on nobody seals under an old version.
3. `reseal_batch` for each model to its end. 4. `destroy_replaced`, except what step 3 had to leave.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Uuid, bindparam, func, inspect, literal, select, text, tuple_, update

from casework.core import clock
from casework.core.database import Base, db
from casework.vault.envelope import dek_version_of, open_envelope, seal
from casework.vault.grant import Compartment, SealedError
from casework.vault.keys import (
    SubjectKey,
    add_key,
    forget_ring,
    key_ring,
    newest_version,
    provider,
)
from casework.vault.rotation import BATCH, Position, outdated_keys
from casework.vault.sealed import RESEALING, Sealing, sealed_models

_keys: Any = SubjectKey.__table__
_position = (_keys.c.subject_id, _keys.c.compartment, _keys.c.dek_version)


@dataclass(frozen=True, slots=True)
class Walked:
    """One batch: where to go on (None: the end), how many fields were re-sealed, which old keys must stay.

    `damaged` are those of fields that do not open, `insert_only` those of rows that nothing may change.
    """

    last: uuid.UUID | None
    resealed: int
    damaged: set[Position]
    insert_only: set[Position]


def models(registry: Any = None) -> list[type[Sealing]]:
    """Every model with sealed fields, by the name of its table."""
    found = sealed_models(registry if registry is not None else Base.registry)
    return [model for table, model in sorted(found.items(), key=lambda item: item[0].name)]


def renew_batch(
    after: Position | None,
    made_before: datetime,
    *,
    compartment: Compartment | None = None,
    subject_id: uuid.UUID | None = None,
    limit: int = BATCH,
) -> tuple[Position | None, int]:
    """Gives the next data keys a new version, in this transaction: the newest ones, made before a moment.

    Gives where to go on (None: the end) and how many new versions were made.
    """
    rows = _next(_renewable(compartment, subject_id).where(_keys.c.created_at < made_before), after, limit)
    made = 0
    for row in rows:
        kind = Compartment(row.compartment)
        newest = newest_version(row.subject_id, kind)
        if newest == row.dek_version and add_key(provider(), row.subject_id, kind, newest + 1):
            made += 1
    forget_ring()
    return (tuple(rows[-1]) if rows else None), made


def count_renewable(compartment: Compartment | None, subject_id: uuid.UUID | None) -> int:
    """How many data keys `renew_batch` would give a new version."""
    found = (
        _renewable(compartment, subject_id)
        .with_only_columns(_keys.c.subject_id, _keys.c.compartment)
        .distinct()
    )
    return int(db.session.execute(select(func.count()).select_from(found.subquery())).scalar_one())


def _renewable(compartment: Compartment | None, subject_id: uuid.UUID | None) -> Any:
    wanted = select(*_position).where(_keys.c.wrapped.is_not(None))
    if compartment is not None:
        wanted = wanted.where(_keys.c.compartment == compartment.value)
    if subject_id is not None:
        wanted = wanted.where(_keys.c.subject_id == subject_id)
    return wanted


def wait_for_writers() -> None:
    """Waits until every transaction that may still seal under an old version has ended."""
    if db.session.get_bind().dialect.name == "postgresql":
        # Who seals holds its key's row; who comes later looks again for the newest version. Readers do not wait.
        db.session.execute(text("LOCK TABLE subject_key IN EXCLUSIVE MODE"))


def reseal_batch(
    model: type[Sealing],
    after: uuid.UUID | None,
    *,
    subject_id: uuid.UUID | None = None,
    limit: int = BATCH,
) -> Walked:
    """Seals what an old version sealed in the next rows of a model under the newest version, in this transaction."""
    columns = {attribute.key: attribute.columns[0] for attribute in inspect(model).column_attrs}
    table: Any = columns["id"].table
    wanted = select(*(column.label(name) for name, column in columns.items()))
    if subject_id is not None:
        wanted = wanted.where(columns[model.__subject__] == subject_id)
    if after is not None:
        wanted = wanted.where(columns["id"] > literal(after, Uuid()))
    rows = db.session.execute(wanted.order_by(columns["id"]).limit(limit)).all()
    ring = key_ring()
    ring.load(getattr(row, model.__subject__) for row in rows)
    changes: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    damaged: set[Position] = set()
    insert_only: set[Position] = set()
    for row in rows:
        found = _reseal(model, SimpleNamespace(**row._mapping))
        damaged |= found.damaged
        if model.__insert_only__:
            insert_only |= found.replaced
        elif found.new:
            bound = {f"old_{name}": value for name, value in found.old.items()}
            bound |= {f"new_{name}": value for name, value in found.new.items()}
            changes[tuple(sorted(found.new))].append({"row_id": row.id, **bound})
    resealed = 0
    for names, each in changes.items():
        done = db.session.execute(
            update(table)
            .where(
                columns["id"] == bindparam("row_id", type_=Uuid()),
                *(columns[name] == bindparam(f"old_{name}") for name in names),
            )
            .values({columns[name].name: bindparam(f"new_{name}") for name in names})
            .execution_options(**{RESEALING: True}),
            each,
        )
        resealed += int(done.rowcount) * len(names)  # type: ignore[attr-defined]
    return Walked(rows[-1].id if rows else None, resealed, damaged, insert_only)


@dataclass(slots=True)
class _Found:
    """Of one row: the envelopes to replace, what replaces them, the keys of both kinds that are old."""

    old: dict[str, bytes] = field(default_factory=dict)
    new: dict[str, bytes] = field(default_factory=dict)
    replaced: set[Position] = field(default_factory=set)
    damaged: set[Position] = field(default_factory=set)


def _reseal(model: type[Sealing], row: SimpleNamespace) -> _Found:
    found = _Found()
    subject = getattr(row, model.__subject__)
    for sealed in model.sealed_fields().values():
        envelope = getattr(row, sealed.attribute)
        if envelope is None:
            continue
        compartment = sealed.compartment_of(row)
        living = key_ring().living(subject, compartment)
        try:
            version = dek_version_of(envelope)
            if version not in living or version == max(living):
                continue
            value = open_envelope(living[version].cipher, envelope, sealed.field, row.id, subject)
        except SealedError:  # its key stays, so that the row can still be brought back from a backup
            newest = max(living, default=0)
            found.damaged |= {(subject, compartment.value, older) for older in living if older != newest}
            continue
        newest_key = living[max(living)]
        found.replaced.add((subject, compartment.value, version))
        found.old[sealed.attribute] = envelope
        found.new[sealed.attribute] = seal(
            newest_key.cipher, newest_key.version, sealed.field, row.id, subject, value
        )
    return found


def destroy_replaced(
    after: Position | None,
    made_before: datetime,
    still_needed: Iterable[Position] = (),
    *,
    subject_id: uuid.UUID | None = None,
    limit: int = BATCH,
) -> tuple[Position | None, int]:
    """Destroys the next old versions that a newer one, made before a moment, replaces; in this transaction.

    Gives where to go on (None: the end) and how many were destroyed.
    """
    rows = _next(outdated_keys(made_before, subject_id), after, limit)
    kept = set(still_needed)
    going = [tuple(row) for row in rows if tuple(row) not in kept]
    if going:
        db.session.execute(
            update(_keys)
            .where(tuple_(*_position).in_(going))
            .values(wrapped=None, commitment=None, destroyed_at=clock.now())
        )
        forget_ring()
    return (tuple(rows[-1]) if rows else None), len(going)


def _next(wanted: Any, after: Position | None, limit: int) -> list[Any]:
    if after is not None:
        bounds = [literal(value, column.type) for value, column in zip(after, _position, strict=True)]
        wanted = wanted.where(tuple_(*_position) > tuple_(*bounds))
    return list(db.session.execute(wanted.order_by(*_position).limit(limit)).all())
