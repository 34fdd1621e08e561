"""Referrals of the synthetic caseload: each state of the table in each domain, reached by moves of the table."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from casework.access.actor import SYSTEM, Actor
from casework.audit.trail import UseCase
from casework.cases import ages
from casework.core import clock
from casework.core.pack import Pack, load_pack
from casework.demo import phrases
from casework.demo.answers import level_for
from casework.demo.life import BIRTH, IDENTITY, Life
from casework.demo.sheaf import Row, id_at
from casework.referrals import workflow
from casework.referrals.course import NOT_ON_TIMELINE, TIMELINE_KIND
from casework.referrals.models import Referral, ReferralStep
from casework.referrals.schemas import is_personal, tickable
from casework.referrals.use_cases import answering, ending, reading, writing
from casework.referrals.workflow import BEFORE_SERVICE, Action, Clock, Move, Side, State
from casework.vault.grant import Compartment

A, S = Action, State
OUT = (A.SUBMIT, A.APPROVE)

PATHS: dict[State, tuple[tuple[Action, ...], ...]] = {
    S.DRAFT: ((),),
    S.AWAITING_REVIEW: ((A.SUBMIT,), (A.SUBMIT, A.RETURN, A.SUBMIT)),
    S.RETURNED: ((A.SUBMIT, A.RETURN),),
    S.SENT: (OUT,),
    S.RECEIVED: ((*OUT, A.RECEIVE), (*OUT, A.RECEIVE, A.ASK, A.INFORM)),
    S.NEEDS_INFO: ((*OUT, A.RECEIVE, A.ASK), (*OUT, A.ASK)),
    S.ACCEPTED: ((*OUT, A.RECEIVE, A.ACCEPT), (*OUT, A.ACCEPT)),
    S.DECLINED: ((*OUT, A.RECEIVE, A.DECLINE), (*OUT, A.DECLINE)),
    S.IN_SERVICE: ((*OUT, A.RECEIVE, A.ACCEPT, A.START),),
    S.COMPLETED: (
        (*OUT, A.RECEIVE, A.ACCEPT, A.START, A.COMPLETE),
        (A.SUBMIT, A.RETURN, *OUT, A.RECEIVE, A.ASK, A.INFORM, A.ACCEPT, A.START, A.COMPLETE),
    ),
    S.DISCONTINUED: ((*OUT, A.ACCEPT, A.DISCONTINUE), (*OUT, A.RECEIVE, A.ACCEPT, A.START, A.DISCONTINUE)),
    S.EXPIRED: ((A.EXPIRE,),),
    S.WITHDRAWN: ((*OUT, A.WITHDRAW), (A.SUBMIT, A.WITHDRAW), (*OUT, A.RECEIVE, A.ACCEPT, A.WITHDRAW)),
}
"""The ways that lead to each state from the draft."""

BEGUN: dict[State, tuple[int, int]] = {
    S.DRAFT: (1, 20),
    S.AWAITING_REVIEW: (2, 12),
    S.RETURNED: (3, 20),
    S.SENT: (3, 26),
    S.RECEIVED: (4, 30),
    S.NEEDS_INFO: (5, 28),
    S.ACCEPTED: (8, 40),
    S.IN_SERVICE: (20, 55),
}
"""Days ago that a referral which still waits was begun: earliest and latest. One that is over lies anywhere."""

USE_CASES: dict[Action, UseCase[..., Any]] = {
    A.SUBMIT: writing.submit_referral,
    A.APPROVE: answering.approve_referral,
    A.RETURN: answering.return_referral,
    A.RECEIVE: answering.confirm_receipt,
    A.ACCEPT: answering.accept_referral,
    A.ASK: answering.ask_for_information,
    A.INFORM: answering.give_information,
    A.DECLINE: answering.decline_referral,
    A.START: answering.start_service,
    A.COMPLETE: answering.complete_referral,
    A.DISCONTINUE: answering.discontinue_referral,
    A.WITHDRAW: answering.withdraw_referral,
    A.EXPIRE: ending.expire_referrals,
}

REASONS: dict[str, dict[str, tuple[str, ...]]] = {
    "accountability_legal": {
        "small": ("register_birth", "citizenship"),
        "child": ("register_birth", "citizenship", "recognise_foreign_record"),
        "adult": ("replace_lost", "address_registration", "legal_aid", "rights_information"),
    },
    "psychosocial_health_education": {
        "small": ("first_checkup", "vaccination"),
        "child": ("enrol", "catch_up", "supplies", "first_checkup", "group_available"),
        "adult": ("first_checkup", "dental", "group_available"),
    },
    "countering_terrorist_ideas": dict.fromkeys(
        ("small", "child", "adult"), ("community_dialogue_requested", "school_awareness_requested")
    ),
    "civil_society": {
        "small": ("material_help", "benefits"),
        "child": ("belonging", "mentor", "material_help"),
        "adult": ("training", "job_matching", "childcare", "material_help"),
    },
}

TEXTS: dict[Action, tuple[phrases.Pair, ...]] = {
    A.RETURN: phrases.RETURNED,
    A.ASK: phrases.QUESTION,
    A.INFORM: phrases.ANSWER,
    A.DECLINE: phrases.DECLINED,
    A.COMPLETE: phrases.REPORT,
    A.DISCONTINUE: phrases.REPORT,
    A.WITHDRAW: phrases.WITHDRAWN,
}
OUTCOMES = {
    A.COMPLETE: (
        "service_provided_need_met",
        "service_provided_need_met",
        "service_provided_need_partly_met",
        "service_provided_no_change",
    ),
    A.DISCONTINUE: ("person_declined", "person_no_show", "referred_onward"),
}


def refer(life: Life) -> None:
    """The referrals of this case: the one whose turn it is, and now and then an older one that is over."""
    number = life.person.referral
    if number is None:
        return
    pack = load_pack()
    states, domains = tuple(State), pack.domains
    if life.days > 220 and life.dice.random() < 0.3:
        over = life.dice.choice((S.COMPLETED, S.COMPLETED, S.DECLINED, S.DISCONTINUED))
        personal = [each for each in domains if is_personal(pack, each)]
        _one(life, pack, life.dice.choice(personal), over, life.days - life.dice.randint(8, 60))
    # 13 states and 4 domains have no common divisor: 52 referrals in a row hold each pair once.
    state, domain = states[number % len(states)], domains[number % len(domains)]
    low, high = BEGUN.get(state, (45, max(46, life.days - 8)))
    _one(life, pack, domain, state, life.dice.randint(low, min(high, life.days - 3)))


def _one(life: Life, pack: Pack, domain: str, state: State, days_ago: int) -> None:
    path = life.dice.choice(PATHS[state])
    # A draft that nobody touches lapses after its days; every other path ends with the days there are.
    newest = days_ago - ending.DRAFT_DAYS - 4 if state is S.EXPIRED else _newest(state, days_ago)
    moments = _moments(life, days_ago, max(1, newest), len(path))
    referral, reason = _draft(life, pack, domain, moments[0])
    for action, at in zip(path, moments[1:], strict=True):
        _step(life, pack, referral, reason, action, at)


def _newest(state: State, days_ago: int) -> int:
    return max(1, days_ago - 70) if state in workflow.FINAL else max(1, days_ago // 3)


def _moments(life: Life, first: int, last: int, steps: int) -> list[datetime]:
    """The moment of the draft and of each step, in order."""
    gap = (first - last) / max(1, steps)
    found = sorted(life.moment(first - gap * each) for each in range(steps + 1))
    for place in range(1, len(found)):
        if found[place] <= found[place - 1]:
            found[place] = life.later(found[place - 1], 5, 40)
    return found


def _draft(life: Life, pack: Pack, domain: str, at: datetime) -> tuple[Row, str]:
    dice, personal = life.dice, is_personal(pack, domain)
    age = life.age_on(clock.local(at).date())
    reason = dice.choice(REASONS[domain]["small" if age < 6 else "child" if age < 18 else "adult"])
    author, referral_id = life.worker_at(at), id_at(at)
    values: dict[str, Any] = {
        "need_summary": life.pen.write(phrases.NEED if personal else phrases.COMMUNITY_NEED)
    }
    if personal:
        by_consent = dice.random() < 0.92
        if by_consent:
            purpose = pack.consent_purpose_for(domain, reason)[0]
            values["consent_id"] = life.consent_in_force(purpose, at)["id"]
        else:
            values |= {
                "lawful_basis": dice.choice(("law", "vital_interest")),
                "basis_note": life.pen.write(phrases.BASIS),
            }
        values["dataset"] = _dataset(life, pack, domain, reason, at)
        values |= {"case_id": life.case_id, "person_id": life.person_id, "display_code": life.person.code}
    row = life.add(
        Referral,
        at,
        id=referral_id,
        domain=domain,
        office_id=life.team.district_id,
        to_place_id=life.team.district_id,
        to_region_id=life.team.region_id,
        author_id=author.id,
        status=State.DRAFT.value,
        urgency=dice.choices(("routine", "priority", "urgent", "immediate"), (55, 30, 12, 3))[0],
        channel=dice.choice(("in_system", "in_system", "in_system", "accompanied")),
        created_at=at,
        changed_at=at,
        version=1,
        reason_code=reason,
        **values,
    )
    fields = (*IDENTITY, *BIRTH) if personal else ()
    life.act(at, writing.draft_referral, author, ("referral", row["id"]), fields=fields, personal=personal)
    return row, reason


def _dataset(life: Life, pack: Pack, domain: str, reason: str, at: datetime) -> dict[str, Any]:
    """The ticked fields, as the referrals room copies them from the record."""
    details, person = life.details, life.person
    age = life.age_on(clock.local(at).date())
    contact = {"by": details.get("preferred_contact"), "hours": details.get("safe_hours")}
    if details.get("safe_to_call"):
        contact |= {"phone": details.get("phone"), "owner": details.get("phone_owner")}
    offered: dict[str, Any] = {
        "name": person.name.full,
        "birth_year": person.birth_date.year,
        "age_band": ages.band_of(age),
        "sex": person.sex,
        "languages": list(person.family.languages),
        "interpreter_needed": details["interpreter_needed"],
        "safe_contact": {key: value for key, value in contact.items() if value} or None,
        "region": str(life.team.region_id),
        "district": str(life.team.district_id),
    }
    if pack.reason_section(domain, reason) == "doc":
        offered["document_types"] = ["birth_certificate" if person.child else "id_card"]
    if pack.reason_section(domain, reason) == "edu":
        offered["level_sought"] = level_for(age)
    if pack.reason_section(domain, reason) == "emp":
        offered["work_wish"] = life.pen.write(phrases.WORK_WISH)
    always = {"safe_contact", "document_types", "level_sought", "work_wish"}
    return {
        field: offered[field]
        for field in tickable(pack, domain)
        if field in offered and (field in always or life.dice.random() < 0.55)
    }


def _step(life: Life, pack: Pack, referral: Row, need: str, action: Action, at: datetime) -> None:
    move = _row_of(referral["status"], action)
    actor = _actor_of(life, referral, move.side, at)
    dice: Random = life.dice
    personal = referral["person_id"] is not None
    consent = next((each for each in life.consents.values() if each["id"] == referral["consent_id"]), None)
    by_consent = (
        action is A.WITHDRAW and consent is not None and consent["status"] == "active" and dice.random() < 0.5
    )
    reason = _reason_of(pack, referral, action, dice)
    if by_consent:
        reason = "consent_withdrawn"
    text = life.pen.write(TEXTS[action]) if action in TEXTS and not by_consent else None
    if move.side is Side.RECIPIENT and action is not A.RECEIVE and dice.random() < 0.6:
        _look(life, referral, life.later(at, -12, -3), actor, personal)
    if action is A.APPROVE:
        referral["reviewer_id"] = actor.id
        _look(life, referral, life.later(at, -12, -3), actor, personal)
    step = life.add(
        ReferralStep,
        at,
        referral_id=referral["id"],
        at=at,
        actor_id=None if actor.is_system else actor.id,
        action=action.value,
        from_status=move.state.value,
        to_status=move.to.value,
        reason_code=reason,
        text=text,
    )
    referral |= {"status": move.to.value, "changed_at": at, "version": referral["version"] + 1}
    _set_clock(pack, referral, move.clock, at)
    _note_answer(
        life, referral, pack.service_outcomes(referral["domain"], need).keys, action, reason, actor, at
    )
    if move.to in (S.WITHDRAWN, S.EXPIRED) and move.state in BEFORE_SERVICE:
        life.sheaf.destroy(referral["id"], Compartment.PACKAGE)
        referral["package_gone_at"] = at
    if personal and action not in NOT_ON_TIMELINE:
        life.timeline(at, TIMELINE_KIND, step["id"], actor)
    if by_consent and consent is not None:
        life.withdraw(consent, at)
        return
    life.act(
        at,
        USE_CASES[action],
        actor,
        ("referral", referral["id"]),
        purpose=None,
        fields=("referral.reason_code",) if action in OUTCOMES else (),
        last_rule=move.side is Side.SENDER,
        personal=personal,
        count=1 if actor.is_system else None,
    )


def _row_of(status: str, action: Action) -> Move:
    return workflow.move(status, action, frozenset(Side))


def _actor_of(life: Life, referral: Row, side: Side, at: datetime) -> Actor:
    if side is Side.RECIPIENT:
        return life.team.officers[referral["domain"]]
    if side is Side.REVIEWER:
        return life.team.supervisor
    return SYSTEM if side is Side.SYSTEM else life.worker_at(at)


def _reason_of(pack: Pack, referral: Row, action: Action, dice: Random) -> str | None:
    if action is A.RETURN:
        return dice.choice(("more_detail_needed", "too_much_data", "urgency_to_check"))
    if action is A.DECLINE:
        return dice.choice(("no_capacity", "wrong_area", "duplicate", "missing_document"))
    if action in OUTCOMES:
        return dice.choice(OUTCOMES[action])
    return {A.WITHDRAW: "person_wish", A.EXPIRE: "draft_untouched"}.get(action)


def _look(life: Life, referral: Row, at: datetime, actor: Actor, personal: bool) -> None:
    fields = ("referral.reason_code", "referral.dataset", "referral.need_summary")
    entity = ("referral", referral["id"])
    life.act(
        at,
        reading.view_referral,
        actor,
        entity,
        purpose="referral",
        fields=fields if personal else (fields[0], fields[2]),
        personal=personal,
    )


def _set_clock(pack: Pack, referral: Row, change: Clock, at: datetime) -> None:
    """What the move does to the time to act, as `casework.referrals.course` does it."""
    if change is Clock.REVIEW:
        referral["submitted_at"] = at
    elif change is Clock.ANSWER:
        referral["sent_at"] = referral["sent_at"] or at
        referral["due_at"] = pack.due_at(referral["urgency"], at)
    elif change is Clock.STOP:
        referral["answered_at"] = at
    elif change is Clock.END:
        if referral["sent_at"] is not None:
            referral["answered_at"] = referral["answered_at"] or at
        referral["closed_at"] = at


def _note_answer(
    life: Life,
    referral: Row,
    outcomes: tuple[str, ...],
    action: Action,
    reason: str | None,
    actor: Actor,
    at: datetime,
) -> None:
    if action is A.ACCEPT:
        referral["officer_id"] = actor.id
    elif action is A.DECLINE:
        referral["decline_reason"] = reason
    elif action in OUTCOMES:
        referral["outcome"] = reason
        if action is A.COMPLETE:
            good = [
                each for each in outcomes if each not in ("refused", "declined", "not_eligible", "case_lost")
            ]
            life.sheaf.reseal(Referral, referral, at, service_outcome=life.dice.choice(good))
