"""Writing a referral: choosing the domain, drafting, changing a draft, sending it to review."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import authorise
from casework.audit.trail import about, for_purpose, use_case
from casework.cases import queries as case_queries
from casework.cases.models import Case, Consent
from casework.core import clock
from casework.core.database import db
from casework.core.errors import InvalidInput, NotFound, StaleVersion
from casework.core.pack import load_pack
from casework.referrals import package, queries, workflow
from casework.referrals.course import require_version, take_step
from casework.referrals.models import Referral
from casework.referrals.schemas import TYPED_HERE, is_personal
from casework.referrals.workflow import Action, Side, State, code_of
from casework.web.languages import day

PURPOSE = "case_management"

NO_BASIS = _l(
    "A referral needs a consent in force for its purpose, or another lawful basis with a reason. "
    "Record the consent first, or state the basis."
)


@dataclass(frozen=True, slots=True)
class Writing:
    """What the form needs: whose case (its code only) and the consents in force, by id with a label."""

    case_id: uuid.UUID | None
    display_code: str | None
    domain: str
    consents: list[tuple[str, str]]
    initial: dict[str, Any]
    version: int | None


@use_case(permission=Permission.REFERRAL_MAKE, code="referral.prepared", action="R")
def prepare_referral(actor: Actor, case_id: uuid.UUID, domain: str | None) -> Writing:
    """Opens the form for a new referral of this case; NotFound for a case that is not in the actor's reach."""
    case = case_queries.case_for(actor, case_id)
    authorise(actor, Permission.REFERRAL_MAKE, case)
    about(case)
    for_purpose(PURPOSE)
    return Writing(case.id, case.display_code, domain or "", _consents(case, domain), {}, None)


@use_case(permission=Permission.REFERRAL_MAKE, code="referral.reopened", action="R")
def prepare_change(actor: Actor, referral_id: uuid.UUID) -> Writing:
    """Opens the form of a draft or returned referral with what it holds. `IllegalMove` when it was sent."""
    referral = queries.referral_for(actor, referral_id)
    about(referral)
    authorise(actor, Permission.REFERRAL_MAKE, referral)
    workflow.move(referral.status, Action.SAVE, frozenset({Side.SENDER}))
    return Writing(
        referral.case_id,
        referral.display_code,
        referral.domain,
        _consents(referral.case, referral.domain) if referral.case else [],
        _as_answers(referral),
        referral.version,
    )


@use_case(permission=Permission.REFERRAL_MAKE, code=code_of(Action.SAVE), action="C")
def draft_referral(actor: Actor, case_id: uuid.UUID, data: dict[str, Any]) -> Referral:
    """Writes a referral as a draft, its package filled. `data` is a loaded `referral_input`.

    InvalidInput when no live consent of the needed purpose is chosen and no lawful basis stated.
    """
    case = case_queries.case_for(actor, case_id)
    authorise(actor, Permission.REFERRAL_MAKE, case)
    for_purpose(PURPOSE)
    now = clock.now()
    district, region = queries.route_of(case.office_id)
    personal = is_personal(load_pack(), data["domain"])
    referral = Referral(
        case_id=case.id if personal else None,
        person_id=case.person_id if personal else None,
        display_code=case.display_code if personal else None,
        domain=data["domain"],
        office_id=case.office_id,
        to_place_id=district,
        to_region_id=region,
        author_id=actor.id,
        status=State.DRAFT,
        created_at=now,
        changed_at=now,
    )
    _fill(referral, case, data)
    db.session.add(referral)
    db.session.flush()
    about(referral)
    return referral


@use_case(permission=Permission.REFERRAL_MAKE, code=code_of(Action.SAVE), action="U")
def change_referral(actor: Actor, referral_id: uuid.UUID, data: dict[str, Any]) -> Referral:
    """Replaces what a draft or returned referral holds; its domain stays. `StaleVersion` with what was saved since."""
    referral = queries.referral_for(actor, referral_id)
    about(referral)
    authorise(actor, Permission.REFERRAL_MAKE, referral)
    workflow.move(referral.status, Action.SAVE, frozenset({Side.SENDER}))
    if data["domain"] != referral.domain:
        raise InvalidInput({"domain": [_l("The domain of a referral cannot be changed. Write a new one.")]})
    if data.get("version") is not None and data["version"] != referral.version:
        raise StaleVersion(_as_answers(referral), referral.version)
    require_version(referral, data.get("version"))
    if referral.case is not None:
        authorise(actor, Permission.REFERRAL_MAKE, referral.case)
    _fill(referral, referral.case, data)
    take_step(actor, referral, Action.SAVE, Side.SENDER)
    return referral


