"""What may stand in a text: characters, alphabets, apostrophes. Pure functions, no request.

Canonical Uzbek Latin letters are oʻ gʻ with U+02BB and the tutuq belgisi U+02BC; every apostrophe is accepted on input.
"""

from __future__ import annotations

import re
import unicodedata

TURNED_COMMA = "\u02bb"
TUTUQ = "\u02bc"
APOSTROPHES = "'`\u00b4\u2018\u2019\u02bb\u02bc\u02b9\uff07"

_AFTER_O_G = re.compile(f"(?<=[OoGg])[{APOSTROPHES}]")
_INSIDE_WORD = re.compile(f"(?<=[^\\W\\d_OoGg])[{APOSTROPHES}](?=[^\\W\\d_])")
_NO_CHARACTER = "\ufffd"  # stands where the sent bytes were no UTF-8
_DIRECTION_MARKS = set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_NAME_MARKS = set(" -.\u2010\u2011" + APOSTROPHES)


def tidy(text: str) -> str:
    """NFC, line ends as \\n, no space around. Nothing that the person typed inside is lost."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def has_control_characters(text: str, *, lines: bool) -> bool:
    """Whether the text has characters that nobody sees or that turn its direction; line breaks only with `lines`."""
    for character in text:
        if character in _DIRECTION_MARKS or character == _NO_CHARACTER:
            return True
        category = unicodedata.category(character)
        if category in ("Cs", "Co", "Cn", "Zl", "Zp"):
            return True
        if category == "Cc" and not (lines and character in "\n\t"):
            return True
    return False


def is_name_like(text: str) -> bool:
    """Letters, marks on letters, spaces, hyphens, apostrophes and points only; at least one letter."""
    if not any(character.isalpha() for character in text):
        return False
    return all(c in _NAME_MARKS or unicodedata.category(c)[0] in "LM" for c in text)


def alphabets(text: str) -> set[str]:
    """The alphabets that the letters come from: "Latn", "Cyrl", "other". Apostrophe letters belong to none."""
    found = set()
    for character in text:
        if not character.isalpha() or character in APOSTROPHES:
            continue
        name = unicodedata.name(character, "")
        found.add("Latn" if name.startswith("LATIN") else "Cyrl" if name.startswith("CYRILLIC") else "other")
    return found


def uzbek_apostrophes(text: str) -> str:
    """Any apostrophe after o or g becomes U+02BB, any other one inside a Latin word U+02BC."""
    return _INSIDE_WORD.sub(TUTUQ, _AFTER_O_G.sub(TURNED_COMMA, text))
