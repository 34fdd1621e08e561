"""Tables of the cases room: person, consent, case, support, follow-ups, drafts, timeline.

Field names and classes follow the data dictionary (§3.1 to §3.10, §4.1, §4.3, §4.4). What is C2 or above is sealed; what stands
in plain is a code, a date of work or a state, never who or why. Histories are rows that are only ever added.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, relationship

from casework.core.columns import UTCDateTime, key, plain
from casework.core.database import Model
from casework.vault.grant import Compartment
from casework.vault.sealed import Sealed, Sealing

COMPARTMENT_OF_KIND: dict[str, Compartment] = {
    "case": Compartment.CORE,
    "psychosocial": Compartment.PSY,
    "education": Compartment.EDU,
    "employment": Compartment.EMP,
}
"""Whose eyes a record of a kind is for: its compartment under the person's key (data dictionary §1.2)."""

SUPPORT_KINDS = ("psychosocial", "education", "employment")


def _compartment_of(row: Any) -> Compartment:
    return COMPARTMENT_OF_KIND[row.kind]


def _row(target: str, *, index: bool = True, nullable: bool = False) -> Any:
    return plain("C1", Uuid, ForeignKey(target), index=index, nullable=nullable)


class Person(Sealing, Model):
    """Whom a case is about (§3.1). Outside the sealed fields there is only the code that stands for the person."""

    __tablename__ = "person"

    display_code: Mapped[str] = plain("C1", String(7), unique=True)
    version: Mapped[int] = plain("C1", Integer)
    created_by: Mapped[uuid.UUID] = plain("C1", Uuid)
    created_at: Mapped[datetime] = plain("C1", UTCDateTime)
    erased_at: Mapped[datetime | None] = plain("C1", UTCDateTime)
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}

    birth_date = Sealed("person.birth_date", Compartment.CORE, "C2")
    birth_date_precision = Sealed("person.birth_date_precision", Compartment.CORE, "C2")
    sex = Sealed("person.sex", Compartment.CORE, "C2")
    languages = Sealed("person.languages", Compartment.CORE, "C2")
    interpreter_needed = Sealed("person.interpreter_needed", Compartment.CORE, "C2")
    preferred_contact = Sealed("person.preferred_contact", Compartment.CORE, "C2")
    phone = Sealed("person.phone", Compartment.CORE, "C2")
    phone_owner = Sealed("person.phone_owner", Compartment.CORE, "C2")
    safe_to_call = Sealed("person.safe_to_call", Compartment.CORE, "C2")
    safe_hours = Sealed("person.safe_hours", Compartment.CORE, "C2")
    place_id = Sealed("person.place", Compartment.CORE, "C2")

    @property
    def vault_subject(self) -> uuid.UUID:
        return self.id

    @property
    def audit_subjects(self) -> tuple[uuid.UUID, ...]:
        return (self.id,)


class PersonName(Sealing, Model):
    """One written form of a name, in one script. `position` 0 is the name that pages show."""

    __tablename__ = "person_name"
    __table_args__ = (UniqueConstraint("person_id", "position"),)
    __subject__ = "person_id"

    person_id: Mapped[uuid.UUID] = _row("person.id", index=False)
    position: Mapped[int] = plain("C1", Integer)

    name_type = Sealed("person_name.type", Compartment.CORE, "C2")
    script = Sealed("person_name.script", Compartment.CORE, "C2")
    surname = Sealed("person_name.surname", Compartment.CORE, "C2")
    given_name = Sealed("person_name.given_name", Compartment.CORE, "C2")
    patronymic = Sealed("person_name.patronymic", Compartment.CORE, "C2")


class PersonVersion(Sealing, Model):
    """The details as they stood after one change: who, when, why. Only ever added."""

    __tablename__ = "person_version"
    __table_args__ = (UniqueConstraint("person_id", "number"),)
    __subject__ = "person_id"

    person_id: Mapped[uuid.UUID] = _row("person.id", index=False)
    number: Mapped[int] = plain("C1", Integer)
    at: Mapped[datetime] = plain("C1", UTCDateTime)
    author_id: Mapped[uuid.UUID] = _row("staff.id", index=False)

    reason = Sealed("person_version.reason", Compartment.CORE, "C2")
    details = Sealed("person_version.details", Compartment.CORE, "C2")


