"""Finding persons among the rows that the actor may see, best match first, with the reason."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import authorise_each
from casework.audit.trail import concerns, counted, for_purpose, searched, use_case
from casework.cases import ages, people
from casework.cases.models import Case
from casework.cases.search import queries, throttle
from casework.cases.search.asked import Asked, read_query
from casework.cases.search.models import SearchDocument
from casework.cases.search.warmth import person_of, warm
from casework.core.errors import InvalidInput
from casework.vault.documents import TooMany
from casework.vault.exact import fingerprint
from casework.vault.grant import SealedError
from casework.vault.names import Document, Match, normalise

MOST_SHOWN = 20
MOST_SUGGESTED = 6


@dataclass(frozen=True, slots=True)
class Hit:
    """One person found. `reason`: a key of `REASONS`; `age_band` only for roles that see details."""

    case_id: uuid.UUID
    code: str
    name: str
    age_band: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """The hits, best first; `more`: there may be others, less alike."""

    hits: list[Hit]
    more: bool


@use_case(permission=Permission.PERSON_SEARCH, code="person.search_opened", action="R")
def search_form(actor: Actor) -> None:
    """The empty page."""
    for_purpose("case_management")


@use_case(permission=Permission.PERSON_SEARCH, code="person.searched", action="R")
def search(actor: Actor, data: Mapping[str, Any]) -> Found:
    """Everybody whose name, number, phone or code is like what was typed. `TooManyAttempts` after too many searches."""
    return _find(actor, data["query"], MOST_SHOWN)


@use_case(permission=Permission.PERSON_SEARCH, code="person.searched", action="R")
def suggest(actor: Actor, data: Mapping[str, Any]) -> Found:
    """The same while somebody is typing: the best few."""
    return _find(actor, data["query"], MOST_SUGGESTED)


def _find(actor: Actor, query: str, limit: int) -> Found:
    throttle.refuse_if_too_many(actor)
    for_purpose("case_management")
    searched(fingerprint(normalise(query) or query))
    asked = read_query(query, with_numbers=people.sees_details(actor))
    if asked.nothing:
        raise InvalidInput({"query": [_("Write at least two letters of a name, or a whole number or code.")]})
    exact = _exactly(actor, asked, limit)
    close = _alike(actor, asked, limit) if asked.name else []
    names = {person_of(match): match for match in close}
    order = [*exact, *(each for each in names if each not in exact)][:limit]
    cases = queries.cases_of(actor, order)
    documents = queries.documents_by_person(list(cases))
    if wrong := [each for each in names if not _as_held(each, cases, documents)]:
        # Somebody changed it at this moment, or what is held is older: once more, from what stands there now.
        warm().recheck(wrong)
        names = {person_of(match): match for match in _alike(actor, asked, limit)}
        order = [*exact, *(each for each in names if each not in exact)][:limit]
        cases = queries.cases_of(actor, order)
        documents = queries.documents_by_person(list(cases))
    authorise_each(actor, Permission.PERSON_SEARCH, cases.values())
    hits = []
    for person_id in order:
        case, document, match = cases.get(person_id), documents.get(person_id), names.get(person_id)
        if case is not None and document is not None:
            hit = _hit(actor, case, document, match, exact.get(person_id))
            if hit is not None:
                hits.append(hit)
                concerns(person_id)
    counted(len(hits))
    return Found(hits, more=len(close) == limit)


def _exactly(actor: Actor, asked: Asked, limit: int) -> dict[uuid.UUID, str]:
    """Persons with this code, number or phone, with the reason."""
    found: dict[uuid.UUID, str] = {}
    if asked.code:
        for person_id in queries.person_with_display_code(actor, asked.code):
            found[person_id] = "same_code"
    for digests, why in ((asked.numbers, "same_number"), (asked.phones, "same_phone")):
        for person_id in queries.persons_with(actor, digests, limit):
            found.setdefault(person_id, why)
    return found


def _alike(actor: Actor, asked: Asked, limit: int) -> list[Match]:
    """Persons whose names are like the typed one, among those that the actor may see and nobody else."""
    try:
        return warm().match(
            (actor.id, actor.role, actor.place_id),
            lambda only: queries.documents_for(actor, only),
            asked.name,
            birth_year=asked.birth_year,
            limit=limit,
        )
    except TooMany:
        raise InvalidInput(
            {
                "query": [
                    _("There are too many persons here to be searched by name. Write a number or a code.")
                ]
            }
        ) from None


def _as_held(
    person_id: uuid.UUID, cases: Mapping[uuid.UUID, Case], documents: Mapping[uuid.UUID, SearchDocument]
) -> bool:
    row: Any = documents.get(person_id)
    return person_id in cases and row is not None and warm().holds(person_id, row.document_sealed)


def _hit(actor: Actor, case: Case, row: SearchDocument, match: Match | None, exact: str | None) -> Hit | None:
    """What is shown of a person, opened within the Grant; None when the keys were destroyed at this moment."""
    try:
        opened = Document.of_any_version(people.reveal(row.document), case.person_id)
        age = people.age_of(case.person) if people.sees_details(actor) else None
    except SealedError:
        return None
    written = [name.written for name in opened.names]
    shown = match.name if match is not None and match.name in written else next(iter(written), "")
    return Hit(
        case.id,
        case.display_code,
        shown,
        ages.band_label(ages.band_of(age)) if age is not None else "",
        exact or (match.reason if match is not None else ""),
    )
