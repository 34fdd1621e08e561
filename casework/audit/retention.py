"""Retention of events: their details go, their hashes stay, and the tree goes on proving.

Two people are needed: one asks, another one approves. Then the bodies of events past the pack's retention class
`audit` are emptied, together with the columns and rows that say who and whom they concerned. The database's triggers
let exactly that happen and nothing else, and only with both signatures on record. The two events that say who asked and
who agreed are never emptied: without them verification believes no row (`casework.audit.retention_record`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, LargeBinary, and_, delete, func, literal, select, update

from casework.access.actor import SYSTEM, Actor
from casework.access.permissions import Permission
from casework.audit.boundary import acting
from casework.audit.models import (
    AuditCheckpoint,
    AuditEvent,
    AuditEventSubject,
    AuditLeaf,
    AuditRetentionApproval,
    AuditRetentionRequest,
)
from casework.audit.retention_record import AGREED, ASKED, commitment
from casework.audit.sequencer import sequence_all
from casework.audit.trail import about, committed_to, counted, use_case
from casework.audit.words import register as register_words
from casework.core import clock
from casework.core.database import db
from casework.core.errors import Conflict, InvalidInput, NotFound
from casework.core.ids import new_id
from casework.core.pack import load_pack
from casework.core.unit_of_work import unit_of_work

BATCH = 2000

KEPT = (ASKED, AGREED)

_event, _leaf, _subject = AuditEvent.__table__, AuditLeaf.__table__, AuditEventSubject.__table__

register_words(
    {
        ASKED: _l("It was asked that the details of old events be dropped"),
        AGREED: _l("Dropping the details of old events was approved"),
        "log.details_dropped": _l("The details of old events were dropped"),
    }
)


@dataclass(frozen=True, slots=True)
class Due:
    """`count` events below the index `up_to` were recorded before `cutoff` and still have their details."""

    cutoff: datetime
    up_to: int
    count: int


def cutoff_of_pack(country: str = "uz") -> datetime | None:
    """The moment before which events are past their retention; None when the pack keeps them for ever."""
    months = load_pack(country).retention["audit"].months
    if months is None:
        return None
    today = clock.now()
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    return datetime(year, month + 1, min(today.day, 28), tzinfo=UTC)


def due(cutoff: datetime | None = None) -> Due | None:
    """What could be dropped now, None when nothing. Only events under a signed checkpoint count."""
    cutoff = cutoff or cutoff_of_pack()
    signed = db.session.scalar(select(func.max(AuditCheckpoint.size))) or 0
    if cutoff is None or not signed:
        return None
    up_to = _first_index_from(cutoff, signed)
    count = db.session.scalar(
        select(func.count())
        .select_from(_leaf.join(_event, _event.c.event_uid == _leaf.c.event_uid))
        .where(_leaf.c.idx < up_to, _past(cutoff))
    )
    return Due(cutoff, up_to, count) if count else None


def _past(cutoff: datetime) -> ColumnElement[bool]:
    """Recorded before, with its details still there, and nobody's word about retention itself."""
    return and_(_event.c.recorded < cutoff, func.length(_event.c.body) > 0, _event.c.code.not_in(KEPT))


