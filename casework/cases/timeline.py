"""The one timeline of a case. Rooms say what kinds of things happen; an entry carries no content, its kind loads it.

A kind that another room registers shows on the case page without this room knowing it:

    register_timeline_kind("referral_sent", load=referral_summaries, template="referrals/timeline.html")
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from casework.access.actor import Actor, actor_or_none
from casework.access.roles import Role
from casework.cases.models import Case, TimelineEntry
from casework.core import clock
from casework.core.database import db

Loader = Callable[[list[uuid.UUID]], Mapping[uuid.UUID, Any]]


@dataclass(frozen=True, slots=True)
class TimelineKind:
    """How entries of one kind are shown.

    `load` gives, in one query, what the template needs of each id (`item`; None for an id it does not give); it is not
    called without ids. `template` is included with `entry`, `item`, `kind` and `case`, and prints a title and a body.
    `hidden_from` are roles that do not learn that such a thing happened at all.
    """

    kind: str
    load: Loader
    template: str
    hidden_from: frozenset[Role] = frozenset()


_kinds: dict[str, TimelineKind] = {}


def register_timeline_kind(
    kind: str, load: Loader, template: str, *, hidden_from: frozenset[Role] = frozenset()
) -> None:
    """Says how a kind of entry is shown. Saying it again replaces it."""
    _kinds[kind] = TimelineKind(kind, load, template, hidden_from)


def add_to_timeline(
    case: Case, kind: str, ref_id: uuid.UUID, *, on: date | None = None, touch: bool = True
) -> TimelineEntry:
    """Adds an entry in the open transaction. `on` places it on an earlier day; `touch` marks the case as worked on.

    KeyError for a kind that nobody registered.
    """
    _kinds[kind]
    actor = actor_or_none()
    entry = TimelineEntry(
        case_id=case.id,
        at=moment_on(on),
        kind=kind,
        ref_id=ref_id,
        actor_id=actor.id if actor else None,
        struck=False,
    )
    db.session.add(entry)
    if touch:
        case.last_activity_at = max(case.last_activity_at, clock.now())
    return entry


def moment_on(on: date | None) -> datetime:
    """Now, or noon of an earlier day where the families live."""
    if on is None or on >= clock.today():
        return clock.now()
    return datetime.combine(on, time(12), clock.ZONE)


def kinds_shown_to(actor: Actor) -> list[str]:
    """The kinds that the actor's role may learn of."""
    return [each.kind for each in _kinds.values() if actor.role not in each.hidden_from]


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """An entry with what its template needs."""

    entry: TimelineEntry
    kind: TimelineKind
    item: Any


def loaded(entries: Sequence[TimelineEntry]) -> list[TimelineItem]:
    """The entries with their content: one call for each loader, whatever the number of entries."""
    wanted: dict[Loader, list[uuid.UUID]] = {}
    for entry in entries:
        wanted.setdefault(_kinds[entry.kind].load, []).append(entry.ref_id)
    found = {load: load(list(dict.fromkeys(ids))) for load, ids in wanted.items()}
    return [
        TimelineItem(entry, _kinds[entry.kind], found[_kinds[entry.kind].load].get(entry.ref_id))
        for entry in entries
    ]
