"""What somebody typed into the search: a name, a year of birth beside it, a number, a phone, a display code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from casework.cases.codes import LETTERS, SIGNS
from casework.cases.search.indexing import PHONE
from casework.core import clock, identifiers
from casework.core.pack import load_pack
from casework.vault.exact import Digest, digests_to_find

SHORTEST_NAME = 2
FEWEST_DIGITS = 4
FIRST_YEAR = 1900

_CODE = re.compile(rf"([{LETTERS}]{{2}})[\s-]?([{SIGNS}]{{4}})")
_DATE = re.compile(r"(?<!\d)(?:\d{1,2}[./]\d{1,2}[./](\d{4})|(\d{4})-\d{1,2}-\d{1,2}|(\d{4}))(?!\d)")
_DIGITS = re.compile(r"\d")
_WITH_DIGIT = re.compile(r"\S*\d\S*")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Asked:
    """The readings of one query; each may be empty."""

    name: str
    birth_year: int | None
    code: str | None
    numbers: tuple[Digest, ...]
    phones: tuple[Digest, ...]

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to look for."""
        return not (self.name or self.code or self.numbers or self.phones)


def read_query(text: str, *, with_numbers: bool) -> Asked:
    """Reads a query. Without `with_numbers` it is no number, no phone, and a year in it counts for nothing."""
    code = _CODE.fullmatch(text.strip().upper())
    year = next((int(found) for each in _DATE.finditer(text) for found in each.groups() if found), None)
    name = " ".join(_WITH_DIGIT.sub(" ", text).split())
    if len(_LETTER.findall(name)) < SHORTEST_NAME:
        name = ""
    if not with_numbers:
        return Asked(name, None, _joined(code), (), ())
    numeric = len(_DIGITS.findall(text)) >= FEWEST_DIGITS
    return Asked(
        name,
        year if year is not None and FIRST_YEAR <= year <= clock.today().year else None,
        _joined(code),
        tuple(_numbers(text)) if numeric else (),
        tuple(_phones(text)) if numeric else (),
    )


def _joined(code: re.Match[str] | None) -> str | None:
    return f"{code[1]}-{code[2]}" if code else None


def _numbers(text: str) -> Iterator[Digest]:
    """Nobody says which kind of number it is, so it is looked for as each."""
    for kind in load_pack().identifiers:
        normal = identifiers.check(kind, text).normal
        if normal:
            yield from digests_to_find(kind, normal)


def _phones(text: str) -> Iterator[Digest]:
    try:
        yield from digests_to_find(PHONE, identifiers.normalise_phone(text))
    except ValueError:
        return