class PersonIdentifier(Sealing, Model):
    """A document or number (§3.2). A check digit that does not match is kept as it is and shown as a warning."""

    __tablename__ = "person_identifier"
    __subject__ = "person_id"

    person_id: Mapped[uuid.UUID] = _row("person.id")
    recorded_at: Mapped[datetime] = plain("C1", UTCDateTime)

    identifier_type = Sealed("identifier.type", Compartment.CORE, "C2")
    value = Sealed("identifier.value", Compartment.CORE, "C2")
    checksum_result = Sealed("identifier.checksum_result", Compartment.CORE, "C2")


class OfPerson:
    """What is about one person: whose keys seal it, and whom an event about it concerns."""

    if TYPE_CHECKING:
        person_id: Any

    @property
    def vault_subject(self) -> uuid.UUID:
        subject: uuid.UUID = self.person_id
        return subject

    @property
    def audit_subjects(self) -> tuple[uuid.UUID, ...]:
        return (self.person_id,)


class Consent(OfPerson, Sealing, Model):
    """One purpose, one decision (§3.5), or the lawful basis that stands in its place. Withdrawal is kept beside it."""

    __tablename__ = "consent"
    __table_args__ = (
        Index("ix_consent_person_id_purpose_status", "person_id", "purpose", "status"),
        Index("ix_consent_status_expires_on", "status", "expires_on"),
    )
    __subject__ = "person_id"

    person_id: Mapped[uuid.UUID] = _row("person.id", index=False)
    purpose: Mapped[str] = plain("C1", key())
    status: Mapped[str] = plain("C1", key(16))
    given_on: Mapped[date | None] = plain("C1", Date)
    expires_on: Mapped[date | None] = plain("C1", Date)
    form: Mapped[str | None] = plain("C1", key())
    given_by: Mapped[str | None] = plain("C1", key())
    child_assent: Mapped[str | None] = plain("C1", key())
    legal_basis: Mapped[str | None] = plain("C1", key())
    explained_by: Mapped[uuid.UUID] = _row("staff.id", index=False)
    recorded_at: Mapped[datetime] = plain("C1", UTCDateTime)
    withdrawn_on: Mapped[date | None] = plain("C1", Date)
    withdrawn_by: Mapped[uuid.UUID | None] = _row("staff.id", index=False, nullable=True)

    language = Sealed("consent.language", Compartment.CORE, "C2")
    legal_basis_reason = Sealed("consent.legal_basis_reason", Compartment.CORE, "C2")
    withdrawn_why = Sealed("consent.withdrawn_why", Compartment.CORE, "C2")


class Case(OfPerson, Model):
    """The work with one person (§3.6). `office_id` is the district that answers for it, `worker_id` who does the work.

    `last_activity_at` and `next_follow_up_on` repeat what other rows say, so that a list of any length asks only this table.
    """

    __tablename__ = "case"
    __table_args__ = (
        Index("ix_case_office_id_last_activity_at_id", "office_id", "last_activity_at", "id"),
        Index("ix_case_office_id_next_follow_up_on", "office_id", "next_follow_up_on"),
        Index("ix_case_worker_id_last_activity_at_id", "worker_id", "last_activity_at", "id"),
    )

    person_id: Mapped[uuid.UUID] = _row("person.id")
    office_id: Mapped[uuid.UUID] = _row("place.id", index=False)
    worker_id: Mapped[uuid.UUID] = _row("staff.id", index=False)
    status: Mapped[str] = plain("C1", key(32))
    case_type: Mapped[str] = plain("C1", key(16))
    needs_level: Mapped[str | None] = plain("C1", key(16))
    source: Mapped[str] = plain("C1", key(32))
    retention_class: Mapped[str] = plain("C1", key(32))
    opened_on: Mapped[date] = plain("C1", Date)
    last_activity_at: Mapped[datetime] = plain("C1", UTCDateTime)
    next_follow_up_on: Mapped[date | None] = plain("C1", Date)
    version: Mapped[int] = plain("C1", Integer)
    created_by: Mapped[uuid.UUID] = plain("C1", Uuid)
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}

    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    assignments: Mapped[list[CaseAssignment]] = relationship(
        primaryjoin="and_(Case.id == CaseAssignment.case_id, CaseAssignment.ended_at.is_(None))",
        lazy="selectin",
        viewonly=True,
    )

    @property
    def display_code(self) -> str:
        return self.person.display_code

    def assigned_to(self, staff_id: uuid.UUID) -> bool:
        """Whether this member of staff has the case now."""
        return any(each.staff_id == staff_id for each in self.assignments)


