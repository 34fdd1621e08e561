"""Search documents: one sealed value for each person, opened ones kept warm in this process, ranked in memory.

What is held is the names as `casework.vault.names` prepares them, and the birth date. It leaves this module only as ids in
the order of their likeness, and only ids that the caller may see. A document is held under a fingerprint of its sealed bytes,
and the feed of changes says whose to look at again: that of a person who was corrected, given to somebody else or erased is
dropped before the next search is answered.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from threading import RLock
from typing import Any

from casework.vault.envelope import dek_version_of, open_envelope
from casework.vault.grant import Compartment, SealedError
from casework.vault.keys import forget_ring, key_ring
from casework.vault.names import Candidate, Document, Match, Scope, StaleDocumentError, forget, prepare
from casework.vault.providers import KeyProblem

FIELD = "search_document.document"
COMPARTMENT = Compartment.CORE
MOST_HELD = 300_000
"""Persons in one process, some 120 MiB for each 100,000."""
BATCH = 500
LONGEST_LOG = 10_000
FEED_LASTS = 3600.0
"""Seconds: whoever has not looked at the feed for so long starts again. Its rows are kept much longer."""

Sealed = tuple[uuid.UUID, bytes]
"""A person and the sealed document."""
Rows = Callable[[Collection[uuid.UUID] | None], Iterable[Sealed]]
"""Asks the database for the documents that somebody may see: all of them, or those of the named persons."""
Stamp = tuple[int, int, int]


class TooMany(Exception):
    """More persons than one process may hold."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Whose document, or whose visibility, has changed. `stamp` is cheap and differs whenever `changes` does."""

    stamp: Callable[[], Stamp]
    changes: Callable[[], list[tuple[int, uuid.UUID]]]


def document_of(person_id: uuid.UUID, full_names: Iterable[str], born: date | None) -> bytes:
    """What is sealed as a person's search document."""
    return prepare(Candidate(person_id, tuple(full_names), born)).to_bytes()


def unsealed(envelope: bytes | None, field: str, row: uuid.UUID, subject: uuid.UUID) -> Any:
    """A value of the person's core, for the making of an index and for nothing else: no Grant is asked.

    What it gives goes into a digest or a sealed document. None for None; `SealedError` when its key was destroyed.
    """
    if envelope is None:
        return None
    key = key_ring().for_opening(subject, COMPARTMENT, dek_version_of(envelope))
    return open_envelope(key.cipher, envelope, field, row, subject)


def fingerprint_of(sealed: bytes) -> bytes:
    """16 bytes that stand for sealed bytes."""
    return hashlib.blake2b(sealed, digest_size=16).digest()


@dataclass(slots=True)
class _View:
    """Whom somebody may see, as of a place in the log of changes."""

    ids: set[uuid.UUID]
    at: int


