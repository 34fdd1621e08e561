"""The one clock. Times are stored in UTC; days are those of the deployment's zone. Tests freeze it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Tashkent")

_frozen: ContextVar[datetime | None] = ContextVar("casework_clock", default=None)
_frozen_everywhere: datetime | None = None


def now() -> datetime:
    """The present moment, aware, UTC."""
    return _frozen.get() or _frozen_everywhere or datetime.now(UTC)


def today() -> date:
    """Today's date where the families live."""
    return now().astimezone(ZONE).date()


def local(moment: datetime) -> datetime:
    """The moment as people there read it."""
    return moment.astimezone(ZONE)


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Stops the clock in every thread for the length of a test; nested calls move it."""
    global _frozen_everywhere
    if moment.tzinfo is None:
        raise ValueError("the clock needs an aware datetime")
    before = _frozen_everywhere
    _frozen_everywhere = moment.astimezone(UTC)
    try:
        yield
    finally:
        _frozen_everywhere = before


@contextmanager
def moved_to(moment: datetime) -> Iterator[None]:
    """Sets the clock for this context only: a synthetic caseload lives through two years in seconds."""
    token = _frozen.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)