class CaseAssignment(Sealing, Model):
    """Who has the case, from when to when (§3.7). Access ends with the assignment."""

    __tablename__ = "case_assignment"
    __table_args__ = (
        Index("ix_case_assignment_staff_id_ended_at_case_id", "staff_id", "ended_at", "case_id"),
    )
    __subject__ = "person_id"

    case_id: Mapped[uuid.UUID] = _row("case.id")
    person_id: Mapped[uuid.UUID] = _row("person.id", index=False)
    office_id: Mapped[uuid.UUID] = _row("place.id", index=False)
    staff_id: Mapped[uuid.UUID] = _row("staff.id", index=False)
    role: Mapped[str] = plain("C1", key(32))
    started_at: Mapped[datetime] = plain("C1", UTCDateTime)
    ended_at: Mapped[datetime | None] = plain("C1", UTCDateTime)

    reason = Sealed("assignment.reason", Compartment.CORE, "C2")


class OfCase(OfPerson):
    """What belongs to one case and one person, and is decided by the policy of that case."""

    if TYPE_CHECKING:
        case: Any


class SupportRecord(OfCase, Sealing, Model):
    """One recorded help. Its content is in its versions; `state` is `recorded` or `entered_in_error`, never deleted."""

    __tablename__ = "support_record"
    __table_args__ = (
        Index("ix_support_record_case_id_kind", "case_id", "kind"),
        CheckConstraint("state IN ('recorded', 'entered_in_error')", name="state"),
    )
    __subject__ = "person_id"

    case_id: Mapped[uuid.UUID] = _row("case.id", index=False)
    person_id: Mapped[uuid.UUID] = _row("person.id", index=False)
    kind: Mapped[str] = plain("C1", key(16))
    state: Mapped[str] = plain("C1", key(16))
    happened_on: Mapped[date] = plain("C1", Date)
    author_id: Mapped[uuid.UUID] = _row("staff.id", index=False)
    created_at: Mapped[datetime] = plain("C1", UTCDateTime)
    version: Mapped[int] = plain("C1", Integer)
    error_at: Mapped[datetime | None] = plain("C1", UTCDateTime)
    error_by: Mapped[uuid.UUID | None] = _row("staff.id", index=False, nullable=True)
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}

    error_reason = Sealed("support.error_reason", _compartment_of, "C3")

    case: Mapped[Case] = relationship(lazy="joined", innerjoin=True)

    @property
    def in_error(self) -> bool:
        return self.state == "entered_in_error"


class SupportVersion(Sealing, Model):
    """What a form said after one change: who, when, and from the second on, why. Only ever added."""

    __tablename__ = "support_version"
    __table_args__ = (UniqueConstraint("record_id", "number"),)
    __subject__ = "person_id"

    record_id: Mapped[uuid.UUID] = _row("support_record.id", index=False)
    case_id: Mapped[uuid.UUID] = _row("case.id")
    person_id: Mapped[uuid.UUID] = _row("person.id", index=False)
    kind: Mapped[str] = plain("C1", key(16))
    number: Mapped[int] = plain("C1", Integer)
    at: Mapped[datetime] = plain("C1", UTCDateTime)
    author_id: Mapped[uuid.UUID] = _row("staff.id", index=False)

    content = Sealed("support.content", _compartment_of, "C3")
    reason = Sealed("support.correction_reason", _compartment_of, "C3")


