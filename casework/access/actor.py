"""The actor: who is doing this, in the least that the rules need to know."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from casework.access.roles import Role
from casework.core.errors import NotSignedIn


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in member of staff, or the system itself (`role` None).

    `place_id` is the office's district, `domain` the working-group domain of a domain officer,
    `session_hash` names the session in the audit log without opening it.
    """

    id: uuid.UUID
    role: Role | None
    place_id: uuid.UUID | None = None
    domain: str | None = None
    session_hash: str = ""
    display_name: str = ""
    locale: str = "uz"

    @property
    def is_system(self) -> bool:
        """A command or a job of the installation itself."""
        return self.role is None


SYSTEM = Actor(id=uuid.UUID(int=0), role=None, display_name="system")

_current: ContextVar[Actor | None] = ContextVar("casework_actor", default=None)


def current_actor() -> Actor:
    """The actor of this request or command. `NotSignedIn` when there is none."""
    actor = _current.get()
    if actor is None:
        raise NotSignedIn()
    return actor


def actor_or_none() -> Actor | None:
    """The actor, if somebody is signed in."""
    return _current.get()


def set_actor(actor: Actor | None) -> None:
    """Called once a request by the accounts room when it has checked the session."""
    _current.set(actor)


@contextmanager
def acting_as(actor: Actor) -> Iterator[Actor]:
    """For commands, jobs and tests."""
    token = _current.set(actor)
    try:
        yield actor
    finally:
        _current.reset(token)
