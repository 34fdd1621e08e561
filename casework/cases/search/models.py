"""Tables of the search: one sealed document for each person, digests of numbers, what changed, how often somebody searched."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Uuid, func
from sqlalchemy.orm import Mapped

from casework.core.columns import UTCDateTime, key, plain
from casework.core.database import Model, db
from casework.vault.documents import COMPARTMENT, FIELD
from casework.vault.sealed import Sealed, Sealing

RowNumber = BigInteger().with_variant(Integer, "sqlite")


class SearchDocument(Sealing, Model):
    """The names of one person as the search compares them, and the birth date. `version`: that of the rules."""

    __tablename__ = "search_document"

    id: Mapped[uuid.UUID] = plain("C1", "person_id", Uuid, ForeignKey("person.id"), primary_key=True)
    version: Mapped[int] = plain("C1", Integer)
    updated_at: Mapped[datetime] = plain("C1", UTCDateTime)

    document = Sealed(FIELD, COMPARTMENT, "C2")


class ExactIndex(db.Model):  # type: ignore[name-defined,misc]
    """A digest of one number of a person, under the index key `key_id`. Nothing here is unique but the row."""

    __tablename__ = "exact_index"
    __table_args__ = (Index("ix_exact_index_digest_kind", "digest", "kind"),)

    person_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("person.id"), primary_key=True)
    kind: Mapped[str] = plain("C1", key(), primary_key=True)
    digest: Mapped[bytes] = plain("C1", LargeBinary, primary_key=True)
    key_id: Mapped[str] = plain("C1", String(16), index=True)


class SearchChange(db.Model):  # type: ignore[name-defined,misc]
    """That a person's document, or who may see the person, has changed. Triggers write it; hours later it is dropped."""

    __tablename__ = "search_change"

    id: Mapped[int] = plain("C1", RowNumber, primary_key=True, autoincrement=True)
    person_id: Mapped[uuid.UUID] = plain("C1", Uuid)
    at: Mapped[datetime] = plain("C1", UTCDateTime, server_default=func.current_timestamp())


class SearchCount(db.Model):  # type: ignore[name-defined,misc]
    """How many searches a member of staff made since `began_at`."""

    __tablename__ = "search_count"

    staff_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("staff.id"), primary_key=True)
    began_at: Mapped[datetime] = plain("C1", UTCDateTime)
    number: Mapped[int] = plain("C1", Integer)
