"""The person behind a case: reading details inside the Grant, writing them, and naming them on a page."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from casework.access.actor import Actor
from casework.accounts.queries import place_or_none
from casework.cases import ages, queries
from casework.cases.models import Case, Person, PersonIdentifier, PersonName, PersonVersion
from casework.cases.policy import SEES_DETAILS
from casework.core import clock
from casework.core.errors import InvalidInput
from casework.web.places import path_of

NAME_FIELDS = ("surname", "given_name", "patronymic", "script")
DETAIL_FIELDS = (
    "birth_date",
    "birth_date_precision",
    "sex",
    "languages",
    "interpreter_needed",
    "preferred_contact",
    "phone",
    "phone_owner",
    "safe_to_call",
    "safe_hours",
    "place_id",
)
HOUSED = ("district", "mahalla")
"""Levels of the place tree where somebody lives."""


def reveal(secret: Any) -> Any:
    """The value of a sealed field, or None where there is none."""
    return secret.reveal() if secret is not None else None


def details_of(person: Person, name: PersonName | None) -> dict[str, Any]:
    """Every detail by its field name, opened. Lists and dates as themselves, the place as UUID."""
    found = {field: reveal(getattr(name, field)) if name else None for field in NAME_FIELDS}
    found |= {field: reveal(getattr(person, field)) for field in DETAIL_FIELDS}
    found["languages"] = found["languages"] or []
    found["place_id"] = uuid.UUID(found["place_id"]) if found["place_id"] else None
    return found


def tidy_details(data: Mapping[str, Any]) -> dict[str, Any]:
    """The details of a loaded form as they are stored: a plain date and its precision."""
    born = data["birth_date"]
    found = {field: data.get(field) for field in (*NAME_FIELDS, *DETAIL_FIELDS)}
    found["birth_date_precision"] = data.get("birth_date_precision") or getattr(born, "precision", "day")
    found["birth_date"] = date(born.year, born.month, born.day)
    return found


def write_details(
    person: Person, name: PersonName, details: Mapping[str, Any], before: Mapping[str, Any]
) -> None:
    """Seals what differs from before."""
    for field in (*NAME_FIELDS, *DETAIL_FIELDS):
        if details[field] == before.get(field):
            continue
        value = details[field]
        setattr(
            name if field in NAME_FIELDS else person,
            field,
            str(value) if field == "place_id" else value or None,
        )
        if field in ("interpreter_needed", "safe_to_call") and value is False:
            setattr(person, field, False)


def as_version(
    person: Person, number: int, author: Actor, details: Mapping[str, Any], reason: str
) -> PersonVersion:
    """The details as they stand from now on, to be kept."""
    kept = {name: _plain(value) for name, value in details.items() if value not in (None, [], "")}
    return PersonVersion(
        person_id=person.id, number=number, at=clock.now(), author_id=author.id, reason=reason, details=kept
    )


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, date | uuid.UUID) else value


def revived(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The details of a version with dates and ids as themselves."""
    found = dict(kept)
    if "birth_date" in found:
        found["birth_date"] = date.fromisoformat(found["birth_date"])
    return found


def refuse_place_elsewhere(place_id: uuid.UUID, office_id: uuid.UUID | None) -> None:
    """`InvalidInput` at the field unless the place lies in the office's district and still exists."""
    place = place_or_none(place_id)
    if place is None or place.closed_on is not None:
        raise InvalidInput(
            {"place_id": [_("There is no such place in the register. Choose one from the list.")]}
        )
    if place.level not in HOUSED:
        raise InvalidInput({"place_id": [_("Choose the mahalla, or at least the district.")]})
    if office_id is None or place.district_id != office_id:
        message = _("This place is not in the district of your office. The office there opens the case.")
        raise InvalidInput({"place_id": [message]})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a page is about, in words."""

    name: str
    code: str
    facts: tuple[str, ...]


def full_name(name: PersonName | None) -> str:
    """Surname, given name, patronymic."""
    return " ".join(filter(None, (reveal(getattr(name, part)) for part in NAME_FIELDS[:3]))) if name else ""


def sees_details(actor: Actor) -> bool:
    """Whether the actor's role sees more than name and code."""
    return actor.role in SEES_DETAILS


def age_of(person: Person) -> int | None:
    """Completed years today; None without a birth date."""
    born = reveal(person.birth_date)
    return ages.age_on(born, reveal(person.birth_date_precision) or "day") if born else None


def identity_of(actor: Actor, case: Case) -> Identity:
    """The identity bar: name and code for everybody on the case, age band and place for who sees details."""
    names = queries.names_of(case.person_id)
    facts: list[str] = []
    if sees_details(actor):
        age = age_of(case.person)
        facts.append(ages.band_label(ages.band_of(age)) if age is not None else "")
        facts.append(path_of(reveal(case.person.place_id)))
    return Identity(full_name(names[0] if names else None), case.display_code, tuple(filter(None, facts)))


@dataclass(frozen=True, slots=True)
class NumberLine:
    """One document or number, and whether its check digit is right."""

    kind: str
    value: str
    warning: bool


def number_lines(identifiers: list[PersonIdentifier]) -> list[NumberLine]:
    """Documents and numbers, opened."""
    return [
        NumberLine(reveal(each.identifier_type), reveal(each.value), reveal(each.checksum_result) == "fail")
        for each in identifiers
    ]
