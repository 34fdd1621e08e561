"""The search in a real browser: with a script it suggests while one types, without one the page finds the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests.services import staff
from tests.services.browser import accessibility_violations, sideways_overflow
from tests.services.cases import Office, case_form, open_case, open_office
from tests.services.web import serving

PERSON = {
    "surname": "Rahmonov",
    "given_name": "Shohruh",
    "patronymic": "Oʻktam oʻgʻli",
    "birth_date": "05.03.1985",
}


@pytest.fixture
def office(app: Flask) -> Office:
    made = open_office(app)
    open_case(made, made.client("caseworker"), **PERSON)
    return made


@pytest.fixture
def address(office: Office) -> Iterator[str]:
    with serving(office.app) as found:
        yield found


def signed_in(
    browser: Browser, address: str, width: int, *, language: str = "en", scripts: bool = True
) -> Page:
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": 800}, java_script_enabled=scripts
    )
    page = context.new_page()
    page.goto(f"/sign-in?lang={language}")
    page.fill("[name=username]", "caseworker")
    page.fill("[name=password]", staff.PASSWORD)
    page.click("main button[type=submit]")
    return page


@pytest.mark.parametrize("language", ["uz", "uz-Cyrl", "ru", "en"])
def test_axe_finds_nothing_on_the_search_and_on_the_notice(
    chromium: Browser, address: str, language: str
) -> None:
    page = signed_in(chromium, address, 360, language=language)
    wrong: list[str] = []

    def look() -> None:
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            wrong.extend(accessibility_violations(page))
            if sideways_overflow(page) > 0:
                wrong.append(f"{page.url} scrolls sideways at {width}")

    page.goto(f"/search?lang={language}")
    look()
    page.fill("#query", "Рахмонов Шохрух")
    expect(page.locator(".cw-suggest .cw-work__link")).to_have_count(1)
    look()
    page.press("#query", "Enter")
    expect(page.locator(".cw-found .cw-work__link")).to_have_count(1)
    assert page.url.endswith("/search"), "what was typed stands in no address"
    look()
    page.click("main button[type=submit]")
    page.fill("#query", "x")
    page.click("main button[type=submit]")
    expect(page.locator(".govuk-error-summary")).to_be_visible()
    look()
    assert wrong == []
    page.context.close()


def test_suggestions_lead_to_the_case_and_wait_for_three_letters(chromium: Browser, address: str) -> None:
    page = signed_in(chromium, address, 360)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "suggest" in request.url else None)
    page.goto("/search")
    page.locator("#query").press_sequentially("Ш")
    page.locator("#query").press_sequentially("о")
    page.wait_for_timeout(700)
    assert asked == []
    page.locator("#query").press_sequentially("хрух", delay=20)
    link = page.locator(".cw-suggest .cw-work__link")
    expect(link).to_have_text("Rahmonov Shohruh Oʻktam oʻgʻli")
    expect(page.locator(".cw-suggest__status")).to_have_text("Found: 1")
    assert len(asked) == 1, "once, when the typing paused"
    assert asked[0].endswith("/search/suggest")
    link.click()
    expect(page.locator(".cw-identity__name")).to_contain_text("Rahmonov")
    page.context.close()


def test_the_page_finds_without_a_script(chromium: Browser, address: str) -> None:
    page = signed_in(chromium, address, 360, scripts=False)
    page.goto("/search")
    page.fill("#query", "Rakhmonov Shokhrukh")
    page.click("main button[type=submit]")
    found = page.locator(".cw-found .cw-work__item")
    assert found.count() == 1
    assert "Same name in another spelling" in found.inner_text()
    page.context.close()


def test_the_notice_of_somebody_known_is_accessible_and_its_tick_opens_the_case(
    chromium: Browser, office: Office, address: str
) -> None:
    client = office.client("caseworker")
    answer = staff.post(client, "/cases/new", case_form(office, **PERSON, not_duplicate=None))
    page = signed_in(chromium, address, 360)
    page.route(
        "**/notice", lambda route: route.fulfill(status=200, content_type="text/html", body=answer.data)
    )
    page.goto("/notice")
    assert page.get_by_role("heading", name="This person is possibly known already").is_visible()
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert accessibility_violations(page) == []
        assert sideways_overflow(page) == 0
    assert not page.is_checked("#not_duplicate")
    page.context.close()
