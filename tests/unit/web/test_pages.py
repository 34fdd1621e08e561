"""The frame and the widgets as HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.access.permissions import Permission
from casework.access.policy import Rule, role_has
from casework.access.roles import Role
from casework.web.navigation import NavItem, register_nav
from tests.unit.web.demo import MAHALLA, WORKER, make_demo

GOOD = {"given_name": "Namuna", "birth_date": "04.03.2012", "sex": "female", "agreed": "yes"}


class Page(HTMLParser):
    """The ids, the labels' targets and everything inline that a strict policy forbids."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.described: set[str] = set()
        self.inline: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self.targets |= {given["for"]} if "for" in given else set()
        self.described |= set(given.get("aria-describedby", "").split())
        if tag == "style" or "style" in given or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name.startswith("on")]


@pytest.mark.parametrize("path", ["/", "/panels", "/nowhere"])
def test_has_nothing_inline_and_every_label_has_its_field(visitor: FlaskClient, path: str) -> None:
    page = Page(visitor.get(path).text)
    assert page.inline == []
    assert len(page.ids) == len(set(page.ids))
    assert page.targets | page.described <= set(page.ids)


def test_shows_again_what_was_typed_with_the_error_at_its_field(visitor: FlaskClient) -> None:
    answer = visitor.post(
        "/", data=GOOD | {"given_name": '"><b>1', "note": "<i>bir</i>\n  ikki", "works": "yes"}
    )
    assert answer.status_code == 422
    assert 'value="&#34;&gt;&lt;b&gt;1"' in answer.text
    assert ">&lt;i&gt;bir&lt;/i&gt;\n  ikki</textarea>" in answer.text
    assert 'href="#given_name"' in answer.text
    assert 'id="given_name-error"' in answer.text
    assert 'id="work-error"' in answer.text
    page = Page(answer.text)
    assert page.targets | page.described <= set(page.ids)


def test_leads_on_with_one_message_after_success(visitor: FlaskClient) -> None:
    answer = visitor.post("/", data=GOOD)
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Saved." in visitor.get("/").text
    assert "Saved." not in visitor.get("/").text


def test_shows_both_texts_to_the_second_editor(visitor: FlaskClient) -> None:
    answer = visitor.post("/", data=GOOD | {"given_name": "Eski", "note": "typed here", "version": "6"})
    assert answer.status_code == 409
    assert "Somebody saved this while you were writing" in answer.text
    assert "saved by another" in answer.text
    assert "typed here" in answer.text
    assert 'name="version" value="7"' in answer.text


def test_keeps_the_chosen_place_while_the_form_is_corrected(visitor: FlaskClient) -> None:
    text = visitor.post("/", data=GOOD | {"given_name": "1", "place": str(MAHALLA)}).text
    assert re.search(rf'value="{MAHALLA}" checked', text)
    assert "Namuna viloyati › Namuna tumani › Doʻstlik MFY" in text


def test_walks_the_tree_with_plain_buttons(visitor: FlaskClient) -> None:
    text = visitor.post("/", data={"_step": "place:find", "_place_part": "doʻst", "note": "kept"}).text
    assert "Places found: 1" in text
    assert "kept</textarea>" in text
    assert "govuk-error-summary" not in text


@pytest.mark.parametrize(
    ("tag", "html", "word"),
    [
        ("uz", "uz", "Oʻzgartirish"),
        ("uz-Cyrl", "uz-Cyrl", "Ўзгартириш"),
        ("ru", "ru", "Изменить"),
        ("en", "en", "Change"),
    ],
)
def test_speaks_the_asked_language_and_remembers_it(compiled: None, tag: str, html: str, word: str) -> None:
    client = make_demo().test_client()
    asked = client.get(f"/panels?lang={tag}").text
    assert f'<html lang="{html}"' in asked
    assert word in asked
    again = client.get("/panels").text
    assert f'<html lang="{html}"' in again


def test_offers_every_language_on_the_same_address(visitor: FlaskClient) -> None:
    text = visitor.get("/panels?state=active&lang=en").text
    for tag in ("uz", "uz-Cyrl", "ru", "en"):
        assert f'href="/panels?state=active&amp;lang={tag}"' in text


def test_shows_the_pages_of_the_menu_that_the_role_may_open(monkeypatch: pytest.MonkeyPatch) -> None:
    from casework.access import policy

    monkeypatch.setattr(policy, "_rules", {})
    policy.register([Rule(Permission.CASE_LIST, Role.CASEWORKER)])
    assert role_has(WORKER.role, Permission.CASE_LIST)
    app = make_demo(actor=WORKER)
    register_nav(
        app,
        NavItem("panels", "My cases", Permission.CASE_LIST),
        NavItem("first", "The log", Permission.AUDIT_VIEW),
        NavItem("not.there", "Nowhere", Permission.CASE_LIST),
    )
    text = app.test_client().get("/panels").text
    assert re.search(r'href="/panels" aria-current="page">My cases', text)
    assert "The log" not in text
    assert "Nowhere" not in text
    assert "cw-account" not in text  # this app has no sign-out


def test_shows_no_menu_to_a_visitor(demo: Flask) -> None:
    register_nav(demo, NavItem("panels", "My cases", Permission.CASE_LIST))
    assert "My cases" not in demo.test_client().get("/").text
