"""The made-up people: repeatable, mostly children, and plainly nobody real."""

from __future__ import annotations

import re
from datetime import date
from itertools import groupby

import pytest

from casework.cases.ages import age_on
from casework.demo.families import Person, caseload, dice_of
from casework.demo.names import FATHERS, GIVEN, SURNAMES, written
from casework.web.wording import TURNED_COMMA, TUTUQ, alphabets, is_name_like

TODAY = date(2026, 11, 22)


def people(number: int = 1000, seed: int = 1, taken: set[str] | None = None) -> list[Person]:
    return list(caseload(seed, number, TODAY, taken or set()))


def test_the_same_seed_makes_the_same_people_and_another_seed_others() -> None:
    assert people() == people()
    assert [each.name for each in people(seed=1)] != [each.name for each in people(seed=2)]


def test_a_larger_caseload_begins_with_the_smaller_one() -> None:
    assert people(400)[:37] == people(37)


def test_three_of_four_are_children() -> None:
    found = people(4000)
    share = sum(age_on(each.birth_date, each.precision, TODAY) < 18 for each in found) / len(found)
    assert 0.70 < share < 0.80
    assert all(each.child == (age_on(each.birth_date, each.precision, TODAY) < 18) for each in found)


def test_brothers_and_sisters_share_surname_father_script_and_place() -> None:
    several = 0
    for _number, members in groupby(people(), key=lambda person: person.family.number):
        children = [each for each in members if each.child]
        several += len(children) > 1
        assert len({each.name.patronymic.split()[0][:4] for each in children}) <= 1
        assert len({each.name.surname.removesuffix("a").removesuffix("а") for each in children}) <= 1
        assert len({(each.name.script, each.family.mahalla, each.family.team) for each in children}) <= 1
    assert several > 100


def test_everybody_was_born_before_the_case_was_opened_and_parents_before_children() -> None:
    for _number, members in groupby(people(), key=lambda person: person.family.number):
        family = list(members)
        opened = TODAY.toordinal() - family[0].family.opened_days_ago
        assert all(each.birth_date.toordinal() < opened for each in family)
        adults = [each.birth_date for each in family if not each.child]
        children = [each.birth_date for each in family if each.child]
        assert all(child.year - adult.year >= 17 for adult in adults for child in children)


def test_all_three_scripts_are_used_and_none_is_mixed() -> None:
    seen = set()
    for each in people():
        name = each.name
        seen.add(name.script)
        for part in (name.surname, name.given_name, name.patronymic):
            assert alphabets(part) == {"Latn" if name.script == "uz-Latn" else "Cyrl"}, name
            assert is_name_like(part)
    assert seen == {"uz-Latn", "uz-Cyrl", "ru"}


def test_uzbek_names_have_their_own_letters_and_no_typewriter_apostrophe() -> None:
    latin = [pair[0] for pair in (*SURNAMES, *FATHERS, *GIVEN["male"], *GIVEN["female"])]
    assert not [each for each in latin if re.search("['`’‘]", each)]
    assert any(TURNED_COMMA in each for each in latin)
    assert any(TUTUQ in each for each in latin)
    assert len(set(latin)) == len(latin) - len(
        {pair[0] for pair in FATHERS} & {pair[0] for pair in GIVEN["male"]}
    )


@pytest.mark.parametrize(
    ("sex", "script", "full"),
    [
        ("female", "uz-Latn", "Joʻrayeva Maʼmura Ulugʻbek qizi"),
        ("male", "uz-Cyrl", "Жўраев Ғайрат Улуғбек ўғли"),
        ("female", "ru", "Жураева Маъмура Улугбековна"),
        ("male", "ru", "Жураев Гайрат Улугбекович"),
    ],
)
def test_a_name_is_written_as_documents_of_its_script_have_it(sex: str, script: str, full: str) -> None:
    given = {"female": ("Maʼmura", "Маъмура"), "male": ("Gʻayrat", "Гайрат")}[sex]
    name = written(("Joʻrayev", "Жураев"), given, ("Ulugʻbek", "Улугбек"), sex, script)  # type: ignore[arg-type]
    assert name.full == full


def test_a_code_that_is_somebodys_is_not_given_again() -> None:
    first = people(50)
    codes = {each.code for each in first}
    assert len(codes) == 50
    assert not codes & {each.code for each in people(50, taken=codes)}


def test_fifty_two_referrals_in_a_row_hold_each_state_in_each_domain() -> None:
    numbers = [each.referral for each in people(120) if each.referral is not None]
    assert numbers == list(range(len(numbers)))
    assert {(number % 13, number % 4) for number in numbers} == {(a, b) for a in range(13) for b in range(4)}


def test_dice_depend_on_their_parts_only() -> None:
    assert dice_of(1, "a", 2).random() == dice_of(1, "a", 2).random()
    assert dice_of(1, "a", 2).random() != dice_of(1, "a", 3).random()
