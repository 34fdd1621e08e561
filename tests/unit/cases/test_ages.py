"""Age bands and who gives consent, against the data dictionary §3.5."""

from __future__ import annotations

from datetime import date

import pytest

from casework.cases import ages
from casework.cases.use_cases.consent import months_later

DAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("born", "precision", "age"),
    [
        (date(2020, 11, 22), "day", 6),
        (date(2020, 11, 23), "day", 5),
        (date(2008, 11, 1), "month", 17),
        (date(2008, 10, 1), "month", 18),
        (date(2008, 1, 1), "year", 17),
        (date(2007, 1, 1), "year", 18),
        (date(2015, 6, 1), "estimated", 11),
        (date(2026, 1, 1), "year", 0),
        (date(2024, 2, 29), "day", 2),
    ],
)
def test_the_younger_age_counts_where_the_date_leaves_two(born: date, precision: str, age: int) -> None:
    assert ages.age_on(born, precision, DAY) == age


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (0, "from_0_to_5"),
        (5, "from_0_to_5"),
        (6, "from_6_to_11"),
        (12, "from_12_to_14"),
        (15, "from_15_to_17"),
        (18, "from_18"),
        (90, "from_18"),
    ],
)
def test_every_age_has_one_band(age: int, band: str) -> None:
    assert ages.band_of(age) == band


@pytest.mark.parametrize(
    ("age", "given_by", "assent"),
    [
        (3, {"legal_guardian", "court"}, {"not_able_under_6"}),
        (9, {"legal_guardian", "court"}, {"given", "refused"}),
        (13, {"legal_guardian", "court"}, {"given", "refused"}),
        (16, {"self", "legal_guardian", "court"}, {"given", "refused"}),
        (30, {"self", "legal_guardian", "court"}, set()),
    ],
)
def test_the_band_says_who_gives_consent(age: int, given_by: set[str], assent: set[str]) -> None:
    rule = ages.consent_rule(age)
    assert set(rule.given_by) == given_by
    assert set(rule.assent) == assent


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 11, 22), 12, date(2027, 11, 22)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)
def test_a_consent_lasts_whole_months(day: date, months: int, then: date) -> None:
    assert months_later(day, months) == then
