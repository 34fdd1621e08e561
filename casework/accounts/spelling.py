"""How place names are compared: a search form that apostrophes, alphabet and doubled letters do not change."""

from __future__ import annotations

from collections.abc import Iterable

from casework.vault.names.spelling import normalise, skeleton


def search_form(text: str) -> str:
    """A name or a part of one as it is compared: plain small Latin letters without signs; digits as they are."""
    return " ".join(word if word.isdecimal() else skeleton(word) for word in normalise(text).split())


def search_forms(names: Iterable[str | None]) -> str:
    """The search forms of all names of a place, each between bars, so that `| part` finds beginnings."""
    forms = dict.fromkeys(search_form(name) for name in names if name)
    return "".join(f"| {form} " for form in forms if form) + "|"
