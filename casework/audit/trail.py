"""The trail of one request or command, and the declaration of a use case.

A use case is declared once, with its permission and its audit code, and cannot be called without either:

    @use_case(permission=Permission.CASE_VIEW, code="case.viewed", action="R")
    def view_case(actor: Actor, case_id: UUID) -> CasePage: ...

One trail makes one event: that of its one writing use case, or else of its first reading one; further readings fold in.
"""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.orm.exc import StaleDataError

from casework.access.actor import Actor
from casework.access.blueprint import PUBLIC, RoutePermission
from casework.access.permissions import Permission
from casework.access.policy import POLICY_VERSION, require
from casework.audit.event import Action, EventDraft, Outcome
from casework.core.database import db
from casework.core.errors import Conflict, Denied, DomainError, NotFound
from casework.vault.grant import Grant, granting

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a use case said of itself. `refused_code` replaces the code when the actor is refused."""

    permission: RoutePermission
    code: str
    action: Action
    refused_code: str

    @property
    def category(self) -> str:
        """The first part of the code: case, support, referral, auth, audit …"""
        return self.code.partition(".")[0]

    @property
    def writes(self) -> bool:
        """Whether it changes anything. An export (E) reads, but is an act of its own."""
        return self.action in ("C", "U", "D")


declared: dict[str, Declaration] = {}
"""Every use case of the product by its dotted name, for the contract tests and the documentation."""


@dataclass(slots=True)
class Entry:
    """One use case as it happened."""

    declaration: Declaration
    outcome: Outcome = "success"
    outcome_reason: str | None = None
    entity_type: str | None = None
    entity_id: uuid.UUID | None = None
    query_hash: str | None = None
    result_count: int | None = None
    detail_commitment: str | None = None
    code: str = ""


@dataclass(slots=True)
class Trail:
    """Collects what one request did, to be written as one event."""

    grant: Grant
    request_id: str | None = None
    endpoint: str | None = None
    src_ip: str | None = None
    agent: Actor | None = None
    entries: list[Entry] = field(default_factory=list)
    subject_ids: dict[uuid.UUID, None] = field(default_factory=dict)
    active: int = 0
    when_refused: list[Callable[[], None]] = field(default_factory=list)

    def main(self) -> Entry | None:
        """The entry that names the event: a refusal before all, so that wrong input beside a forged id hides nothing."""
        denied = [entry for entry in self.entries if entry.outcome == "denied"]
        if denied:
            return denied[0]
        acts = [entry for entry in self.entries if entry.declaration.action != "R"]
        return acts[0] if acts else (self.entries[0] if self.entries else None)

    def enter(self, declaration: Declaration) -> Entry:
        """Starts an entry. A second act in one trail is a mistake of the program."""
        if declaration.action != "R" and self.active == 0:
            if any(entry.declaration.action != "R" for entry in self.entries):
                raise RuntimeError(f"{declaration.code}: this request has acted already")
        entry = Entry(declaration)
        self.entries.append(entry)
        return entry

    def draft(self, actor: Actor | None) -> EventDraft:
        """The event of this trail. Raises when nothing was recorded."""
        entry = self.main()
        if entry is None:
            raise RuntimeError("a protected response without an audit event")
        agent = self.agent or actor
        return EventDraft(
            action=entry.declaration.action,
            category=entry.declaration.category,
            code=entry.code or entry.declaration.code,
            outcome=entry.outcome,
            outcome_reason=entry.outcome_reason,
            request_id=self.request_id,
            agent_id=agent.id if agent else None,
            agent_role=(agent.role.value if agent.role else "system") if agent else None,
            agent_place=agent.place_id if agent else None,
            session_hash=agent.session_hash or None if agent else None,
            purpose=self.grant.purpose or None,
            src_ip=self.src_ip,
            endpoint=self.endpoint,
            entity_type=entry.entity_type,
            entity_id=entry.entity_id,
            subject_ids=list(self.subject_ids),
            compartments=[compartment.value for compartment in self.grant.compartments],
            fields_accessed=self.grant.fields_opened,
            query_hash=entry.query_hash,
            result_count=entry.result_count,
            policy_version=POLICY_VERSION,
            detail_commitment=entry.detail_commitment,
        )


_current: ContextVar[Trail | None] = ContextVar("casework_trail", default=None)


def current_trail() -> Trail:
    """The trail in force. RuntimeError outside a request or command: nothing happens unrecorded."""
    trail = _current.get()
    if trail is None:
        raise RuntimeError("a use case runs inside a request or a recorded command only")
    return trail


@contextmanager
def trailing(trail: Trail) -> Iterator[Trail]:
    """Puts a trail and its Grant in force."""
    token = _current.set(trail)
    try:
        with granting(trail.grant):
            yield trail
    finally:
        _current.reset(token)


def about(thing: Any) -> None:
    """Says what the running use case concerns. `thing.audit_subjects` (UUIDs) are the people it is about.

    Its id names it, or its `audit_entity` where the id is no UUID.
    """
    trail = current_trail()
    entry = trail.entries[-1]
    entry.entity_type = thing.__tablename__
    entry.entity_id = getattr(thing, "audit_entity", None) or thing.id
    concerns(*getattr(thing, "audit_subjects", ()))


def concerns(*subject_ids: uuid.UUID) -> None:
    """Adds people whom this concerns, beside the entity: the rows of a list, the hits of a search."""
    current_trail().subject_ids.update(dict.fromkeys(subject_ids))


def counted(number: int) -> None:
    """Says how many results a list or search showed."""
    current_trail().entries[-1].result_count = number


def searched(query: str) -> None:
    """Says that something was searched for, without saying what: the log keeps a hash."""
    digest = hashlib.sha256(b"cw/query/v1" + query.encode()).hexdigest()
    current_trail().entries[-1].query_hash = digest[:32]


def committed_to(digest: bytes) -> None:
    """Fixes a detail that stands elsewhere (a file that was sent) by its SHA-256."""
    current_trail().entries[-1].detail_commitment = digest.hex()


def for_purpose(purpose: str) -> None:
    """Names the purpose of processing."""
    current_trail().grant.purpose = purpose


def when_refused(remember: Callable[[], None]) -> None:
    """Something that must be kept although the use case fails: the count of failed sign-ins."""
    current_trail().when_refused.append(remember)


class UseCase(Generic[P, R]):
    """A declared use case: call it with the actor first. See `use_case`."""

    def __init__(self, verb: Callable[Concatenate[Actor, P], R], declaration: Declaration) -> None:
        functools.update_wrapper(self, verb)
        self._verb = verb
        self.declaration = declaration

    def __call__(self, actor: Actor, *args: P.args, **kwargs: P.kwargs) -> R:
        trail = current_trail()
        entry = trail.enter(self.declaration)
        trail.active += 1
        try:
            if isinstance(self.declaration.permission, Permission):
                require(actor, self.declaration.permission)
            result = self._verb(actor, *args, **kwargs)
            db.session.flush()
            return result
        except DomainError as problem:
            note_refusal(entry, problem)
            raise
        except StaleDataError as problem:
            conflict = Conflict()
            note_refusal(entry, conflict)
            raise conflict from problem
        except Exception:
            entry.outcome, entry.outcome_reason = "error", "unexpected"
            raise
        finally:
            trail.active -= 1

    def refused(self, reason: str, *_args: object) -> None:
        """Records an attempt whose input was refused before the use case could be called."""
        entry = current_trail().enter(self.declaration)
        entry.outcome, entry.outcome_reason = "error", reason
        if self.declaration.refused_code != ACCESS_DENIED:
            entry.code = self.declaration.refused_code


def note_refusal(entry: Entry, problem: DomainError) -> None:
    """Turns a domain error into the entry's outcome."""
    if isinstance(problem, Denied | NotFound):
        entry.outcome = "denied"
        entry.outcome_reason = "not_visible" if isinstance(problem, NotFound) else problem.code
        entry.code = entry.declaration.refused_code
    else:
        entry.outcome, entry.outcome_reason = "error", problem.code
        if entry.declaration.refused_code != ACCESS_DENIED:
            entry.code = entry.declaration.refused_code


