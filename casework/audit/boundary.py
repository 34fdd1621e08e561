"""The boundary: where a request or a command becomes one transaction with exactly one event.

A write and its event commit together. A read is rendered first and its event committed just before anything is sent,
in a short transaction of its own, so that rendering holds no write lock. What was refused is rolled back and its event
written afresh. If the event cannot be written, nothing happened and nothing is shown.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address

from flask import Flask, Response, current_app, g, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from casework.access.actor import Actor, acting_as, actor_or_none, set_actor
from casework.access.blueprint import PUBLIC, permission_of
from casework.access.permissions import Permission
from casework.audit import event
from casework.audit.trail import ACCESS_DENIED, Declaration, Trail, current_trail, note_refusal, trailing
from casework.core import unit_of_work
from casework.core.database import db
from casework.core.errors import Conflict, DomainError
from casework.vault.grant import Grant
from casework.vault.keys import forget_ring
from casework.web import idempotency

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class MissingEvent(RuntimeError):
    """A protected page was about to be sent without a record of it."""


in_every_transaction: list[Callable[[], None]] = []
"""Small infrastructure writes that ride on the event's transaction (the session's last use)."""


def init_app(app: Flask) -> None:
    """Puts every request of the app inside the boundary. Call before any other before_request hook."""
    app.before_request_funcs.setdefault(None, []).insert(0, _enter)
    app.after_request_funcs.setdefault(None, []).insert(0, _settle)  # runs last: the others make the response
    app.teardown_request(_leave)


def _enter() -> None:
    set_actor(None)
    g.request_id = secrets.token_hex(8)
    stack = ExitStack()
    rule = request.url_rule.rule if request.url_rule else None
    trail = Trail(
        grant=Grant(None),
        request_id=g.request_id,
        endpoint=f"{request.method} {rule}" if rule else None,
        src_ip=_address(),
    )
    stack.enter_context(trailing(trail))
    g.boundary = stack
    if not _is_file(request.endpoint):
        unit_of_work.begin(write=request.method not in SAFE_METHODS)


def _address() -> str | None:
    """Where the request came from. What a wrongly set up proxy lets through and is no address stays out of the log."""
    try:
        return str(ip_address(request.remote_addr or ""))
    except ValueError:
        return None


def _is_file(endpoint: str | None) -> bool:
    """A built asset, or the sign of life: it touches no row."""
    return endpoint in ("static", "health.alive") or bool(endpoint and endpoint.endswith(".static"))


def replay_repeated_form() -> ResponseReturnValue | None:
    """A before_request hook, after the actor is known: the same form sent twice lands on the first one's result."""
    actor, key = actor_or_none(), request.form.get("form_key") if request.method == "POST" else None
    location = idempotency.replayed(actor.id, key) if actor is not None and key else None
    if location is None:
        return None
    current_trail().enter(_FORM_REPEATED)
    return redirect(location, 303)


def _leave(_problem: BaseException | None) -> None:
    stack: ExitStack | None = g.pop("boundary", None)
    unit_of_work.rollback()
    forget_ring()
    set_actor(None)
    if stack is not None:
        stack.close()


def _settle(response: Response) -> Response:
    if g.get("settled") or "boundary" not in g:
        return response
    g.settled = True
    trail, actor = current_trail(), actor_or_none()
    entry = trail.main()
    protected = isinstance(permission_of(current_app, request.endpoint), Permission)
    if entry is None:
        if not protected or actor is None:
            unit_of_work.rollback()
            return response
        if response.status_code < 400:
            raise MissingEvent(f"{request.endpoint} answered without an audit event")
        _note_unexplained_refusal(trail, response.status_code)
        entry = trail.entries[-1]
    if response.status_code >= 500 and entry.outcome == "success":
        entry.outcome, entry.outcome_reason = "error", "unexpected"
    if entry.outcome == "denied" and entry.entity_id is None:
        entry.entity_id = _named_in_the_address()
    stands = entry.outcome == "success" and response.status_code < 400
    if entry.outcome == "success" and not stands:
        entry.outcome, entry.outcome_reason = "error", f"status_{response.status_code}"
    if not (stands and entry.declaration.action != "R" and request.method not in SAFE_METHODS):
        draft = trail.draft(actor)
        _start_afresh()
        for remember in trail.when_refused if not stands else ():
            remember()
        _commit_with(draft)
        return response
    if actor is not None and response.status_code in (302, 303) and (key := request.form.get("form_key")):
        idempotency.remember(actor.id, key, request.endpoint or "", response.headers["Location"])
    try:
        _commit_with(trail.draft(actor))
    except IntegrityError:
        return _twin_of_a_post(actor, response)
    return response


