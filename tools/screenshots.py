"""Takes the pictures of the README from a served synthetic caseload:

.venv/bin/python tools/screenshots.py http://127.0.0.1:8000 "$(.venv/bin/casework demo --json)"
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.services.browser import ARGUMENTS, find_chromium

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
PHONE, DESK = (360, 720), (1180, 760)
CASE = "main a[href^='/cases/0']"
SHOTS = [
    ("my-work-phone", "caseworker1", "uz", PHONE, "/", ""),
    ("case-phone", "caseworker1", "uz", PHONE, "/cases", CASE),
    ("support-phone", "caseworker1", "ru", PHONE, "/cases", CASE + " + /support/education/new"),
    ("case-desktop", "caseworker1", "en", DESK, "/cases", CASE),
    ("review-desktop", "supervisor1", "en", DESK, "/review", ""),
    ("audit-desktop", "auditor1", "en", DESK, "/audit", ""),
]


def main(address: str, users: str) -> None:
    """Writes each picture as a small PNG of 96 colours."""
    passwords = {user["username"]: user["password"] for user in json.loads(users)["users"]}
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        for name, who, language, (width, height), listing, rest in SHOTS:
            context = browser.new_context(base_url=address, viewport={"width": width, "height": height})
            page = context.new_page()
            page.goto(f"/sign-in?lang={language}")
            page.fill("[name=username]", who)
            page.fill("[name=password]", passwords[who])
            page.click("main button[type=submit]")
            page.goto(listing)
            if rest:
                page.goto(behind(page, rest))
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(96)
            picture.save(FOLDER / f"{name}.png", optimize=True)
            context.close()


def behind(page: Page, rest: str) -> str:
    """The address behind the first link that fits, and what comes after it."""
    selector, _, more = rest.partition(" + ")
    return f"{page.locator(selector).first.get_attribute('href')}{more}"


if __name__ == "__main__":
    main(*sys.argv[1:3])
