"""The event: one JSON object on one line, keys in a fixed order, no floats, no personal content.

Meaning follows FHIR AuditEvent and the IHE Basic Audit Log Patterns: who, what, when, where, why, outcome.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Uuid, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY, psycopg

from casework.audit.models import AuditEvent, AuditEventSubject, AuditPending
from casework.core import clock
from casework.core.database import db
from casework.core.unit_of_work import after_commit, before_commit

_event, _pending, _subject = AuditEvent.__table__, AuditPending.__table__, AuditEventSubject.__table__

FORMAT = 1
MAX_BODY_BYTES = 65_535
"""A tile's entry bundle counts a body's bytes in 16 bits."""

Action = Literal["C", "R", "U", "D", "E"]
Outcome = Literal["success", "denied", "error"]


@dataclass(slots=True)
class EventDraft:
    """Everything an event says, before it is fixed as bytes. Ids only; never a name, a text or a raw address."""

    action: Action
    category: str
    code: str
    outcome: Outcome
    outcome_reason: str | None = None
    request_id: str | None = None
    agent_id: uuid.UUID | None = None
    agent_role: str | None = None
    agent_place: uuid.UUID | None = None
    session_hash: str | None = None
    purpose: str | None = None
    justification_id: uuid.UUID | None = None
    src_ip: str | None = None
    endpoint: str | None = None
    entity_type: str | None = None
    entity_id: uuid.UUID | None = None
    subject_ids: list[uuid.UUID] = field(default_factory=list)
    compartments: list[str] = field(default_factory=list)
    fields_accessed: list[str] = field(default_factory=list)
    query_hash: str | None = None
    result_count: int | None = None
    policy_version: int = 1
    break_glass: bool = False
    detail_commitment: str | None = None


class _Writer(threading.local):
    """Each writing thread numbers its events, so that a row deleted before it was sequenced leaves a hole."""

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.seq = 0
        self.planned = 0
        self.engine: object = None
        self.transaction: object = None
        self.unsure = False
        self.stamp = 0


_writer = _Writer()


def forget_writer() -> None:
    """A new identity for this thread: a forked worker must not go on under its parent's number."""
    _writer.id, _writer.seq, _writer.planned = uuid.uuid4(), 0, 0
    _writer.engine, _writer.transaction, _writer.unsure = None, None, False
    _writer.stamp = 0


os.register_at_fork(after_in_child=forget_writer)


def _plan_in(transaction: object) -> None:
    """Numbers that an earlier transaction planned and did not keep are free again.

    When its commit was tried and no answer came, nobody knows whether they are taken: then a new identity writes on.
    """
    if _writer.transaction is transaction:
        return
    if _writer.unsure:
        _writer.id, _writer.seq, _writer.unsure = uuid.uuid4(), 0, False
    _writer.planned, _writer.transaction = _writer.seq, transaction


def _next_uid(recorded: datetime) -> uuid.UUID:
    """A UUIDv7 above all others of this writer: milliseconds and 12 bits of a fraction (RFC 9562 section 6.2, method 3).

    The sequencer takes what waits in the order of these, so they must keep the order of the writer's numbers also within
    a millisecond and after a clock was set back.
    """
    microseconds = (recorded - _EPOCH) // timedelta(microseconds=1)
    _writer.stamp = max((microseconds << 12) // 1000, _writer.stamp + 1)
    milliseconds, fraction = divmod(_writer.stamp, 1 << 12)
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | secrets.randbits(62))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def leaf_hash(body: bytes) -> bytes:
    """RFC 6962 leaf hash: SHA-256 of 0x00 and the body."""
    return hashlib.sha256(b"\x00" + body).digest()


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def body_of(
    draft: EventDraft, event_uid: uuid.UUID, recorded: datetime, writer_id: uuid.UUID, writer_seq: int
) -> bytes:
    """The exact line that is stored, hashed and exported."""

    def text(value: Any) -> Any:
        return str(value) if isinstance(value, uuid.UUID) else value

    line = {
        "v": FORMAT,
        "event_uid": str(event_uid),
        "recorded": timestamp(recorded),
        "request_id": draft.request_id,
        "writer_id": str(writer_id),
        "writer_seq": writer_seq,
        "action": draft.action,
        "category": draft.category,
        "code": draft.code,
        "outcome": draft.outcome,
        "outcome_reason": draft.outcome_reason,
        "agent_id": text(draft.agent_id),
        "agent_role": draft.agent_role,
        "agent_place": text(draft.agent_place),
        "session_hash": draft.session_hash,
        "purpose": draft.purpose,
        "justification_id": text(draft.justification_id),
        "src_ip": draft.src_ip,
        "endpoint": draft.endpoint,
        "entity_type": draft.entity_type,
        "entity_id": text(draft.entity_id),
        "subject_ids": [str(subject) for subject in draft.subject_ids],
        "compartments": list(draft.compartments),
        "fields_accessed": list(draft.fields_accessed),
        "query_hash": draft.query_hash,
        "result_count": draft.result_count,
        "policy_version": draft.policy_version,
        "break_glass": draft.break_glass,
        "detail_commitment": draft.detail_commitment,
    }
    body = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > MAX_BODY_BYTES:
        raise ValueError("an audit event is larger than a log entry may be")
    return body