class ClinicalNote(Sealing, Model):
    """The C4 part of a psychosocial record, under a key of the record's own: its author and one clinical pair only (§4.1)."""

    __tablename__ = "clinical_note"
    __table_args__ = (UniqueConstraint("record_id", "number"),)
    __subject__ = "record_id"

    record_id: Mapped[uuid.UUID] = _row("support_record.id", index=False)
    case_id: Mapped[uuid.UUID] = _row("case.id")
    number: Mapped[int] = plain("C1", Integer)
    author_id: Mapped[uuid.UUID] = _row("staff.id", index=False)
    at: Mapped[datetime] = plain("C1", UTCDateTime)

    clinical_note = Sealed("note.clinical_note", Compartment.NOTE, "C4")
    crisis_plan_text = Sealed("note.crisis_plan_text", Compartment.NOTE, "C4")


class FollowUp(OfCase, Sealing, Model):
    """The next step with its date. Overdue is not a state: it is an open one whose day has passed."""

    __tablename__ = "follow_up"
    __table_args__ = (
        Index("ix_follow_up_case_id_status_due_on", "case_id", "status", "due_on"),
        CheckConstraint("status IN ('open', 'done', 'not_needed')", name="status"),
    )
    __subject__ = "person_id"

    case_id: Mapped[uuid.UUID] = _row("case.id", index=False)
    person_id: Mapped[uuid.UUID] = _row("person.id", index=False)
    record_id: Mapped[uuid.UUID | None] = _row("support_record.id", nullable=True)
    kind: Mapped[str] = plain("C1", key(16))
    due_on: Mapped[date] = plain("C1", Date)
    status: Mapped[str] = plain("C1", key(16))
    created_by: Mapped[uuid.UUID] = _row("staff.id", index=False)
    created_at: Mapped[datetime] = plain("C1", UTCDateTime)
    closed_by: Mapped[uuid.UUID | None] = _row("staff.id", index=False, nullable=True)
    closed_at: Mapped[datetime | None] = plain("C1", UTCDateTime)

    step = Sealed("follow_up.step", _compartment_of, "C3")
    closed_reason = Sealed("follow_up.closed_reason", _compartment_of, "C3")

    case: Mapped[Case] = relationship(lazy="joined", innerjoin=True)


class Draft(Sealing, Model):
    """An unfinished form, exactly as typed, under a key of its own. Only who typed it opens it."""

    __tablename__ = "draft"
    __table_args__ = (Index("ix_draft_staff_id_updated_at", "staff_id", "updated_at"),)

    staff_id: Mapped[uuid.UUID] = _row("staff.id", index=False)
    case_id: Mapped[uuid.UUID | None] = _row("case.id", nullable=True)
    form: Mapped[str] = plain("C1", key(32))
    created_at: Mapped[datetime] = plain("C1", UTCDateTime)
    updated_at: Mapped[datetime] = plain("C1", UTCDateTime)

    content = Sealed("draft.content", Compartment.DRAFT, "C4")

    @property
    def vault_subject(self) -> uuid.UUID:
        return self.id


class TimelineEntry(Model):
    """That something happened in a case: when, what kind of thing, which row tells more. No content."""

    __tablename__ = "timeline_entry"
    __table_args__ = (
        Index("ix_timeline_entry_case_id_at_id", "case_id", "at", "id"),
        Index("ix_timeline_entry_ref_id", "ref_id"),
    )

    case_id: Mapped[uuid.UUID] = _row("case.id", index=False)
    at: Mapped[datetime] = plain("C1", UTCDateTime)
    kind: Mapped[str] = plain("C1", key(32))
    ref_id: Mapped[uuid.UUID] = plain("C1", Uuid)
    actor_id: Mapped[uuid.UUID | None] = plain("C1", Uuid)
    struck: Mapped[bool] = plain("C1", Boolean, default=False)
