"""Identifiers and phone numbers in one normal form, checked by the rules of the country pack.

Source: data dictionary 3.2, 3.3 and 6.1.

A check never blocks: a child may have no number yet, and a document from abroad follows other rules. The caller
shows a warning.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from casework.core.pack import load_pack

Checksum = Literal["pass", "fail", "not_applicable"]

# Cyrillic capitals that look like Latin ones: the same series typed on the other keyboard.
_LOOKALIKES = str.maketrans("АВЕКМНОРСТХІ", "ABEKMHOPCTXI")
# What people put between digits: spaces, hyphens and dashes, dots, brackets, slashes.
_PHONE_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212.()/]+")


@dataclass(frozen=True)
class Checked:
    """An identifier in normal form, what its check digit says, and whether its form is the usual one."""

    normal: str
    checksum: Checksum
    well_formed: bool


def check(identifier_type: str, value: str, country: str = "uz") -> Checked:
    """Normalises `value` (compatibility forms, capitals, separators) and checks it. KeyError for an unknown type.

    `checksum` is `not_applicable` for a type without a check digit and for a value whose form is wrong. A wrong
    form or check digit is information for the person at the form, never a reason to refuse.
    """
    rules = load_pack(country).identifiers
    if identifier_type not in rules:
        raise KeyError(f"country pack {country} has no identifier type {identifier_type!r}")
    rule = rules[identifier_type]
    # The separators go first: NFKC would turn the numero sign into letters. Every dash counts as a hyphen.
    kept = (char for char in value if _as_hyphen(char) not in rule.drop and not char.isspace())
    normal = unicodedata.normalize("NFKC", "".join(kept)).upper()
    if rule.latin_lookalikes:
        normal = normal.translate(_LOOKALIKES)
    well_formed = bool(normal) if rule.pattern is None else rule.pattern.fullmatch(normal) is not None
    checksum: Checksum = "not_applicable"
    if rule.check_digit == "icao_731" and well_formed:
        checksum = "pass" if icao_check_digit(normal[:-1]) == int(normal[-1]) else "fail"
    return Checked(normal, checksum, well_formed)


def _as_hyphen(char: str) -> str:
    return "-" if unicodedata.category(char) == "Pd" else char


def icao_check_digit(digits: str) -> int:
    """Weights 7, 3, 1 repeating, sum modulo 10 (ICAO Doc 9303 part 3, the scheme of the 14-digit personal number)."""
    return sum(int(digit) * (7, 3, 1)[index % 3] for index, digit in enumerate(digits)) % 10


def normalise_phone(text: str, country: str = "uz") -> str:
    """The number in E.164, from the international form (+, 00 or bare country code) or the national digits alone.

    ValueError, in one sentence with an example, for anything else. The sentence does not repeat what was typed.
    """
    rule = load_pack(country).phone
    digits = _PHONE_SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    international = digits.startswith(("+", "00"))
    digits = digits[1:] if digits.startswith("+") else digits.removeprefix("00")
    full_length = len(rule.country_code) + rule.national_digits
    if re.fullmatch(r"[0-9]+", digits):
        if len(digits) == full_length and digits.startswith(rule.country_code):
            return f"+{digits}"
        if len(digits) == rule.national_digits and not international:
            return f"+{rule.country_code}{digits}"
    raise ValueError(
        f"A phone number has +{rule.country_code} and {rule.national_digits} digits, like {rule.example}."
    )
