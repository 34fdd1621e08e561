"""A year of an installation's log: two offices with their caseload, and the events that their days leave.

The mix is made up, but of the right kind: by day and now and then by night, mostly looks and few changes, lists that
concern many people at once, refusals, visits to the other office's records, cases that were handed over, one member of
staff who has just begun, codes that hardly ever occur. The same seed gives the same mix.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from flask import Flask
from sqlalchemy import insert

from casework.access.actor import SYSTEM
from casework.audit.event import EventDraft, forget_writer, write_many
from casework.cases import models
from casework.core import clock
from casework.core.database import db
from casework.core.ids import new_id
from casework.core.unit_of_work import unit_of_work
from tests.services import cases, staff

DAYS = 365
DESKS = 12
"""Caseworkers of each of the two offices, beside those of `cases.open_office`."""
PERSONS = 3000
HANDED_OVER = 0.1
"""Share of the caseload that somebody else had until the middle of the year."""
ELSEWHERE, AFTERWARDS, ESCORTED = 0.002, 0.001, 0.0002
"""Shares of looks at the other office's records, at cases handed over before, and by emergency access."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One code with its share of a day; `people` is the most that one such event concerns."""

    share: float
    code: str
    action: Any
    endpoint: str
    entity: str | None = None
    people: int = 1
    fields: tuple[str, ...] = ()
    outcome: str = "success"


NAME = ("person_name.surname", "person_name.given_name")
KINDS = (
    Kind(430, "case.viewed", "R", "GET /cases/<uuid:case_id>", "case", 1, (*NAME, "person.birth_date")),
    Kind(120, "work.viewed", "R", "GET /", None, 8, NAME),
    Kind(90, "case.listed", "R", "GET /cases", None, 20, NAME),
    Kind(100, "support.viewed", "R", "GET /cases/<uuid:case_id>/support/<uuid:support_id>", "support_record", 1, ("note",)),
    Kind(60, "support.form_opened", "R", "GET /cases/<uuid:case_id>/support/<kind>/new", "case", 1, NAME),
    Kind(55, "support.recorded", "C", "POST /cases/<uuid:case_id>/support/<kind>/new", "support_record"),
    Kind(35, "referral.viewed", "R", "GET /referrals/<uuid:referral_id>", "referral", 1, NAME),
    Kind(25, "person.searched", "R", "GET /search", None, 4, NAME),
    Kind(30, "auth.signed_in", "E", "POST /sign-in", "staff", 0),
    Kind(4, "auth.sign_in_failed", "E", "POST /sign-in", "staff", 0, (), "error"),
    Kind(7, "access.denied", "R", "GET /cases/<uuid:case_id>", "case", 0, (), "denied"),
    Kind(3, "support.recorded", "C", "POST /cases/<uuid:case_id>/support/<kind>/new", "case", 1, (), "error"),
    Kind(20, "log.heartbeat", "E", "worker", None, 0),
    Kind(2, "case.opened", "C", "POST /cases/new", "case"),
    Kind(0.02, "person.copied", "E", "POST /cases/<uuid:case_id>/copy", "person"),
)  # fmt: skip


@dataclass(slots=True)
class Desk:
    """Somebody at work: `weight` is their share of the events.

    `held` are the numbers of the cases that are theirs, `had` of those that they handed over in the middle of the year.
    """

    id: uuid.UUID
    office: int
    role: str = "caseworker"
    weight: float = 1.0
    held: list[int] = field(default_factory=list)
    had: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Caseload:
    """What the events are about. `cases` are (case, person) by number; the first half is the first office's.

    `case_id` and `code`: one case that was opened through the page, so that its page can be shown.
    """

    places: list[uuid.UUID]
    desks: list[Desk]
    cases: list[tuple[uuid.UUID, uuid.UUID]]
    case_id: uuid.UUID
    code: str


def caseload(app: Flask) -> Caseload:
    """Two offices, those who work there, an auditor, and the cases with who has them and who had them."""
    office = cases.open_office(app)
    staff.add_staff(app, "auditor", "auditor")
    codes = (cases.OFFICE, cases.OTHER_OFFICE)
    desks = [
        Desk(staff.add_staff(app, f"desk{number}", "caseworker", place=office.places[codes[number % 2]]), number % 2)
        for number in range(2 * DESKS)
    ]  # fmt: skip
    desks += [
        Desk(office.people["psychologist"], 0, "psychologist"),
        Desk(office.people["supervisor"], 0, "supervisor"),
    ]
    desks.append(Desk(office.people["caseworker2"], 0, weight=0.0005))  # has just begun
    real = cases.open_case(office, office.client("caseworker"))
    places = [office.places[code] for code in codes]
    with app.app_context():
        now, began = clock.now(), clock.now() - timedelta(days=DAYS)
        rows: dict[Any, list[dict[str, Any]]] = {
            models.Person: [],
            models.Case: [],
            models.CaseAssignment: [],
        }
        made = []
        for number in range(PERSONS):
            at = 0 if number < PERSONS // 2 else 1
            mine = [desk for desk in desks[: 2 * DESKS] if desk.office == at]
            desk, before = mine[number % DESKS], mine[(number + 1) % DESKS]
            person_id, case_id = new_id(), new_id()
            made.append((case_id, person_id))
            desk.held.append(number)
            rows[models.Person].append(
                {"id": person_id, "display_code": f"QX-{number:04d}", "version": 1, "created_by": desk.id, "created_at": began}
            )  # fmt: skip
            rows[models.Case].append(
                {"id": case_id, "person_id": person_id, "office_id": places[at], "worker_id": desk.id, "status": "support",
                 "case_type": "adult", "source": "caseworker", "retention_class": "active", "opened_on": began.date(),
                 "last_activity_at": now, "version": 1, "created_by": desk.id}
            )  # fmt: skip
            given = {
                "case_id": case_id,
                "person_id": person_id,
                "office_id": places[at],
                "role": "caseworker",
            }
            half = now - timedelta(days=DAYS / 2)
            handed_over = number % round(1 / HANDED_OVER) == 0
            rows[models.CaseAssignment].append(
                {**given, "id": new_id(), "staff_id": desk.id, "started_at": half if handed_over else began, "ended_at": None}
            )  # fmt: skip
            if handed_over:
                before.had.append(number)
                rows[models.CaseAssignment].append(
                    {**given, "id": new_id(), "staff_id": before.id, "started_at": began, "ended_at": half}
                )
        with unit_of_work():
            db.session.connection()
            _as_installation()
            for model, listed in rows.items():
                db.session.connection().execute(insert(model.__table__), listed)
            first = db.session.connection().execute(
                models.Case.__table__.select().where(models.Case.__table__.c.id == real)
            ).one()  # fmt: skip
            code = db.session.connection().scalar(
                models.Person.__table__.select()
                .with_only_columns(models.Person.__table__.c.display_code)
                .where(models.Person.__table__.c.id == first.person_id)
            )
        made[0] = (real, first.person_id)
        db.session.remove()
    return Caseload(places, desks, made, real, str(code))