def _first_index_from(moment: datetime, size: int) -> int:
    """By halving: the indices stand in the order of time, give or take a transaction's length."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        recorded = db.session.scalar(
            select(_event.c.recorded)
            .join(_leaf, _leaf.c.event_uid == _event.c.event_uid)
            .where(_leaf.c.idx == middle)
        )
        if recorded is not None and recorded < moment:
            low = middle + 1
        else:
            high = middle
    return low


@use_case(permission=Permission.AUDIT_RETAIN, code=ASKED, action="C")
def request_retention(actor: Actor) -> AuditRetentionRequest:
    """Asks that what is due be dropped. InvalidInput when nothing is past its retention."""
    found = due()
    if found is None:
        raise InvalidInput({"_form": [_l("No event is past its retention.")]})
    asked = AuditRetentionRequest(
        id=new_id(),
        up_to=found.up_to,
        cutoff=found.cutoff,
        requested_by=actor.id,
        requested_at=clock.now(),
    )
    db.session.add(asked)
    about(asked)
    counted(found.count)
    committed_to(commitment(asked.up_to, asked.cutoff))
    return asked


@use_case(permission=Permission.AUDIT_RETAIN, code=AGREED, action="C")
def approve_retention(actor: Actor, request_id: uuid.UUID) -> None:
    """Agrees to what somebody else asked. InvalidInput for one's own request, Conflict when it was approved before."""
    asked = _request(request_id)
    about(asked)
    if asked.requested_by == actor.id:
        raise InvalidInput({"_form": [_l("Somebody else than the person who asked has to approve.")]})
    if db.session.get(AuditRetentionApproval, request_id) is not None:
        raise Conflict()
    db.session.add(
        AuditRetentionApproval(request_id=request_id, approved_by=actor.id, approved_at=clock.now())
    )


def open_requests() -> list[AuditRetentionRequest]:
    """Requests that nobody has approved yet, oldest first."""
    approved = select(AuditRetentionApproval.request_id)
    rows = select(AuditRetentionRequest).where(AuditRetentionRequest.id.not_in(approved))
    return list(db.session.scalars(rows.order_by(AuditRetentionRequest.id)))


def _request(request_id: uuid.UUID) -> AuditRetentionRequest:
    asked = db.session.get(AuditRetentionRequest, request_id)
    if asked is None:
        raise NotFound()
    return asked


@use_case(permission=Permission.LOG_KEEP, code="log.details_dropped", action="D")
def _drop_batch(actor: Actor, request_id: uuid.UUID, first: int, last: int) -> int:
    """Empties the events with index `first` up to, not including, `last`. Gives how many."""
    asked = _request(request_id)
    about(asked)
    uids = db.session.scalars(
        select(_event.c.event_uid)
        .join(_leaf, _leaf.c.event_uid == _event.c.event_uid)
        .where(
            _leaf.c.idx >= first,
            _leaf.c.idx < last,
            _past(asked.cutoff),
        )
    ).all()
    counted(len(uids))
    if uids:
        db.session.execute(
            update(_event)
            .where(_event.c.event_uid.in_(uids))
            .values(
                body=literal(b"", LargeBinary),
                agent_id=None,
                agent_role=None,
                entity_type=None,
                entity_id=None,
            )
        )
        db.session.execute(delete(_subject).where(_subject.c.event_uid.in_(uids)))
    return len(uids)


def run_retention(
    request_id: uuid.UUID, *, source: str, progress: Callable[[int, int], object] = lambda done, of: None
) -> int:
    """Does what was asked and approved, in short transactions with an event each. Gives how many events were emptied.

    Can be run again after an interruption. Conflict when nobody has approved it.
    """
    with unit_of_work(write=False):
        asked = _request(request_id)
        up_to, cutoff = asked.up_to, asked.cutoff
        if db.session.get(AuditRetentionApproval, request_id) is None:
            raise Conflict(_l("Nobody has approved this yet."))
    sequence_all()  # Who asked and who agreed stand in the tree before anything goes: verification believes only that.
    total = 0
    for first in range(0, up_to, BATCH):
        last = min(first + BATCH, up_to)
        with unit_of_work(write=False):
            left = _has_details(first, last, cutoff)
        if left:
            with acting(SYSTEM, source):
                total += _drop_batch(SYSTEM, request_id, first, last)
        progress(last, up_to)
    return total


def _has_details(first: int, last: int, cutoff: datetime) -> bool:
    found = (
        select(_leaf.c.idx)
        .join(_event, _event.c.event_uid == _leaf.c.event_uid)
        .where(
            _leaf.c.idx >= first,
            _leaf.c.idx < last,
            _past(cutoff),
        )
        .limit(1)
    )
    return db.session.scalar(found) is not None
