"""Jobs that the worker repeats. A room registers what it needs done; each does its own unit of work.

Several workers may run at once, so a job must bear being done twice, or take a lock of its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask

from casework.core.database import db

log = logging.getLogger("casework.jobs")

LONGEST_NAP = 5.0
"""Seconds: how long the loop sleeps at most, so that a stop is heard."""


@dataclass(frozen=True)
class Job:
    """`fn` runs inside an application context, `every` so often, and once when the worker starts. A `punctual` one waits
    for no other job."""

    name: str
    every: timedelta
    fn: Callable[[], object]
    punctual: bool = False


_jobs: dict[str, Job] = {}


def register(name: str, every: timedelta, fn: Callable[[], object], *, punctual: bool = False) -> None:
    """Adds a job; the same name again replaces it, so that composing two apps in one process does no harm."""
    if every <= timedelta(0):
        raise ValueError("a job needs a positive time between two runs")
    _jobs[name] = Job(name, every, fn, punctual)


def registered() -> list[Job]:
    """All jobs, in the order in which they were registered."""
    return list(_jobs.values())


def run_once(app: Flask, job: Job) -> bool:
    """Does one job. What goes wrong is logged without its text, which may hold content; gives whether it went well."""
    with app.app_context():
        try:
            job.fn()
        except Exception as problem:
            log.error("job %s failed: %s", job.name, type(problem).__name__)
            return False
        finally:
            db.session.remove()
    return True


def run_until(app: Flask, stopped: threading.Event) -> None:
    """Does every job when it is due until somebody says stop. A job that failed is tried again at its next time.

    The punctual ones have a thread each; the others wait for one another.
    """
    punctual = [job for job in registered() if job.punctual]
    threads = [
        threading.Thread(target=_repeat, args=(app, stopped, [job]), name=f"job {job.name}")
        for job in punctual
    ]
    for thread in threads:
        thread.start()
    try:
        _repeat(app, stopped, [job for job in registered() if not job.punctual])
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def _repeat(app: Flask, stopped: threading.Event, repeated: list[Job]) -> None:
    due = {job.name: 0.0 for job in repeated}
    while not stopped.is_set():
        for job in repeated:
            if stopped.is_set():
                return
            if time.monotonic() >= due[job.name]:
                run_once(app, job)
                due[job.name] = time.monotonic() + job.every.total_seconds()
        rest = min(due.values(), default=time.monotonic() + LONGEST_NAP) - time.monotonic()
        stopped.wait(min(max(rest, 0.05), LONGEST_NAP))
