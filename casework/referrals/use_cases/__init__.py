"""What people do with referrals, one verb each."""

from __future__ import annotations

from casework.referrals.use_cases.answering import (
    accept_referral,
    approve_referral,
    ask_for_information,
    complete_referral,
    confirm_receipt,
    decline_referral,
    discontinue_referral,
    give_information,
    return_referral,
    start_service,
    withdraw_referral,
)
from casework.referrals.use_cases.ending import close_shares, expire_referrals
from casework.referrals.use_cases.reading import list_referrals, list_reviews, view_referral
from casework.referrals.use_cases.writing import (
    change_referral,
    draft_referral,
    prepare_change,
    prepare_referral,
    submit_referral,
)

__all__ = [
    "accept_referral",
    "approve_referral",
    "ask_for_information",
    "change_referral",
    "close_shares",
    "complete_referral",
    "confirm_receipt",
    "decline_referral",
    "discontinue_referral",
    "draft_referral",
    "expire_referrals",
    "give_information",
    "list_referrals",
    "list_reviews",
    "prepare_change",
    "prepare_referral",
    "return_referral",
    "start_service",
    "submit_referral",
    "view_referral",
    "withdraw_referral",
]
