"""What the worker does for the search: documents that are missing or older than the rules, and old rows of the feed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from casework.access.actor import SYSTEM, acting_as
from casework.audit.boundary import acting
from casework.cases.search import queries
from casework.cases.search.indexing import BATCH, CHANGES_KEPT, forget_changes, reindex_batch
from casework.core import clock, jobs
from casework.core.unit_of_work import unit_of_work
from casework.vault.exact import current_key_id

Advance = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Reindexed:
    """How many persons were indexed anew, and how many cannot be opened and stay as they are."""

    made: int
    unreadable: int


def count_behind() -> int:
    """How many persons are to be indexed anew."""
    with acting_as(SYSTEM), unit_of_work(write=False):
        return queries.count_behind(current_key_id())


def reindex(source: str, advance: Advance = lambda _done, _of: None, batch: int = BATCH) -> Reindexed:
    """Indexes in portions, each its own transaction with its event; stopped, it goes on where it was. Nothing to do: no event."""
    total, made, unreadable = count_behind(), 0, 0
    after: uuid.UUID | None = None
    while total:
        with acting(SYSTEM, source):
            after, done, left = reindex_batch(SYSTEM, after, batch)
        made, unreadable = made + done, unreadable + left
        advance(min(made + unreadable, total), total)
        if after is None:
            break
    return Reindexed(made, unreadable)


def tidy_feed() -> None:
    """Drops old rows of the feed of changes."""
    with unit_of_work(write=False):
        wanted = queries.has_changes_before(clock.now() - CHANGES_KEPT)
    if wanted:
        with unit_of_work():
            forget_changes()


def register_jobs() -> None:
    """Called when the app is composed."""
    jobs.register("search documents", timedelta(minutes=10), lambda: reindex("worker:search"))
    jobs.register("search changes", timedelta(minutes=20), tidy_feed)
