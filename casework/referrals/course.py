"""Walking the table: the one function that moves a referral on, with clock, step and timeline."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import allowed
from casework.cases.timeline import add_to_timeline
from casework.core import clock
from casework.core.database import db
from casework.core.errors import InvalidInput, StaleVersion
from casework.core.pack import load_pack
from casework.referrals import queries, workflow
from casework.referrals.models import Referral, ReferralStep
from casework.referrals.workflow import Action, Clock, Move, Side, State
from casework.vault.grant import Compartment
from casework.vault.keys import destroy_keys

TIMELINE_KIND = "referral"
NOT_ON_TIMELINE = frozenset({Action.SAVE, Action.RECEIVE})

PERMISSION_OF: dict[Action, Permission] = {
    Action.SAVE: Permission.REFERRAL_MAKE,
    Action.SUBMIT: Permission.REFERRAL_MAKE,
    Action.INFORM: Permission.REFERRAL_MAKE,
    Action.WITHDRAW: Permission.REFERRAL_WITHDRAW,
    Action.APPROVE: Permission.REFERRAL_REVIEW,
    Action.RETURN: Permission.REFERRAL_REVIEW,
    Action.RECEIVE: Permission.REFERRAL_ANSWER,
    Action.ACCEPT: Permission.REFERRAL_ANSWER,
    Action.ASK: Permission.REFERRAL_ANSWER,
    Action.DECLINE: Permission.REFERRAL_ANSWER,
    Action.START: Permission.REFERRAL_ANSWER,
    Action.COMPLETE: Permission.REFERRAL_ANSWER,
    Action.DISCONTINUE: Permission.REFERRAL_ANSWER,
}


def possible(actor: Actor, referral: Referral) -> list[Move]:
    """What this actor can do with the referral now."""
    moves = workflow.moves_from(referral.status, frozenset({Side.SENDER, Side.REVIEWER, Side.RECIPIENT}))
    return [move for move in moves if allowed(actor, PERMISSION_OF[move.action], referral)]


def require_version(referral: Referral, seen: int | None) -> None:
    """`StaleVersion` when the page was made before the last change; InvalidInput when it does not say."""
    if seen is None:
        raise InvalidInput({"_form": [_l("Load the page again and repeat the step.")]})
    if seen != referral.version:
        raise StaleVersion({}, referral.version)


def take_step(
    actor: Actor,
    referral: Referral,
    action: Action,
    side: Side,
    *,
    reason: str | None = None,
    text: str | None = None,
) -> ReferralStep:
    """Moves the referral on. `IllegalMove` when the table has no such move from here."""
    row = workflow.move(referral.status, action, frozenset({side}))
    now = clock.now()
    step = ReferralStep(
        referral_id=referral.id,
        at=now,
        actor_id=None if actor.is_system else actor.id,
        action=action,
        from_status=row.state,
        to_status=row.to,
        reason_code=reason,
        text=text,
    )
    db.session.add(step)
    referral.status, referral.changed_at = row.to, now
    _set_clock(referral, row.clock)
    if row.to in (State.WITHDRAWN, State.EXPIRED) and row.state in workflow.BEFORE_SERVICE:
        destroy_keys(referral.id, [Compartment.PACKAGE])
        referral.package_gone_at = now
    if referral.case_id is not None and action not in NOT_ON_TIMELINE:
        _note_on_timeline(referral, step, by_recipient=side is Side.RECIPIENT)
    return step


def _set_clock(referral: Referral, change: Clock) -> None:
    now = clock.now()
    if change is Clock.REVIEW:
        referral.submitted_at = now
    elif change is Clock.ANSWER:
        referral.sent_at = referral.sent_at or now
        referral.due_at = load_pack().due_at(referral.urgency, now)
    elif change is Clock.STOP:
        referral.answered_at = now
    elif change is Clock.END:
        if referral.sent_at is not None:
            referral.answered_at = referral.answered_at or now
        referral.closed_at = now


def _note_on_timeline(referral: Referral, step: ReferralStep, *, by_recipient: bool) -> None:
    """A recipient may not see the case, so the installation writes that line for them."""
    if not by_recipient:
        if referral.case is not None:
            add_to_timeline(referral.case, TIMELINE_KIND, step.id)
        return
    db.session.flush()
    with queries.as_installation():
        case = queries.case_of(referral)
        if case is not None:
            add_to_timeline(case, TIMELINE_KIND, step.id)