def _twin_of_a_post(actor: Actor | None, response: Response) -> Response:
    """The same form arrived twice at the same moment, and the other one was first: this one lands on its result."""
    _start_afresh()
    key = request.form.get("form_key")
    location = idempotency.replayed(actor.id, key) if actor is not None and key else None
    if location is None:
        raise Conflict()
    trail = Trail(
        grant=Grant(None),
        request_id=g.request_id,
        endpoint=current_trail().endpoint,
        src_ip=_address(),
    )
    trail.enter(_FORM_REPEATED)
    _commit_with(trail.draft(actor))
    response.headers["Location"] = location
    return response


def _commit_with(draft: event.EventDraft) -> None:
    for ride in in_every_transaction:
        ride()
    try:
        event.write(draft)
        unit_of_work.commit()
    finally:
        event.replan()


def _start_afresh() -> None:
    """Ends the unit of work unkept and opens a short writing one."""
    unit_of_work.rollback()
    unit_of_work.begin(write=True)


_FORM_REPEATED = Declaration(PUBLIC, "form.repeated", "R", ACCESS_DENIED)
_REQUEST_REFUSED = Declaration(PUBLIC, "request.refused", "E", ACCESS_DENIED)


def _note_unexplained_refusal(trail: Trail, status: int) -> None:
    """The permission of the route, a forged form or an unknown id stopped the request before any use case."""
    entry = trail.enter(_REQUEST_REFUSED)
    entry.outcome_reason = f"status_{status}"
    if status in (401, 403, 404):
        entry.code, entry.outcome = ACCESS_DENIED, "denied"
    else:
        entry.outcome = "error"
    entry.entity_id = _named_in_the_address()


def _named_in_the_address() -> uuid.UUID | None:
    """What a refused request was after, as far as its address says: the first id in it."""
    ids = (value for value in (request.view_args or {}).values() if isinstance(value, uuid.UUID))
    return next(ids, None)


@contextmanager
def recorded(actor: Actor, source: str) -> Iterator[Trail]:
    """One action inside a unit of work that is open already: its event joins that transaction."""
    trail = Trail(grant=Grant(actor.id), endpoint=source)
    with acting_as(actor), trailing(trail):
        yield trail
        event.write(trail.draft(actor))


@contextmanager
def acting(actor: Actor, source: str) -> Iterator[Trail]:
    """One action of a command or job: its own transaction, its own event, also when it is refused."""
    trail = Trail(grant=Grant(actor.id), endpoint=source)
    with acting_as(actor), trailing(trail):
        unit_of_work.begin(write=True)
        try:
            yield trail
            event.write(trail.draft(actor))
            unit_of_work.commit()
        except BaseException as problem:
            entry = trail.main()
            unit_of_work.rollback()
            forget_ring()
            event.replan()
            if entry is not None and isinstance(problem, Exception):
                if entry.outcome == "success":
                    if isinstance(problem, DomainError):
                        note_refusal(entry, problem)
                    else:
                        entry.outcome, entry.outcome_reason = "error", "unexpected"
                draft = trail.draft(actor)
                with unit_of_work.unit_of_work():
                    for remember in trail.when_refused:
                        remember()
                    event.write(draft)
            raise
        finally:
            forget_ring()
            db.session.remove()
