"""Tables of the audit log. All but `audit_pending` and `audit_state` are insert-only, and triggers see to it."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, ForeignKey, Index, Integer, LargeBinary, String, Text, Uuid
from sqlalchemy.orm import Mapped

from casework.core.columns import UTCDateTime, plain
from casework.core.database import db

RowNumber = BigInteger().with_variant(Integer, "sqlite")

INSERT_ONLY = (
    "audit_event",
    "audit_leaf",
    "audit_checkpoint",
    "audit_event_subject",
    "audit_retention_request",
    "audit_retention_approval",
)
"""One way leads past the triggers: an approved retention request lets the details of old events be emptied."""


class AuditEvent(db.Model):  # type: ignore[name-defined,misc]
    """One event. `body` is the exact JSON line, kept verbatim; the other columns are copies of it to search by."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_recorded_id", "recorded", "id"),
        Index("ix_audit_event_outcome_recorded_id", "outcome", "recorded", "id"),
        Index("ix_audit_event_agent_id_outcome_recorded_id", "agent_id", "outcome", "recorded", "id"),
        Index("ix_audit_event_code_outcome_recorded_id", "code", "outcome", "recorded", "id"),
        Index(
            "ix_audit_event_agent_id_code_outcome_recorded_id",
            "agent_id",
            "code",
            "outcome",
            "recorded",
            "id",
        ),
        Index("ix_audit_event_entity_id_recorded", "entity_id", "recorded"),
    )

    id: Mapped[int] = plain("C1", RowNumber, primary_key=True, autoincrement=True)
    event_uid: Mapped[uuid.UUID] = plain("C1", Uuid, unique=True)
    body: Mapped[bytes] = plain("C1", LargeBinary)
    leaf_hash: Mapped[bytes] = plain("C1", LargeBinary)
    recorded: Mapped[datetime] = plain("C1", UTCDateTime)
    writer_id: Mapped[uuid.UUID] = plain("C1", Uuid)
    writer_seq: Mapped[int] = plain("C1", BigInteger)
    action: Mapped[str] = plain("C1", String(1))
    category: Mapped[str] = plain("C1", String(32))
    code: Mapped[str] = plain("C1", String(64))
    outcome: Mapped[str] = plain("C1", String(16))
    agent_id: Mapped[uuid.UUID | None] = plain("C1", Uuid)
    agent_role: Mapped[str | None] = plain("C1", String(32))
    entity_type: Mapped[str | None] = plain("C1", String(32))
    entity_id: Mapped[uuid.UUID | None] = plain("C1", Uuid)

    @property
    def audit_entity(self) -> uuid.UUID:
        """What an event about this event names."""
        return self.event_uid


class AuditPending(db.Model):  # type: ignore[name-defined,misc]
    """The outbox: written with the event, deleted by the sequencer when the event has its index."""

    __tablename__ = "audit_pending"

    event_uid: Mapped[uuid.UUID] = plain("C1", Uuid, primary_key=True)


class AuditLeaf(db.Model):  # type: ignore[name-defined,misc]
    """The place of one event in the Merkle tree."""

    __tablename__ = "audit_leaf"

    idx: Mapped[int] = plain("C1", RowNumber, primary_key=True, autoincrement=False)
    event_uid: Mapped[uuid.UUID] = plain("C1", Uuid, unique=True)
    leaf_hash: Mapped[bytes] = plain("C1", LargeBinary)


class AuditTile(db.Model):  # type: ignore[name-defined,misc]
    """One tile of the tree (C2SP tlog-tiles): up to 256 hashes of 32 bytes."""

    __tablename__ = "audit_tile"

    level: Mapped[int] = plain("C1", Integer, primary_key=True)
    n: Mapped[int] = plain("C1", BigInteger, primary_key=True)
    width: Mapped[int] = plain("C1", Integer)
    hashes: Mapped[bytes] = plain("C1", LargeBinary)


