"""No page asks the database more often when there is more to show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from tests.services import staff

PAGES = {
    "caseworker1": ("/", "/cases", "/referrals", "case", "/cases/new"),
    "supervisor1": ("/", "/cases", "/review", "/referrals", "case"),
    "officer-health1": ("/", "/referrals"),
    "psychologist1": ("/", "/cases", "case"),
    "auditor1": ("/audit", "/audit/checkpoint"),
    "admin1": ("/admin/staff",),
}

APART = ("BEGIN", "INSERT INTO audit_event_subject")
"""One statement more, however many they are, where a page that was empty concerns people now."""


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """Collects the statements that reach the database."""
    from casework.core.database import db

    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def fill(app: Flask, cases: int) -> str:
    """Brings the caseload to that many cases; gives everybody's password."""
    from casework.accounts.commands import import_pack_places
    from casework.demo import filling
    from casework.demo.staff import password

    with app.app_context():
        import_pack_places()
        filling.fill(cases, 1)
        filling.sign_in_again()
        return password()


def measure(app: Flask, password: str) -> dict[str, int]:
    counts = {}
    for name, pages in PAGES.items():
        client = app.test_client()
        assert staff.sign_in(client, name, password).status_code == 303
        for page in pages:
            path = busiest_case(client) if page == "case" else page
            assert client.get(path).status_code == 200  # the session's last use is written once a minute
            with counted(app) as statements:
                assert client.get(path).status_code == 200
            counts[f"{name} {page}"] = len([each for each in statements if not each.startswith(APART)])
    return counts


def busiest_case(client: FlaskClient) -> str:
    """A case of the list, the one with the most on its timeline."""
    found = re.findall(r'href="(/cases/[0-9a-f-]{36})"', client.get("/cases").get_data(as_text=True))
    assert found
    return max(found, key=lambda path: client.get(path).get_data(as_text=True).count("cw-timeline"))


@pytest.mark.both_engines
def test_more_cases_mean_no_more_queries(app: Flask) -> None:
    few = measure(app, fill(app, 120))
    many = measure(app, fill(app, 300))
    grown = {page: (few[page], many[page]) for page in few if many[page] > few[page]}
    assert grown == {}
    assert max(many.values()) <= 40, many
