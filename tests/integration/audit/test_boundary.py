"""The boundary fails closed: what cannot be recorded does not happen and is not shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.audit import desk, event
from casework.audit.identity import identity_here
from casework.audit.sequencer import sequence_all, sign
from casework.core import unit_of_work
from casework.core.database import db
from tests.services import staff
from tests.services.audit_log import attacker_of, verified, write_events

pytestmark = pytest.mark.both_engines

WISH = {"format": "csv", "reason": "A yearly review"}
PAGES = ("/audit", "/audit/checkpoint", "/audit/unusual", "/audit/export", "/audit/retention")


@pytest.fixture
def auditor(app: Flask) -> FlaskClient:
    """Signed in, on an app that answers as it does in service: with an error page."""
    staff.add_staff(app, "auditor", "auditor")
    app.testing, app.config["PROPAGATE_EXCEPTIONS"] = False, False
    client = FlaskClient(
        app, app.response_class
    )  # not the watchful one: what is left is rolled back at the end
    assert staff.sign_in(client, "auditor").status_code == 303
    return client


def events(app: Flask, since: int = 0) -> list[dict[str, Any]]:
    rows = attacker_of(app).asks(f"SELECT body FROM audit_event WHERE id > {since} ORDER BY id")
    return [json.loads(bytes(row[0])) for row in rows]


def last_id(app: Flask) -> int:
    ((found,),) = attacker_of(app).asks("SELECT max(id) FROM audit_event")
    return int(found)


def asked_for(app: Flask) -> int:
    ((found,),) = attacker_of(app).asks("SELECT count(*) FROM audit_export_job")
    return int(found)


def a_page_of(client: FlaskClient, path: str) -> tuple[int, str]:
    answer = client.get(path, buffered=True)
    return answer.status_code, answer.get_data(as_text=True)


@pytest.mark.parametrize("table", ["audit_event", "audit_pending"])
def test_without_its_event_nothing_is_shown_and_nothing_is_stored(
    app: Flask, auditor: FlaskClient, table: str
) -> None:
    carried = staff.hidden(auditor.get("/audit/export"))
    shown = {path: a_page_of(auditor, path) for path in PAGES}
    assert {status for status, _ in shown.values()} == {200}
    before, attacker = last_id(app), attacker_of(app)
    with attacker.connection() as connection:
        connection.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT refused CHECK (event_uid IS NULL) NOT VALID"
            if attacker.on_postgresql
            else f"CREATE TRIGGER refused BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    for path in PAGES:
        status, text = a_page_of(auditor, path)
        assert status == 500
        heading = shown[path][1].partition("<h1")[2].partition("</h1>")[0]
        assert heading
        assert heading not in text
    answer = auditor.post("/audit/export", data={**carried, **WISH})
    assert answer.status_code >= 400
    assert (asked_for(app), last_id(app)) == (0, before)
    assert "Location" not in answer.headers
    fresh = FlaskClient(app, app.response_class)
    assert staff.sign_in(fresh, "auditor").status_code >= 400
    assert a_page_of(fresh, "/audit")[0] == 302  # not signed in: that could not be recorded either


def cut_the_line(app: Flask) -> None:
    """The database goes away in the middle of this request."""
    attacker = attacker_of(app)
    driver: Any = db.session.connection().connection.driver_connection
    if attacker.on_postgresql:
        with attacker.connection() as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", (driver.info.backend_pid,))
    else:
        driver.interrupt()
        driver.execute("PRAGMA query_only = ON")


def give_the_line_back(app: Flask) -> None:
    for engine in db.engines.values():
        engine.dispose()


@pytest.mark.parametrize("moment", ["before the event", "before the commit"])
def test_a_database_that_goes_away_in_the_middle_leaves_nothing_half_done(
    app: Flask, auditor: FlaskClient, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    carried = staff.hidden(auditor.get("/audit/export"))
    before, write = last_id(app), event.write

    def cut(draft: event.EventDraft) -> Any:
        if moment == "before the event":
            cut_the_line(app)
            return write(draft)
        uid = write(draft)
        if attacker_of(app).on_postgresql:
            unit_of_work.before_commit(lambda: cut_the_line(app))
            return uid
        raise OSError("the disk is full")  # SQLite has no line to cut here

    monkeypatch.setattr(event, "write", cut)
    for path in PAGES:
        assert a_page_of(auditor, path)[0] in (500, 503)
        with app.app_context():
            give_the_line_back(app)
    answer = auditor.post("/audit/export", data={**carried, **WISH})
    assert answer.status_code in (500, 503)
    monkeypatch.undo()
    with app.app_context():
        give_the_line_back(app)
    assert (asked_for(app), last_id(app)) == (0, before)
    assert a_page_of(auditor, "/audit")[0] == 200
    assert auditor.post("/audit/export", data={**carried, **WISH}).status_code == 303
    with app.app_context():
        sequence_all()
        sign(identity_here())
        assert verified().problem is None


def test_every_way_to_look_is_one_event(app: Flask, auditor: FlaskClient) -> None:
    with app.app_context():
        write_events(3)
    page = staff.post(auditor, "/audit/export", WISH).location
    with app.app_context():
        desk.work_off()
    whole = auditor.get(f"{page}/file", buffered=True)
    ways: list[tuple[str, str, dict[str, str], int, str]] = [
        ("GET", "/audit", {}, 200, "audit.listed"),
        ("HEAD", "/audit", {}, 200, "audit.listed"),
        ("GET", f"{page}/file", {}, 200, "audit.export_downloaded"),
        ("HEAD", f"{page}/file", {}, 200, "audit.export_downloaded"),
        ("GET", f"{page}/file", {"Range": "bytes=0-9"}, 206, "audit.export_downloaded"),
        ("GET", f"{page}/file", {"Range": "bytes=9999999-"}, 416, "audit.export_downloaded"),
        ("GET", f"{page}/file", {"If-None-Match": whole.headers["ETag"]}, 304, "audit.export_downloaded"),
        ("GET", "/audit/exports/00000000-0000-4000-8000-000000000000", {}, 404, "access.denied"),
        ("POST", "/audit/export", {}, 400, "request.refused"),
    ]
    for method, path, headers, status, code in ways:
        before = last_id(app)
        answer = auditor.open(path, method=method, headers=headers, buffered=True)
        assert answer.status_code == status, (method, path, headers)
        assert answer.headers["Cache-Control"] == "no-store"
        (found,) = events(app, before)
        assert found["code"] == code, (method, path, headers)
        assert found["outcome"] == {404: "denied", 400: "error", 416: "error"}.get(status, "success")


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("", None),
        ("=cmd|' /C calc'!A1", None),
        ("Zuhra Karimova", None),
        ("192.0.2.7:4711", None),
        ("1" * 5000, None),
    ],
)
def test_only_an_address_is_logged_as_the_address(
    app: Flask, auditor: FlaskClient, said: str, logged: str | None
) -> None:
    before = last_id(app)
    assert auditor.get("/audit", environ_overrides={"REMOTE_ADDR": said}).status_code == 200
    assert [each["src_ip"] for each in events(app, before)] == [logged]


def test_what_shows_nothing_is_no_event(app: Flask, auditor: FlaskClient) -> None:
    before = last_id(app)
    for method, path, status in (
        ("OPTIONS", "/audit", 405),
        ("DELETE", "/audit", 405),
        ("TRACE", "/audit", 405),
        ("GET", "/audit/nowhere/else", 404),
        ("GET", "/audit/exports/no-uuid", 404),
    ):
        assert auditor.open(path, method=method, buffered=True).status_code == status
    assert last_id(app) == before


def test_a_file_is_for_whoever_asked_for_it_only(app: Flask, auditor: FlaskClient) -> None:
    page = staff.post(auditor, "/audit/export", WISH).location
    assert a_page_of(auditor, f"{page}/file")[0] == 404  # not written yet
    with app.app_context():
        desk.work_off()
    staff.add_staff(app, "second", "auditor")
    second = FlaskClient(app, app.response_class)
    assert staff.sign_in(second, "second").status_code == 303
    before = last_id(app)
    for path in (page, f"{page}/file"):
        assert a_page_of(second, path)[0] == 404
    denials = [(each["code"], each["outcome"], each["entity_id"]) for each in events(app, before)]
    assert denials == [("access.denied", "denied", page.rpartition("/")[2])] * 2
    assert a_page_of(FlaskClient(app, app.response_class), f"{page}/file")[0] == 302
