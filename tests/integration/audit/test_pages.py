"""The auditor's pages: filters, one event in words, exports, the signed state, old events."""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from casework.access.actor import SYSTEM
from casework.audit import desk, export_jobs, verifications
from casework.audit.boundary import acting
from casework.audit.event import EventDraft, write_many
from casework.audit.identity import identity_here
from casework.audit.verify import verify_pack
from casework.core import clock
from casework.core.ids import new_id
from casework.core.unit_of_work import unit_of_work
from tests.services import staff
from tests.services.audit_log import attacker_of, grow, write_events

pytestmark = pytest.mark.both_engines


@pytest.fixture
def auditor(app: Flask) -> FlaskClient:
    staff.add_staff(app, "auditor", "auditor")
    client = app.test_client()
    assert staff.sign_in(client, "auditor").status_code == 303
    return client


def text_of(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def fetch(client: FlaskClient, page: str) -> TestResponse:
    """The file of an export, read to its end."""
    return client.get(f"{page}/file", buffered=True)


def work_off(app: Flask) -> None:
    with app.app_context():
        desk.work_off()


def ask(client: FlaskClient, **fields: str) -> str:
    """Asks for an export; the path of its page."""
    answer = staff.post(client, "/audit/export", {"format": "pack", "reason": "A yearly review", **fields})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.location


def codes(app: Flask) -> list[str]:
    return [row[0] for row in attacker_of(app).asks("SELECT code FROM audit_event ORDER BY id")]


@pytest.mark.parametrize("number", ["9" * 26, "-1", "x", "0"])
def test_an_address_with_an_odd_number_shows_a_page_of_the_log(auditor: FlaskClient, number: str) -> None:
    for name in ("before", "after"):
        assert "<h1" in text_of(auditor, f"/audit?{name}={number}")


def test_an_export_is_asked_for_written_by_the_worker_shown_and_downloaded(
    app: Flask, auditor: FlaskClient, tmp_path: Path
) -> None:
    with app.app_context():
        write_events(300)
    page = ask(auditor)
    assert "Waiting" in text_of(auditor, page)
    assert fetch(auditor, page).status_code == 404
    work_off(app)
    shown = text_of(auditor, page)
    assert "Ready" in shown
    answer = fetch(auditor, page)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=audit-")
    assert hashlib.sha256(answer.data).hexdigest() in shown
    (tmp_path / "pack.zip").write_bytes(answer.data)
    with app.app_context():
        report = verify_pack(tmp_path / "pack.zip", identity_here().verifier().vkey)
    assert report.problem is None
    assert report.checked > 300
    written = codes(app)
    assert written.index("audit.export_asked") < written.index("export.begin") < written.index("export.end")
    assert written.count("audit.export_downloaded") == 1


def test_the_words_of_a_reason_are_stored_nowhere_and_its_fingerprint_can_be_proved(
    app: Flask, auditor: FlaskClient, home: Path
) -> None:
    page = ask(auditor, format="jsonl", reason="Kanareyqush asked")
    work_off(app)
    shown = text_of(auditor, page)
    salt, commitment = (
        re.search(rf"{label}.*?<code[^>]*>([0-9a-f]+)<", shown, re.DOTALL)[1]  # type: ignore[index]
        for label in ("Salt of the fingerprint", "Fingerprint of the reason")
    )
    assert hashlib.sha256(bytes.fromhex(salt) + b"Kanareyqush asked").hexdigest() == commitment
    lines = fetch(auditor, page).get_data(as_text=True)
    assert lines.count(commitment) == 2  # what was asked, and the export's own beginning
    assert "Kanareyqush" not in lines
    for table in ("audit_export_job", "audit_event"):
        assert "Kanareyqush" not in repr(attacker_of(app).asks(f"SELECT * FROM {table}"))
    assert all(b"Kanareyqush" not in path.read_bytes() for path in (home / "exports").iterdir())


def test_an_export_of_some_days_holds_these_days(app: Flask, auditor: FlaskClient) -> None:
    with app.app_context():
        for days_ago, count in ((9, 20), (5, 30), (2, 40)):
            with clock.moved_to(clock.now() - timedelta(days=days_ago)):
                write_events(count)
    day = (clock.today() - timedelta(days=5)).isoformat()
    page = ask(auditor, format="csv", since=day, until=day)
    work_off(app)
    assert "Ready" in text_of(auditor, page)
    lines = fetch(auditor, page).get_data(as_text=True).splitlines()
    found = [line for line in lines[1:] if (clock.now() - timedelta(days=5)).strftime("%Y-%m-%d") in line]
    assert len(found) == 30


def test_nobody_else_sees_or_fetches_an_export_and_after_a_day_it_is_gone(
    app: Flask, auditor: FlaskClient, home: Path
) -> None:
    page = ask(auditor, format="jsonl")
    work_off(app)
    staff.add_staff(app, "auditor2", "auditor")
    other = app.test_client()
    staff.sign_in(other, "auditor2")
    assert other.get(page).status_code == 404
    assert fetch(other, page).status_code == 404
    assert fetch(auditor, page).status_code == 200
    with app.app_context():
        export_jobs.drop_old()
        assert len(list((home / "exports").glob("*.jsonl"))) == 1
        with clock.moved_to(clock.now() + timedelta(days=1, minutes=1)):
            export_jobs.drop_old()
    assert list((home / "exports").glob("*.jsonl")) == []
    assert fetch(auditor, page).status_code == 404
    assert "Removed after a day" in text_of(auditor, page)
    assert codes(app).count("audit.exports_dropped") == 1


def test_an_export_that_was_interrupted_says_so_and_two_workers_do_not_write_at_once(
    app: Flask, auditor: FlaskClient
) -> None:
    page = ask(auditor)
    attacker_of(app).does("UPDATE audit_export_job SET state = 'running'")
    with app.app_context(), desk._alone() as alone:
        assert alone
        desk.work_off()
    assert "Being written" in text_of(auditor, page)
    work_off(app)
    assert "The program was stopped" in text_of(auditor, page)


def test_what_a_killed_worker_left_half_written_is_removed(
    app: Flask, auditor: FlaskClient, home: Path
) -> None:
    page = ask(auditor, format="csv")
    work_off(app)
    folder = home / "exports"
    (folder / ".1.zip.ab12.partial" / "tile").mkdir(parents=True)
    (folder / ".2.zip.ab12.partial.zip").write_bytes(b"half of it")
    (folder / f"{new_id()}.jsonl").write_bytes(b"of a job that the database has forgotten")
    with app.app_context(), desk._alone():
        desk.work_off()  # somebody else is at the desk, perhaps writing these very files
    assert len(list(folder.glob(".*.partial*"))) == 2
    work_off(app)
    assert list(folder.glob(".*.partial*")) == []
    with app.app_context():
        export_jobs.drop_old()
    assert [path.suffix for path in folder.iterdir() if path.name != ".desk"] == [".csv"]
    assert fetch(auditor, page).status_code == 200


def test_an_export_needs_a_reason_and_days_in_order(auditor: FlaskClient) -> None:
    answer = staff.post(
        auditor,
        "/audit/export",
        {"format": "csv", "reason": "", "since": "2026-01-02", "until": "2026-01-01"},
    )
    assert answer.status_code == 422
    answer = staff.post(
        auditor,
        "/audit/export",
        {"format": "csv", "reason": "x", "since": "2026-01-02", "until": "2026-01-01"},
    )
    assert answer.status_code == 422
    assert "lies before" in answer.get_data(as_text=True)


def test_the_log_pages_through_a_filter_forward_and_back(app: Flask, auditor: FlaskClient) -> None:
    person, agent = new_id(), new_id()
    with app.app_context():
        for _ in range(3):
            write_events(40)
            with unit_of_work():
                write_many([draft(agent, person) for _ in range(40)])
    for narrowed in (f"person={person}", f"who={agent}", f"person={person}&who={agent}&code=case.viewed",
                     f"who={agent}&since={clock.today()}&until={clock.today()}"):  # fmt: skip
        page = text_of(auditor, f"/audit?{narrowed}")
        seen = links(page)
        for _ in range(2):
            page = text_of(auditor, href(page, "next"))
            seen += links(page)
        assert (len(seen), len(set(seen)), href(page, "next")) == (120, 120, ""), narrowed
        assert links(text_of(auditor, href(page, "prev"))) == seen[50:100]


def href(page: str, which: str) -> str:
    """The address of the next or previous page, empty at an end."""
    found = re.search(rf'href="([^"]*)" rel="{which}"', page)
    return found[1].replace("&amp;", "&") if found else ""


def links(page: str) -> list[str]:
    return re.findall(r'href="/audit/events/([0-9a-f-]{36})"', page)


def draft(agent: uuid.UUID, person: uuid.UUID) -> EventDraft:
    return EventDraft(
        action="R", category="case", code="case.viewed", outcome="success", agent_id=agent,
        agent_role="caseworker", entity_type="case", entity_id=new_id(), subject_ids=[person],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("language", "what"),
    [("en", "It was carried out."), ("ru", "Выполнено."), ("uz", "Bajarildi."), ("uz-Cyrl", "Бажарилди.")],
)
def test_one_event_is_told_in_sentences(app: Flask, auditor: FlaskClient, language: str, what: str) -> None:
    uid = links(text_of(auditor, "/audit?code=staff.added"))[0]
    assert what in text_of(auditor, f"/audit/events/{uid}?lang={language}")


def test_the_checkpoint_page_shows_what_is_signed_and_verifies_on_demand(
    app: Flask, auditor: FlaskClient
) -> None:
    assert "Nothing is signed yet" in text_of(auditor, "/audit/checkpoint")
    with app.app_context():
        checkpoint = grow(20)
        vkey = identity_here().verifier().vkey
    page = text_of(auditor, "/audit/checkpoint")
    assert f"casework/{checkpoint.origin.partition('/')[2]}\n{checkpoint.size}\n" in page
    assert vkey.replace("+", "&#43;") in page or vkey in page
    assert "was not verified yet" in page
    assert staff.post(auditor, "/audit/checkpoint/verify", {}, opened="/audit/checkpoint").status_code == 303
    assert "under way" in text_of(auditor, "/audit/checkpoint")
    work_off(app)
    assert "are as they were logged" in text_of(auditor, "/audit/checkpoint")
    attacker_of(app).does("UPDATE audit_event SET code = 'case.opened' WHERE id = 5")
    staff.post(auditor, "/audit/checkpoint/verify", {}, opened="/audit/checkpoint")
    work_off(app)
    page = text_of(auditor, "/audit/checkpoint")
    assert "was changed" in page
    assert "projection" in page


def test_the_log_is_verified_once_a_day_without_being_asked(app: Flask) -> None:
    with app.app_context():
        grow(5)
        verifications.ask_daily()
        verifications.ask_daily()
        desk.work_off()
        assert attacker_of(app).asks("SELECT state, ok FROM audit_verification") in (
            [("done", 1)],
            [("done", True)],
        )
        with clock.moved_to(clock.now() + timedelta(hours=25)):
            verifications.ask_daily()
    assert len(attacker_of(app).asks("SELECT id FROM audit_verification")) == 2


def test_old_events_need_two_people(app: Flask, auditor: FlaskClient) -> None:
    assert "No event is past its time" in text_of(auditor, "/audit/retention")
    assert staff.post(auditor, "/audit/retention", {}).status_code == 422
    with app.app_context():
        with clock.moved_to(clock.now() - timedelta(days=366 * 6)), acting(SYSTEM, "test"):
            pass_time()
        grow(5)
    staff.add_staff(app, "admin", "admin")
    admin = app.test_client()
    staff.sign_in(admin, "admin")
    assert staff.post(auditor, "/audit/retention", {}).status_code == 303
    page = text_of(auditor, "/audit/retention")
    assert "You asked for this" in page
    request_id = attacker_of(app).asks("SELECT id FROM audit_retention_request")[0][0]
    approve = f"/audit/retention/{uuid.UUID(str(request_id))}/approve"
    assert staff.post(auditor, approve, {}, opened="/audit/retention").status_code == 422
    assert staff.post(admin, approve, {}, opened="/audit/retention").status_code == 303
    assert f"--run {uuid.UUID(str(request_id))}" in text_of(admin, "/audit/retention")


def pass_time() -> None:
    from casework.audit.keeping import beat

    beat(SYSTEM)
