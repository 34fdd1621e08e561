"""Which records are past their retention (data dictionary §3.18). A supervisor approves; then a command does it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import authorise_each
from casework.audit.trail import concerns, counted, use_case
from casework.cases import queries
from casework.cases.ages import latest_birth
from casework.cases.models import Case
from casework.cases.rights import queries as rights
from casework.cases.rights.models import RetentionApproval
from casework.cases.use_cases.consent import months_later
from casework.cases.workflow import ENDED
from casework.core import clock
from casework.core.database import db
from casework.core.errors import InvalidInput
from casework.core.pack import load_pack
from casework.vault.documents import unsealed

NEVER_A_CASE = ("not_opened", "duplicate", "entered_in_error")

CLASSES: dict[str, Any] = {
    "closed_adult": _l("Closed case of an adult"),
    "closed_child": _l("Closed case of a child"),
    "not_opened": _l("Never became a case"),
}


def class_of(case: Case) -> str | None:
    """The retention class: the one that was given, else what the status says; None while the case is at work."""
    if case.retention_class != "active":
        return case.retention_class
    if case.status not in ENDED:
        return None
    if case.status in NEVER_A_CASE:
        return "not_opened"
    return "closed_child" if case.case_type == "child" else "closed_adult"


@dataclass(frozen=True, slots=True)
class Due:
    """A record past its retention."""

    case_id: uuid.UUID
    person_id: uuid.UUID
    code: str
    retention_class: str
    due_on: date
    approved: bool

    @property
    def label(self) -> str:
        """One line: code, why, since when."""
        why = str(CLASSES.get(self.retention_class, self.retention_class))
        return f"{self.code} · {why} · {self.due_on:%d.%m.%Y}"


def due_of(case: Case) -> date | None:
    """The day from which the record is past its retention, if that has come; the class's period counts from the last activity.

    The birth date is opened for the classes that last until an age, and goes no further than into this sum. A record of
    somebody with another case at work is not due.
    """
    name = class_of(case)
    rule = load_pack().retention.get(name) if name else None
    if rule is None or rule.disposal != "erase_keys" or rule.months is None or case.person.erased_at:
        return None
    start = clock.local(case.last_activity_at).date()
    if rule.until_age is not None:
        person = case.person
        born = unsealed(person.birth_date_sealed, "person.birth_date", person.id, person.id)
        if born is None:
            return None
        precision = unsealed(
            person.birth_date_precision_sealed,
            "person.birth_date_precision",
            person.id,
            person.id,
        )
        start = max(start, months_later(latest_birth(born, precision or "day"), 12 * rule.until_age))
    day = months_later(start, rule.months)
    if day > clock.today() or rights.busy_cases(case.person_id, ENDED, _earliest()):
        return None
    return day


def _earliest() -> datetime:
    months = [
        rule.months
        for rule in load_pack().retention.values()
        if rule.months and rule.disposal == "erase_keys"
    ]
    return clock.now() - timedelta(days=28 * min(months, default=12))


def all_due(actor: Actor) -> list[Due]:
    """Every record of the actor's office (of the installation itself: of all) that is past its retention, by its id."""
    found: list[Due] = []
    after: uuid.UUID | None = None
    while True:
        portion = rights.maybe_past(actor, ENDED, _earliest(), after)
        approved = rights.approvals([case.id for case in portion])
        for case in portion:
            if (day := due_of(case)) is not None:
                name = class_of(case) or ""
                found.append(Due(case.id, case.person_id, case.display_code, name, day, case.id in approved))
        if len(portion) < rights.MOST:
            return found
        after = portion[-1].id


@use_case(permission=Permission.RETENTION_APPROVE, code="retention.listed", action="R")
def list_due(actor: Actor) -> list[Due]:
    """What is past its retention."""
    found = all_due(actor)
    counted(len(found))
    concerns(*(each.person_id for each in found))
    return found


@use_case(permission=Permission.RETENTION_APPROVE, code="retention.approved", action="C")
def approve(actor: Actor, data: Mapping[str, Any]) -> int:
    """Approves the destruction of these records; gives their number. `InvalidInput` when one of them is not due any more."""
    due = {each.case_id: each for each in all_due(actor) if not each.approved}
    chosen = [uuid.UUID(each) for each in data["cases"]]
    if not chosen or not set(chosen) <= set(due):
        raise InvalidInput({"cases": [_("Choose only from the listed answers.")]})
    for case in [queries.case_for(actor, each) for each in chosen]:
        authorise_each(actor, Permission.RETENTION_APPROVE, [case])
        db.session.add(
            RetentionApproval(
                case_id=case.id,
                person_id=case.person_id,
                office_id=case.office_id,
                retention_class=due[case.id].retention_class,
                approved_by=actor.id,
                approved_at=clock.now(),
            )
        )
        concerns(case.person_id)
    counted(len(chosen))
    return len(chosen)
