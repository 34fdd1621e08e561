"""How place names are compared: a search form that apostrophes, alphabet and doubled letters do not change."""

from __future__ import annotations

import re
from collections.abc import Iterable

from casework.vault.names.spelling import VERSION, normalise, skeleton

_SIGNS = re.compile("[ʻʼ]")
# Raise the first number when this file changes what it makes; the second is that of the spelling rules.
_MADE_BY = f"{1}.{VERSION} "


def search_form(text: str) -> str:
    """A name or a part of one as it is compared: plain small Latin letters without signs; digits as they are."""
    return " ".join(word if word.isdecimal() else skeleton(word) for word in normalise(text).split())


def search_forms(names: Iterable[str | None]) -> str:
    """The search forms of all names of a place, each between bars, so that `| part` finds beginnings."""
    written = [name for name in names if name]
    unsigned = [_SIGNS.sub("", normalise(name)) for name in written]  # many leave the signs out
    forms = dict.fromkeys(search_form(name) for name in (*written, *unsigned))
    return _MADE_BY + "".join(f"| {form} " for form in forms if form) + "|"


def is_current(forms: str) -> bool:
    """Whether these search forms were made by today's rules."""
    return forms.startswith(_MADE_BY)
