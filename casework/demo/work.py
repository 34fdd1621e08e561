"""The work in one case: consents renewed and taken back, people who join or take over, support with its next steps."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from typing import Any

from casework.access.actor import Actor
from casework.access.roles import Role
from casework.cases.models import ClinicalNote, Draft, FollowUp, Person, SupportRecord, SupportVersion
from casework.cases.use_cases import caseload, drafts, follow_ups, intake, support
from casework.core import clock
from casework.demo import phrases
from casework.demo.answers import answers_of, kinds_for
from casework.demo.life import DETAILS, IDENTITY, LEVELS, PURPOSE, Life
from casework.demo.sheaf import Row, id_at

DAYS_BETWEEN = {"high": 45, "medium": 70, "low": 110, "none": 170}
MOST_CONTACTS = 14


def go_on(life: Life) -> None:
    """Everything after the opening but the referrals."""
    _consents(life)
    _people(life)
    _changes(life)
    _contacts(life)
    if life.person.number % 17 == 3 and life.days >= 8:
        _draft(life)


def _consents(life: Life) -> None:
    renewals = 335 + life.dice.randint(0, 25)
    asked = life.days
    while PURPOSE in life.consents and asked > renewals + 2:
        asked -= renewals
        if life.dice.random() < 0.8:
            life.consent(PURPOSE, life.moment(asked))
        else:  # it ran out, and the next visit asks again
            asked -= 367 - renewals + life.dice.randint(4, 20)
            if asked < 2:
                break
            life.settle_consents(life.moment(asked))
            life.consent(PURPOSE, life.moment(asked))
    if life.days > 10 and life.dice.random() < 0.45:
        at = life.moment(life.days - life.dice.randint(0, 6))
        visits = life.consent("home_visits", at, given=life.dice.random() < 0.85)
        soon = min(life.days - 7, 300)
        if visits["status"] == "active" and soon > 20 and life.person.number % 9 == 4:
            life.withdraw(visits, life.moment(life.days - life.dice.randint(10, soon)))


def _people(life: Life) -> None:
    if life.days > 120 and life.person.number % 11 == 5 and len(life.team.workers) > 1:
        desk = life.team.workers.index(life.worker)
        taking_over = life.team.workers[(desk + 1) % len(life.team.workers)]
        at = life.moment(life.days * life.dice.uniform(0.3, 0.7))
        life.assignment["ended_at"] = at
        _give(life, at, taking_over, phrases.HAND_OVER)
        life.held.append((at, taking_over))
    if life.days > 15 and life.person.number % 4 == 1:
        _give(life, psychologist_since(life), life.team.psychologist, phrases.JOINING)


def psychologist_since(life: Life) -> datetime:
    """When the psychologist joins a case that one joins."""
    return life.opened + timedelta(days=max(2, life.days // 6), minutes=life.person.number % 60)


def _give(life: Life, at: datetime, actor: Actor, reasons: tuple[phrases.Pair, ...]) -> None:
    given = life.assign(at, actor, life.pen.write(reasons))
    life.case_row["version"] += 1
    life.timeline(at, "reassigned", given["id"], life.team.supervisor)
    life.act(at, caseload.reassign, life.team.supervisor)


def _changes(life: Life) -> None:
    if life.days > 60 and life.dice.random() < 0.14:
        at = life.moment(life.days * life.dice.uniform(0.2, 0.8))
        life.level = life.dice.choice([each for each in LEVELS if each != life.level])
        life.case_row["version"] += 1
        life.timeline(at, f"needs_level_{life.level}", life.case_id, life.worker_at(at))
        life.act(at, caseload.set_needs_level, life.worker_at(at), purpose=None)
    if life.days > 30 and life.dice.random() < 0.07:
        at = life.moment(life.days * life.dice.uniform(0.1, 0.9))
        worker = life.worker_at(at)
        new = {
            "phone": f"+99800{life.dice.randrange(10**7):07d}",
            "phone_owner": "relative",
            "safe_to_call": True,
        }
        life.details |= new
        life.sheaf.reseal(Person, life.person_row, at, **new)
        life.person_row["version"] += 1
        kept = life.keep_details(at, worker, life.pen.write(phrases.DETAIL_CORRECTION))
        life.timeline(at, "person_corrected", kept["id"], worker)
        life.act(at, intake.correct_person, worker, fields=(*IDENTITY, *DETAILS))
    if life.days > 25 and life.dice.random() < 0.5:
        life.view(life.moment(life.dice.randint(2, life.days - 5)), life.team.supervisor)


def _contact_days(life: Life) -> list[int]:
    """Days ago of each contact, the earliest first."""
    first = max(1, life.days - life.dice.randint(0, 4))
    number = min(MOST_CONTACTS, 1 + life.days // DAYS_BETWEEN[life.level])
    last = min(first, life.dice.randint(1, 40))
    if number == 1:
        return [first]
    gap = (first - last) / (number - 1)
    found = {
        round(first - gap * each + life.dice.uniform(-0.25, 0.25) * gap) for each in range(1, number - 1)
    }
    return sorted({first, last, *(day for day in found if last < day < first)}, reverse=True)


def _contacts(life: Life) -> None:
    days = _contact_days(life)
    moments = sorted(life.moment(day) for day in days)
    counts: dict[str, int] = {}
    waiting: Row | None = None
    with_psychologist = life.days > 15 and life.person.number % 4 == 1
    for place, at in enumerate(moments):
        kinds, weights = kinds_for(life.age_on(clock.local(at).date()))
        kind = life.dice.choices(kinds, weights)[0]
        counts[kind] = counts.get(kind, 0) + 1
        author = life.worker_at(at)
        clinical = with_psychologist and kind == "psychosocial" and at > psychologist_since(life)
        if clinical and life.dice.random() < 0.7:
            author = life.team.psychologist
        if life.dice.random() < 0.35:
            life.view(life.later(at, -9, -2), author)
        record, content = _record(life, at, kind, author, place / max(1, len(moments) - 1), counts[kind])
        if waiting is not None:
            _close(life, waiting, life.later(at, 3, 14), life.worker_at(at))
        following = moments[place + 1] if place + 1 < len(moments) else None
        waiting = _next_step(life, at, record, content, following)
        _keep_version(life, at, record, content)
        if author.role is Role.PSYCHOLOGIST:
            _clinical_note(life, at, record)
        elif life.dice.random() < 0.05:
            _correct(life, at, record, content)
        life.act(at, support.record_support, author, ("support_record", record["id"]))
        if place == 0 and life.person.number % 45 == 7:
            _in_error(life, at, kind, author, content)
    if waiting is not None:
        life.due.append(waiting["due_on"])


def _record(
    life: Life, at: datetime, kind: str, author: Actor, how_far: float, number: int
) -> tuple[Row, dict[str, Any]]:
    day = clock.local(at).date()
    happened = day - timedelta(days=life.dice.choices((0, 1, 2), (80, 14, 6))[0])
    happened = max(happened, clock.local(life.opened).date())
    age = life.age_on(day)
    content = {"happened_on": happened} | answers_of(kind, age, how_far, number, life.pen, life.dice)
    return _support_row(life, at, kind, author, happened), content


def _support_row(
    life: Life, at: datetime, kind: str, author: Actor, happened: date, *, struck: bool = False
) -> Row:
    record = life.add(
        SupportRecord,
        at,
        case_id=life.case_id,
        person_id=life.person_id,
        kind=kind,
        state="recorded",
        happened_on=happened,
        author_id=author.id,
        created_at=at,
        version=1,
    )
    life.timeline(at, f"support_{kind}", record["id"], author, on=happened, struck=struck)
    return record


def _next_step(
    life: Life, at: datetime, record: Row, content: dict[str, Any], following: datetime | None
) -> Row | None:
    """The next step of a record, written into its content; an open follow-up, or None."""
    day, dice = clock.local(at).date(), life.dice
    if following is not None:
        due = clock.local(following).date() + timedelta(days=dice.randint(-6, 5))
    else:
        plan = dice.choices(("soon", "overdue", "none"), (55, 25, 20))[0]
        if plan == "none":
            return None
        due = life.today + timedelta(days=dice.randint(0, 30))
        if plan == "overdue" and (life.today - day).days > 3:
            due = life.today - timedelta(days=dice.randint(1, min(21, (life.today - day).days - 1)))
    content["next_step"] = life.pen.write(phrases.STEPS[record["kind"]])
    content["next_step_on"] = max(due, day)
    return life.add(
        FollowUp,
        at,
        case_id=life.case_id,
        person_id=life.person_id,
        record_id=record["id"],
        kind=record["kind"],
        due_on=content["next_step_on"],
        status="open",
        created_by=record["author_id"],
        created_at=at,
        step=content["next_step"],
    )


def _close(life: Life, follow_up: Row, at: datetime, actor: Actor) -> None:
    done = life.dice.random() < 0.92
    follow_up |= {"status": "done" if done else "not_needed", "closed_by": actor.id, "closed_at": at}
    if not done:
        life.sheaf.reseal(FollowUp, follow_up, at, closed_reason=life.pen.write(phrases.NOT_NEEDED))
    life.timeline(at, f"follow_up_{follow_up['kind']}", follow_up["id"], actor)
    use_case = follow_ups.mark_done if done else follow_ups.mark_not_needed
    life.act(at, use_case, actor, ("follow_up", follow_up["id"]))


def _keep_version(
    life: Life,
    at: datetime,
    record: Row,
    content: dict[str, Any],
    author_id: uuid.UUID | None = None,
    reason: str = "",
) -> None:
    life.add(
        SupportVersion,
        at,
        record_id=record["id"],
        case_id=life.case_id,
        person_id=life.person_id,
        kind=record["kind"],
        number=record["version"],
        at=at,
        author_id=author_id or record["author_id"],
        content=support.content_of(content),
        reason=reason,
    )


def _clinical_note(life: Life, at: datetime, record: Row) -> None:
    life.add(
        ClinicalNote,
        at,
        record_id=record["id"],
        case_id=life.case_id,
        number=1,
        author_id=record["author_id"],
        at=at,
        clinical_note=life.pen.write(phrases.CLINICAL),
        crisis_plan_text=life.pen.write(phrases.CRISIS_PLAN) if life.dice.random() < 0.2 else None,
    )


def _correct(life: Life, at: datetime, record: Row, content: dict[str, Any]) -> None:
    """The same hour: the duration was another one."""
    at = life.later(at, 20, 50)
    record["version"] += 1
    other = {"under_15": "from_15_to_45", "from_15_to_45": "from_45_to_90"}.get(
        content["duration_band"], "over_90"
    )
    author = life.worker_at(at)
    reason = life.pen.write(phrases.CORRECTION)
    _keep_version(life, at, record, content | {"duration_band": other}, author.id, reason)
    life.timeline(at, f"support_{record['kind']}_corrected", record["id"], author)
    life.act(
        at, support.correct_support, author, ("support_record", record["id"]), fields=("support.content",)
    )


def _in_error(life: Life, at: datetime, kind: str, author: Actor, content: dict[str, Any]) -> None:
    """The first contact was written down twice; the second record is struck."""
    again, marked = life.later(at, 15, 18), life.later(at, 60, 90)
    day = clock.local(at).date()
    record = _support_row(life, again, kind, author, day, struck=True)
    said = {name: value for name, value in content.items() if not name.startswith("next_step")}
    _keep_version(life, again, record, said | {"happened_on": day})
    life.act(again, support.record_support, author, ("support_record", record["id"]))
    record |= {"state": "entered_in_error", "error_at": marked, "error_by": author.id}
    life.sheaf.reseal(SupportRecord, record, marked, error_reason=life.pen.write(phrases.IN_ERROR))
    life.timeline(marked, f"support_{kind}_in_error", record["id"], author)
    life.act(marked, support.mark_in_error, author, ("support_record", record["id"]))


def _draft(life: Life) -> None:
    at = life.moment(life.dice.randint(1, 6))
    worker, draft_id = life.worker_at(at), id_at(at)
    kind = kinds_for(life.age_on(life.today))[0][-1]
    life.add(
        Draft,
        at,
        id=draft_id,
        staff_id=worker.id,
        case_id=life.case_id,
        form=kind,
        created_at=at,
        updated_at=at,
        content={
            "happened_on": [clock.local(at).strftime("%d.%m.%Y")],
            "contact_type": ["home_visit"],
            "note": [life.pen.write(phrases.NOTES[kind])],
        },
    )
    life.act(at, drafts.save_support_draft, worker, ("draft", draft_id), purpose=None, personal=False)
