"""The tables say the truth about themselves: every example in them holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from casework.vault.names import keys, normalise, skeleton
from casework.vault.names.tables import ALPHABETS, load, read


def _letter_rules() -> Iterator[tuple[str, str, str]]:
    for name in ("shared_cyrillic", *ALPHABETS, "foreign_latin"):
        table = read(name)
        for rules in (
            table.get("cyrillic", {}),
            table.get("latin", {}),
            table.get("iso9", {}).get("latin", {}),
        ):
            for letter, (_, example) in rules.items():
                yield name, letter, example


def _ending_rules() -> Iterator[tuple[str, str, str]]:
    table = read("endings")
    for rules in (table["surname"], table["patronymic"], table["patronymic_long"]["endings"]):
        for ending, (gender, example) in rules.items():
            yield ending, gender, example


@pytest.mark.parametrize(("table", "letter", "example"), [*_letter_rules()])
def test_the_example_of_a_letter_uses_it_and_comes_out_alike(table: str, letter: str, example: str) -> None:
    written, roman = example.split(" = ")
    assert letter in normalise(written), table
    assert skeleton(written) == skeleton(roman), table


@pytest.mark.parametrize("fold", load().folds, ids=lambda fold: fold.example)
def test_the_two_spellings_of_a_fold_come_out_alike(fold: object) -> None:
    one, other = fold.example.split(" = ")  # type: ignore[attr-defined]
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("ending", "gender", "example"), [*_ending_rules()])
def test_the_example_of_an_ending_loses_it(ending: str, gender: str, example: str) -> None:
    whole, rest = example.split(" = ")
    (word,) = keys(whole)
    assert word.skeleton.endswith(ending)
    assert (word.stem, word.ending) == (skeleton(rest), gender)


@pytest.mark.parametrize("marker", [*read("endings")["marker"].items()], ids=lambda row: row[0])
def test_a_marker_word_makes_the_word_before_it_a_fathers_name(marker: tuple[str, list[str]]) -> None:
    text, (_, example) = marker
    assert skeleton(example.split()[1]) == text
    assert [word.patronymic for word in keys(example)] == [True]


@pytest.mark.parametrize("alphabet", load().alphabets, ids=lambda alphabet: alphabet.name)
def test_every_letter_of_an_alphabet_has_a_rule(alphabet: object) -> None:
    assert {ord(letter) for letter in alphabet.letters} <= alphabet.cyrillic.keys()  # type: ignore[attr-defined]


def test_no_two_tables_read_a_latin_letter_differently() -> None:
    read_as: dict[str, set[str]] = {}
    for name in (*ALPHABETS, "foreign_latin"):
        for letter, (roman, _) in read(name).get("latin", {}).items():
            read_as.setdefault(letter, set()).add(skeleton(roman))
    assert {letter: ways for letter, ways in read_as.items() if len(ways) > 1} == {}
