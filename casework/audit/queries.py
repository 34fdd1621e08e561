"""Reading the log: by keyset, so that a page costs the same whatever the size of the log."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, get_args

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute

from casework.audit.event import Outcome
from casework.audit.models import (
    AuditCheckpoint,
    AuditEvent,
    AuditEventSubject,
    AuditExportJob,
    AuditLeaf,
    AuditRetentionApproval,
    AuditRetentionRequest,
    AuditVerification,
)
from casework.core import clock
from casework.core.database import db
from casework.core.errors import NotFound

PAGE = 50


@dataclass(frozen=True, slots=True)
class Filter:
    """`since` and `until` are local days, both included; None does not narrow."""

    since: date | None = None
    until: date | None = None
    agent_id: uuid.UUID | None = None
    subject_id: uuid.UUID | None = None
    code: str | None = None
    outcome: str | None = None


def start_of(day: date) -> datetime:
    """The first moment of a local day."""
    return datetime.combine(day, time.min, tzinfo=clock.ZONE)


def _narrowed(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.since:
        conditions.append(AuditEvent.recorded >= start_of(wanted.since))
    if wanted.until:
        conditions.append(AuditEvent.recorded < start_of(wanted.until + timedelta(days=1)))
    if wanted.agent_id:
        conditions.append(AuditEvent.agent_id == wanted.agent_id)
    if wanted.code:
        conditions.append(AuditEvent.code == wanted.code)
    if wanted.outcome:
        conditions.append(AuditEvent.outcome == wanted.outcome)
    return conditions


def _walks(wanted: Filter) -> list[Filter]:
    """The same events as one walk, or as one for each outcome.

    The indexes name the outcome before the moment. Whoever asks for a member of staff or a code without an outcome walks
    its three parts side by side: each is in order already, and of each no more is read than fits on a page.
    """
    if wanted.outcome or not (wanted.agent_id or wanted.code):
        return [wanted]
    return [replace(wanted, outcome=outcome) for outcome in get_args(Outcome)]


Reach = Callable[[Select[Any]], Select[Any]]
"""Where a page begins, in which order it goes on and how far."""


def _of_everybody(wanted: Filter, reach: Reach) -> Select[AuditEvent]:
    """Up to a page of events by their moments. Each walk is a part of one index, whatever the filter combines."""
    walks = [
        select(reach(select(AuditEvent.id).where(*_narrowed(each))).subquery().c.id)
        for each in _walks(wanted)
    ]
    return reach(select(AuditEvent).where(AuditEvent.id.in_(union_all(*walks))))


def _of_person(wanted: Filter, reach: Reach) -> Select[AuditEvent]:
    """Up to a page of the events about one person: that person's own entries, whose UUIDs sort by time."""
    events = select(AuditEvent).join(AuditEventSubject, AuditEventSubject.event_uid == AuditEvent.event_uid)
    return reach(events.where(AuditEventSubject.subject_id == wanted.subject_id, *_narrowed(wanted)))


def _place_of(event_id: int, keys: Sequence[InstrumentedAttribute[Any]]) -> list[ColumnElement[Any]] | None:
    """Where a page goes on: the keys of the event with this id, None when there is no such event.

    Looked up beforehand: a row compared with a subquery is no condition that PostgreSQL finds by index.
    """
    columns = [AuditEvent.__table__.c[key.key] for key in keys]
    found = db.session.execute(select(*columns).where(AuditEvent.id == event_id)).one_or_none()
    return (
        [literal(value, column.type) for value, column in zip(found, columns, strict=True)] if found else None
    )


@dataclass(frozen=True, slots=True)
class Page:
    """Events, newest first. `older` and `newer` are the ids to go on from, None at an end."""

    events: list[AuditEvent]
    older: int | None
    newer: int | None


