"""Keeping the log alive: what the worker does every second, and how an alarm knows that it does not happen.

Every second: events that wait get their place in the tree, and the tree is signed if it has grown. When nothing was
signed for some minutes a heartbeat is logged, so that an outsider who follows the checkpoints can tell a quiet log from
a dead one.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from casework.access.actor import SYSTEM, Actor
from casework.access.permissions import Permission
from casework.audit.boundary import acting
from casework.audit.identity import LogProblem, identity_here
from casework.audit.models import AuditCheckpoint, AuditEvent, AuditPending, AuditState
from casework.audit.sequencer import sequence_all, sign
from casework.audit.trail import counted, current_trail, use_case
from casework.audit.words import register as register_words
from casework.core import clock, jobs
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work

log = logging.getLogger("casework.audit")

EVERY = timedelta(seconds=1)
HEARTBEAT = timedelta(minutes=5)
LATE = timedelta(minutes=1)
"""An event that waits longer, or a tree that stays unsigned longer, is an alarm."""

register_words({"log.heartbeat": _l("The log was alive"), "log.verified": _l("The log was verified")})

_told: str | None = None


@use_case(permission=Permission.LOG_KEEP, code="log.heartbeat", action="E")
def beat(actor: Actor) -> None:
    """Says that the log is alive."""


@use_case(permission=Permission.LOG_KEEP, code="log.verified", action="E")
def note_verification(actor: Actor, checked: int, problem: str | None) -> None:
    """Says that the live log was verified: how many events, and the kind of the first break, if there is one."""
    counted(checked)
    if problem is not None:
        entry = current_trail().entries[-1]
        entry.outcome, entry.outcome_reason = "error", problem


def keep_log() -> None:
    """One round: sequence, sign, and a heartbeat when the last checkpoint is old. `LogProblem` when it may not sign."""
    identity = identity_here()
    try:
        sequence_all()
        sign(identity)
        if _quiet_for_long():
            with acting(SYSTEM, "worker:log"):
                beat(SYSTEM)
            sequence_all()
            sign(identity)
    except LogProblem as problem:
        _tell_once("problem", str(problem))
        raise
    with unit_of_work(write=False):
        complaints = log_health().complaints
    _tell_once("late" if complaints else None, "; ".join(complaints))


def register_jobs() -> None:
    """Called when the app is composed."""
    jobs.register("audit log", EVERY, keep_log, punctual=True)


def _tell_once(kind: str | None, said: str) -> None:
    """To the log of the program, when this kind of trouble begins."""
    global _told
    if kind is not None and kind != _told:
        log.error("%s", said)
    _told = kind


def _quiet_for_long() -> bool:
    """Whether the newest checkpoint is old. One from the future was signed before a clock was set back."""
    with unit_of_work(write=False):
        newest = select(AuditCheckpoint.signed_at).order_by(AuditCheckpoint.size.desc()).limit(1)
        signed_at = db.session.scalar(newest)
    return signed_at is None or not timedelta(0) <= clock.now() - signed_at < HEARTBEAT


@dataclass(frozen=True, slots=True)
class LogHealth:
    """`size` events are in the tree, `signed_size` of them under a checkpoint of `signed_at`; `pending` wait, the oldest
    for `oldest_pending`."""

    size: int
    signed_size: int
    signed_at: datetime | None
    pending: int
    oldest_pending: timedelta

    @property
    def complaints(self) -> list[str]:
        """What is wrong, in words for an operator; empty when all is well."""
        found = []
        if self.oldest_pending > LATE:
            seconds = int(self.oldest_pending.total_seconds())
            found.append(
                f"the oldest audit event waits for its index for {seconds} s: is the worker running? If it is, "
                "`casework audit checkpoint` says why"
            )
        unsigned_for = (
            abs(clock.now() - self.signed_at) if self.signed_at else LATE * 2
        )  # clocks are set back, too
        if self.size > self.signed_size and unsigned_for > LATE:
            found.append(
                "the audit log has grown and is not signed: run `casework audit checkpoint`, which says why"
            )
        return found


def log_health() -> LogHealth:
    """How the log stands, in the open transaction. Five short queries, whatever the size of the log."""
    oldest = db.session.scalar(select(AuditPending.event_uid).order_by(AuditPending.event_uid).limit(1))
    newest = db.session.execute(
        select(AuditCheckpoint.size, AuditCheckpoint.signed_at).order_by(AuditCheckpoint.size.desc()).limit(1)
    ).one_or_none()
    waited = max(clock.now() - _made_at(oldest), timedelta(0)) if oldest else timedelta(0)
    return LogHealth(
        size=db.session.scalar(select(AuditState.size)) or 0,
        signed_size=newest.size if newest else 0,
        signed_at=newest.signed_at if newest else None,
        pending=db.session.scalar(select(func.count()).select_from(AuditPending)) or 0,
        oldest_pending=waited,
    )


def _made_at(event_uid: uuid.UUID) -> datetime:
    """When an event of the outbox was recorded; where it is gone, what its UUIDv7 says (RFC 9562 section 5.7)."""
    recorded = db.session.scalar(select(AuditEvent.recorded).where(AuditEvent.event_uid == event_uid))
    return recorded or datetime.fromtimestamp((event_uid.int >> 80) / 1000, UTC)
