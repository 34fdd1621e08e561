"""The built styles and script, on the page that everybody meets first."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.services.browser import accessibility_violations, sideways_overflow

LANGUAGES = ("uz", "uz-Cyrl", "ru", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_has_no_accessibility_violation_on_a_phone(page: Page, language: str) -> None:
    page.goto(f"/sign-in?lang={language}")

    assert accessibility_violations(page) == []
    assert sideways_overflow(page) == 0


def test_the_script_starts_the_components_under_the_strict_content_policy(page: Page) -> None:
    page.goto("/sign-in")

    assert page.locator("body.js-enabled.govuk-frontend-supported").count() == 1
    assert page.locator("[data-module='govuk-skip-link'][data-govuk-skip-link-init]").count() == 1


def test_the_page_uses_the_colours_and_fonts_of_casework(page: Page) -> None:
    page.goto("/sign-in")
    style = page.evaluate(
        "() => { const of = getComputedStyle(document.querySelector('button.govuk-button:not(.govuk-button--secondary)'));"
        " return [of.backgroundColor, of.fontFamily.split(',')[0]] }"
    )

    assert style == ["rgb(11, 92, 95)", "system-ui"]
