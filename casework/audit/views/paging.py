"""Where a page of the log goes on."""

from __future__ import annotations

from flask import request

LARGEST = 2**63 - 1


def row_numbers() -> tuple[int | None, int | None]:
    """`before` and `after` of the address; None where there is none, or no number that a row can have."""
    before, after = (request.args.get(name, type=int) for name in ("before", "after"))
    return _possible(before), _possible(after)


def _possible(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= LARGEST else None
