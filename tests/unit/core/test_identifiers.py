"""Identifiers and phone numbers: one normal form, warnings instead of refusals."""

from __future__ import annotations

import pytest

from casework.core.identifiers import Checked, check, icao_check_digit, normalise_phone


@pytest.mark.parametrize("number", ["30101900000004", "52902200000008"])
def test_a_personal_number_with_the_right_check_digit_passes(number: str) -> None:
    assert check("national_id", number) == Checked(number, "pass", well_formed=True)


def test_a_personal_number_with_any_other_check_digit_fails_without_an_error() -> None:
    results = [check("national_id", f"3010190000000{digit}").checksum for digit in range(10)]
    assert [digit for digit, result in enumerate(results) if result == "pass"] == [4]
    assert results.count("fail") == 9


@pytest.mark.parametrize(
    "typed", ["3010190 000000 4", "301-0190-0000004", "301–01900000004", " 30101900000004\n"]
)
def test_separators_do_not_change_a_personal_number(typed: str) -> None:
    assert check("national_id", typed) == Checked("30101900000004", "pass", well_formed=True)


def test_full_width_digits_count_as_digits() -> None:
    assert check("national_id", "３0101900000004").checksum == "pass"


@pytest.mark.parametrize(
    "typed", ["", "3010190000000", "301019000000041", "3O101900000004", "no number yet", "٣0101900000004"]
)
def test_a_personal_number_of_the_wrong_form_has_no_checksum_result(typed: str) -> None:
    checked = check("national_id", typed)
    assert (checked.checksum, checked.well_formed) == ("not_applicable", False)


def test_the_check_digit_uses_the_weights_7_3_1() -> None:
    # Worked example of ICAO Doc 9303 part 3: 520727 has the check digit 3.
    assert icao_check_digit("520727") == 3


@pytest.mark.parametrize("identifier_type", ["id_card", "passport"])
@pytest.mark.parametrize("typed", ["AA1234567", "aa 1234567", "АА1234567", "аа-1234567"])
def test_a_card_or_passport_series_is_one_value_on_either_keyboard(identifier_type: str, typed: str) -> None:
    assert check(identifier_type, typed) == Checked("AA1234567", "not_applicable", well_formed=True)


@pytest.mark.parametrize("typed", ["A1234567", "AAA123456", "AA123456", "AA12345678", "1234567AA"])
def test_a_passport_of_another_form_is_kept_and_reported(typed: str) -> None:
    assert check("passport", typed) == Checked(typed, "not_applicable", well_formed=False)


@pytest.mark.parametrize("typed", ["I-TN 0123456", "i-tn № 0123456", "I–TN №0123456"])
def test_a_birth_certificate_has_a_roman_number_letters_and_digits(typed: str) -> None:
    assert check("birth_certificate", typed) == Checked("ITN0123456", "not_applicable", well_formed=True)


def test_a_birth_certificate_with_cyrillic_letters_is_well_formed() -> None:
    assert check("birth_certificate", "II-ФЖ 0123456").well_formed


def test_any_text_is_well_formed_where_the_pack_sets_no_form_but_nothing_is_not() -> None:
    assert check("foreign_birth_record", "book 4, page 12").well_formed
    assert not check("foreign_birth_record", "  ").well_formed


def test_an_unknown_type_is_named_in_the_error() -> None:
    with pytest.raises(KeyError, match="library_card"):
        check("library_card", "1")


@pytest.mark.parametrize(
    "typed",
    [
        "+998901234567",
        "998901234567",
        "00998901234567",
        "901234567",
        "90 123 45 67",
        "+998 (90) 123-45-67",
        "+998 90 123–45–67",
        "+998.90.123.45.67",
        "＋998 90 123 45 67",
    ],
)
def test_a_phone_number_is_stored_as_e164(typed: str) -> None:
    assert normalise_phone(typed) == "+998901234567"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "12345678",
        "+901234567",
        "+7 901 234 56 78",
        "+9989012345678",
        "+99890123456",
        "9O1234567",
        "٩٠1234567",
    ],
)
def test_anything_else_is_refused_with_an_example_and_without_what_was_typed(typed: str) -> None:
    with pytest.raises(ValueError, match="like \\+998 90 123 45 67") as refusal:
        normalise_phone(typed)
    assert not typed.strip() or typed not in str(refusal.value)
