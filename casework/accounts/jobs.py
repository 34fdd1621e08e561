"""What the worker does for this room: drops sessions, throttle counts and form keys that nobody needs any more."""

from __future__ import annotations

from datetime import timedelta

from casework.access.actor import SYSTEM, Actor
from casework.access.permissions import Permission
from casework.accounts import queries, sessions, throttle
from casework.audit.boundary import acting
from casework.audit.trail import counted, use_case
from casework.core import clock, jobs
from casework.core.unit_of_work import unit_of_work
from casework.web import idempotency

COUNTS_KEPT = timedelta(days=1)
FORMS_KEPT = timedelta(days=2)
SESSIONS_KEPT = timedelta(days=30)


@use_case(permission=Permission.STAFF_MANAGE, code="auth.leftovers_dropped", action="D")
def drop_leftovers(_actor: Actor) -> int:
    """Drops what is out of date and gives how many rows."""
    now = clock.now()
    _idle, absolute = sessions.limits()
    dropped = sessions.forget_before(now - absolute - SESSIONS_KEPT)
    dropped += throttle.forget_before(now - COUNTS_KEPT)
    dropped += idempotency.forget_before(now - FORMS_KEPT)
    counted(dropped)
    return dropped


def tidy_up() -> None:
    """Drops leftovers if there are any: an hour in which nothing is out of date leaves no event."""
    now = clock.now()
    _idle, absolute = sessions.limits()
    with unit_of_work(write=False):
        found = queries.has_leftovers(now - absolute - SESSIONS_KEPT, now - COUNTS_KEPT, now - FORMS_KEPT)
    if found:
        with acting(SYSTEM, "worker:tidy"):
            drop_leftovers(SYSTEM)


def register_jobs() -> None:
    """Called when the app is composed."""
    jobs.register("tidy", timedelta(hours=1), tidy_up)
