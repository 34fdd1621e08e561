from __future__ import annotations

from datetime import date
from itertools import permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from casework.vault.names import REASONS, Candidate, Match, Scope, forget, match, match_prepared, prepare

PEOPLE = [
    Candidate("shohruh", ("Rahmonov Shohruh Karimovich",), date(1994, 5, 1)),
    Candidate("shahnoza", ("Rahmonova Shahnoza Karimovna",), date(1990, 1, 1)),
    Candidate("rahmon", ("Karimov Rahmon Aliyevich",), date(1980, 1, 1)),
    Candidate("oktam", ("Yoʻldoshev Oʻktam Saʼdulla oʻgʻli",), date(2001, 1, 1)),
    Candidate("xurshid", ("Хуршид Ғаниев", "Hürşid Ganiev"), date(1985, 1, 1)),
    Candidate("aygul", ("Asangazyqyzy Aygul",), date(1999, 1, 1)),
    Candidate("ali", ("Muhammad Ali Sobirov",), date(1977, 1, 1)),
]
SYLLABLES = st.sampled_from(
    ["ka", "rim", "ov", "sho", "h", "ruh", "а", "лий", "ев", "ў", "ғ", "oʻ", "x", "qi", "zi"]
)
NAMES = st.lists(st.lists(SYLLABLES, min_size=1, max_size=4).map("".join), min_size=1, max_size=4).map(
    " ".join
)


def first(query: str, **more: int) -> Match:
    return match(query, PEOPLE, **more)[0]


@pytest.mark.parametrize(
    ("query", "key", "reason"),
    [
        ("Rahmonov Shohruh Karimovich", "shohruh", "same_name"),
        ("rahmonov shohruh", "shohruh", "same_name"),
        ("Shohruh Rahmonov", "shohruh", "same_name_other_order"),
        ("Раҳмонов Шоҳруҳ", "shohruh", "same_name_other_script"),
        ("Шохрух Рахмонов", "shohruh", "same_name_other_script"),
        ("Rakhmonov Shokhrukh Karimovich", "shohruh", "same_name_spelling"),
        ("Рахманов Шахрух", "shohruh", "close_spelling"),
        ("Rahmonov Shohru", "shohruh", "close_spelling"),
        ("Rahmonova", "shahnoza", "partial_name"),
        ("Юлдашев Уктам", "oktam", "close_spelling"),
        ("Йўлдошев Ўктам Саъдулла ўғли", "oktam", "same_name_other_script"),
        ("O'ktam Yo'ldoshev", "oktam", "same_name_other_order"),
        ("Uktam Yuldoshev", "oktam", "same_name_spelling"),
        ("Khurshid Ghaniyev", "xurshid", "same_name_spelling"),
        ("Hurshid Ganiyev", "xurshid", "same_name_spelling"),
        ("Asangazyқyzy Aygul", "aygul", "same_name"),
        ("Асангазықызы Айгүл", "aygul", "same_name_other_script"),
        ("Sobirov Muhammadali", "ali", "same_name_other_order"),
    ],
)
def test_finds_the_person_first_and_says_why(query: str, key: str, reason: str) -> None:
    found = first(query)
    assert (found.key, found.reason) == (key, reason)


def test_the_year_of_birth_is_part_of_the_reason_when_it_helped() -> None:
    without, known = first("Рахманов Шахрух"), first("Рахманов Шахрух", birth_year=1994)
    assert (known.key, known.reason) == ("shohruh", "close_spelling_same_birth_year")
    assert without.score < known.score < 1


def test_of_two_namesakes_the_one_born_in_the_year_comes_first() -> None:
    people = [Candidate(year, ("Karimov Ali",), date(year, 1, 1)) for year in (1980, 1994, 2003)]
    assert match("Каримов Али", people, birth_year=1994)[0].key == 1994
    assert match("Каримов Али", people, birth_year=2003)[0].key == 2003


def test_a_missing_fathers_name_costs_little_and_another_one_more() -> None:
    people = ["Karimov Ali", "Karimov Ali Sobirovich", "Karimov Ali Bahodirovich"]
    found = {m.key: m for m in match("Karimov Ali Sobirovich", people)}
    same, missing, other = (found[people[i]] for i in (1, 0, 2))
    assert same.score == 1
    assert missing.score > 0.98
    assert missing.reason == "same_name"
    assert other.score < 0.95
    assert other.reason == "partial_name"