class AuditCheckpoint(db.Model):  # type: ignore[name-defined,misc]
    """A signed statement of the tree's size and root."""

    __tablename__ = "audit_checkpoint"

    size: Mapped[int] = plain("C1", RowNumber, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = plain("C1", LargeBinary)
    note: Mapped[str] = plain("C1", Text)
    signed_at: Mapped[datetime] = plain("C1", UTCDateTime)


class AuditEventSubject(db.Model):  # type: ignore[name-defined,misc]
    """Whom an event concerns: answers "who saw my data"."""

    __tablename__ = "audit_event_subject"
    __table_args__ = (Index("ix_audit_event_subject_event_uid", "event_uid"),)

    subject_id: Mapped[uuid.UUID] = plain("C1", Uuid, primary_key=True)
    event_uid: Mapped[uuid.UUID] = plain("C1", Uuid, primary_key=True)


class AuditState(db.Model):  # type: ignore[name-defined,misc]
    """One row: how far the tree reaches, and its right edge."""

    __tablename__ = "audit_state"

    id: Mapped[int] = plain("C1", Integer, primary_key=True, autoincrement=False)
    size: Mapped[int] = plain("C1", BigInteger)
    frontier: Mapped[bytes] = plain("C1", LargeBinary)


class AuditRetentionRequest(db.Model):  # type: ignore[name-defined,misc]
    """Somebody asked that the details of events below the index `up_to`, recorded before `cutoff`, be dropped."""

    __tablename__ = "audit_retention_request"

    id: Mapped[uuid.UUID] = plain("C1", Uuid, primary_key=True)
    up_to: Mapped[int] = plain("C1", BigInteger)
    cutoff: Mapped[datetime] = plain("C1", UTCDateTime)
    requested_by: Mapped[uuid.UUID] = plain("C1", Uuid)
    requested_at: Mapped[datetime] = plain("C1", UTCDateTime)


class AuditRetentionApproval(db.Model):  # type: ignore[name-defined,misc]
    """Somebody else agreed."""

    __tablename__ = "audit_retention_approval"

    request_id: Mapped[uuid.UUID] = plain(
        "C1", Uuid, ForeignKey("audit_retention_request.id"), primary_key=True
    )
    approved_by: Mapped[uuid.UUID] = plain("C1", Uuid)
    approved_at: Mapped[datetime] = plain("C1", UTCDateTime)


class AuditExportJob(db.Model):  # type: ignore[name-defined,misc]
    """An export that somebody asked for in the page. Its reason stands as a fingerprint with its salt, never as text.

    `state`: waiting, running, done, failed, dropped (the file is gone). `problem` is a key of why it failed.
    """

    __tablename__ = "audit_export_job"
    __table_args__ = (
        Index("ix_audit_export_job_state_requested_at", "state", "requested_at"),
        Index("ix_audit_export_job_requested_by_requested_at", "requested_by", "requested_at"),
    )

    id: Mapped[uuid.UUID] = plain("C1", Uuid, primary_key=True)
    requested_by: Mapped[uuid.UUID] = plain("C1", Uuid)
    requested_at: Mapped[datetime] = plain("C1", UTCDateTime)
    form: Mapped[str] = plain("C1", String(8))
    since: Mapped[date | None] = plain("C1", Date)
    until: Mapped[date | None] = plain("C1", Date)
    salt: Mapped[bytes] = plain("C1", LargeBinary)
    reason_commitment: Mapped[bytes] = plain("C1", LargeBinary)
    state: Mapped[str] = plain("C1", String(16))
    problem: Mapped[str | None] = plain("C1", String(32))
    done: Mapped[int] = plain("C1", BigInteger)
    total: Mapped[int] = plain("C1", BigInteger)
    count: Mapped[int | None] = plain("C1", BigInteger)
    digest: Mapped[bytes | None] = plain("C1", LargeBinary)
    file_size: Mapped[int | None] = plain("C1", BigInteger)
    finished_at: Mapped[datetime | None] = plain("C1", UTCDateTime)


class AuditVerification(db.Model):  # type: ignore[name-defined,misc]
    """One verification of the live log: asked for, and what was found. `kind` and `idx` name the first break.

    `state`: waiting, running, done, failed (it could not be verified at all).
    """

    __tablename__ = "audit_verification"
    __table_args__ = (Index("ix_audit_verification_state_requested_at", "state", "requested_at"),)

    id: Mapped[uuid.UUID] = plain("C1", Uuid, primary_key=True)
    requested_by: Mapped[uuid.UUID | None] = plain("C1", Uuid)
    requested_at: Mapped[datetime] = plain("C1", UTCDateTime, index=True)
    state: Mapped[str] = plain("C1", String(16))
    finished_at: Mapped[datetime | None] = plain("C1", UTCDateTime)
    ok: Mapped[bool | None] = plain("C1", Boolean)
    checked: Mapped[int | None] = plain("C1", BigInteger)
    size: Mapped[int | None] = plain("C1", BigInteger)
    kind: Mapped[str | None] = plain("C1", String(32))
    idx: Mapped[int | None] = plain("C1", BigInteger)
