"""What a typed query is read as."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from casework.cases.search.asked import Asked, read_query


@pytest.fixture(autouse=True)
def _context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def read(text: str, *, with_numbers: bool = True) -> Asked:
    return read_query(text, with_numbers=with_numbers)


@pytest.mark.parametrize(
    ("typed", "name", "year"),
    [
        ("Rahmonov Shohruh", "Rahmonov Shohruh", None),
        ("Rahmonov 1985", "Rahmonov", 1985),
        ("1985 Раҳмонов", "Раҳмонов", 1985),
        ("Rahmonov 05.03.1985", "Rahmonov", 1985),
        ("Rahmonov 1985-03-05", "Rahmonov", 1985),
        ("Rahmonov 1785", "Rahmonov", None),
        ("Rahmonov 3005", "Rahmonov", None),
        ("1985", "", 1985),
        ("R", "", None),
        ("++ -- ", "", None),
    ],
)
def test_a_name_and_a_year_beside_it(typed: str, name: str, year: int | None) -> None:
    asked = read(typed)
    assert (asked.name, asked.birth_year) == (name, year)


@pytest.mark.parametrize("typed", ["QX-4F7K", "qx-4f7k", "QX4F7K", "qx 4f7k", "  QX-4F7K  "])
def test_a_display_code_in_any_writing(typed: str) -> None:
    assert read(typed).code == "QX-4F7K"


@pytest.mark.parametrize("typed", ["QX-4F7", "QA-4F7K", "QX-4F70", "QX-4F7K and more"])
def test_what_is_no_display_code(typed: str) -> None:
    assert read(typed).code is None


def test_the_same_number_is_the_same_digest_however_it_is_written() -> None:
    def passport(typed: str) -> set[bytes]:
        return {each.digest for each in read(typed).numbers if each.kind == "passport"}

    assert passport("AA1234567") == passport("aa 123 45-67") == passport("АА1234567") != passport("AA1234568")
    kinds = [each.kind for each in read("AA1234567").numbers]
    assert len(kinds) == len(set(kinds))
    digests = [each.digest for each in read("AA1234567").numbers]
    assert len(digests) == len(set(digests)), "one value gives another digest for each kind"
    assert all(len(digest) == 16 for digest in digests)


def test_a_phone_is_read_in_its_normal_form() -> None:
    assert read("90 123 45 67").phones == read("+998 (90) 123-45-67").phones
    assert read("90 123 45 67").phones
    assert read("12345").phones == ()


def test_a_name_alone_is_no_number() -> None:
    assert read("Rahmonov").numbers == ()
    assert read("Rahmonov 12").numbers == ()


def test_a_role_that_sees_no_details_asks_for_names_and_codes_only() -> None:
    asked = read("Rahmonov 1985 AA1234567", with_numbers=False)
    assert (asked.name, asked.birth_year, asked.numbers, asked.phones) == ("Rahmonov", None, (), ())
    assert read("AA1234567", with_numbers=False).nothing
    assert read("QX-4F7K", with_numbers=False).code == "QX-4F7K"
