"""The auditors' pages over a year's log: server time and statements, beside the same pages over a short log.

    python -m bench.audit_pages [--events 100000] [--engines sqlite,postgresql] [--rounds 20]

A page is asked through every layer of the product but the socket, with its session, its own event and its commit. Filters
are of every kind: common and rare, single and combined, and such as nothing fits. `rows` is what the page shows of the
large log. Unusual access looks through all events of its days, so its time follows their number, not the log's.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.audit_year import DAYS, Caseload, caseload, write_year
from bench.engines import bytes_per_event, durable_engines, installation
from casework.audit.identity import identity_here
from casework.audit.sequencer import sequence_all, sign
from casework.core import clock
from casework.core.database import db
from tests.contracts.test_query_counts import counted
from tests.services import staff

FEW = 10_000
ROUNDS = 20
PATIENCE = 10.0
"""Seconds after which a page that is slow is not asked again."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page cost: milliseconds (median) and statements; `rows` that it shows."""

    name: str
    ms: float
    statements: int
    rows: int


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


def measure(logs: list[tuple[Flask, Caseload]], rounds: int = ROUNDS) -> Iterator[list[Page]]:
    """Every page of each log, asked in turns after each was asked twice."""
    visits = [list(_visits(app, load)) for app, load in logs]
    for same in zip(*visits, strict=True):
        times: list[list[float]] = [[] for _ in logs]
        for at in [at for _ in range(rounds + 2) for at in range(len(logs))]:
            _, client, path = same[at]
            began = time.perf_counter()
            assert client.get(path).status_code == 200, path
            if sum(times[at]) < PATIENCE:
                times[at].append(time.perf_counter() - began)
        yield [
            _page(name, app, client, path, taken[2:] or taken)
            for (app, _), (name, client, path), taken in zip(logs, same, times, strict=True)
        ]


def _visits(app: Flask, load: Caseload) -> Iterator[tuple[str, FlaskClient, str]]:
    clients = {name: app.test_client() for name in ("auditor", "supervisor")}
    for name, client in clients.items():
        assert staff.sign_in(client, name).status_code == 303
    for name, who, path in pages(load, clients["auditor"]):
        yield name, clients[who], path


def _page(name: str, app: Flask, client: FlaskClient, path: str, taken: list[float]) -> Page:
    with counted(app) as statements:
        shown = client.get(path).get_data(as_text=True)
    number = len([each for each in statements if not each.startswith("BEGIN")])
    return Page(name, 1000 * statistics.median(taken), number, shown.count("</tr>") - shown.count("<thead"))


def grow(app: Flask, count: int) -> tuple[Caseload, int]:
    """A year's log of about so many events, and what then happens by itself: events get their index, PostgreSQL learns
    to know its tables."""
    load = caseload(app)
    events = write_year(app, load, count)
    with app.app_context():
        sequence_all()
        sign(identity_here())
        db.session.remove()
        if db.engine.dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM (ANALYZE)"))
    return load, events


def run(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--engines", default="sqlite,postgresql")
    asked = parser.parse_args(arguments or [])
    with durable_engines():
        for name in asked.engines.split(","):
            with installation(name) as few, installation(name) as many:
                load, _ = grow(few, FEW)
                large, events = grow(many, asked.events)
                with many.app_context():
                    size = bytes_per_event(events)
                print(
                    f"{name}: a year's log of {events:,} events, {size:,.0f} bytes each on disk, beside one of {FEW:,}"
                )
                print(f"  {'page':<30}{'few':>12}{'many':>12}{'statements':>16}{'rows':>6}")
                for small, page in measure([(few, load), (many, large)], asked.rounds):
                    print(
                        f"  {page.name:<30}{small.ms:9.1f} ms{page.ms:9.1f} ms"
                        f"{small.statements:8} {page.statements:7}{page.rows:6}",
                        flush=True,
                    )


if __name__ == "__main__":
    run(sys.argv[1:])