def test_a_surname_in_the_other_gender_is_close_but_not_the_same() -> None:
    found = match("Karimov Nur", ["Karimova Nur", "Karimov Nur"])
    assert [m.key for m in found] == ["Karimov Nur", "Karimova Nur"]
    assert found[1].reason == "close_spelling"


def test_the_beginning_of_a_name_finds_it() -> None:
    assert first("Шоҳр").key == "shohruh"
    assert first("yoʻldo").key == "oktam"


def test_the_name_that_matched_is_the_one_shown() -> None:
    assert first("Hurshid Ganiyev").name == "Hürşid Ganiev"
    assert first("Ғаниев Хуршид").name == "Хуршид Ғаниев"


def test_strangers_are_not_found() -> None:
    assert match("Toshmatov Eshmat", PEOPLE) == []
    assert match("?!", PEOPLE) == match("", PEOPLE) == match("Ali", []) == match("Ali", PEOPLE, limit=0) == []


def test_each_person_is_listed_once_and_at_most_limit() -> None:
    people = [Candidate(i, ("Karimov Ali", "Каримов Али")) for i in range(30)]
    found = match("Karimov Ali", people, limit=7)
    assert len(found) == len({m.key for m in found}) == 7


def test_within_hides_everyone_else_and_changes_no_score() -> None:
    scope = Scope(map(prepare, PEOPLE))
    everyone = {m.key: m.score for m in scope.match("Rahmonov")}
    assert "shahnoza" in everyone
    seen = match_prepared("Rahmonov", scope, within={"shohruh", "oktam"})
    assert {m.key: m.score for m in seen} == {"shohruh": everyone["shohruh"]}


def test_a_scope_forgets_a_person_and_their_words() -> None:
    scope = Scope(map(prepare, PEOPLE))
    scope.discard("oktam")
    scope.discard("nobody")
    forget()
    assert "oktam" not in scope
    assert len(scope) == len(PEOPLE) - 1
    assert scope.match("Yoʻldoshev Oʻktam") == []
    kept = repr([vars(scope)[name] for name in sorted(vars(scope))])
    assert "ktam" not in kept
    assert "shohruh" in kept


def test_adding_a_person_again_replaces_their_names() -> None:
    scope = Scope([prepare(Candidate(1, ("Karimov Ali",))), prepare(Candidate(2, ("Karimov Ali",)))])
    scope.add(prepare(Candidate(1, ("Sobirov Vali",))))
    assert [m.key for m in scope.match("Karimov Ali")] == [2]
    assert [m.key for m in scope.match("Собиров Вали")] == [1]
    assert len(scope) == 2


def test_an_exact_copy_leads_thousands_who_bear_the_same_surname() -> None:
    people = [f"Karimov Ali{'bcdfgh'[i % 6]}{i}" for i in range(1500)]
    assert match("Karimov", [*people, "Karimov"])[0].key == "Karimov"


@given(st.text(), st.lists(st.text(), max_size=5), st.none() | st.integers(-5000, 5000))
@example("İ ı ß ŉ ﬁ", ["ʼ", "ь ъ", "\ud800", "a\x1eb"], None)
def test_never_fails_on_any_text(query: str, candidates: list[str], birth_year: int | None) -> None:
    for found in match(query, candidates, birth_year=birth_year):
        assert 0 < found.score <= 1
        assert found.reason in REASONS
        assert found.key in candidates


@given(NAMES, st.lists(NAMES, max_size=8))
def test_an_exact_copy_comes_first_with_the_full_score(name: str, others: list[str]) -> None:
    found = match(name, [*others, name])
    if found:  # a lone marker word ("qizi") names nobody
        assert found[0].key == name
        assert found[0].score == 1
        assert found[0].reason == "same_name"


@given(NAMES, st.lists(NAMES, max_size=6), st.randoms())
def test_the_order_of_the_candidates_does_not_matter(query: str, names: list[str], rng: object) -> None:
    shuffled = sorted(set(names))
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert match(query, shuffled) == match(query, sorted(set(names)))


@pytest.mark.parametrize("words", [*permutations(["Раҳмонов", "Шоҳруҳ", "Каримович"])], ids=" ".join)
def test_the_order_of_the_words_does_not_matter(words: tuple[str, ...]) -> None:
    found = first(" ".join(words))
    assert found.key == "shohruh"
    assert found.score > 0.98
