"""Places: their names in the reader's language, looking through the tree, and the source of the place picker."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import g, has_request_context
from flask_babel import get_locale

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.accounts import queries
from casework.accounts.models import Place
from casework.accounts.spelling import search_form
from casework.audit.trail import about, counted, searched, use_case
from casework.web.cyrillic import to_cyrillic
from casework.web.places import SHORTEST_PART, PlaceOption


def place_label(place: Place | None) -> str:
    """The name in the reader's language; the official Uzbek one where the register has no other."""
    if place is None:
        return ""
    locale = str(get_locale() or "uz")
    if locale == "ru":
        return place.name_ru or place.name_uz
    if locale == "en":
        return place.name_en or place.name_uz
    if locale == "uz_Cyrl":
        return _cyrillic(place.name_uz)
    return place.name_uz


@lru_cache(maxsize=4096)
def _cyrillic(name: str) -> str:
    return to_cyrillic(name)


def path_to(place_id: uuid.UUID | None) -> list[Place]:
    """From the region down to the place; empty for an unknown id."""
    place = queries.place_or_none(place_id)
    if place is None:
        return []
    steps = [place.region_id, place.district_id, place.id]
    known = queries.places_by_id(steps)
    return [known[step] for step in dict.fromkeys(steps) if step in known]


class Register:
    """The source of the place picker: what is public and open, whoever asks."""

    def children(self, parent: uuid.UUID | None) -> Sequence[PlaceOption]:
        """The open places inside; the regions for None."""
        if parent is None:
            top = queries.country()
            parent = top.id if top else None
        if parent is None:
            return ()
        return [_option(place, opens=opens) for place, opens in queries.places_inside(parent)]

    def find(self, part: str, level: str | None) -> Sequence[PlaceOption]:
        """The best few places with this part of a name, each with where it lies: names repeat across districts."""
        form = search_form(part)
        if len(form) < SHORTEST_PART and not form.isdecimal():
            return ()
        return [
            _option(
                place, opens=place.level in ("region", "district"), inside=_inside(place, region, district)
            )
            for place, region, district in queries.places_found(form, level)
        ]

    def path(self, place: uuid.UUID) -> Sequence[PlaceOption]:
        """From the region down to the place."""
        if not has_request_context():
            return self._path(place)
        known: dict[uuid.UUID, Sequence[PlaceOption]] = g.setdefault("place_paths", {})
        if place not in known:
            known[place] = self._path(place)
        return known[place]

    def _path(self, place: uuid.UUID) -> Sequence[PlaceOption]:
        return [_option(step, opens=step.level in ("region", "district")) for step in path_to(place)]


REGISTER = Register()


def _option(place: Place, *, opens: bool, inside: str = "") -> PlaceOption:
    return PlaceOption(place.id, place_label(place), place.level, opens, inside)


def _inside(place: Place, *above: Place | None) -> str:
    return " › ".join(place_label(each) for each in above if each is not None and each.id != place.id)


@dataclass(frozen=True)
class Shown:
    """A level of the tree: the opened places from the top down, and what is inside the last one."""

    above: Sequence[PlaceOption]
    inside: Sequence[PlaceOption]


@use_case(permission=Permission.PLACE_CHOOSE, code="place.listed", action="R")
def list_places(_actor: Actor, parent: uuid.UUID | None) -> Shown:
    """The places inside a place, or the regions. An unknown id is `NotFound`."""
    above: Sequence[PlaceOption] = ()
    if parent is not None:
        place = queries.place_for(parent)
        about(place)
        above = REGISTER.path(parent)
    inside = REGISTER.children(parent)
    counted(len(inside))
    return Shown(above, inside)


@use_case(permission=Permission.PLACE_CHOOSE, code="place.searched", action="R")
def find_places(_actor: Actor, data: Mapping[str, Any]) -> Sequence[PlaceOption]:
    """Places by part of a name (`q`), in any script and with any apostrophe; of one `level` if it is given."""
    part: str = data.get("q") or ""
    found = REGISTER.find(part, data.get("level"))
    searched(part)
    counted(len(found))
    return found
