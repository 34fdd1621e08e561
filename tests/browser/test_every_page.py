"""Every page a person meets, in a real browser: four languages, phone and desktop, and axe finds nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.contracts.test_query_counts import fill
from tests.services.browser import accessibility_violations, sideways_overflow
from tests.services.web import serving

CASE = "main a[href^='/cases/0']"
REFERRAL = "main a[href^='/referrals/0']"
EVENT = "main a[href^='/audit/events/']"

PAGES: dict[str, tuple[str, ...]] = {
    "": ("/sign-in", "/nothing-here"),
    "caseworker1": (
        "/",
        "/cases",
        "/cases/new",
        "/search",
        f"/cases {CASE}",
        f"/cases {CASE} + /consents",
        f"/cases {CASE} + /person",
        f"/cases {CASE} + /person/history",
        f"/cases {CASE} + /support/psychosocial/new",
        f"/cases {CASE} + /support/education/new",
        f"/cases {CASE} + /support/employment/new",
        f"/cases {CASE} + /referrals/new",
        "/referrals",
        f"/referrals {REFERRAL}",
        f"/cases {CASE} + /requests",
        f"/cases {CASE} + /documents/new",
        "/account",
        "/places/choose",
    ),
    "supervisor1": (
        "/",
        "/review",
        f"/review {REFERRAL}",
        f"/cases {CASE}",
        f"/cases {CASE} + /reassign",
        f"/cases {CASE} + /who-saw",
        "/retention",
    ),
    "psychologist1": (f"/cases {CASE}", f"/cases {CASE} + /support/psychosocial/new"),
    "officer-health1": ("/", "/referrals", f"/referrals {REFERRAL}"),
    "auditor1": (
        "/audit",
        f"/audit {EVENT}",
        "/audit/export",
        "/audit/unusual",
        "/audit/checkpoint",
        "/audit/retention",
    ),
    "admin1": ("/admin/staff", "/admin/staff/new", "/audit/retention"),
    "secretariat1": ("/",),
}


@pytest.fixture
def filled(app: Flask) -> Iterator[tuple[str, str]]:
    """The address of a server with a synthetic caseload, and everybody's password."""
    password = fill(app, 60)
    with serving(app) as address:
        yield address, password


def find(page: Page, where: str) -> str:
    """The address that `LIST SELECTOR + MORE` means: the first link on the list, and what comes behind it."""
    listing, _, rest = where.partition(" ")
    if not rest:
        return listing
    selector, _, more = rest.partition(" + ")
    page.goto(listing)
    link = page.locator(selector).first.get_attribute("href")
    assert link, where
    return link.split("?")[0] + more


@pytest.mark.parametrize("language", ["uz", "uz-Cyrl", "ru", "en"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    chromium: Browser, filled: tuple[str, str], language: str
) -> None:
    address, password = filled
    wrong: list[str] = []
    for name, pages in PAGES.items():
        context = chromium.new_context(base_url=address, viewport={"width": 320, "height": 640})
        page = context.new_page()
        page.goto(f"/sign-in?lang={language}")
        if name:
            page.fill("[name=username]", name)
            page.fill("[name=password]", password)
            page.click("main button[type=submit]")
            assert "/sign-in" not in page.url
        for where in pages:
            path = find(page, where)
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == (404 if path == "/nothing-here" else 200), path
            for width in (320, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                wrong += [f"{path} at {width}: {each}" for each in accessibility_violations(page)]
                if sideways_overflow(page) > 0:
                    wrong.append(f"{path} at {width}: scrolls sideways by {sideways_overflow(page)} pixels")
                assert page.get_attribute("html", "lang") == language
        context.close()
    assert wrong == []
