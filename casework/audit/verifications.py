"""Verifications of the live log: once a day, and whenever an auditor asks. What was found stands on the checkpoint page."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from casework.access.actor import SYSTEM, Actor
from casework.access.permissions import Permission
from casework.audit import queries
from casework.audit.boundary import acting
from casework.audit.identity import LogProblem, identity_here
from casework.audit.keeping import note_verification
from casework.audit.live import verify_live
from casework.audit.models import AuditVerification
from casework.audit.trail import about, use_case
from casework.core import clock
from casework.core.database import db
from casework.core.ids import new_id
from casework.core.unit_of_work import unit_of_work

log = logging.getLogger("casework.audit")

EVERY = timedelta(days=1)

_table = AuditVerification.__table__

CHANGED = _l("An event, or what the tree says of it, was changed.")
GONE = _l("Events are missing.")
ADDED = _l("Something was put in that was not logged.")
OLDER = _l("The database is older than what was signed: it was put back from a copy, or its end was cut off.")
SIGNED = _l("What was signed does not fit the log or its key.")

KINDS: dict[str, Any] = {
    **dict.fromkeys(
        ("body_changed", "leaf_changed", "leaf_hashes", "projection", "tile", "state", "event", "dropped"),
        CHANGED,
    ),
    **dict.fromkeys(("idx_gap", "event_missing", "pending_missing", "writer_hole"), GONE),
    **dict.fromkeys(("inserted", "extra_line", "pending_repeat", "reordered", "writer_repeat"), ADDED),
    **dict.fromkeys(("tail_missing", "rollback", "replay"), OLDER),
    **dict.fromkeys(("signature", "key_changed", "root", "fork", "checkpoint"), SIGNED),
}


def in_words(kind: str) -> str:
    """The first break in one sentence."""
    return str(KINDS.get(kind, SIGNED))


@use_case(permission=Permission.AUDIT_VIEW, code="audit.verification_asked", action="C")
def ask_verification(actor: Actor) -> AuditVerification:
    """Asks the worker to verify the log; one that waits or runs already will do."""
    asked = queries.unfinished_verification()
    if asked is None:
        asked = AuditVerification(
            id=new_id(),
            requested_by=None if actor.is_system else actor.id,
            requested_at=clock.now(),
            state="waiting",
        )
        db.session.add(asked)
    about(asked)
    return asked


def waits() -> bool:
    """Whether a verification waits, or was begun and may have been left."""
    with unit_of_work(write=False):
        return queries.unfinished_verification() is not None


def give_up_interrupted() -> None:
    """Whoever calls this is the only one who verifies: what is said to run begins again."""
    _update(_table.c.state == "running", state="waiting")


def verify_next() -> bool:
    """Does the verification that waits; False when none waits."""
    with unit_of_work(write=False):
        waiting = select(_table.c.id).where(_table.c.state == "waiting").order_by(_table.c.requested_at)
        job_id = db.session.scalar(waiting.limit(1))
    if job_id is None:
        return False
    _update(_table.c.id == job_id, state="running")
    try:
        report = verify_live(identity_here(), jobs=1)  # Pages are served beside it.
    except (LogProblem, ValueError, OSError) as problem:
        log.error("the audit log cannot be verified: %s", problem)
        _update(_table.c.id == job_id, state="failed", finished_at=clock.now())
        return True
    except Exception as problem:  # or else it would be begun again and again
        log.error("the verification of the audit log failed: %s", type(problem).__name__)
        _update(_table.c.id == job_id, state="failed", finished_at=clock.now())
        return True
    found = report.problem
    if found is not None:
        log.error("the audit log is broken: %s (%s)", found.kind, found.detail)
    with acting(SYSTEM, "worker:verification"):
        note_verification(SYSTEM, report.checked, found.kind if found else None)
    _update(
        _table.c.id == job_id,
        state="done",
        finished_at=clock.now(),
        ok=found is None,
        checked=report.checked,
        size=report.size,
        kind=found.kind if found else None,
        idx=found.index if found else None,
    )
    return True


def _update(which: Any, **values: Any) -> None:
    with unit_of_work():
        db.session.execute(update(_table).where(which).values(**values))


def ask_daily() -> None:
    """Asks for a verification when the last one is older than a day."""
    with unit_of_work(write=False):
        last = db.session.scalar(select(func.max(_table.c.requested_at)))
    if last is None or clock.now() - last >= EVERY:
        with acting(SYSTEM, "worker:verification"):
            ask_verification(SYSTEM)
