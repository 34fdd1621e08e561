"""The table of documents on a case. Their content lies sealed in files named by their ids, under a key of each one's own."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, relationship

from casework.cases.models import Case, OfCase
from casework.core.columns import UTCDateTime, key, plain
from casework.core.database import Model
from casework.vault.grant import Compartment
from casework.vault.sealed import Sealed, Sealing


class Attachment(OfCase, Sealing, Model):
    """One document. `number` counts within the case and is never used again; `size` is of the cleaned content, in bytes.

    A removed one keeps its row without description, so that the log goes on naming something.
    """

    __tablename__ = "attachment"
    __table_args__ = (UniqueConstraint("case_id", "number"), Index("ix_attachment_person_id", "person_id"))

    case_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("case.id"))
    person_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("person.id"))
    number: Mapped[int] = plain("C1", Integer)
    media_type: Mapped[str] = plain("C1", key())
    size: Mapped[int] = plain("C1", Integer)
    added_by: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("staff.id"))
    added_at: Mapped[datetime] = plain("C1", UTCDateTime)
    removed_by: Mapped[uuid.UUID | None] = plain("C1", Uuid, ForeignKey("staff.id"))
    removed_at: Mapped[datetime | None] = plain("C1", UTCDateTime)

    description = Sealed("attachment.description", Compartment.FILE, "C3")

    case: Mapped[Case] = relationship(lazy="joined", innerjoin=True)

    @property
    def file_subject(self) -> uuid.UUID:
        """Whose key seals the content and the description."""
        return self.id