ACCESS_DENIED = "access.denied"


def use_case(
    *, permission: RoutePermission, code: str, action: Action, refused_code: str = ACCESS_DENIED
) -> Callable[[Callable[Concatenate[Actor, P], R]], UseCase[P, R]]:
    """Declares a use case: its permission (or `PUBLIC`), its audit code in the past tense, its action.

    C create, R read, U update, D delete, E execute (export, sign-in). None of the three has a default.
    """
    if not isinstance(permission, Permission) and permission is not PUBLIC:
        raise TypeError(f"{code}: a use case needs a Permission, or PUBLIC")
    declaration = Declaration(permission, code, action, refused_code)

    def declare(verb: Callable[Concatenate[Actor, P], R]) -> UseCase[P, R]:
        declared[f"{verb.__module__}.{verb.__qualname__}"] = declaration
        return UseCase(verb, declaration)

    return declare


@sqlalchemy_event.listens_for(Session, "before_flush")
def _refuse_unrecorded_changes(session: Session, _context: object, _instances: object) -> None:
    """A change of rows outside a use case has no event, so it must not happen."""
    changed = session.new or session.deleted or any(session.is_modified(row) for row in session.dirty)
    if changed and not _inside_use_case():
        raise RuntimeError("rows change inside a use case only")


@sqlalchemy_event.listens_for(Session, "do_orm_execute")
def _refuse_unrecorded_statements(state: ORMExecuteState) -> None:
    if (state.is_update or state.is_delete or state.is_insert) and state.bind_mapper is not None:
        if not _inside_use_case():
            raise RuntimeError("rows change inside a use case only")


def _inside_use_case() -> bool:
    trail = _current.get()
    return trail is not None and trail.active > 0
