"""A canary sings nowhere: a name typed into every form appears in no log, address, error page, temporary file or raw byte."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import MetaData, select

from tests.services import staff
from tests.services.cases import CANARY, SUPPORT, Office, a_child, case_form, case_of, open_office

FORMS = ("utf-8", "utf-16-le", "utf-16-be")
NEEDLES = [spelling.encode(form) for spelling in (CANARY, CANARY.lower(), CANARY.upper()) for form in FORMS]


def holds_canary(raw: bytes) -> bool:
    return any(needle in raw for needle in NEEDLES)


class Watched:
    """A browser that keeps every address that the product sends it to."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.addresses: list[str] = []

    def post(self, path: str, data: dict[str, object], opened: str | None = None) -> int:
        answer = staff.post(self.client, path, data, opened=opened)
        self.addresses += [answer.headers.get("Location", ""), answer.headers.get("Content-Disposition", "")]
        self.last = answer
        return answer.status_code


def work_with_the_canary(office: Office, browser: Watched) -> None:
    """Opens a case, records, drafts, corrects, refers, fails and searches in vain, with the canary in every text."""
    note = f"{CANARY} {CANARY}"
    assert browser.post("/cases/new", case_form(office, **a_child())) == 303
    case = f"/cases/{case_of(browser.last)}"
    support = {**SUPPORT["psychosocial"], "note": note, "next_step": note}
    assert browser.post(f"{case}/support/psychosocial/new", {**support, "action": "draft"}) == 303
    assert browser.post(f"{case}/support/psychosocial/new", {**support, "action": "save"}) == 303
    assert browser.post(f"{case}/support/psychosocial/new", {**support, "progress": CANARY}) == 422
    assert browser.post("/cases/new", case_form(office, birth_date=CANARY)) == 422
    browser.client.get(case)
    browser.client.get("/cases")
    browser.client.get(f"/cases?display_code={'x' * 300}")
    browser.client.post(f"{case}/support/education/new", data={"note": note})  # no token: refused, text kept
    browser.client.post("/cases/new/nowhere", data={"surname": CANARY})


def every_stored_byte(app: Flask) -> Iterator[tuple[str, bytes]]:
    """Each value of each row of each table as bytes, whatever the engine."""
    from casework.access.actor import SYSTEM
    from casework.access.row_security import bind_actor
    from casework.core.database import db

    with app.app_context():
        bind_actor(SYSTEM)
        tables = MetaData()
        tables.reflect(db.session.connection())
        for table in tables.sorted_tables:
            for row in db.session.execute(select(table)):
                for value in row:
                    yield (
                        table.name,
                        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode(),
                    )
        db.session.remove()


@pytest.mark.both_engines
def test_the_canary_is_nowhere_outside_the_sealed_fields(
    app: Flask, home: Path, caplog: pytest.LogCaptureFixture, tmp_path_factory: pytest.TempPathFactory
) -> None:
    office = open_office(app)
    scratch = tmp_path_factory.mktemp("scratch")
    before = tempfile.tempdir
    tempfile.tempdir = str(scratch)
    try:
        with caplog.at_level(logging.DEBUG):
            browser = Watched(office.client("caseworker"))
            work_with_the_canary(office, browser)
    finally:
        tempfile.tempdir = before
    assert CANARY not in "\n".join(browser.addresses)
    assert CANARY.lower() not in caplog.text.lower()
    stored = list(every_stored_byte(app))
    assert len(stored) > 200
    assert [name for name, raw in stored if holds_canary(raw)] == []
    files = [path for folder in (home, scratch) for path in folder.rglob("*") if path.is_file()]
    assert files
    assert [path.name for path in files if holds_canary(path.read_bytes())] == []


def test_an_error_page_shows_a_reference_and_nothing_of_the_request(
    app: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = open_office(app)
    client = office.client("caseworker")
    case_id = case_of(staff.post(client, "/cases/new", case_form(office)))

    def breaks(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError(f"something about {CANARY}")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setitem(app.view_functions, "cases.show", breaks)
    with caplog.at_level(logging.DEBUG):
        answer = client.get(f"/cases/{case_id}")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert CANARY not in text
    assert CANARY not in caplog.text
    assert "Traceback" not in text


def test_the_search_for_bytes_would_find_a_canary(home: Path) -> None:
    (home / "leak.txt").write_text(f"a name: {CANARY}")
    assert holds_canary((home / "leak.txt").read_bytes())
