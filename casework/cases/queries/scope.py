"""Whose rows: what an actor may know of. PostgreSQL repeats it as row-level security (migration 0003): change both or neither."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, false, literal, select, true, tuple_
from sqlalchemy.types import Uuid

from casework.access.actor import Actor
from casework.access.roles import Role
from casework.cases.models import Case, CaseAssignment
from casework.core.columns import UTCDateTime
from casework.core.database import db
from casework.core.errors import NotFound

PAGE = 25
MOST_WORK = 50


def seen_by(actor: Actor) -> ColumnElement[bool]:
    if actor.is_system:
        return true()
    if actor.role is Role.SUPERVISOR:
        return Case.office_id == actor.place_id
    if actor.role in (Role.CASEWORKER, Role.PSYCHOLOGIST):
        held = select(CaseAssignment.case_id).where(
            CaseAssignment.staff_id == actor.id, CaseAssignment.ended_at.is_(None)
        )
        return Case.id.in_(held)
    return false()


def visible_to(actor: Actor) -> Select[Case]:
    """The cases that this actor may know of: assigned now, or of the supervisor's office; of everybody else none."""
    return select(Case).where(seen_by(actor))


def case_for(actor: Actor, case_id: uuid.UUID) -> Case:
    """The case; `NotFound` when there is none that this actor may know of, or when the person's data were destroyed."""
    found = case_or_erased(actor, case_id)
    refuse_erased(found)
    return found


def refuse_erased(case: Case) -> None:
    """`NotFound` with the reason when the data of the person were destroyed: only the code is left."""
    if case.person.erased_at is not None:
        raise NotFound(_l("The data of this person were destroyed. Only the code is left."))


def case_or_erased(actor: Actor, case_id: uuid.UUID) -> Case:
    """The case, also when the data of the person were destroyed: for the page that says so."""
    found: Case | None = db.session.scalar(visible_to(actor).where(Case.id == case_id))
    if found is None:
        raise NotFound()
    return found


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: the last row's moment and id."""

    at: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.at.strftime('%Y%m%dT%H%M%S.%f')}_{self.id.hex}"

    @classmethod
    def of(cls, text: str | None) -> Cursor | None:
        """None for no text, and for one that is no cursor of ours: the first page."""
        moment, _, row = (text or "").partition("_")
        try:
            return cls(datetime.strptime(f"{moment}+0000", "%Y%m%dT%H%M%S.%f%z"), uuid.UUID(row))
        except ValueError:
            return None

    def before(self, at: Any, row_id: Any) -> ColumnElement[bool]:
        """The condition of rows that come after this one, newest first."""
        here = tuple_(literal(self.at, UTCDateTime), literal(self.id, Uuid))
        return tuple_(at, row_id) < here
