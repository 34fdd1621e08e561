"""The audit codes of this room in plain words."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from casework.audit import words

WORDS = {
    "referral.prepared": _l("The form for a referral was opened"),
    "referral.reopened": _l("The form of a draft referral was opened"),
    "referral.drafted": _l("A draft of a referral was kept"),
    "referral.submitted": _l("A referral was sent to review"),
    "referral.reviews_listed": _l("The review queue was looked at"),
    "referral.approved": _l("A referral was approved and sent"),
    "referral.returned": _l("A referral was returned to its author"),
    "referral.listed": _l("Referrals were listed"),
    "referral.viewed": _l("A referral was looked at"),
    "referral.received": _l("The receipt of a referral was confirmed"),
    "referral.accepted": _l("A referral was accepted"),
    "referral.information_asked": _l("Information was asked about a referral"),
    "referral.information_given": _l("Information was given about a referral"),
    "referral.declined": _l("A referral was declined"),
    "referral.started": _l("The service of a referral was started"),
    "referral.completed": _l("A referral was completed"),
    "referral.discontinued": _l("The service of a referral was ended early"),
    "referral.withdrawn": _l("A referral was withdrawn by the person"),
    "referral.expired": _l("Referrals lapsed"),
}


def register() -> None:
    """Called when the app is composed."""
    words.register(WORDS)
