"""How place names are compared."""

from __future__ import annotations

import pytest

from casework.accounts.spelling import is_current, search_form, search_forms


@pytest.mark.parametrize(
    "spelling", ["Boʻston", "Bo'ston", "BO`STON", "Bo’ston", "Бўстон", "бўстон", "Бустон", "Boston", "  boʻ"]
)
def test_finds_a_name_however_its_signs_and_letters_are_typed(spelling: str) -> None:
    assert search_form(spelling) in search_forms(["Boʻston MFY"])


@pytest.mark.parametrize("spelling", ["Fargʻona", "Fargona", "Фарғона", "Фергана", "Fergana"])
def test_finds_a_region_by_its_name_in_any_language(spelling: str) -> None:
    assert search_form(spelling) in search_forms(
        ["Fargʻona viloyati", "Ферганская область", "Fergana region"]
    )


def test_digits_are_compared_as_they_are() -> None:
    assert search_form("22-mavze") == "22 mavze"
    assert search_form("22") not in search_forms(["2-mavze"])


def test_beginnings_are_marked() -> None:
    forms = search_forms(["Yangi hayot MFY"])
    assert "| yangi hayot" in forms
    assert "| hayot" not in forms


@pytest.mark.parametrize("typed", ["", "   ", "%", "_", "'", "|", "🙂"])
def test_what_has_no_letters_looks_for_nothing(typed: str) -> None:
    assert search_form(typed) == ""


def test_knows_forms_that_other_rules_made() -> None:
    assert is_current(search_forms(["Boʻston"]))
    assert not is_current("| buston |")
