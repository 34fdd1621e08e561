"""Choosing a place in a form: while typing where scripts run, by buttons where they do not."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests.services.browser import accessibility_violations
from tests.services.staff import PASSWORD, add_places, add_staff


@pytest.fixture
def places(app: Flask) -> dict[str, uuid.UUID]:
    """A small tree, and an administrator who adds staff to its offices."""
    add_staff(app, "admin", "admin")
    return add_places(app)


def open_form(page: Page) -> None:
    page.goto("/sign-in?next=/admin/staff/new")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.get_by_label("User name").fill("newcomer")
    page.get_by_label("Name", exact=True).fill("Typed before")
    page.get_by_label("Caseworker").check()


def test_finds_while_typing_and_keeps_a_choice(page: Page, places: dict[str, uuid.UUID]) -> None:
    open_form(page)
    part = page.get_by_label("Part of the name")
    part.fill("oltinko'l")
    page.get_by_label("Altinkul district").check()
    assert accessibility_violations(page) == []
    part.fill("andijon")
    expect(page.get_by_label("Andijan district")).to_be_visible()
    expect(page.get_by_label("Altinkul district")).to_be_checked()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#one-time-password")).to_be_visible()


def test_finds_with_the_button_where_no_script_runs(
    chromium: Browser, live_server: str, places: dict[str, uuid.UUID]
) -> None:
    context = chromium.new_context(
        base_url=live_server, java_script_enabled=False, viewport={"width": 320, "height": 640}
    )
    page = context.new_page()
    open_form(page)
    page.get_by_label("Part of the name").fill("oltinko'l")
    page.get_by_role("button", name="Find").click()
    assert page.get_by_label("User name").input_value() == "newcomer"
    page.get_by_label("Altinkul district").check()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#one-time-password")).to_be_visible()
    context.close()
