"""Follow-ups: a next step with its day. Overdue is not stored, it is what the day says."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import authorise
from casework.audit.trail import about, for_purpose, use_case
from casework.cases import people, queries
from casework.cases.models import Case, FollowUp, SupportRecord
from casework.cases.timeline import add_to_timeline
from casework.core import clock
from casework.core.database import db
from casework.core.errors import IllegalMove, InvalidInput


def refuse_past_step(data: Mapping[str, Any], saved: date | None) -> None:
    """`InvalidInput` for a next step on a day that has passed, unless a correction leaves it as it was."""
    on: date | None = data.get("next_step_on")
    if on is not None and on < clock.today() and on != saved:
        raise InvalidInput({"next_step_on": [_("This day has passed. Write today or a later day.")]})


def keep_next_step(actor: Actor, record: SupportRecord, data: Mapping[str, Any]) -> None:
    """Makes, changes or closes the follow-up of a record so that it says what the record says now."""
    on: date | None = data.get("next_step_on")
    open_one = queries.open_follow_up_of(record.id)
    if open_one is not None and on is None:
        _close(actor, open_one, "not_needed")
    elif open_one is not None and on is not None:
        open_one.due_on = on
        open_one.step = data.get("next_step")
    elif on is not None and on >= clock.today():
        db.session.add(
            FollowUp(
                case_id=record.case_id,
                case=record.case,
                person_id=record.person_id,
                record_id=record.id,
                kind=record.kind,
                due_on=on,
                status="open",
                created_by=actor.id,
                created_at=clock.now(),
                step=data.get("next_step"),
            )
        )
    remember_next_due(record.case)


def remember_next_due(case: Case) -> None:
    """The case repeats the earliest open day, so that lists need not ask."""
    db.session.flush()
    case.next_follow_up_on = queries.next_due(case.id)


def _close(actor: Actor, follow_up: FollowUp, status: str, reason: str | None = None) -> None:
    follow_up.status = status
    follow_up.closed_by = actor.id
    follow_up.closed_at = clock.now()
    follow_up.closed_reason = reason


def _open_one(actor: Actor, case_id: uuid.UUID, follow_up_id: uuid.UUID) -> FollowUp:
    follow_up = queries.follow_up_for(actor, case_id, follow_up_id)
    authorise(actor, Permission.FOLLOW_UP_CLOSE, follow_up)
    about(follow_up)
    for_purpose("case_management")
    if follow_up.status != "open":
        raise IllegalMove(message=_("This follow-up is closed already."))
    return follow_up


@use_case(permission=Permission.FOLLOW_UP_CLOSE, code="follow_up.done", action="U")
def mark_done(actor: Actor, case_id: uuid.UUID, follow_up_id: uuid.UUID) -> FollowUp:
    """The step was taken. `IllegalMove` when it is closed already."""
    follow_up = _open_one(actor, case_id, follow_up_id)
    _close(actor, follow_up, "done")
    _written_down(follow_up)
    return follow_up


@dataclass(frozen=True, slots=True)
class FollowUpPage:
    """The follow-up that is about to be closed without being done."""

    case: Case
    identity: people.Identity
    follow_up: FollowUp


@use_case(permission=Permission.FOLLOW_UP_CLOSE, code="follow_up.closing_opened", action="R")
def closing_page(actor: Actor, case_id: uuid.UUID, follow_up_id: uuid.UUID) -> FollowUpPage:
    """The page that asks why a step is no longer needed."""
    follow_up = _open_one(actor, case_id, follow_up_id)
    return FollowUpPage(follow_up.case, people.identity_of(actor, follow_up.case), follow_up)


@use_case(permission=Permission.FOLLOW_UP_CLOSE, code="follow_up.not_needed", action="U")
def mark_not_needed(
    actor: Actor, case_id: uuid.UUID, follow_up_id: uuid.UUID, data: Mapping[str, Any]
) -> FollowUp:
    """The step is no longer needed, for a reason. `IllegalMove` when it is closed already."""
    follow_up = _open_one(actor, case_id, follow_up_id)
    _close(actor, follow_up, "not_needed", data["closed_reason"])
    _written_down(follow_up)
    return follow_up


def _written_down(follow_up: FollowUp) -> None:
    remember_next_due(follow_up.case)
    add_to_timeline(follow_up.case, f"follow_up_{follow_up.kind}", follow_up.id)
