"""The package of a referral: the ticked fields, copied once from the person's record when the referral is written.

A copy, so that what was previewed, what the supervisor approves and what the recipient reads are the same bytes, and so
that a recipient never needs a key of the person. Values are kept as keys and shown in the reader's language.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flask_babel import gettext as _

from casework.accounts import queries as accounts_queries
from casework.accounts.places import place_label
from casework.cases.ages import age_on, band_of
from casework.cases.models import Person, PersonName
from casework.core.pack import load_pack
from casework.referrals.schemas import TYPED_HERE
from casework.vault.sealed import Secret


def collect(
    ticked: list[str], person: Person, name: PersonName | None, answers: Mapping[str, Any]
) -> dict[str, Any]:
    """The values of the ticked fields, by field; None where the record has none. Reveals inside the Grant only."""
    return {
        field: answers.get(field) if field in TYPED_HERE else _FROM_RECORD[field](person, name)
        for field in ticked
    }


def _open(secret: Secret | None) -> Any:
    return secret.reveal() if secret is not None else None


def _full_name(_person: Person, name: PersonName | None) -> str | None:
    if name is None:
        return None
    return (
        " ".join(part for part in map(_open, (name.surname, name.given_name, name.patronymic)) if part)
        or None
    )


def _birth(person: Person) -> date | None:
    found: date | None = _open(person.birth_date)
    return found


def _age_band(person: Person) -> str | None:
    born = _birth(person)
    return band_of(age_on(born, _open(person.birth_date_precision) or "day")) if born else None


def _place(person: Person, level: str) -> str | None:
    place_id = _open(person.place_id)
    place = accounts_queries.place_or_none(uuid.UUID(str(place_id))) if place_id else None
    found = getattr(place, level) if place is not None else None
    return str(found) if found else None


def _safe_contact(person: Person, _name: PersonName | None) -> dict[str, Any] | None:
    """How to reach the person safely; a phone travels only when it is safe to call."""
    contact = {"by": _open(person.preferred_contact), "hours": _open(person.safe_hours)}
    if _open(person.safe_to_call):
        contact |= {"phone": _open(person.phone), "owner": _open(person.phone_owner)}
    return {key: value for key, value in contact.items() if value} or None


_FROM_RECORD: dict[str, Callable[[Person, PersonName | None], Any]] = {
    "name": _full_name,
    "birth_year": lambda person, _name: born.year if (born := _birth(person)) else None,
    "age_band": lambda person, _name: _age_band(person),
    "sex": lambda person, _name: _open(person.sex),
    "languages": lambda person, _name: _open(person.languages),
    "interpreter_needed": lambda person, _name: _open(person.interpreter_needed),
    "safe_contact": _safe_contact,
    "region": lambda person, _name: _place(person, "region_id"),
    "district": lambda person, _name: _place(person, "district_id"),
}


def in_words(dataset: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What travels, as (label, text) in the reader's language and the order of the pack."""
    labels = load_pack().value_set("minimum_dataset_field")
    return [(labels.label(field), _words(field, dataset[field])) for field in labels.keys if field in dataset]


def _words(field: str, value: Any) -> str:
    if value is None or value == "" or value == []:
        return str(_("Not recorded"))
    writer = _WRITERS.get(field)
    return writer(value) if writer else str(value)


def _label(name: str, key: Any) -> str:
    """The label of a key; a key that the pack does not know (any more) as it is."""
    values = load_pack().value_set(name)
    return values.label(key) if key in values else str(key)


def _of_set(name: str) -> Callable[[Any], str]:
    return lambda value: ", ".join(
        _label(name, key) for key in (value if isinstance(value, list) else [value])
    )


def _place_name(value: str) -> str:
    return place_label(accounts_queries.place_or_none(uuid.UUID(value)))


def _languages(value: Any) -> str:
    written = []
    for each in value if isinstance(value, list) else [value]:
        key, level = (each.get("language"), each.get("level")) if isinstance(each, dict) else (each, None)
        text = _label("language", key)
        written.append(f"{text} ({_label('language_level', level)})" if level else text)
    return ", ".join(written)


def _contact(value: Mapping[str, str]) -> str:
    parts = [_label("preferred_contact", value["by"])] if "by" in value else []
    if "phone" in value:
        owner = f" ({_label('phone_owner', value['owner'])})" if "owner" in value else ""
        parts.append(value["phone"] + owner)
    if "hours" in value:
        parts.append(value["hours"])
    return ", ".join(parts)


_WRITERS: dict[str, Callable[[Any], str]] = {
    "age_band": _of_set("age_band"),
    "sex": _of_set("sex"),
    "languages": _languages,
    "interpreter_needed": lambda value: str(_("Yes") if value is True or value == "yes" else _("No")),
    "communication_needs": _of_set("communication_needs"),
    "safe_contact": _contact,
    "region": _place_name,
    "district": _place_name,
    "document_types": _of_set("doc_document"),
    "level_sought": _of_set("edu_level_sought"),
}
