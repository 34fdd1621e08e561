"""What the worker does for this room: consents whose last day has passed stop being in force."""

from __future__ import annotations

from datetime import timedelta

from casework.access.actor import SYSTEM, acting_as
from casework.audit.boundary import acting
from casework.cases import queries
from casework.cases.attachments.queries import file_names
from casework.cases.attachments.upload import sweep
from casework.cases.erasure import leave_no_traces
from casework.cases.use_cases.consent import expire_consents
from casework.core import clock, jobs
from casework.core.unit_of_work import unit_of_work


def end_consents() -> None:
    """Marks them in portions, each its own transaction; a day on which none has passed leaves no event."""
    while True:
        with acting_as(SYSTEM), unit_of_work(write=False):
            found = queries.has_consents_past(clock.today())
        if not found:
            return
        with acting(SYSTEM, "worker:consents"):
            expire_consents(SYSTEM)


def clean_up() -> None:
    """Removes files of documents that no row belongs to, and what the engine keeps of rows that were changed."""
    with acting_as(SYSTEM), unit_of_work(write=False):
        known = file_names()
    sweep(known)
    leave_no_traces()


def register_jobs() -> None:
    """Called when the app is composed."""
    jobs.register("traces", timedelta(hours=6), clean_up)
    jobs.register("consents", timedelta(hours=1), end_consents)
