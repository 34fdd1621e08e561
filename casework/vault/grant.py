"""Compartments, and the Grant: what one actor may open, for one purpose, until the request ends.

The access room decides and widens the Grant; the vault only asks it. What was opened is remembered here, and the
audit event lists it as `fields_accessed`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Any


class Compartment(StrEnum):
    """One key ring per purpose (data dictionary §1.2), and the things that carry a key of their own."""

    CORE = "CORE"
    PSY = "PSY"
    HLT = "HLT"
    EDU = "EDU"
    EMP = "EMP"
    HOU = "HOU"
    DOC = "DOC"
    LEG = "LEG"
    FAM = "FAM"
    SAFE = "SAFE"
    NOTE = "NOTE"  # one clinical note: author and named readers only (class C4)
    PACKAGE = "PKG"  # one referral's minimum data
    DRAFT = "DRF"  # one unfinished form of one person's typing
    FILE = "FIL"  # one attachment


class SealedError(Exception):
    """A sealed value cannot be opened. The text never holds any of it."""


class NotGranted(SealedError):
    """A sealed value was revealed outside the Grant."""


class Grant:
    """This actor, these subjects with these compartments, this purpose."""

    def __init__(self, actor_id: uuid.UUID | None, purpose: str = "") -> None:
        self.actor_id = actor_id
        self.purpose = purpose
        self._allowed: dict[uuid.UUID, set[Compartment]] = {}
        self._opened: dict[str, None] = {}
        self._closed = False
        self.ring: Any = None
        self.keys: dict[tuple[int, str, bytes], Any] = {}
        """The vault's shortcut: keys of `ring` that this grant was asked for before, by subject, compartment, version."""

    def widen(self, subject_id: uuid.UUID, compartments: Iterable[Compartment]) -> None:
        """Called by the access room when a policy rule says so, and by nobody else."""
        if self._closed:
            raise NotGranted("the grant has ended")
        self._allowed.setdefault(subject_id, set()).update(compartments)

    def allows(self, subject_id: uuid.UUID, compartment: Compartment) -> bool:
        """Whether this subject's compartment may be opened now."""
        return not self._closed and compartment in self._allowed.get(subject_id, ())

    def note_opened(self, field: str) -> None:
        """Remembers that a field was really decrypted."""
        self._opened.setdefault(field)

    @property
    def fields_opened(self) -> list[str]:
        """Stable field ids in the order they were first opened."""
        return list(self._opened)

    @property
    def subjects(self) -> list[uuid.UUID]:
        """Whom the grant speaks of."""
        return list(self._allowed)

    @property
    def compartments(self) -> list[Compartment]:
        """Every compartment granted for anyone, sorted."""
        return sorted({c for allowed in self._allowed.values() for c in allowed})

    def close(self) -> None:
        """Ends the grant: nothing opens through it any more."""
        self._closed = True
        self._allowed.clear()
        self.keys.clear()
        self.ring = None


_current: ContextVar[Grant | None] = ContextVar("casework_grant", default=None)


def current_grant() -> Grant | None:
    """The grant in force, if any."""
    return _current.get()


@contextmanager
def granting(grant: Grant) -> Iterator[Grant]:
    """Puts a grant in force and closes it at the end."""
    token = _current.set(grant)
    try:
        yield grant
    finally:
        grant.close()
        _current.reset(token)
