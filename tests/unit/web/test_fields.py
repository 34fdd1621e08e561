"""What people may type, field by field."""

from __future__ import annotations

import unicodedata
import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
from marshmallow import ValidationError
from marshmallow.fields import Field

from casework.core import clock
from casework.web import fields
from casework.web.fields import FormSchema, PartialDate

SEXES = [("female", "Female"), ("male", "Male"), ("unknown", "Unknown")]


def load(field: Field[Any], value: Any) -> Any:
    """The value that one field makes of what was typed."""
    return FormSchema.from_dict({"x": field})().load({"x": value})["x"]


def complaint(field: Field[Any], value: Any) -> str:
    """The one sentence that the person reads."""
    with pytest.raises(ValidationError) as caught:
        load(field, value)
    messages = caught.value.messages_dict["x"]
    assert len(messages) == 1
    return str(messages[0])


@pytest.mark.parametrize("blank", ["", "   ", "\n", None])
def test_takes_blank_as_not_given(blank: Any) -> None:
    assert load(fields.text("Note"), blank) is None
    assert complaint(fields.text("Note", required=True), blank) == "Fill in this field."


def test_tidies_a_text_without_losing_anything_inside() -> None:
    assert load(fields.text("Note", rows=3), "  bir\r\n  ikki  \r\n") == "bir\n  ikki"
    decomposed = unicodedata.normalize("NFD", "Айгуль й")
    assert load(fields.text("Note"), decomposed) == "Айгуль й"


@pytest.mark.parametrize(
    "hidden", ["a\x00b", "a\x1bb", "a\u202eb", "a\u2066b", "a\ud800b", "a\nb", "a\ue000"]
)
def test_refuses_characters_that_nobody_can_see(hidden: str) -> None:
    assert complaint(fields.text("Line"), hidden).startswith("This text has characters")


def test_refuses_what_was_sent_in_bytes_that_are_no_text() -> None:
    for field in (fields.text("x"), fields.text("x", rows=3), fields.name_part("x")):
        assert "cannot be shown" in complaint(field, b"ab\xff".decode(errors="replace"))


def test_allows_line_breaks_and_pictures_in_a_paragraph_only() -> None:
    assert load(fields.text("Note", rows=3), "yaxshi 🙂\nrahmat") == "yaxshi 🙂\nrahmat"
    assert complaint(fields.name_part("Name"), "Ali 🙂") == "Use letters only: no digits, signs or pictures."


def test_says_how_long_an_overlong_text_is() -> None:
    assert (
        complaint(fields.text("Note", max_length=5), "123456") == "Write at most 5 characters. There are 6."
    )
    assert load(fields.text("Note", max_length=5), " 12345 ") == "12345"


@pytest.mark.parametrize("apostrophe", list("'`´‘’ʻʼ"))
def test_makes_every_apostrophe_of_a_latin_name_canonical(apostrophe: str) -> None:
    assert (
        load(fields.name_part("Name"), f"O{apostrophe}g{apostrophe}il Ma{apostrophe}mura") == "Oʻgʻil Maʼmura"
    )


@pytest.mark.parametrize("name", ["Ali1", "Ali@", "---", "<b>", "Ali;"])
def test_refuses_a_name_that_is_not_made_of_letters(name: str) -> None:
    assert complaint(fields.name_part("Name"), name) == "Use letters only: no digits, signs or pictures."


def test_refuses_two_alphabets_in_one_name() -> None:
    assert complaint(fields.name_part("Name"), "Aлишер") == "Use one alphabet in a name, not two."


def test_asks_for_the_alphabet_of_the_chosen_script() -> None:
    schema = FormSchema.from_dict(
        {
            "script": fields.choice("Script", [("uz-Latn", "Latin"), ("ru", "Russian")], required=True),
            "surname": fields.name_part("Surname", script_from="script"),
        }
    )()
    assert schema.load({"script": "ru", "surname": "Намунаева"})["surname"] == "Намунаева"
    assert schema.validate({"script": "ru", "surname": "Namunayeva"}) == {
        "surname": ["Use Cyrillic letters here."]
    }
    assert schema.validate({"script": "uz-Latn", "surname": "Намунаева"}) == {
        "surname": ["Use Latin letters here."]
    }
    assert complaint(fields.text("Title", script="uz_Latn"), "Сарлавҳа") == "Use Latin letters here."


