"""The bars of `bench/names.py` on a smaller register, with spellings made by rules that the matcher does not know."""

from __future__ import annotations

import pytest

from bench.name_spellings import VARIANTS, Person, name_lists, persons
from bench.names import Method, casework_method, quality

SEED = 11


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return persons(3000, SEED, name_lists(npm=False))


@pytest.fixture(scope="module")
def find(people: list[Person]) -> Method:
    return casework_method(people)


@pytest.mark.parametrize("variant", [*VARIANTS])
def test_recall_holds_its_bar(variant: str, people: list[Person], find: Method) -> None:
    asked_for = VARIANTS[variant][2]
    measured = quality(find, people, variant, queries=120, seed=SEED)
    assert measured.recall_5 >= (0.90 if asked_for is None else asked_for)
