"""What the worker does for this room: consents whose last day has passed stop being in force."""

from __future__ import annotations

from datetime import timedelta

from casework.access.actor import SYSTEM, acting_as
from casework.audit.boundary import acting
from casework.cases import queries
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


def register_jobs() -> None:
    """Called when the app is composed."""
    jobs.register("consents", timedelta(hours=1), end_consents)
