"""No page of the log reads more because the log is longer, whatever is asked for: counted by the engines themselves."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import product
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import text

from casework.access.actor import SYSTEM, acting_as
from casework.audit import unusual
from casework.audit.event import EventDraft, forget_writer, write_many
from casework.audit.queries import Filter, page_of_events
from casework.core import clock
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work
from tests.services import cases, staff
from tests.services.audit_log import attacker_of

pytestmark = pytest.mark.both_engines

FEW, MANY, A_DAY = 7, 35, 400
"""Days of the short and of the long log, events of a day. The long log has more days, none of which is looked for."""

BUSY, NEW, NOBODY, PERSON = (uuid.UUID(int=number) for number in (1, 2, 3, 9))
COMMON, RARE, NEVER = "case.viewed", "person.copied", "keys.rotated"
AGENTS: dict[str, uuid.UUID | None] = {"anybody": None, "busy": BUSY, "new": NEW, "nobody": NOBODY}
CODES = {"anything": None, "common": COMMON, "rare": RARE, "never": NEVER}
OUTCOMES = {"however": None, "done": "success", "refused": "denied", "failed": "error"}


def filters(person: uuid.UUID | None) -> dict[str, Filter]:
    """Every combination, whether much fits, little or nothing."""
    today = clock.today()
    days = {"ever": (None, None), "this week": (today - timedelta(days=FEW - 1), today)}
    return {
        " ".join(names): Filter(
            *days[names[3]], AGENTS[names[0]], person, CODES[names[1]], OUTCOMES[names[2]]
        )
        for names in product(AGENTS, CODES, OUTCOMES, days)
    }


def write_day(day: date, *about: uuid.UUID, by: uuid.UUID = BUSY) -> None:
    """A day of somebody busy, who does something rare now and then, and fails at times; and a little of somebody new.

    What is common is never refused, so that asking for that finds nothing among many.
    """
    drafts = [
        EventDraft(
            action="R",
            category="case",
            code=RARE if number % 25 == 7 else COMMON,
            outcome="denied" if number % 50 == 7 else "error" if number % 40 == 9 else "success",
            agent_id=NEW if number == 3 and about else by,
            agent_role="caseworker",
            entity_type="case",
            entity_id=uuid.UUID(int=number),
            subject_ids=[about[number % len(about)]] if about and number % 10 == 0 else [],
        )
        for number in range(A_DAY)
    ]
    forget_writer()  # as it was written that day, by another process
    with clock.moved_to(datetime.combine(day, time(12), tzinfo=clock.ZONE)), unit_of_work():
        write_many(drafts)


def write_days(app: Flask, first: int, last: int, *about: uuid.UUID, by: uuid.UUID = BUSY) -> None:
    """The days from `last` to `first` ago."""
    with app.app_context():
        for ago in range(last, first - 1, -1):
            write_day(clock.today() - timedelta(days=ago), *about, by=by)
        if db.engine.dialect.name == "postgresql":
            with unit_of_work():
                db.session.execute(text("ANALYZE"))
        db.session.remove()


# What the engines count


STEPS = 10


@contextmanager
def counting(app: Flask) -> Iterator[list[int]]:
    """How much the statements inside read: rows of the log that PostgreSQL looked at, or steps that SQLite took."""
    found = [0]
    with app.app_context(), acting_as(SYSTEM), unit_of_work(write=False):
        if db.engine.dialect.name == "sqlite":
            yield from _steps(found)
        else:
            yield from _rows(found)
        db.session.expunge_all()


def _steps(found: list[int]) -> Iterator[list[int]]:
    raw: Any = db.session.connection().connection.driver_connection

    def step() -> int:
        found[0] += STEPS
        return 0

    raw.set_progress_handler(step, STEPS)
    try:
        yield found
    finally:
        raw.set_progress_handler(None, 0)


def _rows(found: list[int]) -> Iterator[list[int]]:
    asked: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    db.session.execute(text("SET LOCAL enable_seqscan = off"))  # what a long log rules out by itself
    sqlalchemy_event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sqlalchemy_event.remove(db.engine, "before_cursor_execute", note)
    connection = db.session.connection()
    for statement, parameters in asked:
        if "audit_event" in statement:
            explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            found[0] += _rows_read(explained.scalar_one()[0]["Plan"])


def _rows_read(node: dict[str, Any]) -> int:
    read = sum(map(_rows_read, node.get("Plans", [])))
    if str(node.get("Relation Name", "")).startswith("audit_event"):
        passed_over = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        read += round((node["Actual Rows"] + passed_over) * node["Actual Loops"])
    return int(read)


def read_by_pages(app: Flask, person: uuid.UUID | None = None) -> dict[str, int]:
    """What the first page of each filter reads."""
    found = {}
    for name, wanted in filters(person).items():
        with counting(app) as read:
            page_of_events(wanted)
        found[name] = read[0]
    return found


def grown(few: dict[str, int], many: dict[str, int], spare: int = 100) -> dict[str, tuple[int, int]]:
    """What reads clearly more than before, and more than `spare`."""
    return {name: (few[name], many[name]) for name in few if many[name] > max(1.25 * few[name] + 100, spare)}


def test_no_filter_reads_more_of_a_longer_log(app: Flask) -> None:
    write_days(app, 0, FEW - 1, PERSON)
    few, few_of_person = read_by_pages(app), read_by_pages(app, PERSON)
    write_days(app, FEW, MANY)
    many, many_of_person = read_by_pages(app), read_by_pages(app, PERSON)
    assert grown(few, many) == {}
    assert len(many) == len(AGENTS) * len(CODES) * len(OUTCOMES) * 2
    # PostgreSQL may find few events of a rare code cheaper than a person's entries, so it may read a few more of those.
    assert grown(few_of_person, many_of_person, spare=MANY * A_DAY // 10) == {}


def test_no_rule_of_unusual_access_reads_more_than_its_days(app: Flask) -> None:
    office = cases.open_office(app)
    case_id = cases.open_case(office, office.client("caseworker"))
    reassigned = {"staff_id": str(office.people["caseworker2"]), "reason": "Leave."}
    path = f"/cases/{case_id}/reassign"
    assert staff.post(office.client("supervisor"), path, reassigned).status_code == 303
    ((person,),) = attacker_of(app).asks("SELECT id FROM person")
    people = (uuid.UUID(str(person)), PERSON)
    span = unusual.Span.of_days(clock.today() - timedelta(days=FEW - 1), clock.today())

    def read_by_rules() -> dict[str, int]:
        found = {}
        for rule in unusual.RULES:
            with counting(app) as read:
                bounded = span.with_uids()
                assert bounded
                unusual.findings_of(rule, bounded)
            found[rule.key] = read[0]
        return found

    write_days(app, 0, FEW - 1, *people, by=office.people["caseworker"])
    few = read_by_rules()
    write_days(app, FEW, MANY, *people, by=office.people["caseworker"])
    assert grown(few, read_by_rules()) == {}