def page_of_events(
    wanted: Filter, *, before: int | None = None, after: int | None = None, size: int = PAGE
) -> Page:
    """Up to `size` events older than `before`, or newer than `after`, or the newest. Two statements at most."""
    find, keys = (
        (_of_person, (AuditEventSubject.event_uid,))
        if wanted.subject_id
        else (_of_everybody, (AuditEvent.recorded, AuditEvent.id))
    )
    cursor = before if after is None else after
    place = None if cursor is None else _place_of(cursor, keys)
    here = tuple_(*keys)

    def reach(events: Select[Any]) -> Select[Any]:
        if place is not None:
            events = events.where(here < tuple_(*place) if after is None else here > tuple_(*place))
        return events.order_by(*(key.desc() if after is None else key for key in keys)).limit(size + 1)

    rows = list(db.session.scalars(find(wanted, reach)))
    more, rows = len(rows) > size, rows[:size]
    if after is not None:
        rows.reverse()
        return Page(rows, rows[-1].id if rows else None, rows[0].id if rows and more else None)
    return Page(
        rows, rows[-1].id if rows and more else None, rows[0].id if rows and before is not None else None
    )


def event_with_uid(event_uid: uuid.UUID) -> AuditEvent | None:
    """One event."""
    return db.session.scalar(select(AuditEvent).where(AuditEvent.event_uid == event_uid))


def subjects_of(event_uids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Whom each of these events concerns, in one query."""
    wanted = list(event_uids)
    found: dict[uuid.UUID, list[uuid.UUID]] = {uid: [] for uid in wanted}
    rows = select(AuditEventSubject.event_uid, AuditEventSubject.subject_id).where(
        AuditEventSubject.event_uid.in_(wanted)
    )
    for uid, subject in db.session.execute(rows):
        found[uid].append(subject)
    return found


def indices_of_days(since: date | None, until: date | None) -> tuple[int, int | None]:
    """(first index, index after the last) of the events of these local days; None for the log's end.

    The indices stand in the order of time but for a transaction's length, or a clock that was set back: some events of
    other days may come along, none of these days is left out. Costs what so many events cost.
    """
    if since is None and until is None:
        return 0, None
    ends = select(func.min(AuditLeaf.idx), func.max(AuditLeaf.idx) + 1)
    ends = ends.join(AuditEvent, AuditEvent.event_uid == AuditLeaf.event_uid)
    if since:
        ends = ends.where(AuditEvent.recorded >= start_of(since))
    if until:
        ends = ends.where(AuditEvent.recorded < start_of(until + timedelta(days=1)))
    found: tuple[int | None, ...] = tuple(db.session.execute(ends).one())
    return found[0] or 0, found[1] or 0


def exports_of(staff_id: uuid.UUID, limit: int = 20) -> list[AuditExportJob]:
    """Somebody's exports, the newest first."""
    wanted = select(AuditExportJob).where(AuditExportJob.requested_by == staff_id)
    return list(db.session.scalars(wanted.order_by(AuditExportJob.requested_at.desc()).limit(limit)))


def export_of(staff_id: uuid.UUID, job_id: uuid.UUID) -> AuditExportJob:
    """One export of this person; `NotFound` for one of anybody else's."""
    wanted = select(AuditExportJob).where(
        AuditExportJob.id == job_id, AuditExportJob.requested_by == staff_id
    )
    found: AuditExportJob | None = db.session.scalar(wanted)
    if found is None:
        raise NotFound()
    return found


def unfinished_verification() -> AuditVerification | None:
    """A verification that waits or runs."""
    wanted = select(AuditVerification).where(AuditVerification.state.in_(("waiting", "running")))
    return db.session.scalars(wanted.order_by(AuditVerification.requested_at).limit(1)).first()


def last_verification() -> AuditVerification | None:
    """The newest verification that came to an end."""
    wanted = select(AuditVerification).where(AuditVerification.state.in_(("done", "failed")))
    return db.session.scalars(wanted.order_by(AuditVerification.requested_at.desc()).limit(1)).first()


def newest_checkpoint() -> AuditCheckpoint | None:
    """The newest signed checkpoint."""
    return db.session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.size.desc()).limit(1)).first()


def approved_requests(limit: int = 5) -> list[AuditRetentionRequest]:
    """The newest requests that somebody else approved."""
    approved = select(AuditRetentionRequest).join(
        AuditRetentionApproval, AuditRetentionApproval.request_id == AuditRetentionRequest.id
    )
    return list(db.session.scalars(approved.order_by(AuditRetentionApproval.approved_at.desc()).limit(limit)))
