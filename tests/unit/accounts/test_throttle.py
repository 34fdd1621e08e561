"""How long a sign-in has to wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

from casework.accounts.throttle import Kind, wait_after


@pytest.mark.parametrize(
    ("kind", "failures", "minutes"),
    [
        ("name", 0, 0), ("name", 4, 0), ("name", 5, 1), ("name", 6, 2), ("name", 7, 4), ("name", 8, 8), ("name", 9, 15),
        ("name", 5000, 15), ("address", 19, 0), ("address", 20, 1), ("address", 24, 15),
    ],
)  # fmt: skip
def test_waits_longer_with_each_failure_up_to_a_quarter_of_an_hour(
    kind: Kind, failures: int, minutes: int
) -> None:
    assert wait_after(failures, kind) == timedelta(minutes=minutes)
