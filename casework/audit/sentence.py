"""One event in plain words: what happened when, who did it, about whom, from where, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flask_babel
from flask_babel import lazy_gettext as _l

from casework.access.roles import Role
from casework.audit import words
from casework.core.pack import load_pack
from casework.web.languages import day, hour


def _(message: str, **values: Any) -> str:
    return str(flask_babel.gettext(message, **values))


OF_THE_WORK: dict[str, Any] = {
    "data_subject_request": _l("Answering a request of the person"),
    "referral": _l("Making or answering a referral"),
}
"""Purposes for which no consent is asked for."""

NAMED = 10
"""People named in a sentence; of more, the number."""


def in_sentences(event: Any, line: Mapping[str, Any], who: str, people: list[str]) -> list[str]:
    """Whole sentences. `who` is the sign-in name, `people` display codes; `line` may lack what retention dropped."""
    what = words.in_words(event.code)
    told = [
        _("%(what)s on %(day)s at %(hour)s.", what=what, day=day(event.recorded), hour=hour(event.recorded))
    ]
    if event.body:
        told.append(_by_whom(line, who))
        told.append(_about_whom(line, people))
        told += _from_where(line)
        if purpose := line.get("purpose"):
            told.append(_("The purpose was: %(purpose)s.", purpose=purpose_in_words(purpose)))
        if line.get("break_glass"):
            told.append(_("It was an emergency access."))
    else:
        told.append(
            _("The details of this event were dropped when their time was over; its fingerprint stays.")
        )
    told.append(_outcome(event.outcome, line.get("outcome_reason")))
    return told


def role_in_words(role: str | None) -> str:
    """The role's name; empty for the installation and for an unknown one."""
    return str(Role(role).label) if role in set(Role) else ""


def purpose_in_words(purpose: str) -> str:
    """The purpose as consents name it, or what the work itself asks for; else the key."""
    purposes = load_pack().value_set("consent_purpose")
    return purposes.label(purpose) if purpose in purposes.keys else str(OF_THE_WORK.get(purpose, purpose))


def _by_whom(line: Mapping[str, Any], who: str) -> str:
    if line.get("agent_role") == "system":
        return _("The installation itself did it, without a person.")
    if not line.get("agent_id"):
        return _("Nobody was signed in.")
    name = who or str(line["agent_id"])
    role = role_in_words(line.get("agent_role"))
    return _("It was done by %(who)s (%(role)s).", who=name, role=role or "–")


def _about_whom(line: Mapping[str, Any], people: list[str]) -> str:
    number = len(line.get("subject_ids") or ())
    if number == 0:
        return _("It concerns no person’s record.")
    if len(people) < number or number > NAMED:
        return _("People whose records it concerns: %(number)s.", number=number)
    return _("It concerns the record of: %(people)s.", people=", ".join(people))


def _from_where(line: Mapping[str, Any]) -> list[str]:
    told = []
    if address := line.get("src_ip"):
        told.append(_("It came from the network address %(address)s.", address=address))
    if page := line.get("endpoint"):
        told.append(_("Page or command: %(page)s.", page=page))
    return told


def _outcome(outcome: str, reason: str | None) -> str:
    if outcome == "success":
        return _("It was carried out.")
    said = _("It was refused.") if outcome == "denied" else _("It failed.")
    return f"{said} {_('Reason: %(reason)s.', reason=reason)}" if reason else said
