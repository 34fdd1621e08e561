"""Languages: which one, remembered how, and how days and numbers are written."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from casework.access.actor import Actor
from casework.web import languages
from casework.web.languages import register_remember_locale
from casework.web.typed import PartialDate
from tests.unit.web.demo import WORKER, make_demo


def shown(app: Flask, path: str = "/", **headers: str) -> str:
    text = (
        app.test_client()
        .get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        .text
    )
    return text.split('<html lang="')[1].split('"')[0]


@pytest.mark.parametrize(
    ("accepted", "html"),
    [
        ("ru-RU,ru;q=0.9", "ru"),
        ("en-GB,en", "en"),
        ("uz", "uz"),
        ("uz-UZ,ru;q=0.5", "uz"),
        ("uz-Cyrl", "uz-Cyrl"),
        ("fr", "uz"),
    ],
)
def test_listens_to_the_browser_at_the_first_visit(accepted: str, html: str) -> None:
    assert shown(make_demo(), Accept_Language=accepted) == html


def test_begins_in_uzbek() -> None:
    assert shown(make_demo()) == "uz"


@pytest.mark.parametrize("tag", ["xx", "", "../../ru", "ru_RU", "UZ"])
def test_takes_an_unknown_language_for_none(tag: str) -> None:
    assert shown(make_demo(), f"/?lang={tag}") == "uz"


def test_greets_a_member_of_staff_in_their_own_language() -> None:
    assert shown(make_demo(actor=WORKER), Accept_Language="en") == "ru"


def test_tells_the_staff_row_of_a_new_choice_once() -> None:
    app, told = make_demo(actor=WORKER), []
    register_remember_locale(app, lambda actor, locale: told.append((actor, locale)))
    client = app.test_client()
    client.get("/?lang=uz-Cyrl")
    client.get("/?lang=uz-Cyrl")
    client.get("/")
    expected: list[tuple[Actor, str]] = [(WORKER, "uz_Cyrl")]
    assert told == expected


DAY = date(2026, 11, 22)
NIGHT = datetime(2026, 11, 22, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tag", "long", "number"),
    [
        ("uz", "22-noyabr, 2026", "12\u00a0345,5"),
        ("uz-Cyrl", "22 ноябр, 2026", "12\u00a0345,5"),
        ("ru", "22 ноября 2026\u202fг.", "12\u00a0345,5"),
        ("en", "November 22, 2026", "12\u00a0345.5"),
    ],
)
def test_writes_days_and_numbers_as_each_language_does(demo: Flask, tag: str, long: str, number: str) -> None:
    with demo.test_request_context(f"/?lang={tag}"):
        assert languages.long_day(DAY).replace(" г", "\u202fг").replace("\u00a0г", "\u202fг") == long
        assert languages.number(12345.5) == number
        assert languages.day(DAY) == "22.11.2026"
        assert "2026" in languages.month(DAY)


def test_shows_times_in_the_zone_of_the_families(demo: Flask) -> None:
    with demo.test_request_context("/"):
        assert languages.moment(NIGHT) == "23.11.2026 01:30"
        assert languages.day(NIGHT) == "23.11.2026"
        assert languages.hour(NIGHT) == "01:30"
        assert languages.long_day(NIGHT).startswith("23")


def test_writes_only_the_known_part_of_a_date(demo: Flask) -> None:
    with demo.test_request_context("/"):
        assert languages.day(PartialDate.of(2010, 11)) == "11.2010"
        assert languages.day(PartialDate.of(2010)) == "2010"


def test_writes_nothing_for_nothing(demo: Flask) -> None:
    with demo.test_request_context("/"):
        assert [
            write(None) for write in (languages.day, languages.long_day, languages.moment, languages.number)
        ] == [""] * 4


def test_leads_to_the_first_page_from_one_that_only_takes_a_post(demo: Flask) -> None:
    demo.add_url_rule("/act", "act", lambda: "", methods=["POST"])
    with demo.test_request_context("/act?x=1", method="POST"):
        assert languages.switch_url(languages.LANGUAGES[2]) == "/?lang=ru"
