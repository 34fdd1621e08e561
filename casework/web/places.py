"""The place picker: a tree walked one level at a time, or part of a name, with plain buttons.

The room that stores places registers a source; this one only shows what the source offers to the actor.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from flask import current_app

SHORTEST_PART = 2
"""Letters of a name that a search needs."""


@dataclass(frozen=True)
class PlaceOption:
    """One place in the language of the request. `opens` says that it has places inside."""

    id: uuid.UUID
    name: str
    level: str
    opens: bool
    inside: str = ""
    """The names above it, for lists where places of the same name stand together."""


class PlaceSource(Protocol):
    """Where places come from. An unknown or unreadable id gives an empty answer, never an error."""

    def children(self, parent: uuid.UUID | None) -> Sequence[PlaceOption]:
        """Places directly inside `parent`; the top level for None."""
        ...

    def find(self, part: str, level: str | None) -> Sequence[PlaceOption]:
        """The best few places whose name has `part`, of that level if one is given."""
        ...

    def path(self, place: uuid.UUID) -> Sequence[PlaceOption]:
        """From the top level down to the place itself."""
        ...


class _NoPlaces:
    def children(self, parent: uuid.UUID | None) -> Sequence[PlaceOption]:
        return ()

    def find(self, part: str, level: str | None) -> Sequence[PlaceOption]:
        return ()

    def path(self, place: uuid.UUID) -> Sequence[PlaceOption]:
        return ()


_KEY = "casework.places"


def register_places(app: Any, source: PlaceSource) -> None:
    """Says where this application's places come from."""
    app.extensions[_KEY] = source


def _source() -> PlaceSource:
    found: PlaceSource = current_app.extensions.get(_KEY, _NoPlaces())
    return found


def _as_id(text: Any) -> uuid.UUID | None:
    try:
        return text if isinstance(text, uuid.UUID) else uuid.UUID(str(text))
    except ValueError:
        return None


def path_of(place: Any) -> str:
    """The names from the top down, "Viloyat › Tuman › Mahalla"; empty for a place that nobody knows."""
    place_id = _as_id(place)
    return " › ".join(step.name for step in _source().path(place_id)) if place_id else ""


class Picker:
    """What one place field shows: the place chosen, where in the tree the person stands, what is there."""

    def __init__(
        self, name: str, value: str, part: Sequence[str], step: str | None, level: str | None
    ) -> None:
        self.name, self.level = name, level
        self.value = _as_id(value) if value else None
        self.part = part[0] if part else ""
        words = (step or "").split(":")
        self.active = words[0] == name
        self._verb = words[1] if self.active and len(words) > 1 else ""
        self._target = _as_id(words[2]) if self._verb == "open" and len(words) > 2 else None

    @cached_property
    def chosen(self) -> PlaceOption | None:
        path = _source().path(self.value) if self.value else ()
        return path[-1] if path else None

    @property
    def chosen_path(self) -> str:
        return path_of(self.value) if self.value else ""

    @cached_property
    def above(self) -> list[PlaceOption]:
        """The opened places from the top down."""
        if self._verb in ("open", "top"):
            return list(_source().path(self._target)) if self._target else []
        return list(_source().path(self.value))[:-1] if self.value else []

    @property
    def searched(self) -> bool:
        return self._verb == "find"

    @cached_property
    def options(self) -> list[PlaceOption]:
        """Search results after a search, else the places inside the opened one."""
        if self.searched:
            part = self.part.strip()
            return list(_source().find(part, self.level)) if len(part) >= SHORTEST_PART else []
        return list(_source().children(self.above[-1].id if self.above else None))

    def may_choose(self, option: PlaceOption) -> bool:
        return self.level is None or option.level == self.level
