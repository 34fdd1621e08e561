"""Every widget in a real browser, on a phone and on a desk, in every language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from flask.wrappers import Response

from casework.access import policy
from casework.access.permissions import Permission
from casework.access.policy import Rule
from casework.access.roles import Role
from casework.web.navigation import NavItem, register_nav
from tests.unit.web.demo import WORKER, make_demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def address(compiled: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    from tests.services.web import serving

    monkeypatch.setattr(policy, "_rules", {})
    policy.register([Rule(Permission.WORK_VIEW, Role.CASEWORKER)])
    app = make_demo(actor=WORKER)
    app.add_url_rule("/sign-out", "accounts.sign_out", Response, methods=["POST"])
    register_nav(
        app,
        NavItem("first", "My work", Permission.WORK_VIEW),
        NavItem("panels", "Cases", Permission.WORK_VIEW),
    )
    with serving(app) as found:
        yield found


def seen(browser: Browser, address: str, width: int, *, scripts: bool = True) -> tuple[Page, list[str]]:
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": 700}, java_script_enabled=scripts
    )
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    return page, wrong


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("tag", ["uz", "uz-Cyrl", "ru", "en"])
def test_every_page_is_accessible_and_never_scrolls_sideways(
    chromium: Browser, address: str, tag: str, width: int
) -> None:
    from tests.services.browser import accessibility_violations, sideways_overflow

    page, wrong = seen(chromium, address, width)
    for path in ("/", "/panels"):
        page.goto(f"{path}?lang={tag}")
        assert accessibility_violations(page) == []
        assert sideways_overflow(page) == 0
        assert wrong == []
    page.goto("/")
    page.fill("#given_name", "Ali1")
    page.check("#works")
    page.click("form.cw-form button[type=submit]")
    assert accessibility_violations(page) == []
    assert sideways_overflow(page) == 0
    page.context.close()


def test_works_without_scripts(chromium: Browser, address: str) -> None:
    page, _wrong = seen(chromium, address, 320, scripts=False)
    page.goto("/?lang=en")
    page.fill("#given_name", "Namuna")
    page.fill("#note", "bir\n  ikki")
    assert not page.is_visible("#work")
    page.check("#works")
    page.fill("#work", "Tikuvchi")
    page.click("button[value='place:top']")
    page.click("text=Namuna viloyati")
    page.click("text=Namuna tumani")
    page.check("text=Doʻstlik MFY")
    assert page.input_value("#note") == "bir\n  ikki"
    assert page.input_value("#work") == "Tikuvchi"
    page.check("#agreed")
    page.fill("#birth_date", "31.02.2010")
    page.click("form.cw-form button[type=submit]")
    assert "Birth date: This day is not in the calendar" in page.inner_text(".govuk-error-summary")
    page.fill("#birth_date", "2010")
    page.click("form.cw-form button[type=submit]")
    assert "Saved." in page.inner_text("main")
    page.context.close()
