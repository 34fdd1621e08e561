"""The worker's desk for long work that auditors ask for: exports and verifications, one after another, in a thread of its
own, so that the log goes on being sequenced and signed every second meanwhile.

A lock on a file says who is at the desk. It ends with the process that holds it, however that ends; whoever comes next
finds what was left.
"""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask, current_app

from casework.audit import export_jobs, verifications
from casework.core import jobs
from casework.core.database import db

log = logging.getLogger("casework.audit")

_thread: threading.Thread | None = None


def work_off() -> None:
    """Does everything that waits, in this thread; nothing when somebody else is at it."""
    with _alone() as alone:
        if not alone:
            return
        export_jobs.give_up_interrupted()
        verifications.give_up_interrupted()
        while export_jobs.write_next() or verifications.verify_next():
            pass


@contextmanager
def _alone() -> Iterator[bool]:
    with (export_jobs.folder_here() / ".desk").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def sit_down() -> None:
    """Starts the thread when something waits and nobody of this process is at the desk."""
    global _thread
    if (_thread is not None and _thread.is_alive()) or not (export_jobs.waits() or verifications.waits()):
        return
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    # A daemon: a worker that is told to stop does not wait for a long export. What it leaves is found by the next one.
    _thread = threading.Thread(target=_run, args=(app,), name="audit desk", daemon=True)
    _thread.start()


def _run(app: Flask) -> None:
    with app.app_context():
        try:
            work_off()
        except Exception as problem:
            log.error("work for the auditors failed: %s", type(problem).__name__)
        finally:
            db.session.remove()


def register_jobs() -> None:
    """Called when the app is composed."""
    jobs.register("audit desk", timedelta(seconds=1), sit_down)
    jobs.register("daily verification", timedelta(hours=1), verifications.ask_daily)
    jobs.register("old exports", timedelta(hours=1), export_jobs.drop_old)
