"""The caseload: one query at any size."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, select

from casework.access.actor import Actor
from casework.cases.models import Case, Person, SupportRecord
from casework.cases.queries.scope import PAGE, Cursor, seen_by
from casework.core import clock
from casework.core.database import db


class CaseRow(NamedTuple):
    """One line of the caseload: codes and dates, no name."""

    id: uuid.UUID
    person_id: uuid.UUID
    display_code: str
    status: str
    case_type: str
    needs_level: str | None
    next_follow_up_on: date | None
    last_activity_at: datetime


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What the list is narrowed to. `code` is a display code or its beginning, in capitals."""

    status: str | None = None
    needs_level: str | None = None
    overdue_only: bool = False
    code: str | None = None
    support_kind: str | None = None


def caseload(actor: Actor, wanted: CaseFilter, after: Cursor | None) -> tuple[list[CaseRow], Cursor | None]:
    """A page of cases, last worked on first, and where the next page begins (None at the end). One query."""
    rows = (
        select(
            Case.id,
            Case.person_id,
            Person.display_code,
            Case.status,
            Case.case_type,
            Case.needs_level,
            Case.next_follow_up_on,
            Case.last_activity_at,
        )
        .join(Person, Person.id == Case.person_id)
        .where(seen_by(actor), *_narrowed(wanted))
        .order_by(Case.last_activity_at.desc(), Case.id.desc())
        .limit(PAGE + 1)
    )
    if after is not None:
        rows = rows.where(after.before(Case.last_activity_at, Case.id))
    found = [CaseRow(*row) for row in db.session.execute(rows)]
    last = found[PAGE - 1] if len(found) > PAGE else None
    return found[:PAGE], Cursor(last.last_activity_at, last.id) if last else None


def _narrowed(wanted: CaseFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.status:
        conditions.append(Case.status == wanted.status)
    if wanted.needs_level:
        conditions.append(Case.needs_level == wanted.needs_level)
    if wanted.overdue_only:
        conditions.append(Case.next_follow_up_on < clock.today())
    if wanted.code:
        conditions.append(Person.display_code.startswith(wanted.code, autoescape=True))
    if wanted.support_kind:
        helped = select(SupportRecord.id).where(
            SupportRecord.case_id == Case.id,
            SupportRecord.kind == wanted.support_kind,
            SupportRecord.state == "recorded",
        )
        conditions.append(helped.exists())
    return conditions