class Warm:
    """The opened documents of one process, and who may be found among them by whom."""

    def __init__(self, feed: Feed, most: int = MOST_HELD) -> None:
        self._feed = feed
        self._most = most
        self._lock = RLock()
        self._start_over()

    def _start_over(self) -> None:
        self._scope = Scope()
        self._held: dict[uuid.UUID, bytes] = {}
        self._views: OrderedDict[Hashable, _View] = OrderedDict()
        self._stamp: Stamp | None = None
        self._seen: set[int] = set()
        self._log: list[uuid.UUID] = []
        self._log_begins = 0
        self._looked = 0.0

    def __len__(self) -> int:
        return len(self._held)

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._start_over()
        forget()

    def match(
        self, whose: Hashable, rows: Rows, query: str, *, birth_year: int | None = None, limit: int = 20
    ) -> list[Match]:
        """The persons whose names are like `query`, best first, among those that `rows` shows to `whose`.

        `TooMany` when these are more than the process may hold.
        """
        self._follow()
        visible = self._visible_to(whose, rows)
        with self._lock:
            everybody = len(visible) == len(self._held)  # whoever is visible is held
            within = None if everybody else visible
            return self._scope.match(query, birth_year=birth_year, limit=limit, within=within)

    def holds(self, person_id: uuid.UUID, sealed: bytes) -> bool:
        """Whether what is held of a person is what stands in the database."""
        return self._held.get(person_id) == fingerprint_of(sealed)

    def recheck(self, person_ids: Iterable[uuid.UUID]) -> None:
        """What is held of these persons is not what stands in the database: look again before the next answer."""
        with self._lock:
            for person_id in person_ids:
                self._discard(person_id)
                self._log.append(person_id)

    # -- what changed

    def _follow(self) -> None:
        if time.monotonic() - self._looked > FEED_LASTS:
            self.clear()
        stamp = self._feed.stamp()
        if stamp == self._stamp:
            self._looked = time.monotonic()
            return
        changes = self._feed.changes()
        with self._lock:
            fresh = {person for number, person in changes if number not in self._seen}
            if self._stamp is None:
                fresh = set()  # nothing was held before
            self._seen = {number for number, _person in changes}
            self._stamp, self._looked = stamp, time.monotonic()
            self._log += fresh
            for person_id in fresh:
                self._discard(person_id)
            if len(self._log) > LONGEST_LOG:
                beyond = len(self._log) - LONGEST_LOG
                del self._log[:beyond]
                self._log_begins += beyond
        if fresh:
            forget()  # a word of theirs may be nobody else's

    def _discard(self, person_id: uuid.UUID) -> None:
        if self._held.pop(person_id, None) is not None:
            self._scope.discard(person_id)

    # -- who is visible

    def _visible_to(self, whose: Hashable, rows: Rows) -> set[uuid.UUID]:
        with self._lock:
            view = self._views.get(whose)
            now = self._log_begins + len(self._log)
            known = view is not None and view.at >= self._log_begins
            changed = set(self._log[view.at - self._log_begins :]) if view is not None and known else None
            if view is not None and changed is not None and not changed:
                self._views.move_to_end(whose)
                return view.ids
        found = self._open(rows(changed))
        with self._lock:
            before = view.ids - changed if view is not None and changed is not None else set()
            ids = before | found
            self._views[whose] = _View(ids, now)
            self._views.move_to_end(whose)
            self._make_room(whose)
            return ids

    def _open(self, rows: Iterable[Sealed]) -> set[uuid.UUID]:
        """Opens what is not held yet; gives whom it can be searched for. Whose key was destroyed is left out."""
        found: set[uuid.UUID] = set()
        broken: KeyProblem | None = None
        for batch in _batches(rows):
            marked = [(person_id, sealed, fingerprint_of(sealed)) for person_id, sealed in batch]
            cold = [each for each in marked if self._held.get(each[0]) != each[2]]
            found.update(each[0] for each in marked)
            if len(found) > self._most:
                raise TooMany
            if not cold:
                continue
            key_ring().load(each[0] for each in cold)
            opened = []
            for person_id, sealed, mark in cold:
                try:
                    data = unsealed(sealed, FIELD, person_id, person_id)
                    opened.append((mark, Document.of_any_version(data, person_id)))
                except KeyProblem as problem:
                    broken = problem
                    found.discard(person_id)
                except (SealedError, StaleDocumentError):
                    found.discard(person_id)
            with self._lock:
                for mark, document in opened:
                    self._scope.add(document)
                    self._held[document.key] = mark  # type: ignore[index]
            if len(marked) == BATCH:
                forget_ring()  # thousands of keys are not kept for one search
        if broken is not None and not found:
            raise broken
        return found

    def _make_room(self, whose: Hashable) -> None:
        while len(self._held) > self._most and len(self._views) > 1:
            self._views.popitem(last=False)
            kept = set().union(*(view.ids for view in self._views.values()))
            for person_id in [each for each in self._held if each not in kept]:
                self._discard(person_id)


def _batches(rows: Iterable[Sealed]) -> Iterator[list[Sealed]]:
    batch: list[Sealed] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
