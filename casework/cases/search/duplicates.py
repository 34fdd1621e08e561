"""Whether somebody is possibly known already, anywhere in the registry, without saying who.

The question is put as the installation itself, since the actor sees the rows of one office only. What comes back is no row:
the code of a case that the actor may open anyway, or whom to ask.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from casework.access.actor import SYSTEM, Actor
from casework.access.row_security import bind_actor
from casework.accounts.places import place_label
from casework.accounts.queries import place_or_none, supervisors_of
from casework.audit.trail import concerns, counted, searched
from casework.cases.search import queries, throttle
from casework.cases.search.warmth import person_of, warm
from casework.core import identifiers
from casework.core.errors import InvalidInput
from casework.vault.documents import TooMany
from casework.vault.exact import digests_to_find, fingerprint
from casework.vault.names import normalise

ALIKE_ENOUGH = 0.93
"""The same name in any spelling, one slip of the hand with the same year of birth; not the same name born years apart."""
MOST = 5
REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Hint:
    """Who knows. Either a case that the actor may open, or the office and the supervisors to ask."""

    case_id: uuid.UUID | None = None
    code: str = ""
    office: str = ""
    supervisors: tuple[str, ...] = ()


class PossibleDuplicate(InvalidInput):
    """Somebody like this is possibly known already. `hints` say whom to ask; the second time a tick goes past it."""

    code = "possible_duplicate"

    def __init__(self, hints: list[Hint]) -> None:
        super().__init__(
            {"not_duplicate": [_("This person is possibly known already. Tick the box if not.")]}
        )
        self.hints = hints


def refuse_known(actor: Actor, details: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """`PossibleDuplicate` when the registry holds somebody like this, unless the actor says that it is somebody else.

    Counts as a search: `TooManyAttempts` after too many.
    """
    if data.get("not_duplicate"):
        return
    throttle.refuse_if_too_many(actor)  # or the form would be a search of everybody
    parts = (details.get("surname"), details.get("given_name"), details.get("patronymic"))
    full_name = " ".join(filter(None, parts))
    found = known_in_registry(
        actor, full_name, details.get("birth_date"), data.get("identifier_type"), data.get("identifier_value")
    )
    searched(fingerprint(normalise(full_name)))
    if found:
        concerns(*found)
        counted(len(found))
        raise PossibleDuplicate(hints_for(actor, found))


def known_in_registry(
    actor: Actor, full_name: str, born: date | None, kind: str | None = None, number: str | None = None
) -> list[uuid.UUID]:
    """The persons anywhere who have this number, or this name and about this year of birth. Ids only, for hints."""
    digests = []
    if kind and number:
        digests = digests_to_find(kind, identifiers.check(kind, number).normal)
    with _as_installation(actor):
        found = dict.fromkeys(queries.persons_in_registry_with(digests, MOST))
        try:
            matches = warm().match(
                REGISTRY,
                queries.documents_of_registry,
                full_name,
                birth_year=born.year if born else None,
                limit=MOST,
            )
        except TooMany:  # a registry of this size is asked for numbers only
            matches = []
    for match in matches:
        if match.score >= ALIKE_ENOUGH:
            found.setdefault(person_of(match), None)
    return list(found)[:MOST]


def hints_for(actor: Actor, person_ids: Collection[uuid.UUID]) -> list[Hint]:
    """What the actor may be told of these persons: an own case, or whom to ask; each office once."""
    with _as_installation(actor):
        offices = queries.offices_of(person_ids)
    own = queries.cases_of(actor, person_ids)
    hints = [Hint(case_id=case.id, code=case.display_code) for case in own.values()]
    for office_id in dict.fromkeys(office for person_id, office in offices if person_id not in own):
        place = place_or_none(office_id)
        staff = tuple(each.display_name for each in supervisors_of(office_id))
        hints.append(Hint(office=place_label(place) if place else "", supervisors=staff))
    return hints


@contextmanager
def _as_installation(actor: Actor) -> Iterator[None]:
    """Row-level security shows everything for a moment; only ids leave it."""
    bind_actor(SYSTEM)
    try:
        yield
    finally:
        bind_actor(actor)
