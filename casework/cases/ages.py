"""Age from a birth date that may be known to the month or year only (data dictionary §1.3, §3.5).

Where the date leaves two ages open, the younger one counts: it protects more.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from casework.core import clock
from casework.core.pack import load_pack
from casework.core.pack_types import AssentBand

BANDS = (
    (0, 5, "from_0_to_5"),
    (6, 11, "from_6_to_11"),
    (12, 14, "from_12_to_14"),
    (15, 17, "from_15_to_17"),
    (18, 200, "from_18"),
)
"""From, to (completed years), key of the value set `age_band`."""

FULL_AGE = 18


def latest_birth(born: date, precision: str) -> date:
    """The latest day that the date allows."""
    if precision == "year":
        return date(born.year, 12, 31)
    if precision == "month":
        return date(born.year, born.month, monthrange(born.year, born.month)[1])
    return born


def age_on(born: date, precision: str, day: date | None = None) -> int:
    """Completed years on `day` (today unless given), never below 0."""
    day = day or clock.today()
    latest = latest_birth(born, precision)
    return max(0, day.year - latest.year - ((day.month, day.day) < (latest.month, latest.day)))


def band_of(age: int) -> str:
    """The key of the age band."""
    return next(key for low, high, key in BANDS if low <= age <= high)


def band_label(key: str) -> str:
    """The band in words."""
    return load_pack().value_set("age_band").label(key)


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """Who gives consent at an age (§3.5). `assent`: what may be said of the child's own view; empty: nothing is asked."""

    given_by: tuple[str, ...]
    assent: tuple[str, ...]
    sentence: Any


GUARDIAN = ("legal_guardian", "court")
ASKED = ("given", "refused")


def consent_rule(age: int) -> ConsentRule:
    """The rule for an age, after the assent bands of the country pack."""
    band = load_pack().consent.assent_band(age)
    if band is None:
        return ConsentRule(
            ("self", *GUARDIAN), (), _("An adult gives consent in person, or through a guardian or court.")
        )
    return ConsentRule(*_BY_OWN[band.own], _sentence(band))


_BY_OWN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "informed": (GUARDIAN, ("not_able_under_6",)),
    "not_asked": (GUARDIAN, ("not_able_under_6",)),
    "oral": (GUARDIAN, ASKED),
    "written": (GUARDIAN, ASKED),
    "consent": (("self", *GUARDIAN), ASKED),
}


def _sentence(band: AssentBand) -> str:
    sentences: dict[str, str] = {
        "informed": _("Under 6 the guardian decides and the child is told."),
        "not_asked": _("Under 6 the guardian decides and the child is told."),
        "oral": _("From 6 to 11 the guardian decides and the child says whether they agree."),
        "written": _("From 12 to 14 the guardian decides and the child agrees in writing."),
        "consent": _(
            "From 15 to 17 the young person decides together with a guardian or another trusted adult."
        ),
    }
    return sentences[band.own]
