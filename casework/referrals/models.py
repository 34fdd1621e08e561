"""Tables of the referrals room.

What travels is sealed under a key of the referral's own (compartment PACKAGE, subject = the referral), so that a
recipient opens it without any key of the person, and so that it ends for everybody when that key is destroyed. What the
sending office tells itself (why without consent, why returned) is sealed under a second key of the referral, which the
recipient never gets. A request to the domain of community work has no person and no case: the table cannot hold the link.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Uuid
from sqlalchemy.orm import Mapped, relationship

from casework.cases.models import Case
from casework.core.columns import UTCDateTime, key, plain
from casework.core.database import Model
from casework.referrals.workflow import Action, State
from casework.vault.grant import Compartment
from casework.vault.sealed import Sealed, Sealing

INSIDE = Compartment.CORE
"""The key of what stays inside the sending office; its subject is the referral, never the person."""


class Referral(Sealing, Model):
    """One referral to one domain: where it stands, when it is due, and its sealed package."""

    __tablename__ = "referral"
    __table_args__ = (
        CheckConstraint("(person_id IS NULL) = (case_id IS NULL)", name="person_with_case"),
        CheckConstraint("domain <> 'countering_terrorist_ideas' OR person_id IS NULL", name="community_only"),
        CheckConstraint(
            "person_id IS NULL OR consent_id IS NOT NULL OR lawful_basis IS NOT NULL", name="basis_stated"
        ),
        Index("ix_referral_case", "case_id", "id"),
        Index("ix_referral_review", "office_id", "status", "submitted_at", "id"),
        Index("ix_referral_office", "office_id", "id"),
        Index("ix_referral_author", "author_id", "status", "id"),
        Index("ix_referral_district_inbox", "domain", "to_place_id", "status", "due_at", "id"),
        Index("ix_referral_region_inbox", "domain", "to_region_id", "status", "due_at", "id"),
        Index("ix_referral_status_changed", "status", "changed_at"),
    )

    case_id: Mapped[uuid.UUID | None] = plain("C1", Uuid, ForeignKey("case.id"))
    person_id: Mapped[uuid.UUID | None] = plain("C1", Uuid, ForeignKey("person.id"), index=True)
    display_code: Mapped[str | None] = plain("C1", key(16))
    domain: Mapped[str] = plain("C1", key())
    office_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("place.id"))
    to_place_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("place.id"))
    to_region_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("place.id"))
    author_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("staff.id"))
    reviewer_id: Mapped[uuid.UUID | None] = plain("C1", Uuid, ForeignKey("staff.id"))
    officer_id: Mapped[uuid.UUID | None] = plain("C1", Uuid, ForeignKey("staff.id"))
    status: Mapped[str] = plain("C1", key())
    urgency: Mapped[str] = plain("C1", key())
    channel: Mapped[str] = plain("C1", key())
    consent_id: Mapped[uuid.UUID | None] = plain("C1", Uuid, ForeignKey("consent.id"), index=True)
    lawful_basis: Mapped[str | None] = plain("C1", key())
    decline_reason: Mapped[str | None] = plain("C1", key())
    outcome: Mapped[str | None] = plain("C1", key())
    created_at: Mapped[datetime] = plain("C1", UTCDateTime)
    changed_at: Mapped[datetime] = plain("C1", UTCDateTime)
    submitted_at: Mapped[datetime | None] = plain("C1", UTCDateTime)
    sent_at: Mapped[datetime | None] = plain("C1", UTCDateTime)
    due_at: Mapped[datetime | None] = plain("C1", UTCDateTime)
    answered_at: Mapped[datetime | None] = plain("C1", UTCDateTime)
    closed_at: Mapped[datetime | None] = plain("C1", UTCDateTime)
    package_gone_at: Mapped[datetime | None] = plain("C1", UTCDateTime)
    version: Mapped[int] = plain("C1", Integer)

    reason_code = Sealed("referral.reason_code", Compartment.PACKAGE, "C3")
    need_summary = Sealed("referral.need_summary", Compartment.PACKAGE, "C3")
    dataset = Sealed("referral.dataset", Compartment.PACKAGE, "C3")
    service_outcome = Sealed("referral.service_outcome", Compartment.PACKAGE, "C3")
    basis_note = Sealed("referral.basis_note", INSIDE, "C3")

    __mapper_args__ = {"version_id_col": version}

    case: Mapped[Case | None] = relationship(lazy="select", viewonly=True)

    @property
    def vault_subject(self) -> uuid.UUID:
        """Whose keys: the referral's own."""
        return self.id

    @property
    def audit_subjects(self) -> tuple[uuid.UUID, ...]:
        """The person it is about; nobody for a community's request."""
        return (self.person_id,) if self.person_id else ()

    @property
    def state(self) -> State:
        """The status as a state of the table."""
        return State(self.status)


def _compartment_of_step(step: Any) -> Compartment:
    return INSIDE if step.action in (Action.RETURN, Action.WITHDRAW) else Compartment.PACKAGE


class ReferralStep(Sealing, Model):
    """One move of a referral. Insert-only: triggers refuse a change. `actor_id` None is the installation."""

    __tablename__ = "referral_step"
    __table_args__ = (Index("ix_referral_step_referral", "referral_id", "id"),)
    __subject__ = "referral_id"
    __insert_only__ = True

    referral_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("referral.id"))
    at: Mapped[datetime] = plain("C1", UTCDateTime)
    actor_id: Mapped[uuid.UUID | None] = plain("C1", Uuid, ForeignKey("staff.id"))
    action: Mapped[str] = plain("C1", key(32))
    from_status: Mapped[str] = plain("C1", key())
    to_status: Mapped[str] = plain("C1", key())
    reason_code: Mapped[str | None] = plain("C1", key())

    text = Sealed("referral_step.text", _compartment_of_step, "C3")

    @property
    def compartment(self) -> Compartment:
        """Which of the referral's two keys seals the text."""
        return _compartment_of_step(self)
