"""A real browser for the tests: Chromium or Chrome of the machine, shut off from everything but this machine."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",  # root, and containers, have no user namespaces to give
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--no-first-run",
    "--no-pings",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


class BrowserProblem(Exception):
    """No browser can be started here. The text says what to do."""


def find_chromium() -> str:
    """The browser's path: CHROMIUM_PATH, or the first known name on PATH."""
    if path := os.environ.get("CHROMIUM_PATH"):
        return path
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise BrowserProblem("No Chromium or Chrome here. Run `make test`, or name one in CHROMIUM_PATH.")


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=find_chromium(), headless=True, args=list(ARGUMENTS))
        try:
            yield started
        finally:
            started.close()


def accessibility_violations(page: Page, *, tags: tuple[str, ...] = WCAG) -> list[str]:
    """What axe-core finds on the page as it stands: one line for each rule broken, with the elements."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate(
        f"() => axe.run(document, {{ runOnly: {json.dumps(tags)}, resultTypes: ['violations'] }})"
    )
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: "
        + "; ".join(" ".join(map(str, node["target"])) for node in each["nodes"])
        for each in found["violations"]
    ]


def sideways_overflow(page: Page) -> int:
    """How many CSS pixels the page is wider than its window."""
    return int(
        page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )
