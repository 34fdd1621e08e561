"""Reads the tables under `tables/`: plain TOML that a linguist can read and correct (see docs/names.md)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

# A word is read with the first alphabet that can spell all of it, in this order. Uzbek comes first because most
# names are Uzbek; the alphabets differ in sound only where their own letters show which one it is (ў in Әўез).
ALPHABETS = ("uzbek", "russian", "karakalpak", "kazakh", "kyrgyz", "tajik")


@dataclass(frozen=True, slots=True)
class Alphabet:
    """`letters`: the whole Cyrillic alphabet, lower case. `cyrillic`: for `str.translate`, letter to Latin."""

    name: str
    letters: frozenset[str]
    cyrillic: dict[int, str]


@dataclass(frozen=True, slots=True)
class Fold:
    """One spelling made another. `example`: two spellings, "A = B", that come out alike."""

    find: re.Pattern[str]
    to: str
    why: str
    example: str


@dataclass(frozen=True, slots=True)
class Ending:
    """An ending of a skeleton. `gender` is the word's grammar ("m" or "f"), `least_stem` counts letters."""

    text: str
    gender: str
    least_stem: int


@dataclass(frozen=True, slots=True)
class Tables:
    """All rules. Every mapping is ready for use: lower-case keys, endings from the longest."""

    alphabets: tuple[Alphabet, ...]
    any_cyrillic: dict[int, str]
    latin: dict[int, str]
    iso9_marks: frozenset[str]
    iso9: dict[int, str]
    folds: tuple[Fold, ...]
    surname: tuple[Ending, ...]
    patronymic: tuple[Ending, ...]
    markers: frozenset[str]
    apostrophes: dict[int, str]
    to_latin_look: dict[int, str]
    to_cyrillic_look: dict[int, str]


def read(name: str) -> dict[str, Any]:
    """The parsed table `tables/<name>.toml`."""
    text = resources.files(__package__).joinpath("tables", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _letters(rows: dict[str, list[str]]) -> dict[int, str]:
    return {ord(letter): row[0] for letter, row in rows.items()}


def _endings(rows: dict[str, list[str]], least_stem: int) -> list[Ending]:
    return [Ending(text, row[0], least_stem) for text, row in rows.items()]


@cache
def load() -> Tables:
    """The tables, read once per process. Raises `KeyError` or `re.error` at start-up if one is malformed."""
    shared = _letters(read("shared_cyrillic")["cyrillic"])
    alphabets: list[Alphabet] = []
    latin: dict[int, str] = {}
    any_cyrillic = shared
    for name in ALPHABETS:
        table = read(name)
        own = _letters(table["cyrillic"])
        alphabets.append(Alphabet(table["name"], frozenset(table["letters"]), shared | own))
        # For a word that no one alphabet can spell, an earlier alphabet's reading stands.
        any_cyrillic = own | any_cyrillic
        latin |= _letters(table.get("latin", {}))
    foreign = read("foreign_latin")
    latin |= _letters(foreign["latin"])

    endings = read("endings")
    least = endings["least_stem"]
    longer = endings["patronymic_long"]
    patronymic = _endings(endings["patronymic"], least) + _endings(longer["endings"], longer["least_stem"])
    surname = _endings(endings["surname"], least)

    signs = read("signs")
    looks: dict[str, str] = signs["lookalikes"]
    return Tables(
        alphabets=tuple(alphabets),
        any_cyrillic=any_cyrillic,
        latin=latin,
        iso9_marks=frozenset(foreign["iso9"]["marks"]),
        iso9=latin | _letters(foreign["iso9"]["latin"]),
        folds=tuple(
            Fold(re.compile(row["find"]), row["to"], row["why"], row["example"])
            for row in read("folds")["fold"]
        ),
        surname=tuple(sorted(surname, key=lambda ending: -len(ending.text))),
        patronymic=tuple(sorted(patronymic, key=lambda ending: -len(ending.text))),
        markers=frozenset(endings["marker"]),
        apostrophes={ord(sign): "ʼ" for sign in signs["apostrophes"]},
        to_latin_look={ord(cyrillic): roman for cyrillic, roman in looks.items()},
        to_cyrillic_look={ord(roman): cyrillic for cyrillic, roman in looks.items()},
    )