def _as_installation() -> None:
    from casework.access.row_security import bind_actor

    bind_actor(SYSTEM)


def moments(count: int, dice: random.Random, end: datetime) -> Iterator[datetime]:
    """That many moments of the year before `end`, in order: working days, some evenings, few nights."""
    first = clock.local(end).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    weights = [1.0 if (first + timedelta(days=day)).weekday() < 5 else 0.15 for day in range(DAYS)]
    for day, weight in enumerate(weights):
        midnight, number = first + timedelta(days=day), round(count * weight / sum(weights))
        yield from sorted(midnight + timedelta(seconds=_second(dice)) for _ in range(number))


def _second(dice: random.Random) -> float:
    kind = dice.random()
    if kind < 0.004:
        return dice.uniform(0, 86_399)
    return min(86_399.0, max(0.0, dice.gauss(13 * 3600, 2.2 * 3600 if kind < 0.95 else 3.5 * 3600)))


def drafts(load: Caseload, count: int, seed: int = 1) -> Iterator[tuple[datetime, EventDraft]]:
    """About so many events, in the order of their moments."""
    dice, end = random.Random(seed), clock.now() - timedelta(minutes=1)
    handed_over = end - timedelta(days=DAYS / 2)
    shares, weights = [kind.share for kind in KINDS], [desk.weight for desk in load.desks]
    sessions = {desk.id: f"{dice.getrandbits(128):032x}" for desk in load.desks}
    for moment in moments(count, dice, end):
        if moment >= end:
            return
        kind = dice.choices(KINDS, shares)[0]
        desk = dice.choices(load.desks, weights)[0]
        ours = dice.random() >= ELSEWHERE
        half = PERSONS // 2
        base = 0 if (desk.office == 0) == ours else half
        theirs = (
            desk.had
            if desk.had and dice.random() < (AFTERWARDS if moment > handed_over else 0.1)
            else desk.held
        )
        held = theirs if ours and theirs else range(base, base + half)
        number = dice.choice(held)
        chosen = [number, *dice.choices(held, k=dice.randrange(kind.people))] if kind.people > 1 else [number]
        case_id, _person_id = load.cases[number]
        system = kind.code == "log.heartbeat"
        yield moment, EventDraft(
            action=kind.action, category=kind.code.partition(".")[0], code=kind.code, outcome=kind.outcome,  # type: ignore[arg-type]
            outcome_reason="not_visible" if kind.outcome == "denied" else None,
            request_id=f"{dice.getrandbits(64):016x}",
            agent_id=SYSTEM.id if system else desk.id, agent_role=None if system else desk.role,
            agent_place=None if system else load.places[desk.office],
            session_hash=None if system else sessions[desk.id],
            purpose="case_management" if kind.people else None, src_ip=None if system else "10.0.0.7",
            endpoint=kind.endpoint, entity_type=kind.entity,
            entity_id=None if kind.entity is None else (desk.id if kind.entity == "staff" else case_id),
            subject_ids=list(dict.fromkeys(load.cases[each][1] for each in chosen)) if kind.people else [],
            compartments=["CORE"] if kind.people else [], fields_accessed=list(kind.fields),
            result_count=len(chosen) if kind.entity is None and kind.people else None,
            break_glass=kind.code == "case.viewed" and dice.random() < ESCORTED,
        )  # fmt: skip


def write_year(app: Flask, load: Caseload, count: int, *, in_one: int = 1000) -> int:
    """Writes about so many events, each at its moment; gives how many."""
    wanted, written = drafts(load, count), 0
    forget_writer()  # another process than the one that wrote today
    with app.app_context():
        while portion := list(islice(wanted, in_one)):
            with unit_of_work():
                written += len(write_many(_each_at_its_moment(portion)))
        db.session.remove()
    return written


def _each_at_its_moment(portion: list[tuple[datetime, EventDraft]]) -> Iterator[EventDraft]:
    for moment, draft in portion:
        with clock.moved_to(moment):
            yield draft
