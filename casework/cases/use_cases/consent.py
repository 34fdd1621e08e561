"""Consent: recorded, refused, withdrawn, expired (data dictionary §3.5). One purpose at a time."""

from __future__ import annotations

import uuid
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import allowed, authorise
from casework.accounts.models import Staff
from casework.accounts.queries import staff_by_id
from casework.audit.trail import about, concerns, counted, for_purpose, use_case
from casework.cases import ages, panels, people, queries, workflow
from casework.cases.models import Case, Consent
from casework.cases.timeline import add_to_timeline
from casework.core import clock
from casework.core.database import db
from casework.core.errors import IllegalMove, InvalidInput
from casework.core.pack import load_pack


@dataclass(frozen=True, slots=True)
class ConsentsPage:
    """Every consent of a person, and whether the actor may add one."""

    case: Case
    identity: people.Identity
    consents: list[Consent]
    staff: dict[uuid.UUID, Staff]
    rule: str
    may_record: bool


@use_case(permission=Permission.CASE_VIEW, code="consent.listed", action="R")
def list_consents(actor: Actor, case_id: uuid.UUID) -> ConsentsPage:
    """Consents of the person of this case, the newest first."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.CASE_VIEW, case)
    about(case)
    for_purpose("case_management")
    consents = queries.consents_of(case.person_id)
    counted(len(consents))
    staff = staff_by_id(each.explained_by for each in consents)
    age = people.age_of(case.person) if people.sees_details(actor) else None
    rule = str(ages.consent_rule(age).sentence) if age is not None else ""
    may = allowed(actor, Permission.CONSENT_RECORD, case)
    return ConsentsPage(case, people.identity_of(actor, case), consents, staff, rule, may)


@use_case(permission=Permission.CONSENT_RECORD, code="consent.recorded", action="C")
def record_consent(actor: Actor, case_id: uuid.UUID, data: Mapping[str, Any]) -> Consent:
    """Records one answer. A newer consent for a purpose replaces the older one; consent to case management opens the way on.

    `InvalidInput` when the age band asks for somebody else's consent, or for the child's own agreement.
    """
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.CONSENT_RECORD, case)
    about(case)
    for_purpose("case_management")
    refuse_against_age(people.age_of(case.person), data)
    consent = add_consent(actor, case, data["purpose"], data)
    if consent.purpose == "case_management":
        leave_intake(actor, case, consent)
    return consent


@dataclass(frozen=True, slots=True)
class WithdrawalPage:
    """The consent that is about to be taken back."""

    case: Case
    identity: people.Identity
    consent: Consent


@use_case(permission=Permission.CONSENT_RECORD, code="consent.withdrawal_opened", action="R")
def withdrawal_form(actor: Actor, case_id: uuid.UUID, consent_id: uuid.UUID) -> WithdrawalPage:
    """The page that asks for the last word before a consent is taken back."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.CONSENT_RECORD, case)
    about(case)
    return WithdrawalPage(case, people.identity_of(actor, case), _in_force(case, consent_id))


@use_case(permission=Permission.CONSENT_RECORD, code="consent.withdrawn", action="U")
def withdraw_consent(
    actor: Actor, case_id: uuid.UUID, consent_id: uuid.UUID, data: Mapping[str, Any]
) -> Consent:
    """Takes a consent back from today on; what it carried in other rooms closes in the same transaction.

    `IllegalMove` when it is not in force any more.
    """
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.CONSENT_RECORD, case)
    consent = _in_force(case, consent_id)
    about(consent)
    consent.status = "withdrawn"
    consent.withdrawn_on = clock.today()
    consent.withdrawn_by = actor.id
    consent.withdrawn_why = data.get("withdrawn_why")
    add_to_timeline(case, "consent_withdrawn", consent.id)
    panels.consent_was_withdrawn(actor, consent)
    return consent


