"""Key-encryption keys over time: which there are, a new one with every data key re-wrapped under it, an old one let go.

Re-wrapping changes one row for each data key and no record. Each batch is a transaction of its own and only replaces a
wrapped key that is still the one it read, so it can be killed, repeated, run twice at once, and run while people work:
a data key opens before, during and after, under whichever KEK its row names.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Uuid, and_, bindparam, exists, func, literal, select, text, tuple_, update

from casework.core.database import db
from casework.vault import keys
from casework.vault.keys import SubjectKey, wrap_bound
from casework.vault.providers import KekKeeper, KeyProblem

BATCH = 500

Position = tuple[uuid.UUID, str, int]
"""Where a walk through the data keys stands: subject, compartment, version."""

_keys: Any = SubjectKey.__table__
_position = (_keys.c.subject_id, _keys.c.compartment, _keys.c.dek_version)
_living = _keys.c.wrapped.is_not(None)


@dataclass(frozen=True, slots=True)
class KekStatus:
    """One KEK. `state`: current, old (still wraps data keys), unused, retired (put aside), missing.

    `data_keys` counts the data keys under it, `oldest` is when the oldest of them was made, `made` when the KEK was.
    """

    kek_id: str
    state: str
    data_keys: int
    oldest: datetime | None
    made: datetime | None


@dataclass(frozen=True, slots=True)
class KeysStatus:
    """Every KEK, and what is pending: data keys to re-wrap, versions of data keys that await re-sealing."""

    keks: list[KekStatus]
    data_keys: int
    to_rewrap: int
    to_reseal: int
    destroyed: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def keeper() -> KekKeeper:
    """The provider, which must be able to make KEKs. `KeyProblem` when it cannot."""
    found = keys.provider()
    if not hasattr(found, "new_kek"):
        raise KeyProblem("Keys from the environment cannot be rotated. Use a file: or transit: provider.")
    return cast(KekKeeper, found)


def status() -> KeysStatus:
    """The state of every key. `KeyProblem` when the provider cannot work."""
    keks = keys.provider()
    at_hand, current = keks.health(), keks.current()
    made: Callable[[str], datetime | None] = getattr(keks, "made", lambda _kek_id: None)
    aside: list[str] = keks.retired() if hasattr(keks, "retired") else []
    used = {row.kek_id: row for row in db.session.execute(_by_kek())}

    def state(kek_id: str) -> str:
        if kek_id == current:
            return "current"
        if kek_id in at_hand:
            return "old" if kek_id in used else "unused"
        return "missing" if kek_id in used else "retired"

    listed = [
        KekStatus(
            kek_id,
            state(kek_id),
            used[kek_id].number if kek_id in used else 0,
            used[kek_id].oldest if kek_id in used else None,
            made(kek_id) if kek_id in at_hand or kek_id in aside else None,
        )
        for kek_id in sorted({*at_hand, *aside, *used}, key=lambda kek_id: (kek_id != current, kek_id))
    ]
    total = sum(row.number for row in used.values())
    return KeysStatus(
        keks=listed,
        data_keys=total,
        to_rewrap=total - (used[current].number if current in used else 0),
        to_reseal=outdated_count(),
        destroyed=db.session.execute(
            select(func.count()).where(_keys.c.destroyed_at.is_not(None))
        ).scalar_one(),
    )


def _by_kek() -> Any:
    return (
        select(
            _keys.c.kek_id,
            func.count().label("number"),
            func.min(_keys.c.created_at).label("oldest"),
        )
        .where(_living)
        .group_by(_keys.c.kek_id)
    )


def missing_keks() -> dict[str, int]:
    """KEKs that data keys need and that are not at hand, or do not open one: id to the number of data keys.

    `KeyProblem` when no key at all can be had.
    """
    keks = keys.provider()
    at_hand = set(keks.health())
    used = {row.kek_id: row.number for row in db.session.execute(_by_kek())}
    return {
        kek_id: count for kek_id, count in used.items() if kek_id not in at_hand or not _opens_one(kek_id)
    }


def _opens_one(kek_id: str) -> bool:
    row = db.session.execute(select(_keys).where(_keys.c.kek_id == kek_id, _living).limit(1)).first()
    if row is None:
        return True
    bound = wrap_bound(row.subject_id, row.compartment, row.dek_version)
    try:
        dek = keys.provider().unwrap(kek_id, row.wrapped, bound)
    except KeyProblem:
        return False
    return bool(keys.commitment_of(dek) == row.commitment)


def refuse_missing() -> None:
    """`KeyProblem` that says which KEK is missing, for which data, and what to do; nothing when all are there."""
    missing = missing_keks()
    if not missing:
        return
    raise KeyProblem(" ".join(_sentence(kek_id) for kek_id in sorted(missing)))


def _sentence(kek_id: str) -> str:
    where: Callable[[str], str] = getattr(
        keys.provider(), "where", lambda _kek_id: "Bring it back where the keys are kept."
    )
    return f"The key {kek_id} is missing or wrong: {_needing(kek_id)}. {where(kek_id)} Nothing was changed."


def _needing(kek_id: str) -> str:
    which = and_(_keys.c.kek_id == kek_id, _living)
    parts = db.session.execute(
        select(_keys.c.compartment, func.count().label("number"))
        .where(which)
        .group_by(_keys.c.compartment)
        .order_by(_keys.c.compartment)
    ).all()
    subjects = db.session.execute(select(func.count(_keys.c.subject_id.distinct())).where(which)).scalar_one()
    counted = ", ".join(f"{part.compartment} {part.number}" for part in parts)
    total = sum(part.number for part in parts)
    return f"{total} data keys of {subjects} people and things need it ({counted})"


def what_needs_keys() -> str:
    """For which data each KEK is needed, in a sentence; empty when nothing is sealed. Works without any KEK."""
    used = sorted(row.kek_id for row in db.session.execute(_by_kek()))
    return " ".join(f"{kek_id}: {_needing(kek_id)}." for kek_id in used)


def to_rewrap() -> int:
    """How many data keys are not under the current KEK."""
    return int(
        db.session.execute(
            select(func.count()).where(_living, _keys.c.kek_id != keys.provider().current())
        ).scalar_one()
    )


def rewrap_batch(after: Position | None, limit: int = BATCH) -> tuple[Position | None, int]:
    """Re-wraps the next data keys behind `after` under the current KEK, in this transaction.

    Gives where to go on (None: the end) and how many were re-wrapped.
    """
    keks = keeper()
    current = keks.current()
    wanted = select(_keys).where(_living, _keys.c.kek_id != current)
    if after is not None:
        bounds = [literal(value, column.type) for value, column in zip(after, _position, strict=True)]
        wanted = wanted.where(tuple_(*_position) > tuple_(*bounds))
    rows = db.session.execute(wanted.order_by(*_position).limit(limit)).all()
    if not rows:
        return None, 0
    wrapped = keks.rewrap_many(
        (row.kek_id, row.wrapped, wrap_bound(row.subject_id, row.compartment, row.dek_version))
        for row in rows
    )
    done = db.session.execute(
        update(_keys)
        .where(
            _keys.c.subject_id == bindparam("b_subject", type_=Uuid()),
            _keys.c.compartment == bindparam("b_compartment"),
            _keys.c.dek_version == bindparam("b_version"),
            _keys.c.wrapped == bindparam("b_wrapped"),  # a key destroyed meanwhile stays destroyed
        )
        .values(kek_id=bindparam("b_kek_id"), wrapped=bindparam("b_again")),
        [
            {
                "b_subject": row.subject_id,
                "b_compartment": row.compartment,
                "b_version": row.dek_version,
                "b_wrapped": row.wrapped,
                "b_kek_id": kek_id,
                "b_again": again,
            }
            for row, (kek_id, again) in zip(rows, wrapped, strict=True)
        ],
    )
    last = rows[-1]
    return (last.subject_id, last.compartment, last.dek_version), int(done.rowcount)  # type: ignore[attr-defined]


def refuse_needed(kek_id: str) -> None:
    """`KeyProblem` while a data key is under this KEK. Nothing can be wrapped until this transaction ends."""
    if db.session.get_bind().dialect.name == "postgresql":
        # Waits for transactions that stored a new key; SQLite has one writer at a time, which is this one.
        db.session.execute(text("LOCK TABLE subject_key IN SHARE MODE"))
    needed = db.session.execute(select(func.count()).where(_living, _keys.c.kek_id == kek_id)).scalar_one()
    if needed:
        raise KeyProblem(
            f"The key {kek_id} is still needed: {needed} data keys are under it. Run `casework keys rotate` first."
        )


def outdated_keys(before: datetime | None = None, subject_id: uuid.UUID | None = None) -> Any:
    """The data keys that a newer living version (made before a moment) has replaced, as a SELECT."""
    newer = _keys.alias("newer")
    replaced = [
        newer.c.subject_id == _keys.c.subject_id,
        newer.c.compartment == _keys.c.compartment,
        newer.c.dek_version > _keys.c.dek_version,
        newer.c.wrapped.is_not(None),
    ]
    if before is not None:
        replaced.append(newer.c.created_at <= before)
    found = select(*_position).where(_living, exists().where(and_(*replaced)))
    return found if subject_id is None else found.where(_keys.c.subject_id == subject_id)


def outdated_count() -> int:
    """How many data keys wait until what they sealed is sealed anew."""
    return int(db.session.execute(select(func.count()).select_from(outdated_keys().subquery())).scalar_one())
