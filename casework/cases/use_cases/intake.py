"""Opening a case, and correcting who it is about."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import authorise
from casework.accounts.models import Staff
from casework.accounts.queries import staff_by_id
from casework.audit.trail import about, counted, for_purpose, use_case
from casework.cases import ages, people, queries, workflow
from casework.cases.codes import fresh_code
from casework.cases.models import Case, CaseAssignment, Person, PersonIdentifier, PersonName
from casework.cases.search.duplicates import refuse_known
from casework.cases.search.indexing import keep_in_step
from casework.cases.timeline import add_to_timeline
from casework.cases.use_cases.consent import AT_INTAKE, add_consent, leave_intake, refuse_against_age
from casework.cases.use_cases.drafts import drop_draft, typed_of
from casework.core import clock, identifiers
from casework.core.database import db
from casework.core.errors import Conflict, Denied, InvalidInput, StaleVersion

CODE_ATTEMPTS = 8


@use_case(permission=Permission.CASE_OPEN, code="case.form_opened", action="R")
def intake_form(actor: Actor, draft_id: uuid.UUID | None = None) -> dict[str, list[str]]:
    """What was typed into the draft; nothing without one."""
    return typed_of(actor, draft_id, "case") if draft_id else {}


@dataclass(frozen=True, slots=True)
class Opened:
    """The new case. `check_number`: the number's check digit does not match; it is kept as it is."""

    id: uuid.UUID
    display_code: str
    check_number: bool


@use_case(permission=Permission.CASE_OPEN, code="case.opened", action="C")
def open_case(actor: Actor, draft_id: uuid.UUID | None, data: Mapping[str, Any]) -> Opened:
    """Opens a case for a person of the actor's own district, with consent or a stated lawful basis.

    `InvalidInput` at the field for a place of another district or country, or a consent that does not fit the age;
    `PossibleDuplicate` when somebody like this is known already and nobody said that it is somebody else.
    """
    details = people.tidy_details(data)
    people.refuse_place_elsewhere(details["place_id"], actor.place_id)
    age = ages.age_on(details["birth_date"], details["birth_date_precision"])
    refuse_against_age(age, data, AT_INTAKE)
    refuse_known(actor, details, data)
    person = Person(display_code="", version=1, created_by=actor.id, created_at=clock.now())
    name = PersonName(person_id=person.id, position=0, name_type="official")
    people.write_details(person, name, details, {})
    _add_under_fresh_code(person)
    case = _case(actor, person, data)
    db.session.add_all([name, people.as_version(person, 1, actor, details, "")])
    about(case)
    for_purpose("case_management")
    add_to_timeline(case, "case_opened", case.id)
    failing = _number(person, data)
    keep_in_step(person.id)
    consent = add_consent(actor, case, "case_management", data, AT_INTAKE)
    leave_intake(actor, case, consent)
    drop_draft(actor, draft_id, "case")
    return Opened(case.id, person.display_code, failing)


def _add_under_fresh_code(person: Person) -> None:
    for _attempt in range(CODE_ATTEMPTS):
        person.display_code = fresh_code()
        try:
            with db.session.begin_nested():
                db.session.add(person)
            return
        except IntegrityError:
            continue  # the code is somebody's already
    raise Conflict()


def _case(actor: Actor, person: Person, data: Mapping[str, Any]) -> Case:
    now = clock.now()
    case = Case(
        person_id=person.id,
        person=person,
        office_id=actor.place_id,
        worker_id=actor.id,
        status=workflow.FIRST,
        case_type=data["case_type"],
        needs_level=data.get("needs_level"),
        source="caseworker",
        retention_class="active",
        opened_on=clock.today(),
        last_activity_at=now,
        version=1,
        created_by=actor.id,
    )
    held = CaseAssignment(
        case_id=case.id,
        person_id=person.id,
        office_id=actor.place_id,
        staff_id=actor.id,
        role="caseworker",
        started_at=now,
    )
    for row in (case, held):  # in this order: PostgreSQL lets in only what can be seen through what is there
        db.session.add(row)
        db.session.flush()
    return case


