"""What the log's ids stand for, as far as an auditor may know: a person's display code, a colleague's sign-in name.

The log knows ids only. Rooms above register who can read them; a name of a person is never among the answers.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Labels = Callable[[Iterable[uuid.UUID]], dict[uuid.UUID, str]]
Lookup = Callable[[str], uuid.UUID | None]


@dataclass(frozen=True, slots=True)
class Resolver:
    """`labels(ids)` answers many at once (one query); `lookup(text)` finds the id behind what an auditor types."""

    labels: Labels
    lookup: Lookup


_resolvers: dict[str, Resolver] = {}


def register(kind: str, resolver: Resolver) -> None:
    """`kind` is `staff` or `person`."""
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
