"""Every question about requests, retention and disposals. Whoever asks about a case has it already."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, or_, select

from casework.access.actor import Actor
from casework.audit.models import AuditEvent, AuditEventSubject
from casework.cases.models import Case, Draft, FollowUp, Person, SupportRecord, SupportVersion
from casework.cases.queries import seen_by
from casework.cases.rights.models import DataRequest, Disposal, RetentionApproval
from casework.core.database import db
from casework.core.errors import NotFound

MOST = 200
MOST_EVENTS = 1000


def requests_of(case_id: uuid.UUID) -> list[DataRequest]:
    """The requests on a case, the newest first."""
    wanted = select(DataRequest).where(DataRequest.case_id == case_id)
    return list(db.session.scalars(wanted.order_by(DataRequest.id.desc()).limit(MOST)))


def request_for(case: Case, request_id: uuid.UUID) -> DataRequest:
    """One request on this case; `NotFound` otherwise."""
    found: DataRequest | None = db.session.scalar(
        select(DataRequest).where(DataRequest.id == request_id, DataRequest.case_id == case.id)
    )
    if found is None:
        raise NotFound()
    return found


def approved_destruction(person_id: uuid.UUID) -> DataRequest | None:
    """The request to destroy this person's data that a second person approved, if there is one."""
    wanted = select(DataRequest).where(
        DataRequest.person_id == person_id,
        DataRequest.type == "destruction",
        DataRequest.identity_checked,
        DataRequest.decision == "granted",
        DataRequest.decided_by != DataRequest.recorded_by,
    )
    return db.session.scalars(wanted.order_by(DataRequest.id).limit(1)).first()


def person_of(person_id: uuid.UUID) -> Person:
    """The person; `NotFound` when there is none that the actor may know of."""
    found: Person | None = db.session.scalar(select(Person).where(Person.id == person_id))
    if found is None:
        raise NotFound()
    return found


def cases_of(person_id: uuid.UUID) -> list[Case]:
    """Every case about a person, in the order opened."""
    return list(db.session.scalars(select(Case).where(Case.person_id == person_id).order_by(Case.id)))


def disposal_of(person_id: uuid.UUID) -> Disposal | None:
    """The proof that this person's data were destroyed, if they were."""
    return db.session.scalar(select(Disposal).where(Disposal.person_id == person_id))


def event_about(entity_id: uuid.UUID, code: str) -> tuple[uuid.UUID, str] | None:
    """The id and the leaf hash, in hex, of the successful event with this code about a row."""
    wanted = select(AuditEvent.event_uid, AuditEvent.leaf_hash).where(
        AuditEvent.entity_id == entity_id, AuditEvent.code == code, AuditEvent.outcome == "success"
    )
    row = db.session.execute(wanted.limit(1)).first()
    return (row.event_uid, row.leaf_hash.hex()) if row is not None else None


class Look(NamedTuple):
    """One event about a person: when, what, in which role, with which outcome."""

    recorded: datetime
    code: str
    agent_role: str | None
    outcome: str


def looks_at(person_id: uuid.UUID) -> list[Look]:
    """Who did what with a person's record, the newest first: roles, not names of staff."""
    wanted = (
        select(AuditEvent.recorded, AuditEvent.code, AuditEvent.agent_role, AuditEvent.outcome)
        .join(AuditEventSubject, AuditEventSubject.event_uid == AuditEvent.event_uid)
        .where(AuditEventSubject.subject_id == person_id)
        .order_by(AuditEvent.id.desc())
        .limit(MOST_EVENTS)
    )
    return [Look(*row) for row in db.session.execute(wanted)]


def current_records(case_id: uuid.UUID, kinds: Sequence[str]) -> list[tuple[SupportRecord, SupportVersion]]:
    """Every record of support with what it says now, oldest first."""
    wanted = (
        select(SupportRecord, SupportVersion)
        .join(
            SupportVersion,
            (SupportVersion.record_id == SupportRecord.id) & (SupportVersion.number == SupportRecord.version),
        )
        .where(SupportRecord.case_id == case_id, SupportRecord.kind.in_(kinds))
    )
    found = db.session.execute(wanted.order_by(SupportRecord.happened_on, SupportRecord.id))
    return [(record, version) for record, version in found]


def follow_ups_of(case_id: uuid.UUID, kinds: Sequence[str]) -> list[FollowUp]:
    """Every follow-up of a case, by its day."""
    wanted = select(FollowUp).where(FollowUp.case_id == case_id, FollowUp.kind.in_(kinds))
    return list(db.session.scalars(wanted.order_by(FollowUp.due_on, FollowUp.id)))


def record_ids(person_id: uuid.UUID) -> list[uuid.UUID]:
    """The ids of a person's records of support: each may have notes under a key of its own."""
    return list(db.session.scalars(select(SupportRecord.id).where(SupportRecord.person_id == person_id)))


def open_follow_ups_of(person_id: uuid.UUID) -> list[FollowUp]:
    """What was still to be done for a person."""
    wanted = select(FollowUp).where(FollowUp.person_id == person_id, FollowUp.status == "open")
    return list(db.session.scalars(wanted))


def drop_drafts(person_id: uuid.UUID) -> list[uuid.UUID]:
    """Drops every draft that belongs to a case of the person, whoever typed it. Gives their ids."""
    mine = select(Case.id).where(Case.person_id == person_id)
    ids = list(db.session.scalars(select(Draft.id).where(Draft.case_id.in_(mine))))
    db.session.execute(delete(Draft).where(Draft.id.in_(ids)))
    return ids


# -- retention


def maybe_past(
    actor: Actor, statuses: Sequence[str], before: datetime, after: uuid.UUID | None
) -> list[Case]:
    """A portion of the actor's cases, by id: in one of these statuses or of a class of their own, untouched since."""
    wanted = (
        select(Case)
        .join(Person, Person.id == Case.person_id)
        .where(
            seen_by(actor),
            Person.erased_at.is_(None),
            Case.last_activity_at < before,
            or_(Case.status.in_(statuses), Case.retention_class != "active"),
        )
    )
    if after is not None:
        wanted = wanted.where(Case.id > after)
    return list(db.session.scalars(wanted.order_by(Case.id).limit(MOST)))


def approvals(case_ids: Sequence[uuid.UUID] | None = None) -> dict[uuid.UUID, RetentionApproval]:
    """What was approved, by case; of these cases only, if given."""
    wanted = select(RetentionApproval)
    if case_ids is not None:
        wanted = wanted.where(RetentionApproval.case_id.in_(case_ids))
    return {each.case_id: each for each in db.session.scalars(wanted)}


def busy_cases(person_id: uuid.UUID, statuses: Sequence[str], before: datetime) -> bool:
    """Whether the person has a case that is not at its end, or that somebody has worked on lately."""
    wanted = select(Case.id).where(
        Case.person_id == person_id, or_(Case.status.not_in(statuses), Case.last_activity_at >= before)
    )
    return db.session.scalar(wanted.limit(1)) is not None
