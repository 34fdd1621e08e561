"""Reading the log: by keyset, so that a page costs the same whatever the size of the log."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Select, and_, func, select

from casework.audit.models import AuditEvent, AuditEventSubject
from casework.core import clock
from casework.core.database import db

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


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=clock.ZONE)


def _narrowed(wanted: Filter) -> Select[AuditEvent]:
    events = select(AuditEvent)
    if wanted.since:
        events = events.where(AuditEvent.recorded >= _start_of(wanted.since))
    if wanted.until:
        events = events.where(AuditEvent.recorded < _start_of(wanted.until + timedelta(days=1)))
    if wanted.agent_id:
        events = events.where(AuditEvent.agent_id == wanted.agent_id)
    if wanted.code:
        events = events.where(AuditEvent.code == wanted.code)
    if wanted.outcome:
        events = events.where(AuditEvent.outcome == wanted.outcome)
    if wanted.subject_id:
        of_person = select(AuditEventSubject.event_uid).where(
            AuditEventSubject.subject_id == wanted.subject_id
        )
        events = events.where(AuditEvent.event_uid.in_(of_person))
    return events


@dataclass(frozen=True, slots=True)
class Page:
    """Events, newest first. `older` and `newer` are the ids to go on from, None at an end."""

    events: list[AuditEvent]
    older: int | None
    newer: int | None


def page_of_events(wanted: Filter, *, before: int | None = None, after: int | None = None) -> Page:
    """Up to 50 events older than `before`, or newer than `after`, or the newest."""
    events = _narrowed(wanted)
    if after is not None:
        rows = list(
            db.session.scalars(events.where(AuditEvent.id > after).order_by(AuditEvent.id).limit(PAGE + 1))
        )
        more, rows = len(rows) > PAGE, rows[:PAGE][::-1]
        return Page(rows, rows[-1].id if rows else None, rows[0].id if rows and more else None)
    if before is not None:
        events = events.where(AuditEvent.id < before)
    rows = list(db.session.scalars(events.order_by(AuditEvent.id.desc()).limit(PAGE + 1)))
    more, rows = len(rows) > PAGE, rows[:PAGE]
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


def newest_id() -> int:
    """The id of the newest event, 0 for an empty log."""
    return db.session.scalar(select(func.max(AuditEvent.id))) or 0


def bodies(wanted: Filter, up_to: int) -> Iterator[tuple[int, bytes, bytes]]:
    """(id, leaf hash, body) of each event, oldest first, streamed: memory stays flat."""
    narrowed = _narrowed(wanted).with_only_columns(AuditEvent.id, AuditEvent.leaf_hash, AuditEvent.body)
    last = 0
    with db.engine.connect() as connection:
        while True:
            rows = connection.execute(
                narrowed.where(and_(AuditEvent.id > last, AuditEvent.id <= up_to))
                .order_by(AuditEvent.id)
                .limit(1000)
            ).all()
            if not rows:
                return
            for row in rows:
                yield row.id, row.leaf_hash, row.body
            last = rows[-1].id
