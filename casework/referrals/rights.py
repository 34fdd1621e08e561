"""Referrals when a person asks for their data, or for their destruction."""

from __future__ import annotations

import uuid
from typing import Any

from flask_babel import gettext as _

from casework.access.actor import SYSTEM, Actor
from casework.access.permissions import Permission
from casework.access.policy import authorise
from casework.cases.erasure import register_eraser
from casework.cases.models import Case
from casework.cases.rights.parts import Item, Part, register_record_part
from casework.core import clock
from casework.core.database import db
from casework.core.pack import load_pack
from casework.referrals import package, queries
from casework.referrals.course import take_step
from casework.referrals.models import Referral
from casework.referrals.workflow import Action, Side, moves_from
from casework.vault.keys import destroy_keys
from casework.web.languages import moment


def end_referrals(person_id: uuid.UUID) -> dict[str, int]:
    """Ends what is under way and destroys every key of the person's referrals: nobody opens a package any more."""
    destroyed = 0
    for referral in queries.of_person(person_id):
        moves = {
            move.action: move for move in moves_from(referral.status, frozenset({Side.SENDER, Side.SYSTEM}))
        }
        if Action.WITHDRAW in moves:
            take_step(SYSTEM, referral, Action.WITHDRAW, Side.SENDER, reason="consent_withdrawn")
        elif Action.EXPIRE in moves:
            take_step(SYSTEM, referral, Action.EXPIRE, Side.SYSTEM, reason="consent_expired")
        referral.package_gone_at = referral.package_gone_at or clock.now()
        db.session.flush()
        destroyed += destroy_keys(referral.id)
    return {"packages": destroyed}


def record_part(actor: Actor, case: Case) -> Part:
    """What was sent where, when and how it ended, with what travelled."""
    items, data = [], []
    for referral in queries.all_of_case(case.id):
        authorise(actor, Permission.REFERRAL_VIEW, referral)
        item, found = _one(referral)
        items.append(item)
        data.append(found)
    return Part("referrals", _("Referrals"), items, data)


def _one(referral: Referral) -> tuple[Item, dict[str, Any]]:
    pack = load_pack()
    gone = referral.package_gone_at is not None
    dataset = {} if gone or referral.dataset is None else referral.dataset.reveal()
    summary = None if gone or referral.need_summary is None else referral.need_summary.reveal()
    domain = pack.value_set("domain").label(referral.domain)
    lines = [(_("Status"), pack.value_set("referral_status").label(referral.status))]
    if referral.sent_at is not None:
        lines.append((_("Approved and sent"), moment(referral.sent_at)))
    if summary:
        lines.append((_("What is needed"), summary))
    lines += package.in_words(dataset)
    found = {
        "domain": referral.domain,
        "status": referral.status,
        "created_at": referral.created_at,
        "sent_at": referral.sent_at,
        "closed_at": referral.closed_at,
        "need": summary,
        "sent": dataset,
        "outcome": referral.outcome,
    }
    return Item(domain, lines), found


def register() -> None:
    """Called when the app is composed."""
    register_eraser(end_referrals)
    register_record_part(record_part)
