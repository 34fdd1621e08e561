"""Exports that auditors ask for in the page: the worker writes the file, the page shows how far it is and fetches it.

The file lies in `CASEWORK_HOME/exports` for a day, for whoever asked only. What is written, and its two events with count
and SHA-256, is `casework.audit.export`; here is what surrounds it. The state of a job is the installation's bookkeeping,
so it is written in short transactions of its own, without events.
"""

from __future__ import annotations

import logging
import shutil
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import CursorResult, select, update

from casework.access.actor import SYSTEM, Actor
from casework.access.permissions import Permission
from casework.access.roles import Role
from casework.audit import queries
from casework.audit.boundary import acting
from casework.audit.export import ExportProblem, Form, Wanted, export
from casework.audit.identity import LogProblem, identity_here
from casework.audit.models import AuditExportJob
from casework.audit.reasons import Reason
from casework.audit.sequencer import sequence_all
from casework.audit.trail import counted, use_case
from casework.core import clock
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work

log = logging.getLogger("casework.audit")

KEPT = timedelta(days=1)
SUFFIXES = {"pack": ".zip", "jsonl": ".jsonl", "csv": ".csv"}
TOLD_EVERY = 1.0
"""Seconds between two notes of progress."""

PROBLEMS: dict[str, Any] = {
    "interrupted": _l("The program was stopped while it wrote the file. Please ask for the export again."),
    "not_whole": _l(
        "The log could not be exported whole. Verify the log, and tell whoever runs this installation."
    ),
    "no_room": _l("The file could not be written. Tell whoever runs this installation."),
    "unexpected": _l("The export failed. Tell whoever runs this installation."),
    "warned": _l(
        "The export ends before the newest events, or the log does not lead to what was signed. Verify the log."
    ),
}

_job = AuditExportJob.__table__


@dataclass(frozen=True, slots=True)
class KeptReason(Reason):
    """A reason whose text was given to nobody: the fingerprint and its salt go on, the words stay with who wrote them."""

    kept: bytes = b""

    @property
    def commitment(self) -> bytes:
        return self.kept

    def as_dict(self) -> dict[str, str]:
        return {"salt": self.salt.hex(), "commitment": self.kept.hex()}


def folder_here() -> Path:
    """Where the files lie; for the owner of the installation only."""
    folder: Path = current_app.extensions["casework_settings"].home / "exports"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def path_of(job_id: uuid.UUID, form: str) -> Path:
    """The file of an export; it may not be there."""
    return folder_here() / f"{job_id}{SUFFIXES[form]}"


def waits() -> bool:
    """Whether an export waits, or was begun and may have been left."""
    with unit_of_work(write=False):
        wanted = select(_job.c.id).where(_job.c.state.in_(("waiting", "running"))).limit(1)
        return db.session.execute(wanted).first() is not None


def give_up_interrupted() -> None:
    """Whoever calls this is the only one who exports: what is said to run, or is half written, was left by a process that
    ended."""
    for path in folder_here().glob(".*.partial*"):
        _remove(path)
    _update(_job.c.state == "running", state="failed", problem="interrupted", finished_at=clock.now())


def write_next() -> bool:
    """Writes the export that waits longest; False when none waits."""
    with unit_of_work(write=False):
        waiting = select(_job).where(_job.c.state == "waiting").order_by(_job.c.requested_at).limit(1)
        job = db.session.execute(waiting).one_or_none()
    if job is None:
        return False
    _update(_job.c.id == job.id, state="running")
    try:
        done = _write(job)
    except (ExportProblem, LogProblem, ValueError) as problem:
        log.error("an export of the audit log failed: %s", problem)
        _update(_job.c.id == job.id, state="failed", problem="not_whole", finished_at=clock.now())
    except OSError as problem:
        log.error("an export of the audit log could not be written: %s", problem.strerror)
        _update(_job.c.id == job.id, state="failed", problem="no_room", finished_at=clock.now())
    except Exception as problem:
        log.error("an export of the audit log failed: %s", type(problem).__name__)
        _update(_job.c.id == job.id, state="failed", problem="unexpected", finished_at=clock.now())
    else:
        _update(_job.c.id == job.id, state="done", finished_at=clock.now(), **done)
    return True


def _write(job: Any) -> dict[str, Any]:
    sequence_all()  # so that the days asked for have their indices
    with unit_of_work(write=False):
        first, last = queries.indices_of_days(job.since, job.until)
    why = KeptReason("", job.salt, job.reason_commitment)
    wanted = Wanted(cast(Form, job.form), why, first, last)
    path = path_of(job.id, job.form)
    told = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= TOLD_EVERY:
            told = time.monotonic()
            _update(_job.c.id == job.id, done=done, total=total)

    exported = export(
        Actor(job.requested_by, Role.AUDITOR), wanted, path, identity_here(), source="worker:exports",
        force=True, progress=tell,
    )  # fmt: skip
    for warning in exported.warnings:
        log.error("%s", warning)
    return {
        "count": exported.count,
        "digest": exported.digest,
        "file_size": path.stat().st_size,
        "problem": "warned" if exported.warnings else None,
    }


def _update(which: Any, **values: Any) -> int:
    with unit_of_work():
        done = cast("CursorResult[Any]", db.session.execute(update(_job).where(which).values(**values)))
        return done.rowcount


@use_case(permission=Permission.LOG_KEEP, code="audit.exports_dropped", action="D")
def _drop(actor: Actor, ids: list[uuid.UUID]) -> None:
    """Says that files of exports are gone."""
    db.session.execute(update(_job).where(_job.c.id.in_(ids)).values(state="dropped"))
    counted(len(ids))


def drop_old() -> None:
    """Removes the files of exports that are older than a day; when there is none, nothing is logged. A file of no known
    export goes too: the database may have been put back from an older copy."""
    with unit_of_work(write=False):
        old = select(_job.c.id, _job.c.form).where(
            _job.c.state == "done", _job.c.finished_at < clock.now() - KEPT
        )
        rows = db.session.execute(old).all()
        live = select(_job.c.id, _job.c.form).where(_job.c.state.in_(("running", "done")))
        known = {path_of(row.id, row.form).name for row in db.session.execute(live)}
    for path in folder_here().glob("[!.]*"):
        if path.name not in known:
            _remove(path)
    if not rows:
        return
    for row in rows:
        path_of(row.id, row.form).unlink(missing_ok=True)
    with acting(SYSTEM, "worker:exports"):
        _drop(SYSTEM, [row.id for row in rows])


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
