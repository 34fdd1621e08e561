"""Every question that the search asks the database. What an actor may find goes through `seen_by`, as every other row."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from casework.access.actor import Actor
from casework.cases.models import Case, Person, PersonIdentifier, PersonName
from casework.cases.queries.scope import seen_by
from casework.cases.search.models import ExactIndex, SearchChange, SearchCount, SearchDocument
from casework.core.database import db
from casework.vault import names
from casework.vault.documents import COMPARTMENT, Sealed, Stamp
from casework.vault.exact import Digest
from casework.vault.keys import SubjectKey

PORTION = 500
"""How many ids one statement names."""

_sealed: Any = SearchDocument.document.attribute


def _document() -> InstrumentedAttribute[Any]:
    column: InstrumentedAttribute[Any] = getattr(SearchDocument, _sealed)
    return column


def _portions(ids: Collection[uuid.UUID] | None) -> Iterator[list[uuid.UUID] | None]:
    if ids is None:
        yield None
        return
    listed = list(ids)
    for start in range(0, len(listed), PORTION):
        yield listed[start : start + PORTION]


def documents_for(actor: Actor, only: Collection[uuid.UUID] | None) -> Iterator[Sealed]:
    """The sealed documents of the persons whose cases the actor may know of."""
    wanted = (
        select(SearchDocument.id, _document())
        .join(Case, Case.person_id == SearchDocument.id)
        .where(_document().is_not(None))
    )
    for portion in _portions(only):
        if portion is None:
            here = wanted.where(seen_by(actor))
        else:
            here = wanted.where(Case.person_id.in_(portion), _also_seen_by(actor))
        for row in db.session.execute(here):
            yield row[0], row[1]


def documents_of_registry(only: Collection[uuid.UUID] | None) -> Iterator[Sealed]:
    """The sealed documents of everybody. Only while the installation itself acts; it leads to offices, to nobody's name."""
    wanted = select(SearchDocument.id, _document()).where(_document().is_not(None))
    for portion in _portions(only):
        here = wanted if portion is None else wanted.where(SearchDocument.id.in_(portion))
        for row in db.session.execute(here):
            yield row[0], row[1]


def feed_stamp() -> Stamp:
    """How many changes there are, the first and the last: differs whenever one was added or dropped."""
    found = db.session.execute(
        select(
            func.count(),
            func.coalesce(func.min(SearchChange.id), 0),
            func.coalesce(func.max(SearchChange.id), 0),
        )
    ).one()
    return int(found[0]), int(found[1]), int(found[2])


def feed_changes() -> list[tuple[int, uuid.UUID]]:
    """Every change that is kept."""
    return [(row[0], row[1]) for row in db.session.execute(select(SearchChange.id, SearchChange.person_id))]


def has_changes_before(moment: datetime) -> bool:
    """Whether there is a change to drop."""
    return db.session.scalar(select(SearchChange.id).where(SearchChange.at < moment).limit(1)) is not None


def _also_seen_by(actor: Actor) -> ColumnElement[bool]:
    """`seen_by` as a check of rows that are named already: no index is looked for in it.

    Without statistics the embedded database would otherwise walk through the whole office for a few named rows.
    """
    return case((seen_by(actor), 1), else_=0) == 1


def cases_of(actor: Actor, person_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Case]:
    """Of each person the case last worked on, among those that the actor may know of."""
    wanted = select(Case).where(Case.person_id.in_(list(person_ids)), _also_seen_by(actor))
    rows = sorted(db.session.scalars(wanted), key=lambda found: (found.last_activity_at, found.id))
    return {found.person_id: found for found in rows}


def documents_by_person(person_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, SearchDocument]:
    """The documents of persons whom the actor was found to see."""
    rows = db.session.scalars(select(SearchDocument).where(SearchDocument.id.in_(list(person_ids))))
    return {row.id: row for row in rows}


def persons_with(actor: Actor, digests: Collection[Digest], limit: int) -> list[uuid.UUID]:
    """Who among the actor's has one of these numbers."""
    held = persons_in_registry_with(digests, PORTION)
    if not held:
        return []
    wanted = select(Case.person_id).where(Case.person_id.in_(held), _also_seen_by(actor))
    return list(db.session.scalars(wanted.distinct().limit(limit)))


