"""Records of support with their versions and notes, and the follow-ups that they made."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Select, func, select

from casework.access.actor import Actor
from casework.cases.models import Case, ClinicalNote, FollowUp, SupportRecord, SupportVersion
from casework.cases.policy import kinds_of
from casework.cases.queries.scope import MOST_WORK, seen_by
from casework.core.database import db
from casework.core.errors import NotFound


def record_for(actor: Actor, case_id: uuid.UUID, kind: str, record_id: uuid.UUID) -> SupportRecord:
    """One record of a visible case; `NotFound` otherwise, also for a kind that the role does not learn of."""
    found: SupportRecord | None = db.session.scalar(
        select(SupportRecord)
        .join(Case, Case.id == SupportRecord.case_id)
        .where(
            seen_by(actor),
            SupportRecord.id == record_id,
            SupportRecord.case_id == case_id,
            SupportRecord.kind == kind,
            SupportRecord.kind.in_(kinds_of(actor)),
        )
    )
    if found is None:
        raise NotFound()
    return found


def versions_of(record_id: uuid.UUID) -> list[SupportVersion]:
    """What the form said after each change, the newest first."""
    wanted = select(SupportVersion).where(SupportVersion.record_id == record_id)
    return list(db.session.scalars(wanted.order_by(SupportVersion.number.desc()).limit(100)))


def current_version(record: SupportRecord) -> SupportVersion:
    """What the form says now."""
    wanted = select(SupportVersion).where(
        SupportVersion.record_id == record.id, SupportVersion.number == record.version
    )
    return db.session.scalars(wanted).one()


def notes_of(record_id: uuid.UUID) -> dict[int, ClinicalNote]:
    """The clinical notes of a record by the number of the version that they belong to."""
    found = db.session.scalars(select(ClinicalNote).where(ClinicalNote.record_id == record_id))
    return {note.number: note for note in found}


class RecordWithVersion(NamedTuple):
    """A record and what its form says now."""

    record: SupportRecord
    version: SupportVersion


def records_by_id(ids: list[uuid.UUID]) -> dict[uuid.UUID, RecordWithVersion]:
    """Records with their newest version, in one query."""
    rows = db.session.execute(
        select(SupportRecord, SupportVersion)
        .join(
            SupportVersion,
            (SupportVersion.record_id == SupportRecord.id) & (SupportVersion.number == SupportRecord.version),
        )
        .where(SupportRecord.id.in_(ids))
    )
    return {record.id: RecordWithVersion(record, version) for record, version in rows}


def support_counts(case_id: uuid.UUID, kinds: Sequence[str]) -> dict[str, int]:
    """How many records of each kind stand; what was entered in error is not counted."""
    wanted = (
        select(SupportRecord.kind, func.count())
        .where(
            SupportRecord.case_id == case_id, SupportRecord.state == "recorded", SupportRecord.kind.in_(kinds)
        )
        .group_by(SupportRecord.kind)
    )
    return {row[0]: row[1] for row in db.session.execute(wanted)}


def follow_up_for(actor: Actor, case_id: uuid.UUID, follow_up_id: uuid.UUID) -> FollowUp:
    """One follow-up of a visible case; `NotFound` otherwise."""
    found: FollowUp | None = db.session.scalar(
        _follow_ups_of(actor).where(FollowUp.id == follow_up_id, FollowUp.case_id == case_id)
    )
    if found is None:
        raise NotFound()
    return found


def open_follow_ups(actor: Actor, case_id: uuid.UUID) -> list[FollowUp]:
    """What is still to be done in a case, the earliest first."""
    wanted = _follow_ups_of(actor).where(FollowUp.case_id == case_id, FollowUp.status == "open")
    return list(db.session.scalars(wanted.order_by(FollowUp.due_on, FollowUp.id).limit(MOST_WORK)))


def follow_ups_until(actor: Actor, day: date) -> list[FollowUp]:
    """What is to be done by `day` in every case of the actor, the earliest first."""
    wanted = _follow_ups_of(actor).where(FollowUp.status == "open", FollowUp.due_on <= day)
    wanted = wanted.where(
        Case.next_follow_up_on <= day
    )  # found by index, so that a large office costs no more
    return list(db.session.scalars(wanted.order_by(FollowUp.due_on, FollowUp.id).limit(MOST_WORK)))


def open_follow_up_of(record_id: uuid.UUID) -> FollowUp | None:
    """The open follow-up that a record's next step made."""
    wanted = select(FollowUp).where(FollowUp.record_id == record_id, FollowUp.status == "open")
    return db.session.scalars(wanted.order_by(FollowUp.id).limit(1)).first()


def next_due(case_id: uuid.UUID) -> date | None:
    """The earliest day of an open follow-up."""
    return db.session.scalar(
        select(func.min(FollowUp.due_on)).where(FollowUp.case_id == case_id, FollowUp.status == "open")
    )


def follow_ups_by_id(ids: list[uuid.UUID]) -> dict[uuid.UUID, FollowUp]:
    """Follow-ups for the timeline."""
    return {each.id: each for each in db.session.scalars(select(FollowUp).where(FollowUp.id.in_(ids)))}


def _follow_ups_of(actor: Actor) -> Select[FollowUp]:
    return (
        select(FollowUp)
        .join(Case, Case.id == FollowUp.case_id)
        .where(seen_by(actor), FollowUp.kind.in_(kinds_of(actor)))
    )
