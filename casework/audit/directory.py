"""What the log's ids stand for, as far as its readers may know, told by the rooms above: the log itself knows ids only.

A person's display code, a colleague's sign-in name and shown name; which office answers for whom; and, for "who saw this
record", the one file that a supervisor asks about. A name of a person is never among what an auditor is told.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import SelectBase, Subquery

from casework.access.actor import Actor
from casework.core.errors import NotFound

Labels = Callable[[Iterable[uuid.UUID]], dict[uuid.UUID, str]]
Lookup = Callable[[str], uuid.UUID | None]


@dataclass(frozen=True, slots=True)
class Resolver:
    """`labels(ids)` answers many at once (one query); `lookup(text)` finds the id behind what an auditor types."""

    labels: Labels
    lookup: Lookup


_resolvers: dict[str, Resolver] = {}


def register(kind: str, resolver: Resolver) -> None:
    """`kind` is `staff` (by sign-in name), `colleague` (by shown name) or `person` (by display code)."""
    _resolvers[kind] = resolver


def labels(kind: str, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Readable stand-ins for these ids; an id that nobody knows (any more) is left out."""
    wanted = list(dict.fromkeys(ids))
    resolver = _resolvers.get(kind)
    return resolver.labels(wanted) if resolver and wanted else {}


def lookup(kind: str, text: str) -> uuid.UUID | None:
    """The id behind a display code or a sign-in name; a UUID stands for itself."""
    try:
        return uuid.UUID(text)
    except ValueError:
        resolver = _resolvers.get(kind)
        return resolver.lookup(text) if resolver else None


# Tables of other rooms, as columns to compare the log with.

RELATIONS: dict[str, tuple[str, ...]] = {
    "office_of_staff": ("staff_id", "place_id"),
    "office_of_person": ("person_id", "place_id"),
    "assignment": ("person_id", "case_id", "staff_id", "started_at", "ended_at"),
}
"""What a registered select has to offer, by its name."""

_relations: dict[str, Callable[[], SelectBase]] = {}


def register_relation(name: str, make: Callable[[], SelectBase]) -> None:
    """`make()` is a select of the columns that `RELATIONS` names. It is read as the installation, past row visibility."""
    _relations[name] = make


def relation(name: str) -> Subquery:
    """The relation, to join with. KeyError when no room registered it."""
    found = _relations[name]().subquery()
    if tuple(found.c.keys()) != RELATIONS[name]:
        raise ValueError(f"the relation {name} has other columns than it should")
    return found


# "Who saw this record".


@dataclass(frozen=True, slots=True)
class File:
    """A case as the page "who saw this record" heads it."""

    case_id: uuid.UUID
    person_id: uuid.UUID
    code: str
    name: str
    facts: list[str]


_open_file: list[Callable[[Actor, uuid.UUID], File]] = []


def register_file(open_file: Callable[[Actor, uuid.UUID], File]) -> None:
    """`open_file(actor, case_id)` authorises, says what it is about, and raises NotFound for what the actor does not see."""
    _open_file[:] = [open_file]


def file_of(actor: Actor, case_id: uuid.UUID) -> File:
    """The file of this case, for this actor."""
    if not _open_file:
        raise NotFound()
    return _open_file[0](actor, case_id)