def persons_in_registry_with(digests: Collection[Digest], limit: int) -> list[uuid.UUID]:
    """Who at all has one of these numbers, as far as row-level security shows it; for `persons_with` and for hints only."""
    if not digests:
        return []
    kinds = {(each.kind, each.digest) for each in digests}
    wanted = select(ExactIndex.person_id, ExactIndex.kind, ExactIndex.digest)
    rows = db.session.execute(
        wanted.where(ExactIndex.digest.in_({each.digest for each in digests})).limit(limit)
    )
    return list(dict.fromkeys(row[0] for row in rows if (row[1], bytes(row[2])) in kinds))


def person_with_display_code(actor: Actor, code: str) -> list[uuid.UUID]:
    """The person behind a display code, if the actor may know of them."""
    wanted = select(Case.person_id).join(Person, Person.id == Case.person_id)
    return list(
        db.session.scalars(wanted.where(Person.display_code == code, _also_seen_by(actor)).distinct())
    )


def offices_of(person_ids: Collection[uuid.UUID]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """(person, office that answers for a case of theirs). Only while the installation itself acts."""
    wanted = select(Case.person_id, Case.office_id).where(Case.person_id.in_(list(person_ids))).distinct()
    return [(row[0], row[1]) for row in db.session.execute(wanted)]


# What an index is made of


class SealedPerson(NamedTuple):
    """The envelopes that a person's document and digests are made of."""

    birth_date: bytes | None
    phone: bytes | None
    names: list[Any]
    identifiers: list[Any]


def sealed_person(person_id: uuid.UUID) -> SealedPerson | None:
    """What is to be indexed of one person; None when there is no such row."""
    attribute = {name: getattr(Person, f"{name}_sealed") for name in ("birth_date", "phone")}
    row = db.session.execute(select(*attribute.values()).where(Person.id == person_id)).one_or_none()
    if row is None:
        return None
    name: Any = PersonName
    identifier: Any = PersonIdentifier
    names_of = select(name.id, name.surname_sealed, name.given_name_sealed, name.patronymic_sealed)
    numbers_of = select(identifier.id, identifier.identifier_type_sealed, identifier.value_sealed)
    return SealedPerson(
        row[0],
        row[1],
        list(db.session.execute(names_of.where(name.person_id == person_id).order_by(name.position))),
        list(db.session.execute(numbers_of.where(identifier.person_id == person_id))),
    )


def document_row(person_id: uuid.UUID) -> SearchDocument | None:
    """The document of one person."""
    return db.session.get(SearchDocument, person_id)


def exact_rows(person_id: uuid.UUID) -> set[Digest]:
    """The digests that stand for one person's numbers."""
    wanted = select(ExactIndex.kind, ExactIndex.key_id, ExactIndex.digest)
    found = db.session.execute(wanted.where(ExactIndex.person_id == person_id))
    return {Digest(row[0], row[1], row[2]) for row in found}


def _behind(key_id: str) -> ColumnElement[bool]:
    """A person whose document is missing or older than the rules, or whose digests are under another key."""
    keys: Any = SubjectKey.__table__
    living = exists().where(
        keys.c.subject_id == Person.id, keys.c.compartment == COMPARTMENT.value, keys.c.wrapped.is_not(None)
    )
    fresh = exists().where(SearchDocument.id == Person.id, SearchDocument.version == names.VERSION)
    other_key = exists().where(ExactIndex.person_id == Person.id, ExactIndex.key_id != key_id)
    return and_(living, or_(~fresh, other_key))


def persons_behind(key_id: str, after: uuid.UUID | None, limit: int) -> list[uuid.UUID]:
    """The next persons who are to be indexed anew, by id."""
    wanted = (
        select(Person.id).where(Person.erased_at.is_(None), _behind(key_id)).order_by(Person.id).limit(limit)
    )
    if after is not None:
        wanted = wanted.where(Person.id > after)
    return list(db.session.scalars(wanted))


def count_behind(key_id: str) -> int:
    """How many these are."""
    wanted = select(func.count()).select_from(Person).where(Person.erased_at.is_(None), _behind(key_id))
    return db.session.scalar(wanted) or 0


def digests_under_other_keys(key_id: str) -> int:
    """How many digests stand under another key than this one."""
    wanted = select(func.count()).select_from(ExactIndex).where(ExactIndex.key_id != key_id)
    return db.session.scalar(wanted) or 0


def searches_of(staff_id: uuid.UUID) -> tuple[datetime, int] | None:
    """Since when somebody's searches are counted, and how many they were."""
    wanted = select(SearchCount.began_at, SearchCount.number).where(SearchCount.staff_id == staff_id)
    found = db.session.execute(wanted).one_or_none()
    return (found[0], found[1]) if found is not None else None
