"""Reading: the lists, the review queue, one referral, and what shows of referrals on a case and in My work."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import authorise
from casework.access.roles import Role
from casework.accounts.queries import staff_by_id
from casework.audit.trail import about, concerns, counted, for_purpose, use_case
from casework.cases.models import Case
from casework.core import clock
from casework.core.pack import load_pack
from casework.referrals import package, queries
from casework.referrals.course import possible
from casework.referrals.models import INSIDE, Referral, ReferralStep
from casework.referrals.policy import SENDERS
from casework.referrals.schemas import is_personal
from casework.referrals.workflow import INSIDE as INSIDE_STATES
from casework.referrals.workflow import WAITING_FOR_RECIPIENT, Action, State
from casework.vault.grant import Compartment
from casework.vault.sealed import Secret


@dataclass(frozen=True, slots=True)
class ReferralRow:
    """One line of a list: a code and states, never a name."""

    id: uuid.UUID
    display_code: str | None
    domain: str
    status: str
    status_label: str
    urgency: str
    since: datetime
    due_at: datetime | None
    overdue: bool
    own: bool

    @property
    def age_days(self) -> int:
        """Whole days since it was sent, or before that since it was written or sent to review."""
        return max(0, (clock.now() - self.since).days)


@dataclass(frozen=True, slots=True)
class ReferralList:
    """A page of a list, and the id to go on after."""

    rows: list[ReferralRow]
    after: uuid.UUID | None
    inbox: bool


@dataclass(frozen=True, slots=True)
class StepShown:
    """One event of the course: when, who (a side for the other side), what, why."""

    at: datetime
    who: str
    title: str
    reason: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class ReferralPage:
    """One referral as its reader may see it. `case_id` None: the reader has no way to the case."""

    id: uuid.UUID
    version: int
    case_id: uuid.UUID | None
    row: ReferralRow
    state: State
    personal: bool
    readable: bool
    channel: str
    reason: str | None
    summary: str | None
    travels: list[tuple[str, str]]
    basis: str | None
    basis_note: str | None
    outcome: str | None
    service_outcome: str | None
    steps: list[StepShown]
    actions: list[Action]
    outcomes: list[tuple[str, str]]
    sender: bool


@use_case(permission=Permission.REFERRAL_LIST, code="referral.listed", action="R")
def list_referrals(actor: Actor, status: str | None, after: uuid.UUID | None) -> ReferralList:
    """The inbox of a domain officer, or what the sending side wrote; codes only."""
    inbox = actor.role is Role.DOMAIN_OFFICER
    page = queries.inbox(actor, status, after) if inbox else queries.sent_list(actor, status, after)
    return _listed(actor, page, inbox=inbox)


@use_case(permission=Permission.REFERRAL_REVIEW, code="referral.reviews_listed", action="R")
def list_reviews(actor: Actor, after: uuid.UUID | None) -> ReferralList:
    """What awaits review in the office, the longest waiting first."""
    return _listed(actor, queries.review_queue(actor, after), inbox=False)


def _listed(actor: Actor, page: queries.Page, *, inbox: bool) -> ReferralList:
    counted(len(page.rows))
    for referral in page.rows:
        concerns(*referral.audit_subjects)
    return ReferralList([row_of(actor, each) for each in page.rows], page.after, inbox)


@use_case(permission=Permission.REFERRAL_VIEW, code="referral.viewed", action="R")
def view_referral(actor: Actor, referral_id: uuid.UUID) -> ReferralPage:
    """One referral: for its recipient the package, for the sending side also the basis and the whole course."""
    referral = queries.referral_for(actor, referral_id)
    about(referral)
    grant = authorise(actor, Permission.REFERRAL_VIEW, referral)
    for_purpose("referral")
    readable = grant.allows(referral.id, Compartment.PACKAGE) and referral.package_gone_at is None
    inside = grant.allows(referral.id, INSIDE)
    pack = load_pack()
    reason = _text(referral.reason_code, readable)
    dataset = referral.dataset.reveal() if readable and referral.dataset else {}
    outcomes = pack.service_outcomes(referral.domain, reason) if reason else None
    found = _text(referral.service_outcome, readable)
    return ReferralPage(
        id=referral.id,
        version=referral.version,
        case_id=referral.case_id if inside else None,
        row=row_of(actor, referral),
        state=referral.state,
        personal=is_personal(pack, referral.domain),
        readable=readable,
        channel=pack.value_set("referral_channel").label(referral.channel),
        reason=pack.referral_reasons(referral.domain).label(reason) if reason else None,
        summary=_text(referral.need_summary, readable),
        travels=package.in_words(dataset),
        basis=_basis(referral) if inside else None,
        basis_note=_text(referral.basis_note, inside),
        outcome=pack.value_set("referral_outcome").label(referral.outcome) if referral.outcome else None,
        service_outcome=outcomes.label(found) if outcomes is not None and found else None,
        steps=_course(actor, referral, readable=readable, inside=inside),
        actions=[move.action for move in possible(actor, referral)],
        outcomes=outcomes.choices() if outcomes is not None else [],
        sender=inside,
    )


def _text(secret: Secret | None, readable: bool) -> str | None:
    if secret is None or not readable:
        return None
    value: str = secret.reveal()
    return value


def row_of(actor: Actor, referral: Referral) -> ReferralRow:
    """A referral as a list shows it."""
    pack = load_pack()
    since = referral.sent_at or referral.submitted_at or referral.created_at
    if referral.state is State.AWAITING_REVIEW and referral.submitted_at is not None:
        since = referral.submitted_at
    waiting = referral.state in WAITING_FOR_RECIPIENT
    return ReferralRow(
        id=referral.id,
        display_code=referral.display_code,
        domain=pack.value_set("domain").label(referral.domain),
        status=referral.status,
        status_label=pack.value_set("referral_status").label(referral.status),
        urgency=pack.value_set("urgency").label(referral.urgency),
        since=since,
        due_at=referral.due_at if waiting else None,
        overdue=waiting and referral.due_at is not None and referral.due_at < clock.now(),
        own=referral.author_id == actor.id,
    )


def _basis(referral: Referral) -> str | None:
    pack = load_pack()
    if referral.lawful_basis:
        return pack.value_set("legal_basis").label(referral.lawful_basis)
    return pack.value_set("legal_basis").label("consent") if referral.consent_id else None


DONE: dict[Action, Any] = {
    Action.SAVE: _l("Draft changed"),
    Action.SUBMIT: _l("Sent to review"),
    Action.APPROVE: _l("Approved and sent"),
    Action.RETURN: _l("Returned to the caseworker"),
    Action.RECEIVE: _l("Receipt confirmed"),
    Action.ACCEPT: _l("Accepted"),
    Action.ASK: _l("Information asked"),
    Action.INFORM: _l("Information given"),
    Action.DECLINE: _l("Declined"),
    Action.START: _l("Service started"),
    Action.COMPLETE: _l("Completed"),
    Action.DISCONTINUE: _l("Ended early"),
    Action.WITHDRAW: _l("Withdrawn by the person"),
    Action.EXPIRE: _l("Lapsed"),
}

REASON_SETS = {
    Action.RETURN: "return_reason",
    Action.DECLINE: "decline_reason",
    Action.COMPLETE: "referral_outcome",
    Action.DISCONTINUE: "referral_outcome",
}

OWN_REASONS: dict[str, Any] = {
    "person_wish": _l("At the person’s wish"),
    "consent_withdrawn": _l("The consent was withdrawn"),
    "consent_expired": _l("The consent ran out"),
    "draft_untouched": _l("The draft lay untouched"),
}


def reason_in_words(action: Action, reason: str | None) -> str | None:
    """The coded reason of a step in the reader's language."""
    if reason is None:
        return None
    if action in REASON_SETS:
        return load_pack().value_set(REASON_SETS[action]).label(reason)
    return str(OWN_REASONS[reason])