@pytest.mark.parametrize(
    "typed",
    ["22.11.2026", "22/11/2026", "22-11-2026", "22 11 2026", "22,11,2026", "2026-11-22", " 22. 11. 2026 "],
)
def test_reads_a_day_however_it_is_written(typed: str) -> None:
    loaded = load(fields.day("Day"), typed)
    assert loaded == date(2026, 11, 22)
    assert type(loaded) is date


@pytest.mark.parametrize("typed", ["31.02.2026", "29.02.2025", "00.01.2026", "1.13.2026", "32.01.2026"])
def test_says_plainly_that_a_day_does_not_exist(typed: str) -> None:
    assert (
        complaint(fields.day("Day"), typed) == "This day is not in the calendar. Check the day and the month."
    )


@pytest.mark.parametrize(
    "typed", ["yesterday", "22.11.26", "11.2026", "2026", "22.11.2026 10:00", "٢٢.١١.٢٠٢٦"]
)
def test_asks_for_day_month_and_year(typed: str) -> None:
    assert complaint(fields.day("Day"), typed).startswith("Write the date as day, month and year")


def test_refuses_a_year_that_nobody_means() -> None:
    assert complaint(fields.day("Day"), "01.01.0206").startswith("Check the year")


@pytest.mark.parametrize(
    ("typed", "day", "precision"),
    [
        ("22.11.2010", date(2010, 11, 22), "day"),
        ("11.2010", date(2010, 11, 1), "month"),
        ("2010", date(2010, 1, 1), "year"),
    ],
)
def test_knows_how_much_of_a_birth_date_is_known(typed: str, day: date, precision: str) -> None:
    loaded = load(fields.day("Born", allow_partial=True), typed)
    assert isinstance(loaded, PartialDate)
    assert (loaded, loaded.precision) == (day, precision)


def test_compares_with_today_where_the_families_live() -> None:
    late_evening_utc = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)  # already the 23rd in Tashkent
    with clock.frozen(late_evening_utc):
        assert load(fields.day("Born", not_future=True), "23.11.2026") == date(2026, 11, 23)
        assert complaint(fields.day("Born", not_future=True), "24.11.2026").startswith(
            "This date is in the future"
        )
        assert load(fields.day("Next", not_past=True), "23.11.2026") == date(2026, 11, 23)
        assert complaint(fields.day("Next", not_past=True), "22.11.2026").startswith("This date has passed")
        assert load(fields.day("Next", not_past=True, allow_partial=True), "2026").precision == "year"


def test_takes_only_keys_of_the_set() -> None:
    assert load(fields.choice("Sex", SEXES), "female") == "female"
    assert complaint(fields.choice("Sex", SEXES), "other") == "Choose one of the listed answers."
    assert complaint(fields.choice("Sex", SEXES, required=True), "") == "Choose an answer."
    assert complaint(fields.choice("Sex", SEXES), ["female"]) == "Choose one of the listed answers."


def test_takes_the_set_of_the_country_pack_by_its_name() -> None:
    keys = [key for key, _label in fields.choices_of("urgency")]
    assert load(fields.choice("Urgency", "urgency"), keys[0]) == keys[0]


def test_gives_several_answers_once_each_in_the_order_of_the_set() -> None:
    assert load(fields.choices("Which", SEXES), ["male", "female", "male"]) == ["female", "male"]
    assert load(fields.choices("Which", SEXES), []) == []
    assert complaint(fields.choices("Which", SEXES, required=True), []) == "Choose at least one answer."
    assert complaint(fields.choices("Which", SEXES), ["male", "x"]) == "Choose only from the listed answers."
    assert complaint(fields.choices("Which", SEXES), ["male", "unknown"]).startswith("“None” and “unknown”")


