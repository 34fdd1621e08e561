"""What ends without anybody choosing it for this referral: a consent withdrawn or run out, a draft left lying.

An unanswered referral never lapses and a service never stops by itself (data dictionary §7 R15): they show as overdue.
"""

from __future__ import annotations

from datetime import timedelta

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.audit.trail import concerns, counted, use_case
from casework.cases.models import Consent
from casework.core import clock
from casework.referrals import queries
from casework.referrals.course import take_step
from casework.referrals.workflow import BEFORE_SERVICE, Action, Side, code_of

DRAFT_DAYS = 30
"""Days after which an unfinished referral that nobody touches lapses, and its copy of the person's data with it."""

BATCH = 200


def close_shares(actor: Actor, consent: Consent) -> None:
    """Ends, in the transaction of the withdrawal, every referral under way that stands on this consent (§7 R12)."""
    for referral in queries.carried_by(consent):
        take_step(actor, referral, Action.WITHDRAW, Side.SENDER, reason="consent_withdrawn")


@use_case(permission=Permission.REFERRAL_WITHDRAW, code=code_of(Action.EXPIRE), action="U")
def expire_referrals(actor: Actor) -> int:
    """Lapses up to 200 referrals whose draft lay untouched or whose consent ran out; gives their number. For the worker."""
    untouched = queries.untouched_since(clock.now() - timedelta(days=DRAFT_DAYS), BATCH)
    lapsed = queries.on_lapsed_consent(BEFORE_SERVICE, BATCH)
    reasons = {referral.id: (referral, "consent_expired") for referral in lapsed}
    for referral in untouched:
        reasons.setdefault(referral.id, (referral, "draft_untouched"))
    for referral, reason in reasons.values():
        take_step(actor, referral, Action.EXPIRE, Side.SYSTEM, reason=reason)
        concerns(*referral.audit_subjects)
    counted(len(reasons))
    return len(reasons)