def _number(person: Person, data: Mapping[str, Any]) -> bool:
    if not data.get("identifier_type"):
        return False
    checked = identifiers.check(data["identifier_type"], data["identifier_value"])
    db.session.add(
        PersonIdentifier(
            person_id=person.id,
            recorded_at=clock.now(),
            identifier_type=data["identifier_type"],
            value=checked.normal,
            checksum_result=checked.checksum,
        )
    )
    return checked.checksum == "fail" or not checked.well_formed


@dataclass(frozen=True, slots=True)
class PersonPage:
    """The details as they are saved now, for the form that corrects them."""

    case: Case
    identity: people.Identity
    details: dict[str, Any]
    version: int


@use_case(permission=Permission.CASE_EDIT, code="case.details_opened", action="R")
def person_form(actor: Actor, case_id: uuid.UUID) -> PersonPage:
    """The details, opened for correcting."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.CASE_EDIT, case)
    about(case)
    for_purpose("case_management")
    return PersonPage(case, people.identity_of(actor, case), _saved(case), case.person.version)


def _saved(case: Case) -> dict[str, Any]:
    names = queries.names_of(case.person_id)
    return people.details_of(case.person, names[0] if names else None)


@use_case(permission=Permission.CASE_EDIT, code="case.person_corrected", action="U")
def correct_person(actor: Actor, case_id: uuid.UUID, version: int | None, data: Mapping[str, Any]) -> Case:
    """Corrects details with a reason; the earlier ones stay readable.

    `StaleVersion` when somebody saved meanwhile, `InvalidInput` when nothing differs or the place lies elsewhere.
    """
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.CASE_EDIT, case)
    about(case)
    for_purpose("case_management")
    saved = _saved(case)
    person = case.person
    if version != person.version:
        raise StaleVersion(saved, person.version)
    details = people.tidy_details(data)
    if details["place_id"] != saved["place_id"]:
        people.refuse_place_elsewhere(details["place_id"], case.office_id)
    if details == saved:
        raise InvalidInput({"_form": [_("Nothing was changed.")]})
    [name] = queries.names_of(case.person_id)[:1]
    people.write_details(person, name, details, saved)
    person.version += 1
    kept = people.as_version(person, person.version, actor, details, data["reason"])
    db.session.add(kept)
    keep_in_step(person.id)
    add_to_timeline(case, "person_corrected", kept.id)
    return case


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """The details after one change, with what differs from the version before."""

    number: int
    at: Any
    author_id: uuid.UUID
    reason: str
    details: dict[str, Any]
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class PersonHistory:
    """Every version of the details, the newest first."""

    case: Case
    identity: people.Identity
    versions: list[KeptVersion]
    staff: dict[uuid.UUID, Staff]


@use_case(permission=Permission.CASE_VIEW, code="case.details_history_viewed", action="R")
def person_history(actor: Actor, case_id: uuid.UUID) -> PersonHistory:
    """Who changed the details, when and why."""
    case = queries.case_for(actor, case_id)
    if not people.sees_details(actor):
        raise Denied()
    authorise(actor, Permission.CASE_VIEW, case)
    about(case)
    for_purpose("case_management")
    rows = queries.person_versions(case.person_id)
    opened = [people.revived(each.details.reveal()) for each in rows]  # type: ignore[union-attr]
    versions = [
        KeptVersion(
            row.number,
            row.at,
            row.author_id,
            people.reveal(row.reason) or "",
            details,
            _differing(details, older),
        )
        for row, details, older in zip(rows, opened, [*opened[1:], {}], strict=False)
    ]
    counted(len(versions))
    staff = staff_by_id(each.author_id for each in rows)
    return PersonHistory(case, people.identity_of(actor, case), versions, staff)


def _differing(details: Mapping[str, Any], older: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(each for each in {*details, *older} if older and details.get(each) != older.get(each))