def _course(actor: Actor, referral: Referral, *, readable: bool, inside: bool) -> list[StepShown]:
    """What happened. The recipient's begins with the sending, names nobody there and does not say why it was withdrawn."""
    steps = queries.steps_of(referral)
    if inside:
        people = {
            key: staff.display_name for key, staff in staff_by_id(each.actor_id for each in steps).items()
        }
        return [
            _shown(each, people.get(each.actor_id) if each.actor_id else None, readable) for each in steps
        ]
    sent = [each for each in steps if State(each.to_status) not in INSIDE_STATES]
    return [_shown_to_recipient(actor, each, readable) for each in sent]


def _shown(step: ReferralStep, who: str | None, readable: bool) -> StepShown:
    action = Action(step.action)
    opens = readable or step.compartment is INSIDE
    return StepShown(
        step.at,
        who or _("The system"),
        str(DONE[action]),
        reason_in_words(action, step.reason_code),
        _text(step.text, opens),
    )


def _shown_to_recipient(actor: Actor, step: ReferralStep, readable: bool) -> StepShown:
    action = Action(step.action)
    ours = action not in (Action.APPROVE, Action.INFORM, Action.WITHDRAW, Action.EXPIRE)
    reason = reason_in_words(action, step.reason_code) if ours else None
    who = _("You") if step.actor_id == actor.id else _("Receiving service") if ours else _("Sending office")
    text = _text(step.text, readable and step.compartment is Compartment.PACKAGE)
    return StepShown(step.at, who, str(DONE[action]), reason, text)


# What shows on pages of other rooms


def timeline_items(step_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    """For the timeline of a case: what happened to which referral, by step. One query, nothing sealed."""
    pack = load_pack()
    return {
        step.id: {
            "referral_id": referral.id,
            "title": str(DONE[Action(step.action)]),
            "domain": pack.value_set("domain").label(referral.domain),
            "reason": reason_in_words(Action(step.action), step.reason_code),
        }
        for step, referral in queries.steps_with_referrals(step_ids)
    }


def case_panel(actor: Actor, case: Case) -> dict[str, Any] | None:
    """For the page of a case: its newest referrals and the way to a new one."""
    rows = [row_of(actor, each) for each in queries.of_case(case.id)]
    return {"rows": rows, "case_id": case.id}


def work_panel(actor: Actor) -> list[ReferralRow] | None:
    """For My work: the referrals that wait for this actor."""
    if actor.role not in (*SENDERS, Role.DOMAIN_OFFICER):
        return None
    waiting = queries.waiting_for(actor)
    for referral in waiting:
        concerns(*referral.audit_subjects)
    return [row_of(actor, each) for each in waiting]
