"""The auditors' pages over a year's log: server time and statements, beside the same pages over a short log.

A page is asked through every layer of the product but the socket, with its session, its own event and its commit. Filters
are of every kind: common and rare, single and combined, and such as nothing fits.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient

from bench.audit_year import DAYS, Caseload
from casework.core import clock
from tests.contracts.test_query_counts import counted
from tests.services import staff

ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Page:
    """What a page cost: milliseconds (median) and statements; `events` of the filter's result that it shows."""

    name: str
    ms: float
    statements: int
    events: int


def pages(load: Caseload, auditor: FlaskClient) -> Iterator[tuple[str, str, str]]:
    """(what, who asks, address) of each page."""
    today = clock.today()

    def log(**asked: str) -> str:
        return "/audit?" + urlencode(asked)

    def days(first: int, last: int) -> dict[str, str]:
        return {
            "since": (today - timedelta(days=first)).isoformat(),
            "until": (today - timedelta(days=last)).isoformat(),
        }

    year, week = days(DAYS, 0), days(DAYS // 2, DAYS // 2 - 6)
    yield "first page", "auditor", "/audit"
    yield "next page", "auditor", _older(auditor, "/audit")
    yield "the page before", "auditor", _newer(auditor, _older(auditor, "/audit"))
    yield "a person", "auditor", log(person=load.code)
    yield "somebody busy", "auditor", log(who="desk1")
    yield "somebody new", "auditor", log(who="caseworker2")
    yield "common code", "auditor", log(code="case.viewed")
    yield "rare code", "auditor", log(code="person.copied")
    yield "code that never was", "auditor", log(code="keys.rotated")
    yield "done", "auditor", log(outcome="success")
    yield "refused", "auditor", log(outcome="denied")
    yield "a week of last half-year", "auditor", log(**week)
    yield "busy + common code + done", "auditor", log(who="desk1", code="case.viewed", outcome="success")
    yield "busy + code + failed", "auditor", log(who="desk1", code="support.recorded", outcome="error")
    yield "busy + refused", "auditor", log(who="desk1", outcome="denied")
    yield "busy + rare code", "auditor", log(who="desk1", code="person.copied")
    yield "busy + refused look (none)", "auditor", log(who="desk1", code="case.viewed", outcome="denied")
    yield "common code + refused (none)", "auditor", log(code="case.viewed", outcome="denied")
    yield "year + new", "auditor", log(who="caseworker2", **year)
    yield "year + rare code", "auditor", log(code="person.copied", **year)
    yield "year + failed", "auditor", log(outcome="error", **year)
    yield "year + code + refused (none)", "auditor", log(code="case.viewed", outcome="denied", **year)
    yield (
        "week + busy + code + failed",
        "auditor",
        log(who="desk1", code="support.recorded", outcome="error", **week),
    )
    yield "person + code", "auditor", log(person=load.code, code="support.recorded")
    yield "person + refused (none)", "auditor", log(person=load.code, outcome="denied")
    yield "person + week", "auditor", log(person=load.code, **week)
    yield (
        "person + busy, year (none)",
        "auditor",
        log(person=load.code, who="caseworker2", outcome="error", **year),
    )
    yield "one event", "auditor", _first(auditor, "/audit", r"/audit/events/[0-9a-f-]{36}")
    yield "who saw this record", "supervisor", f"/cases/{load.case_id}/who-saw"
    yield "unusual, 7 days", "auditor", "/audit/unusual?" + urlencode(days(6, 0))
    yield "unusual, 31 days", "auditor", "/audit/unusual?" + urlencode(days(30, 0))
    yield "checkpoint", "auditor", "/audit/checkpoint"
    yield "export", "auditor", "/audit/export"


def _first(client: FlaskClient, path: str, pattern: str) -> str:
    found = re.search(rf'href="({pattern})"', client.get(path).get_data(as_text=True))
    assert found, (path, pattern)
    return found[1].replace("&amp;", "&")


def _older(client: FlaskClient, path: str) -> str:
    return _first(client, path, r"/audit\?[^\"]*before=\d+[^\"]*")


def _newer(client: FlaskClient, path: str) -> str:
    return _first(client, path, r"/audit\?[^\"]*after=\d+[^\"]*")


def measure(
    app: Flask, load: Caseload, rounds: int = ROUNDS, say: Callable[[Page], None] | None = None
) -> list[Page]:
    """Every page, asked `rounds` times after a first time that is not counted."""
    clients = {name: app.test_client() for name in ("auditor", "supervisor")}
    for name, client in clients.items():
        assert staff.sign_in(client, name).status_code == 303
    found = []
    for name, who, path in pages(load, clients["auditor"]):
        client, times = clients[who], []
        for _ in range(2):
            shown = client.get(path)
            assert shown.status_code == 200, (path, shown.status_code)
        with counted(app) as statements:
            client.get(path)
        number = len([each for each in statements if not each.startswith("BEGIN")])
        for _ in range(rounds):
            began = time.perf_counter()
            client.get(path)
            times.append(1000 * (time.perf_counter() - began))
            if sum(times) > 10_000:
                break
        page = Page(name, statistics.median(times), number, shown.get_data(as_text=True).count("<tr") - 1)
        found.append(page)
        if say:
            say(page)
    return found


def compare(small: list[Page], large: list[Page]) -> None:
    """One row for each page."""
    print(f"  {'page':<30}{'at 10,000':>16}{'at ' + 'all':>16}{'statements':>14}")
    for few, many in zip(small, large, strict=True):
        print(f"  {many.name:<30}{few.ms:13.1f} ms{many.ms:13.1f} ms{few.statements:7} {many.statements:6}")