def test_takes_yes_and_no_from_a_form_and_from_json() -> None:
    field = fields.yes_no("Works")
    assert [load(field, value) for value in ("yes", "no", True, False, "")] == [
        True,
        False,
        True,
        False,
        None,
    ]
    assert complaint(field, "maybe") == "Choose one of the listed answers."


def test_demands_the_tick_that_must_be_set() -> None:
    field = fields.checkbox("Asked", must=True)
    assert load(field, "yes") is True
    assert complaint(field, "") == "Tick this box to go on."
    assert complaint(field, False) == "Tick this box to go on."
    assert FormSchema.from_dict({"x": fields.checkbox("Free")})().load({})["x"] is False


@pytest.mark.parametrize("typed", ["12", " 12 ", 12, "1 2", "1\u00a02"])
def test_reads_a_whole_number(typed: Any) -> None:
    assert load(fields.whole_number("Hours", high=60), typed) == 12


@pytest.mark.parametrize("typed", ["1.5", "five", "1e3", "²", True])
def test_refuses_what_is_no_whole_number(typed: Any) -> None:
    complaint(fields.whole_number("Hours"), typed)


def test_says_the_bounds_of_a_number() -> None:
    assert complaint(fields.whole_number("Hours", high=60), "61") == "Write a number from 0 to 60."
    assert complaint(fields.whole_number("Hours"), "-1") == "Write a number from 0 to 1000000."


def test_takes_a_forged_place_for_no_place() -> None:
    place = uuid.UUID(int=5)
    assert load(fields.place("Place"), str(place)) == place
    assert complaint(fields.place("Place"), "1 OR 1=1") == "Choose a place from the list."


@pytest.mark.parametrize(
    "typed", ["+998 90 123-45-67", "998901234567", "90 123 45 67", "(90) 123.45.67", "+998901234567"]
)
def test_brings_a_phone_number_into_one_form(typed: str) -> None:
    assert load(fields.phone("Phone"), typed) == "+998901234567"


@pytest.mark.parametrize("typed", ["12345", "+99890123456", "call me", "+0123456789", "9012345678"])
def test_refuses_what_cannot_be_called(typed: str) -> None:
    assert complaint(fields.phone("Phone"), typed).startswith("Write the phone number with its code")


def test_takes_a_phone_of_another_country() -> None:
    assert load(fields.phone("Phone"), "+7 701 123 45 67") == "+77011234567"


def test_writes_an_identifier_without_spaces_in_capitals() -> None:
    assert load(fields.identifier("Number"), " 3010 1900 000004 ") == "30101900000004"
    assert load(fields.identifier("Number"), "aa 1234567") == "AA1234567"
    assert complaint(fields.identifier("Number"), "AA_123!") == "Use digits and letters only."
    assert complaint(fields.identifier("Number"), "1" * 40) == "This number is too long. Check the document."


def test_takes_a_password_exactly_as_typed() -> None:
    assert load(fields.password("Password"), "  Ма'хфий  ") == "  Ма'хфий  "
    assert complaint(fields.password("Password", required=True), "") == "Fill in this field."
    assert load(fields.password("Password"), "   ") == "   "


class Work(FormSchema):
    works = fields.yes_no("Works")
    work = fields.text("What work", when=("works", True), required=True)
    needs = fields.choices("Needs", [("other", "Other"), ("school", "School")])
    other = fields.text("Which", when=("needs", "other"), required=True)


@pytest.mark.parametrize("yes", ["yes", True])
def test_requires_a_conditional_field_only_under_its_condition(yes: Any) -> None:
    assert Work().validate({"works": yes}) == {"work": ["Fill in this field."]}
    assert Work().validate({"works": "no"}) == {}
    assert Work().validate({"needs": ["school", "other"]}) == {"other": ["Fill in this field."]}


def test_leaves_out_what_was_typed_under_an_answer_not_chosen() -> None:
    loaded = Work().load({"works": "no", "work": "x" * 999, "needs": [], "other": "y"})
    assert loaded == {"works": False, "work": None, "needs": [], "other": None}


def test_refuses_a_field_that_the_schema_does_not_have() -> None:
    assert Work().validate({"role": "admin"}) == {
        "role": ["Something was sent that this page does not ask for."]
    }
