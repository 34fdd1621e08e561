"""Every move of the table after the writing: the review, the recipient's answers, the service, the withdrawal."""

from __future__ import annotations

import uuid
from typing import Any

from flask_babel import lazy_gettext as _l

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import authorise
from casework.audit.trail import about, use_case
from casework.core.errors import Denied, InvalidInput
from casework.core.pack import load_pack
from casework.referrals import queries, workflow
from casework.referrals.course import PERMISSION_OF, require_version, take_step
from casework.referrals.models import Referral
from casework.referrals.use_cases.writing import require_basis
from casework.referrals.workflow import Action, Side, code_of

Data = dict[str, Any]


def _begin(actor: Actor, referral_id: uuid.UUID, action: Action, side: Side, data: Data) -> Referral:
    """The referral, if this actor may take this step on the version that they saw."""
    referral = queries.referral_for(actor, referral_id)
    about(referral)
    if side is Side.REVIEWER and referral.author_id == actor.id:
        raise Denied(_l("Somebody else reviews what you wrote."))
    authorise(actor, PERMISSION_OF[action], referral)
    workflow.move(referral.status, action, frozenset({side}))
    require_version(referral, data.get("version"))
    return referral


@use_case(permission=Permission.REFERRAL_REVIEW, code=code_of(Action.APPROVE), action="U")
def approve_referral(actor: Actor, referral_id: uuid.UUID, data: Data) -> Referral:
    """Sends the referral to its domain; the recipient's time to act starts. The consent is checked once more."""
    referral = _begin(actor, referral_id, Action.APPROVE, Side.REVIEWER, data)
    require_basis(referral)
    referral.reviewer_id = actor.id
    take_step(actor, referral, Action.APPROVE, Side.REVIEWER)
    return referral


@use_case(permission=Permission.REFERRAL_REVIEW, code=code_of(Action.RETURN), action="U")
def return_referral(actor: Actor, referral_id: uuid.UUID, data: Data) -> Referral:
    """Gives the referral back to who wrote it, with a reason of the list and a text."""
    referral = _begin(actor, referral_id, Action.RETURN, Side.REVIEWER, data)
    take_step(actor, referral, Action.RETURN, Side.REVIEWER, reason=data["return_reason"], text=data["text"])
    return referral


@use_case(permission=Permission.REFERRAL_ANSWER, code=code_of(Action.RECEIVE), action="U")
def confirm_receipt(actor: Actor, referral_id: uuid.UUID, data: Data) -> Referral:
    """Says that the referral has arrived, before it is answered."""
    referral = _begin(actor, referral_id, Action.RECEIVE, Side.RECIPIENT, data)
    take_step(actor, referral, Action.RECEIVE, Side.RECIPIENT)
    return referral


@use_case(permission=Permission.REFERRAL_ANSWER, code=code_of(Action.ACCEPT), action="U")
def accept_referral(actor: Actor, referral_id: uuid.UUID, data: Data) -> Referral:
    """Takes the referral on."""
    referral = _begin(actor, referral_id, Action.ACCEPT, Side.RECIPIENT, data)
    referral.officer_id = actor.id
    take_step(actor, referral, Action.ACCEPT, Side.RECIPIENT)
    return referral


@use_case(permission=Permission.REFERRAL_ANSWER, code=code_of(Action.ASK), action="U")
def ask_for_information(actor: Actor, referral_id: uuid.UUID, data: Data) -> Referral:
    """Asks the sender; the time to act rests until the answer."""
    referral = _begin(actor, referral_id, Action.ASK, Side.RECIPIENT, data)
    take_step(actor, referral, Action.ASK, Side.RECIPIENT, text=data["text"])
    return referral


@use_case(permission=Permission.REFERRAL_MAKE, code=code_of(Action.INFORM), action="U")
def give_information(actor: Actor, referral_id: uuid.UUID, data: Data) -> Referral:
    """Answers the recipient's question; the time to act starts anew."""
    referral = _begin(actor, referral_id, Action.INFORM, Side.SENDER, data)
    require_basis(referral)
    take_step(actor, referral, Action.INFORM, Side.SENDER, text=data["text"])
    return referral


@use_case(permission=Permission.REFERRAL_ANSWER, code=code_of(Action.DECLINE), action="U")
def decline_referral(actor: Actor, referral_id: uuid.UUID, data: Data) -> Referral:
    """Declines for a reason of the list (data dictionary §3.11)."""
    referral = _begin(actor, referral_id, Action.DECLINE, Side.RECIPIENT, data)
    reason = data["decline_reason"]
    if reason not in load_pack().value_set("decline_reason"):
        raise InvalidInput({"decline_reason": [_l("Choose one of the listed answers.")]})
    referral.decline_reason = reason
    take_step(actor, referral, Action.DECLINE, Side.RECIPIENT, reason=reason, text=data["text"])
    return referral


@use_case(permission=Permission.REFERRAL_ANSWER, code=code_of(Action.START), action="U")
def start_service(actor: Actor, referral_id: uuid.UUID, data: Data) -> Referral:
    """Says that the service has begun."""
    referral = _begin(actor, referral_id, Action.START, Side.RECIPIENT, data)
    take_step(actor, referral, Action.START, Side.RECIPIENT)
    return referral


@use_case(permission=Permission.REFERRAL_ANSWER, code=code_of(Action.COMPLETE), action="U")
def complete_referral(actor: Actor, referral_id: uuid.UUID, data: Data) -> Referral:
    """Ends the service with its outcome and a short report."""
    return _end(actor, referral_id, Action.COMPLETE, data)


@use_case(permission=Permission.REFERRAL_ANSWER, code=code_of(Action.DISCONTINUE), action="U")
def discontinue_referral(actor: Actor, referral_id: uuid.UUID, data: Data) -> Referral:
    """Ends the service early, with its outcome and a short report."""
    return _end(actor, referral_id, Action.DISCONTINUE, data)


def _end(actor: Actor, referral_id: uuid.UUID, action: Action, data: Data) -> Referral:
    referral = _begin(actor, referral_id, action, Side.RECIPIENT, data)
    service_outcome = data.get("service_outcome")
    reason = referral.reason_code.reveal() if referral.reason_code else ""
    if service_outcome and service_outcome not in load_pack().service_outcomes(referral.domain, reason):
        raise InvalidInput({"service_outcome": [_l("Choose one of the listed answers.")]})
    referral.outcome, referral.service_outcome = data["outcome"], service_outcome
    take_step(actor, referral, action, Side.RECIPIENT, reason=data["outcome"], text=data["service_report"])
    return referral


@use_case(permission=Permission.REFERRAL_WITHDRAW, code=code_of(Action.WITHDRAW), action="U")
def withdraw_referral(actor: Actor, referral_id: uuid.UUID, data: Data) -> Referral:
    """Takes the referral back at the person's wish, at once. Before the service its package's key is destroyed."""
    referral = _begin(actor, referral_id, Action.WITHDRAW, Side.SENDER, data)
    take_step(actor, referral, Action.WITHDRAW, Side.SENDER, reason="person_wish", text=data["text"])
    return referral