def _in_force(case: Case, consent_id: uuid.UUID) -> Consent:
    consent = queries.consent_for(case, consent_id)
    if consent.status != "active":
        raise IllegalMove(message=_("This consent is not in force any more."))
    return consent


@use_case(permission=Permission.CONSENT_RECORD, code="consent.expired", action="U")
def expire_consents(_actor: Actor) -> int:
    """Marks consents whose last day has passed; the worker's daily job. Gives their number."""
    past = queries.consents_past(clock.today())
    for consent in past:
        consent.status = "expired"
        concerns(consent.person_id)
    counted(len(past))
    return len(past)


AT: dict[str, str] = {
    "status": "consent_status",
    "given_on": "given_on",
    "form": "form",
    "given_by": "given_by",
    "language": "language",
    "child_assent": "child_assent",
}
"""Where each thing that a consent says stands in the consents page's form."""

AT_INTAKE = AT | {
    "given_on": "consent_given_on",
    "form": "consent_form",
    "given_by": "consent_given_by",
    "language": "consent_language",
}
"""And in the form that opens a case."""


def refuse_against_age(age: int | None, data: Mapping[str, Any], at: Mapping[str, str] = AT) -> None:
    """`InvalidInput` when a given consent does not fit the age band, or is too old to be in force."""
    if data[at["status"]] != "active":
        return
    rule = ages.consent_rule(age if age is not None else ages.FULL_AGE)
    found: dict[str, list[str]] = {}
    if data[at["given_by"]] not in rule.given_by:
        found[at["given_by"]] = [str(rule.sentence)]
    assent = data.get(at["child_assent"])
    if rule.assent and assent not in rule.assent:
        found[at["child_assent"]] = [_("Say what the child answered. %(rule)s", rule=str(rule.sentence))]
    elif not rule.assent and assent:
        found[at["child_assent"]] = [_("This person is 18 or older: leave this empty.")]
    elif assent == "refused":
        found[at["child_assent"]] = [
            _("Without the child’s own agreement the consent is not given. Choose “Not given” above.")
        ]
    if months_later(data[at["given_on"]], load_pack().consent.default_months) < clock.today():
        found[at["given_on"]] = [_("This consent has expired already. Ask again.")]
    if found:
        raise InvalidInput(found)


def add_consent(
    actor: Actor, case: Case, purpose: str, data: Mapping[str, Any], at: Mapping[str, str] = AT
) -> Consent:
    """The row of an answer that was checked, with its entry on the timeline."""
    given = data[at["status"]] == "active"
    for older in queries.live_consents(case.person_id, [purpose]):
        older.status = "superseded" if given else "withdrawn"
        if not given:
            older.withdrawn_on, older.withdrawn_by = clock.today(), actor.id
            panels.consent_was_withdrawn(actor, older)
    on: date | None = data.get(at["given_on"]) if given else None
    consent = Consent(
        person_id=case.person_id,
        purpose=purpose,
        status="active" if given else "refused",
        given_on=on,
        expires_on=months_later(on, load_pack().consent.default_months) if on else None,
        form=data.get(at["form"]) if given else None,
        given_by=data.get(at["given_by"]) if given else None,
        child_assent=data.get(at["child_assent"]) if given else None,
        legal_basis=None if given else data.get("legal_basis"),
        explained_by=actor.id,
        recorded_at=clock.now(),
        language=data.get(at["language"]) if given else None,
        legal_basis_reason=None if given else data.get("legal_basis_reason"),
    )
    db.session.add(consent)
    add_to_timeline(case, "consent_recorded", consent.id)
    return consent


def leave_intake(actor: Actor, case: Case, consent: Consent) -> None:
    """The gate of intake: consent to case management, or a stated lawful basis."""
    if case.status == workflow.FIRST and (consent.status == "active" or consent.legal_basis):
        case.status = workflow.move(case.status, "record_consent", actor.role)
        case.version += 1


def months_later(day: date, months: int) -> date:
    """The same day of the month, or its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
