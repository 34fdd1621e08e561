"""The parts of "give me my data". A room above adds what it keeps of a person; this room does not know it.

register_record_part(fn)      # fn(actor, case) -> Part or None, inside the use case and its Grant
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from casework.access.actor import Actor
from casework.cases.models import Case

Line = tuple[str, str]


@dataclass(slots=True)
class Item:
    """One thing of a part: a heading and its lines."""

    title: str
    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Part:
    """One chapter: `items` in words for the reader, `data` with keys and values for machines under `name`."""

    name: str
    title: str
    items: list[Item] = field(default_factory=list)
    data: Any = None
    remark: str = ""


PartLoader = Callable[[Actor, Case], Part | None]

_loaders: dict[str, PartLoader] = {}


def register_record_part(load: PartLoader) -> None:
    """Adds a chapter behind those of this room."""
    _loaders[f"{load.__module__}.{load.__qualname__}"] = load


def parts_of_other_rooms(actor: Actor, case: Case) -> list[Part]:
    """What the other rooms keep of this case."""
    return [part for load in _loaders.values() if (part := load(actor, case)) is not None]


def as_json(value: Any) -> Any:
    """Dates and ids as text, everything else as it is: for the machine-readable copy."""
    if isinstance(value, dict):
        return {str(key): as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(each) for each in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value
