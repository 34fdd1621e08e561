"""Families of the synthetic caseload: who belongs to them, how old they are, when they came, who works with them.

All of it follows from the seed and the family's number: a larger caseload begins with the same families as a smaller one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random

from casework.cases.codes import LETTERS, SIGNS
from casework.demo.names import FATHERS, GIVEN, SURNAMES, Pair, Script, Sex, WrittenName, written

TEAMS_IN_WAVE = 4
FIRST_WAVE = 36
LATER_WAVES = 100
"""Families of a wave. The first one is small, so that a small caseload lies in four districts; later ones fill four more."""

LONGEST = 725
"""Days that the oldest case is open: two years."""


def dice_of(*parts: object) -> Random:
    """Pseudo-random choices that the parts decide, the same on every machine."""
    return Random("/".join(map(str, parts)))  # noqa: S311 -- a synthetic caseload, not a secret


@dataclass(frozen=True, slots=True)
class Person:
    """A made-up person. `number` counts the whole caseload from 0; `birth_date` is written as exactly as `precision` says."""

    number: int
    code: str
    name: WrittenName
    sex: Sex
    birth_date: date
    precision: str
    child: bool
    family: Family
    referral: int | None
    """Which referral of the caseload this person's is, counted from 0; None without one."""


@dataclass(frozen=True, slots=True)
class Family:
    """What the people of a family share. `team` and `desk` say which district and which of its caseworkers."""

    number: int
    team: int
    desk: int
    surname: Pair
    script: Script
    languages: tuple[str, ...]
    opened_days_ago: int
    mahalla: int


def team_of(family: int) -> int:
    """Which team works with a family."""
    if family < FIRST_WAVE:
        return family % TEAMS_IN_WAVE
    later = family - FIRST_WAVE
    return TEAMS_IN_WAVE * (1 + later // LATER_WAVES) + later % TEAMS_IN_WAVE


def caseload(seed: int, people: int, today: date, taken: set[str]) -> Iterator[Person]:
    """The first `people` people of the caseload of this seed, family by family. Codes in `taken` are somebody's already."""
    numbers, referrals, eligible = count(), count(), count()
    taken = set(taken)
    for index in count():
        dice = dice_of(seed, "family", index)
        family = _family(index, dice)
        for sex, age_days, child in _members(family, dice):
            number = next(numbers)
            if number == people:
                return
            # Three of five people who have been here a while have a referral; every state comes in its turn.
            settled = family.opened_days_ago >= 60
            referral = next(referrals) if settled and next(eligible) % 5 < 3 else None
            born, precision = _birth(today - timedelta(days=age_days), dice)
            father = dice_of(seed, "father", index).choice(FATHERS) if child else dice.choice(FATHERS)
            name = written(family.surname, dice.choice(GIVEN[sex]), father, sex, family.script)
            code = _code(dice_of(seed, "code", number), taken)
            yield Person(number, code, name, sex, born, precision, child, family, referral)


def _family(index: int, dice: Random) -> Family:
    recent = dice.random() < 0.08
    script: Script = dice.choices(("uz-Latn", "uz-Cyrl", "ru"), (70, 17, 13))[0]
    spoken = ("ru", "uz") if script == "ru" else ("uz",)
    more = dice.choices(((), ("ru",), ("ar",), ("tg",), ("tr",)), (55, 20, 12, 8, 5))[0]
    return Family(
        number=index,
        team=team_of(index),
        desk=index // TEAMS_IN_WAVE,
        surname=dice.choice(SURNAMES),
        script=script,
        languages=tuple(dict.fromkeys((*spoken, *more))),
        opened_days_ago=dice.randint(2, 20) if recent else dice.randint(21, LONGEST),
        mahalla=dice.randrange(10_000),
    )


def _members(family: Family, dice: Random) -> Iterator[tuple[Sex, int, bool]]:
    """Sex, age today in days, and whether a child: adults first, then the children from the eldest down."""
    adults = dice.choices((0, 1, 2), (15, 66, 19))[0]
    children = dice.choices((1, 2, 3, 4, 5, 6), (10, 22, 28, 22, 12, 6))[0]
    youngest = family.opened_days_ago + 40
    ages = sorted((dice.randint(youngest, int(17.9 * 365.25)) for _child in range(children)), reverse=True)
    for place in range(adults):
        sex: Sex = "female" if place == 0 else "male"
        years = max(22.0, ages[0] / 365.25 + 18.5) + dice.uniform(0, 11)
        yield sex, int(years * 365.25), False
    for age in ages:
        yield dice.choice(("female", "male")), age, True


def _birth(born: date, dice: Random) -> tuple[date, str]:
    precision = dice.choices(("day", "month", "year", "estimated"), (86, 5, 6, 3))[0]
    if precision == "month":
        return born.replace(day=1), precision
    # A year alone leaves ages open and the younger one counts, so the year before keeps the person's age about right.
    return (born.replace(month=1, day=1), precision) if precision == "year" else (born, precision)


def _code(dice: Random, taken: set[str]) -> str:
    while True:
        signs = [dice.choice(LETTERS) for _sign in range(2)] + [dice.choice(SIGNS) for _sign in range(4)]
        code = f"{signs[0]}{signs[1]}-{''.join(signs[2:])}"
        if code not in taken:
            taken.add(code)
            return code
