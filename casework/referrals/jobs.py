"""What the worker does for this room: lapses drafts left lying and referrals whose consent ran out."""

from __future__ import annotations

from datetime import timedelta

from casework.access.actor import SYSTEM, acting_as
from casework.audit.boundary import acting
from casework.core import clock, jobs
from casework.core.unit_of_work import unit_of_work
from casework.referrals import queries
from casework.referrals.use_cases.ending import DRAFT_DAYS, expire_referrals
from casework.referrals.workflow import BEFORE_SERVICE


def lapse() -> None:
    """Lapses what has to; an hour in which nothing does leaves no event."""
    while _found():
        with acting(SYSTEM, "worker:referrals"):
            expire_referrals(SYSTEM)


def _found() -> bool:
    with acting_as(SYSTEM), unit_of_work(write=False):
        untouched = queries.untouched_since(clock.now() - timedelta(days=DRAFT_DAYS), 1)
        return bool(untouched or queries.on_lapsed_consent(BEFORE_SERVICE, 1))


def register_jobs() -> None:
    """Called when the app is composed."""
    jobs.register("referrals", timedelta(hours=1), lapse)