def write(draft: EventDraft) -> uuid.UUID:
    """Inserts the event and its place in the outbox into the open transaction. Returns its uid."""
    return write_many([draft])[0]


def write_many(drafts: Iterable[EventDraft]) -> list[uuid.UUID]:
    """Several events of one transaction, in order: three statements in all."""
    session = db.session()
    engine = session.connection().engine
    if _writer.engine is not engine:  # another database has its own numbers
        forget_writer()
        _writer.engine = engine
    _plan_in(session.get_transaction())
    events: list[dict[str, Any]] = []
    pending: list[dict[str, Any]] = []
    subjects: list[dict[str, Any]] = []
    uids: list[uuid.UUID] = []
    for draft in drafts:
        recorded = clock.now()
        event_uid = _next_uid(recorded)
        _writer.planned += 1
        body = body_of(draft, event_uid, recorded, _writer.id, _writer.planned)
        uids.append(event_uid)
        pending.append({"event_uid": event_uid})
        events.append(
            {
                "event_uid": event_uid,
                "body": body,
                "leaf_hash": leaf_hash(body),
                "recorded": recorded,
                "writer_id": _writer.id,
                "writer_seq": _writer.planned,
                "action": draft.action,
                "category": draft.category,
                "code": draft.code,
                "outcome": draft.outcome,
                "agent_id": draft.agent_id,
                "agent_role": draft.agent_role,
                "entity_type": draft.entity_type,
                "entity_id": draft.entity_id,
            }
        )
        subjects.extend(
            {"subject_id": subject, "event_uid": event_uid} for subject in dict.fromkeys(draft.subject_ids)
        )
    if len(events) == 1 and engine.dialect.name == "postgresql":
        people = [row["subject_id"] for row in subjects]
        session.connection().exec_driver_sql(
            _IN_ONE, {f"the_{name}": value for name, value in events[0].items()} | {"people": people}
        )
    else:
        session.execute(insert(_event), events)
        session.execute(insert(_pending), pending)
        if subjects:
            session.execute(insert(_subject), subjects)
    reached = _writer.planned
    before_commit(_be_unsure)
    after_commit(lambda: _advance(reached))
    return uids


def _all_in_one() -> str:
    """One event with its place in the outbox and its people as one statement, which saves two ways to the server.

    Every write goes through it, so it is made into SQL once: making it anew, or looking up that it was made, would cost as
    much of the processor as the server needs for it.
    """
    uid = bindparam("the_event_uid", type_=Uuid())
    names = [column.name for column in _event.columns if column.name != "id"]
    event = insert(_event).values(
        {name: bindparam(f"the_{name}", type_=_event.c[name].type) for name in names}
    )
    pending = insert(_pending).values(event_uid=uid)
    people = select(func.unnest(bindparam("people", type_=ARRAY(Uuid()))), uid)
    whole = (
        insert(_subject)
        .from_select(["subject_id", "event_uid"], people)
        .add_cte(event.cte("event"), pending.cte("pending"))
    )
    return str(whole.compile(dialect=psycopg.dialect()))  # type: ignore[no-untyped-call]


_IN_ONE = _all_in_one()


def _be_unsure() -> None:
    _writer.unsure = True


def _advance(reached: int) -> None:
    _writer.seq, _writer.unsure = reached, False


def replan() -> None:
    """After a rollback: the numbers that were planned are free again."""
    _plan_in(None)
