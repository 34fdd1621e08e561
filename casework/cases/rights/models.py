"""Requests of people about their data (data dictionary §3.15), what retention approved, and proof of what was destroyed."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, Uuid
from sqlalchemy.orm import Mapped, relationship

from casework.cases.models import Case, OfCase
from casework.core.columns import UTCDateTime, key, plain
from casework.core.database import Model
from casework.vault.grant import Compartment
from casework.vault.sealed import Sealed, Sealing


class DataRequest(OfCase, Sealing, Model):
    """One request of a person about their data. `decision` None: nobody has decided; `done_on` None: not answered yet."""

    __tablename__ = "data_request"
    __table_args__ = (
        Index("ix_data_request_case_id_id", "case_id", "id"),
        CheckConstraint("decision IN ('granted', 'partly', 'refused')", name="decision"),
        CheckConstraint(
            "type <> 'destruction' OR decided_by IS NULL OR decided_by <> recorded_by", name="two_people"
        ),
    )
    __subject__ = "person_id"

    case_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("case.id"))
    person_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("person.id"))
    type: Mapped[str] = plain("C1", key(32))
    received_on: Mapped[date] = plain("C1", Date)
    identity_checked: Mapped[bool] = plain("C1", Boolean)
    due_on: Mapped[date] = plain("C1", Date)
    recorded_by: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("staff.id"))
    recorded_at: Mapped[datetime] = plain("C1", UTCDateTime)
    decision: Mapped[str | None] = plain("C1", key(16))
    decided_by: Mapped[uuid.UUID | None] = plain("C1", Uuid, ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None] = plain("C1", UTCDateTime)
    done_on: Mapped[date | None] = plain("C1", Date)
    done_by: Mapped[uuid.UUID | None] = plain("C1", Uuid)
    version: Mapped[int] = plain("C1", Integer)
    __mapper_args__ = {"version_id_col": version}

    asked = Sealed("data_request.asked", Compartment.CORE, "C2")
    reason = Sealed("data_request.reason", Compartment.CORE, "C2")

    case: Mapped[Case] = relationship(lazy="joined", innerjoin=True)

    @property
    def approved(self) -> bool:
        """Somebody decided to do what was asked."""
        return self.decision in ("granted", "partly")

    @property
    def destroys(self) -> bool:
        """The person asks that everything be destroyed."""
        return self.type == "destruction"


class RetentionApproval(Model):
    """A supervisor agreed that the record of one case, past its retention, be destroyed."""

    __tablename__ = "retention_approval"
    __table_args__ = (Index("ix_retention_approval_person_id", "person_id"),)

    case_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("case.id"), unique=True)
    person_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("person.id"))
    office_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("place.id"))
    retention_class: Mapped[str] = plain("C1", key(32))
    approved_by: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("staff.id"))
    approved_at: Mapped[datetime] = plain("C1", UTCDateTime)


class Disposal(Sealing, Model):
    """That a person's data were destroyed: when, why, who agreed, how much. It says nothing of the person but the code.

    `counts` are numbers by kind. The reason is sealed under a key of the disposal's own.
    """

    __tablename__ = "disposal"
    __table_args__ = (CheckConstraint("cause IN ('request', 'retention')", name="cause"),)

    person_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("person.id"), unique=True)
    case_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("case.id"))
    display_code: Mapped[str] = plain("C1", key(7))
    at: Mapped[datetime] = plain("C1", UTCDateTime)
    cause: Mapped[str] = plain("C1", key(16))
    request_id: Mapped[uuid.UUID | None] = plain("C1", Uuid, ForeignKey("data_request.id"))
    recorded_role: Mapped[str] = plain("C1", key(32))
    approved_by: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("staff.id"))
    approved_role: Mapped[str] = plain("C1", key(32))
    done_role: Mapped[str] = plain("C1", key(32))
    counts: Mapped[dict[str, Any]] = plain("C1", JSON)

    reason = Sealed("disposal.reason", Compartment.CORE, "C2")

    case: Mapped[Case] = relationship(lazy="joined", innerjoin=True)

    @property
    def audit_subjects(self) -> tuple[uuid.UUID, ...]:
        return (self.person_id,)

    @property
    def vault_subject(self) -> uuid.UUID:
        return self.id
