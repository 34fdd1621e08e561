"""A person can be forgotten: keys, indexes, drafts, documents and traces go; the code, the log and the proof stay."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select, text

from casework.core.database import db
from casework.vault.keys import SubjectKey
from tests.contracts.test_canary import every_stored_byte, holds_canary
from tests.integration.cases.conftest import Events
from tests.services import databases, rights, staff
from tests.services.cases import Office, open_case

both_engines = pytest.mark.both_engines


def run(app: Flask, *arguments: str) -> Any:
    from casework.cli import cli

    with app.app_context():
        return CliRunner().invoke(cli, list(arguments))


def ready(office: Office) -> tuple[uuid.UUID, uuid.UUID]:
    worker = office.client("caseworker")
    case_id = rights.full_case(office, worker)
    request_id = rights.record(worker, case_id, "destruction")
    rights.approve(office.client("supervisor"), case_id, request_id)
    return case_id, request_id


def living_keys(app: Flask) -> dict[tuple[uuid.UUID, str], bytes]:
    keys = SubjectKey.__table__
    with app.app_context():
        rows = db.session.execute(select(keys).where(keys.c.wrapped.is_not(None))).all()
        db.session.remove()
    return {(row.subject_id, row.compartment): row.wrapped for row in rows}


@both_engines
def test_nothing_of_the_person_is_left_and_no_key_opens_it(
    app: Flask, office: Office, home: Path, tmp_path: Path, engine_name: databases.EngineName
) -> None:
    case_id, _request = ready(office)
    code = rights.code_of(app, case_id)
    before = living_keys(app)
    assert len(before) >= 4  # the person's compartments, the draft, the document
    assert list((home / "attachments").iterdir())

    done = run(app, "person", "erase", code, "--reason", "Asked for it.", "--yes")

    assert done.exit_code == 0, done.output
    after = living_keys(app)
    gone = {name: wrapped for name, wrapped in before.items() if name not in after}
    assert len(gone) == len(before), "every key in this installation was the person's"
    assert len(after) == 1, "the reason of the disposal has a key of its own"
    assert list((home / "attachments").iterdir()) == []
    stored = list(every_stored_byte(app))
    assert [name for name, raw in stored if holds_canary(raw)] == []
    with app.app_context():
        counts = {
            table: db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar()
            for table in ("draft", "attachment", "search_document", "exact_index")
            if engine_name == "sqlite"
        }
        db.session.remove()
    assert set(counts.values()) <= {0}
    files = [path for path in home.rglob("*") if path.is_file()]
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)  # a fresh backup of everything that SQLite has
    files += [path for path in copy.rglob("*") if path.is_file()]
    if engine_name == "postgresql":
        with app.app_context():
            name = db.engine.url.database or ""
        with databases.cluster().superuser(name) as connection:
            connection.execute("CHECKPOINT")
            found = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
            oid = found.fetchall()[0][0]
        cluster = Path(databases.cluster().data)
        heap = [path for path in cluster.rglob(f"base/{oid}/*") if path.is_file()]
        assert heap
        files += heap
    for path in files:
        raw = path.read_bytes()
        assert not holds_canary(raw), path
        assert not [name for name, wrapped in gone.items() if wrapped in raw], path


@both_engines
def test_the_page_erases_too_and_shows_only_the_code_afterwards(
    app: Flask, office: Office, home: Path, events: Events
) -> None:
    case_id, request_id = ready(office)
    code = rights.code_of(app, case_id)
    supervisor = office.client("supervisor")
    where = f"/cases/{case_id}/requests/{request_id}/erase"
    refused = staff.post(supervisor, where, {"code": "XX-0000", "reason": "Asked."})
    assert refused.status_code == 422
    answer = staff.post(supervisor, where, {"code": code.lower(), "reason": "Asked for it."})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    (event,) = [each for each in events() if each["code"] == "person.erased" and each["outcome"] == "success"]
    assert event["entity_type"] == "disposal"
    assert event["action"] == "D"
    worker = office.client("caseworker")
    page = worker.get(f"/cases/{case_id}").get_data(as_text=True)
    assert code in page
    assert "destroyed on 22.11.2026" in page
    assert "•••" not in page
    assert "cannot be opened" not in page
    for path in ("/consents", "/person", "/requests", "/support/psychosocial/new", "/documents/new"):
        assert worker.get(f"/cases/{case_id}{path}").status_code == 404
    for path in ("/", "/cases", "/referrals", "/search"):
        assert worker.get(path).status_code == 200
    certificate = worker.get(f"/cases/{case_id}/certificate").get_data(as_text=True)
    for title in ("Certificate of disposal", "Акт об уничтожении", "Yoʻq qilish dalolatnomasi"):
        assert title in certificate
    plain = worker.get(f"/cases/{case_id}/certificate.txt")
    assert plain.headers["Content-Disposition"] == f'attachment; filename="{code}.txt"'
    said = plain.get_data(as_text=True)
    assert event["event_uid"] in said
    facts = said.strip().splitlines()[-1]
    assert hashlib.sha256(facts.encode()).hexdigest() == event["detail_commitment"]
    assert list((home / "attachments").iterdir()) == []


def test_without_approval_nothing_is_destroyed(app: Flask, office: Office, events: Events) -> None:
    worker = office.client("caseworker")
    case_id = open_case(office, worker)
    code = rights.code_of(app, case_id)
    keys = living_keys(app)
    first = run(app, "person", "erase", code, "--reason", "No request.", "--yes")
    request_id = rights.record(worker, case_id, "destruction")
    second = run(app, "person", "erase", code, "--reason", "Not decided.", "--yes")
    for said in (first, second):
        assert said.exit_code == 1
        assert "Nobody has approved this" in said.output
    assert worker.get(f"/cases/{case_id}/requests/{request_id}/erase").status_code == 409
    assert worker.post(f"/cases/{case_id}/requests/{request_id}", data={}).status_code in (400, 403)
    assert living_keys(app) == keys
    assert [each["outcome"] for each in events() if each["code"] == "person.erased"] == ["error", "error"]


def test_who_recorded_a_destruction_cannot_decide_on_it(office: Office) -> None:
    worker = office.client("caseworker")
    case_id = open_case(office, worker)
    request_id = rights.record(worker, case_id, "destruction")
    path = f"/cases/{case_id}/requests/{request_id}"
    assert staff.post(worker, path, {"decision": "granted"}).status_code == 403
    supervisor = office.client("supervisor")
    assert staff.post(supervisor, path, {"decision": "refused"}).status_code == 422  # a reason is needed
    refused = staff.post(supervisor, path, {"decision": "refused", "reason": "A court keeps it."})
    assert refused.status_code == 303
    assert worker.get(f"{path}/erase").status_code == 409
    assert staff.post(supervisor, path, {"decision": "granted"}).status_code == 409


def test_a_destruction_is_not_approved_for_somebody_whose_identity_nobody_checked(office: Office) -> None:
    worker = office.client("caseworker")
    case_id = open_case(office, worker)
    request_id = rights.record(worker, case_id, "destruction", identity_checked=None)
    answer = staff.post(
        office.client("supervisor"), f"/cases/{case_id}/requests/{request_id}", {"decision": "granted"}
    )
    assert answer.status_code == 422
    assert "identity" in answer.get_data(as_text=True)


@both_engines
def test_a_dry_run_says_what_would_go_and_destroys_nothing(app: Flask, office: Office, home: Path) -> None:
    case_id, _request = ready(office)
    keys, files = living_keys(app), sorted((home / "attachments").iterdir())
    said = run(
        app, "person", "erase", rights.code_of(app, case_id), "--reason", "Looking.", "--dry-run", "--json"
    )
    assert said.exit_code == 0, said.output
    assert '"approved": true' in said.output
    assert '"drafts": 1' in said.output
    assert '"attachments": 1' in said.output
    assert living_keys(app) == keys
    assert sorted((home / "attachments").iterdir()) == files
    assert office.client("caseworker").get(f"/cases/{case_id}").status_code == 200


def test_a_second_erasure_is_refused_and_nobody_is_found_under_an_unknown_code(
    app: Flask, office: Office
) -> None:
    case_id, _request = ready(office)
    code = rights.code_of(app, case_id)
    assert run(app, "person", "erase", code, "--reason", "Asked.", "--yes").exit_code == 0
    again = run(app, "person", "erase", code, "--reason", "Asked.", "--yes")
    assert again.exit_code == 1
    assert "destroyed" in again.output
    unknown = run(app, "person", "erase", "ZZ-ZZZZ", "--reason", "Asked.", "--yes")
    assert "nobody with the code" in unknown.output
