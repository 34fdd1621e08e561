"""Unusual access: what an auditor may want to ask about. Each rule is a row of `RULES`, with its threshold.

A finding is a question, not a verdict: somebody on duty at night, or helping out in another office, does their work. The
rules read the log's own columns inside a bounded span of days, each in one statement that the index of the moments
bounds, so the number of statements is the number of rules whatever the log holds.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    LargeBinary,
    Select,
    Text,
    Uuid,
    and_,
    case,
    cast,
    desc,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union,
)

from casework.access.actor import SYSTEM, Actor
from casework.access.roles import Role
from casework.access.row_security import bind_actor
from casework.audit import directory
from casework.audit.models import AuditEvent, AuditEventSubject
from casework.audit.queries import start_of
from casework.core import clock
from casework.core.database import db

LONGEST_SPAN = 31
"""Days that can be looked at together."""
MOST_FINDINGS = 50
"""Shown of each rule; the page says when there were more."""

OF_AN_OFFICE = (Role.CASEWORKER.value, Role.SUPERVISOR.value, Role.PSYCHOLOGIST.value)
"""Roles whose people belong to one office. Domain officers see referrals of a whole district or region."""

_LEAST, _GREATEST = uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)
_event, _subject = AuditEvent.__table__.c, AuditEventSubject.__table__.c


@dataclass(frozen=True, slots=True)
class Span:
    """Moments from `start` up to, not including, `end`; `offset` is the local time's distance from UTC in hours."""

    start: datetime
    end: datetime
    first_uid: uuid.UUID = _LEAST
    last_uid: uuid.UUID = _GREATEST

    @classmethod
    def of_days(cls, since: date, until: date) -> Span:
        """Local days, both included."""
        return cls(start_of(since), start_of(until + timedelta(days=1)))

    @property
    def offset(self) -> int:
        ahead = self.start.astimezone(clock.ZONE).utcoffset() or timedelta(0)
        return int(ahead.total_seconds() // 3600)

    def covers(self) -> ColumnElement[bool]:
        """The condition that an event lies inside."""
        return and_(_event.recorded >= self.start, _event.recorded < self.end)

    def covers_uids(self) -> ColumnElement[bool]:
        """That an entry of a person is of one of these events: of the entries, no more is read than theirs."""
        theirs: ColumnElement[bool] = _subject.event_uid.between(self.first_uid, self.last_uid)
        return theirs

    def with_uids(self) -> Span | None:
        """The span with the identifiers that its events lie between; None when there is no event.

        Looked up, not computed: identifiers keep the order of writing, which a clock that was set back does not.
        """
        uid = cast(_event.event_uid, Text)
        first, last = db.session.execute(select(func.min(uid), func.max(uid)).where(self.covers())).one()
        return replace(self, first_uid=uuid.UUID(first), last_uid=uuid.UUID(last)) if first else None


@dataclass(frozen=True, slots=True)
class Finding:
    """`events` events by one member of staff, about `people` different people, from `first` to `last`.

    `person_id` where the finding is about one person.
    """

    agent_id: uuid.UUID | None
    events: int
    people: int | None
    first: datetime
    last: datetime
    person_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class UnusualRule:
    """A row of the table: what is looked for, from which number on it shows, and the statement that finds it.

    `find(span, threshold)` selects agent_id, events, people, first, last, person_id; the threshold is one of events, or of
    people where `counts_people` says so.
    The numbers are proposals of the product, to be confirmed by whoever oversees an installation.
    """

    key: str
    title: Any
    sentence: Any
    threshold: int
    find: Callable[[Span, int], Select[Any]]
    counts_people: bool = False


def _columns(people: Any = None, person: Any = None) -> tuple[Any, ...]:
    return (
        _event.agent_id,
        func.count(_event.id.distinct()).label("events"),
        (cast(null(), Integer) if people is None else people).label("people"),
        func.min(_event.recorded).label("first"),
        func.max(_event.recorded).label("last"),
        (cast(null(), Uuid) if person is None else person).label("person_id"),
    )


def _about_people(span: Span) -> FromClause:
    """Events of the span with the people whom they concern, a row for each."""
    its_own = and_(_subject.event_uid == _event.event_uid, span.covers_uids())
    joined: FromClause = AuditEvent.__table__.join(AuditEventSubject.__table__, its_own)
    return joined


_people = func.count(_subject.subject_id.distinct())


def outside_the_place(span: Span, threshold: int) -> Select[Any]:
    """A person's record was reached by somebody of an office that does not answer for that person."""
    reached = (
        select(
            _event.agent_id,
            _subject.subject_id,
            func.count().label("events"),  # an event names a person once
            func.min(_event.recorded).label("first"),
            func.max(_event.recorded).label("last"),
        )
        .select_from(_about_people(span))
        .where(span.covers(), _event.outcome == "success", _event.agent_role.in_(OF_AN_OFFICE))
        .group_by(_event.agent_id, _subject.subject_id)
        .cte("reached")
        .prefix_with("MATERIALIZED")
    )
    staff, person = directory.relation("office_of_staff"), directory.relation("office_of_person")
    own = func.max(case((person.c.place_id == staff.c.place_id, 1), else_=0))
    # Nothing of a person whom no office knows; 0 when none of the person's offices is that of the member of staff.
    answers = select(own).where(person.c.person_id == reached.c.subject_id).scalar_subquery()
    return (
        select(
            reached.c.agent_id,
            reached.c.events,
            literal(1).label("people"),
            reached.c.first,
            reached.c.last,
            reached.c.subject_id.label("person_id"),
        )
        .select_from(reached.join(staff, staff.c.staff_id == reached.c.agent_id))
        .where(reached.c.events >= threshold, answers == 0)
    )


def many_people(span: Span, threshold: int) -> Select[Any]:
    """Records of many different people within one hour of the clock. Lists show codes only, and are not counted."""
    hour = _hour_of_the_log()
    return (
        select(*_columns(_people))
        .select_from(_about_people(span))
        .where(span.covers(), _event.outcome == "success", _event.entity_type.is_not(None))
        .where(_event.agent_id.is_not(None), _event.agent_id != SYSTEM.id)
        .group_by(_event.agent_id, hour)
        .having(_people >= threshold)
    )


def at_night(span: Span, threshold: int) -> Select[Any]:
    """Records of people were reached between 22 and 6 o'clock local time."""
    hour = (_hour_of_day() + span.offset) % 24
    return (
        select(*_columns(_people))
        .select_from(_about_people(span))
        .where(span.covers(), _event.outcome == "success")
        .where(_event.agent_id.is_not(None), _event.agent_id != SYSTEM.id)
        .where(or_(hour >= NIGHT_FROM, hour < NIGHT_TO))
        .group_by(_event.agent_id)
        .having(func.count(_event.id.distinct()) >= threshold)
    )


NIGHT_FROM, NIGHT_TO = 22, 6


def after_hand_over(span: Span, threshold: int) -> Select[Any]:
    """Somebody reached, or tried to reach, the record of a person whose case they had handed over before.

    Begins with the assignments that ended: there are few, and each leads to the span's part of that person's entries, and
    of the events that name the case and nobody, as a refusal does.
    """
    assigned, other = directory.relation("assignment"), directory.relation("assignment").alias("held")
    ended = select(assigned).where(assigned.c.ended_at < span.end).cte("ended").prefix_with("MATERIALIZED")
    mine = (
        span.covers(),
        _event.agent_id == ended.c.staff_id,
        _event.agent_role.in_((Role.CASEWORKER.value, Role.PSYCHOLOGIST.value)),
        _event.recorded > ended.c.ended_at,
    )
    named = select(_subject.subject_id).where(_subject.event_uid == _event.event_uid)
    found = union(
        select(_event.id, _event.agent_id, _event.recorded, ended.c.person_id)
        .select_from(ended)
        .join(AuditEventSubject.__table__, _subject.subject_id == ended.c.person_id)
        .join(AuditEvent.__table__, _event.event_uid == _subject.event_uid)
        .where(span.covers_uids(), *mine),
        select(_event.id, _event.agent_id, _event.recorded, ended.c.person_id)
        .select_from(ended)
        .join(AuditEvent.__table__, _event.entity_id == ended.c.case_id)
        .where(*mine, ~named.exists()),
    ).cte("found")
    still = select(other.c.person_id).where(
        other.c.person_id == found.c.person_id,
        other.c.staff_id == found.c.agent_id,
        other.c.started_at <= found.c.recorded,
        or_(other.c.ended_at.is_(None), other.c.ended_at >= found.c.recorded),
    )
    return (
        select(
            found.c.agent_id,
            func.count().label("events"),
            literal(1).label("people"),
            func.min(found.c.recorded).label("first"),
            func.max(found.c.recorded).label("last"),
            found.c.person_id,
        )
        .where(~still.exists())
        .group_by(found.c.agent_id, found.c.person_id)
        .having(func.count() >= threshold)
    )


def break_glass(span: Span, threshold: int) -> Select[Any]:
    """Emergency access was used. The mark stands in the event's line only, so the lines of the span are read."""
    marked = _holds(_event.body, '"break_glass":true')
    return (
        select(*_columns())
        .where(span.covers(), marked)
        .group_by(_event.agent_id)
        .having(func.count(_event.id.distinct()) >= threshold)
    )


def repeated_denials(span: Span, threshold: int) -> Select[Any]:
    """The same member of staff was refused again and again within one hour of the clock."""
    hour = _hour_of_the_log()
    return (
        select(*_columns())
        .where(span.covers(), _event.outcome == "denied", _event.agent_id.is_not(None))
        .group_by(_event.agent_id, hour)
        .having(func.count(_event.id.distinct()) >= threshold)
    )


RULES: tuple[UnusualRule, ...] = (
    UnusualRule(
        "outside_place",
        _l("Outside one’s own office"),
        _l("Staff of one office reached the record of a person for whom another office answers."),
        1,
        outside_the_place,
    ),
    UnusualRule(
        "many_people",
        _l("Many people in an hour"),
        _l("One member of staff opened the records of many different people within one hour."),
        30,
        many_people,
        counts_people=True,
    ),
    UnusualRule(
        "night",
        _l("At night"),
        _l("Records of people were reached between 22:00 and 6:00."),
        1,
        at_night,
    ),
    UnusualRule(
        "after_hand_over",
        _l("After handing over"),
        _l("Somebody reached, or tried to reach, the record of a person whose case they had handed over."),
        1,
        after_hand_over,
    ),
    UnusualRule(
        "break_glass",
        _l("Emergency access"),
        _l("A record was opened by emergency access."),
        1,
        break_glass,
    ),
    UnusualRule(
        "denials",
        _l("Refused again and again"),
        _l("The same member of staff was refused many times within one hour."),
        5,
        repeated_denials,
    ),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What one rule found, the newest first. `more` says that not all is shown."""

    rule: UnusualRule
    findings: list[Finding]
    more: bool


def look(actor: Actor, span: Span) -> list[Found]:
    """Every rule over the span, one statement each. The relations of other rooms are read as the installation: the
    auditor learns ids and counts of it, no row."""
    bounded = span.with_uids()
    if bounded is None:
        return [Found(rule, [], False) for rule in RULES]
    with _as_installation(actor):
        return [findings_of(rule, bounded) for rule in RULES]


def findings_of(rule: UnusualRule, span: Span) -> Found:
    """What one rule finds. Runs as the installation."""
    wanted = rule.find(span, rule.threshold)
    ordered = wanted.order_by(desc("last"), "agent_id").limit(MOST_FINDINGS + 1)
    findings = [
        Finding(row.agent_id, row.events, row.people, row.first, row.last, row.person_id)
        for row in db.session.execute(ordered)
    ]
    return Found(rule, findings[:MOST_FINDINGS], len(findings) > MOST_FINDINGS)


@contextmanager
def _as_installation(actor: Actor) -> Iterator[None]:
    """On PostgreSQL row-level security shows an auditor no assignment; for these statements only it shows all."""
    bind_actor(SYSTEM)
    try:
        yield
    finally:
        bind_actor(actor)


def _on_postgresql() -> bool:
    return bool(db.session.get_bind().dialect.name == "postgresql")


def _hour_of_the_log() -> ColumnElement[Any]:
    """The moment cut down to its hour, in UTC; for grouping only."""
    if _on_postgresql():
        return func.date_trunc(literal_column("'hour'"), _event.recorded)
    return func.substr(cast(_event.recorded, Text), literal_column("1"), literal_column("13"))


def _hour_of_day() -> ColumnElement[int]:
    """0 to 23 in UTC."""
    if _on_postgresql():
        in_utc = func.timezone(literal_column("'UTC'"), _event.recorded)
        return cast(func.date_part(literal_column("'hour'"), in_utc), Integer)
    return cast(func.strftime("%H", _event.recorded), Integer)


def _holds(column: ColumnElement[Any], wanted: str) -> ColumnElement[bool]:
    """The bytes of the column hold this text of plain letters."""
    if _on_postgresql():
        return func.encode(column, "escape").contains(wanted, autoescape=True)
    return func.instr(column, literal(wanted.encode(), LargeBinary)) > 0
