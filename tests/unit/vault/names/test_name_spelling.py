from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.vault.names import keys, normalise, skeleton
from casework.vault.names.tables import read

APOSTROPHES = read("signs")["apostrophes"]


@pytest.mark.parametrize(
    "spellings",
    [
        "Oʻktam O'ktam O`ktam O´ktam O‘ktam O’ktam Öktam Õktam Ўктам О'ктам Uktam Ŭktam",
        "Shohruh Shohrux Шоҳруҳ Шохрух Shokhrukh Şohruh Šoḩruḩ",
        "Xurshid Hurshid Хуршид Khurshid",
        "Rahmonova Рахмонова Раҳмонова Rakhmonova",
        "Asangazyқyzy Asangazyqyzy Asangazyqyzy Асангазықызы",
        "Saʼdiya Sa'diya Sadiya Саъдия",
        "Jasur Жасур Джасур Dzhasur Djasur Zhasur",
        "Yoʻldosh Йўлдош Юлдош Yuldosh Iuldosh",
        "Gʻaniyev Ғаниев Ganiev Ghaniyev Ğaniyev",
    ],
)
def test_spellings_of_one_name_share_a_skeleton(spellings: str) -> None:
    assert len({skeleton(each) for each in spellings.split()}) == 1


@pytest.mark.parametrize(
    "pair", ["Karim Karima", "Anvar Akbar", "Olim Salim", "Nodira Nargiza", "Bobur Jabbor"]
)
def test_different_names_keep_different_skeletons(pair: str) -> None:
    one, other = pair.split()
    assert skeleton(one) != skeleton(other)


def test_letters_of_the_other_script_are_put_back() -> None:
    assert normalise("Kарим") == "карим"  # a Latin K
    assert normalise("Кarimov") == "karimov"  # a Cyrillic К
    assert normalise("Шоҳpуҳ") == "шоҳруҳ"  # a Latin p


def test_the_turkish_i_is_one_letter_with_and_without_its_dot() -> None:
    assert skeleton("İSMAİL") == skeleton("ısmaıl") == skeleton("Ismail")


@pytest.mark.parametrize(
    "text",
    ["Karim oʻgʻli", "Karim o'g'li", "Карим ўғли", "Каримович", "Karimovna", "Карим кызы", "Karim qizi"],
)
def test_a_fathers_name_is_known_by_its_ending_or_marker(text: str) -> None:
    (word,) = keys(text)
    assert word.patronymic
    assert word.stem == "karim"


def test_a_given_name_that_only_sounds_like_a_patronymic_is_none() -> None:
    assert not any(word.patronymic for word in keys("Rasuli Gulnoza"))


@given(st.text())
def test_any_text_can_be_normalised_and_stays_so(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert all(word.skeleton for word in keys(text))


@given(
    st.sampled_from(["O{}ktam", "G{}ani", "Sa{}diya", "To{}lqin", "Ma{}mura"]), st.sampled_from(APOSTROPHES)
)
def test_apostrophe_variants_give_the_same_skeleton(pattern: str, sign: str) -> None:
    assert skeleton(pattern.format(sign)) == skeleton(pattern.format("ʼ"))
    assert normalise(pattern.format(sign)) == normalise(pattern.format("ʻ")) or "a{}" in pattern