@use_case(permission=Permission.REFERRAL_MAKE, code=code_of(Action.SUBMIT), action="U")
def submit_referral(actor: Actor, referral_id: uuid.UUID, data: dict[str, Any]) -> Referral:
    """Sends a draft or returned referral to review, as previewed."""
    referral = queries.referral_for(actor, referral_id)
    about(referral)
    authorise(actor, Permission.REFERRAL_MAKE, referral)
    workflow.move(referral.status, Action.SUBMIT, frozenset({Side.SENDER}))
    require_version(referral, data.get("version"))
    require_basis(referral)
    take_step(actor, referral, Action.SUBMIT, Side.SENDER)
    return referral


def require_basis(referral: Referral) -> None:
    """InvalidInput when the consent that a referral stands on is not in force any more and was not renewed."""
    if referral.consent_id is None:
        return
    consent = queries.consent_in_force(referral.consent_id)
    if consent is None:
        raise InvalidInput(
            {"_form": [_l("The consent of this referral is not in force any more. It cannot go on.")]}
        )
    referral.consent_id = consent.id


def _fill(referral: Referral, case: Case | None, data: dict[str, Any]) -> None:
    """Writes the answers and the copy of the ticked fields into the referral."""
    _check_reason(data)
    referral.urgency, referral.channel = data["urgency"], data["channel"]
    if referral.person_id is None or case is None:
        referral.need_summary = data["need_summary"]
        referral.reason_code = data["reason_code"]
        return
    consent = _basis(case, data)
    referral.consent_id = consent.id if consent else None
    referral.lawful_basis = None if consent else data["lawful_basis"]
    referral.basis_note = None if consent else data["lawful_basis_text"]
    referral.reason_code = data["reason_code"]
    referral.need_summary = data["need_summary"]
    names = case_queries.names_of(case.person_id)
    referral.dataset = package.collect(
        data["minimum_dataset"], case.person, names[0] if names else None, data
    )


def _check_reason(data: dict[str, Any]) -> None:
    if data["reason_code"] not in load_pack().referral_reasons(data["domain"]):
        raise InvalidInput({"reason_code": [_l("Choose one of the listed answers.")]})


def _basis(case: Case, data: dict[str, Any]) -> Consent | None:
    """The consent that carries the referral; None when a lawful basis is stated. InvalidInput when neither is."""
    if data.get("consent_id") is None:
        if data.get("lawful_basis") and data.get("lawful_basis_text"):
            return None
        raise InvalidInput({"consent_id": [NO_BASIS]})
    pack = load_pack()
    try:
        consent = case_queries.consent_for(case, data["consent_id"])
    except NotFound:
        raise InvalidInput({"consent_id": [_l("Choose one of the listed answers.")]}) from None
    needed = pack.consent_purpose_for(data["domain"], data["reason_code"])
    if queries.consent_in_force(consent.id) is not consent:
        raise InvalidInput({"consent_id": [_l("This consent is not in force any more.")]})
    if consent.purpose not in needed:
        purposes = ", ".join(pack.value_set("consent_purpose").label(each) for each in needed)
        message = _("This consent does not cover the reason. Needed for it: %(purposes)s.", purposes=purposes)
        raise InvalidInput({"consent_id": [message]})
    return consent


def _consents(case: Case, domain: str | None) -> list[tuple[str, str]]:
    if not domain or not is_personal(load_pack(), domain):
        return []
    pack = load_pack()
    labels = pack.value_set("consent_purpose")
    live = case_queries.live_consents(case.person_id, pack.consent_purpose_for(domain))
    return [
        (
            str(consent.id),
            _(
                "%(purpose)s, until %(day)s",
                purpose=labels.label(consent.purpose),
                day=day(consent.expires_on),
            ),
        )
        for consent in live
    ]


def _as_answers(referral: Referral) -> dict[str, Any]:
    """What the referral holds, as the form's values. Inside the Grant only."""
    dataset = referral.dataset.reveal() if referral.dataset else {}
    return {
        "domain": referral.domain,
        "reason_code": referral.reason_code.reveal() if referral.reason_code else None,
        "urgency": referral.urgency,
        "channel": referral.channel,
        "need_summary": referral.need_summary.reveal() if referral.need_summary else None,
        "minimum_dataset": list(dataset),
        "consent_id": referral.consent_id,
        "lawful_basis": referral.lawful_basis,
        "lawful_basis_text": referral.basis_note.reveal() if referral.basis_note else None,
        **{field: dataset[field] for field in TYPED_HERE if field in dataset},
    }
