"""Give me my data: one person's whole record, in their language and for machines, and nothing on the disk."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.contracts.test_canary import holds_canary
from tests.integration.cases.conftest import Events
from tests.services import rights, staff
from tests.services.cases import CANARY, Office, open_case

both_engines = pytest.mark.both_engines


def copy_of(
    client: FlaskClient, case_id: uuid.UUID, request_id: uuid.UUID, language: str = "ru"
) -> TestResponse:
    return staff.post(client, f"/cases/{case_id}/requests/{request_id}/copy", {"language": language})


def opened(answer: TestResponse) -> tuple[str, str, dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        names = sorted(archive.namelist())
        page, data = (archive.read(name).decode() for name in names)
    return " ".join(names), page, json.loads(data)


@both_engines
def test_the_copy_has_everything_in_the_chosen_language_and_for_machines(
    app: Flask, office: Office, home: Path, events: Events
) -> None:
    worker = office.client("caseworker")
    case_id = rights.full_case(office, worker)
    request_id = rights.record(worker, case_id, "copy")
    answer = copy_of(worker, case_id, request_id)
    code = rights.code_of(app, case_id)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{code}.zip"'
    names, page, data = opened(answer)
    assert names == f"{code}.html {code}.json"
    assert '<html lang="ru">' in page
    for written in (CANARY, "Всё, что о вас записано", "+998901234567", "05.03.1990"):
        assert written in page
    assert data["person"]["details"]["surname"] == CANARY
    assert data["psychosocial"][0]["answers"]["note"] == f"{CANARY} {CANARY}"
    assert data["consents"][0]["purpose"] == "case_management"
    assert [each["event"] for each in data["log"]].count("case.opened") == 1
    assert data["requests"][0]["type"] == "copy"
    assert "referrals" in data
    (event,) = [each for each in events() if each["code"] == "person.copied"]
    assert event["action"] == "E"
    assert event["detail_commitment"] == hashlib.sha256(answer.get_data()).hexdigest()
    assert "person.birth_date" in event["fields_accessed"]
    files = [path for path in home.rglob("*") if path.is_file()]
    assert not [path for path in files if holds_canary(path.read_bytes())]
    shown = worker.get(f"/cases/{case_id}/requests/{request_id}").get_data(as_text=True)
    assert "22.11.2026" in shown


@pytest.mark.parametrize("language", ["uz", "uz-Cyrl", "ru", "en"])
def test_the_copy_speaks_each_language(office: Office, language: str) -> None:
    worker = office.client("caseworker")
    case_id = open_case(office, worker)
    request_id = rights.record(worker, case_id, "access")
    _names, page, _data = opened(copy_of(worker, case_id, request_id, language))
    assert f'<html lang="{language}">' in page
    title = {
        "uz": "Siz haqingizda yozilgan hamma narsa",
        "ru": "Всё, что о вас записано",
        "en": "All that is recorded about you",
        "uz-Cyrl": "Сиз ҳақингизда ёзилган ҳамма нарса",
    }
    assert title[language] in page


def test_a_copy_needs_a_request_for_it_and_a_checked_identity(office: Office, events: Events) -> None:
    worker = office.client("caseworker")
    case_id = open_case(office, worker)
    unchecked = rights.record(worker, case_id, "copy", identity_checked=None)
    other = rights.record(worker, case_id, "complaint")
    for request_id in (unchecked, other):
        path = f"/cases/{case_id}/requests/{request_id}"
        assert worker.get(f"{path}/copy").status_code == 409
        sent = staff.post(worker, f"{path}/copy", {"language": "uz"}, opened=path)
        assert sent.status_code == 409
        assert CANARY not in sent.get_data(as_text=True)
    assert {each["outcome"] for each in events() if each["code"] == "person.copied"} == {"error"}


@both_engines
def test_a_copy_is_made_by_who_has_the_case_only(office: Office) -> None:
    worker = office.client("caseworker")
    case_id = open_case(office, worker)
    path = f"/cases/{case_id}/requests/{rights.record(worker, case_id, 'copy')}"
    for name in ("caseworker2", "other_caseworker", "supervisor", "other_supervisor", "psychologist"):
        assert office.client(name).get(f"{path}/copy").status_code in (403, 404)
    assert office.client("supervisor").get(path).status_code == 200
    assert office.client("other_supervisor").get(path).status_code == 404


def test_a_request_has_its_day_from_the_pack_and_is_marked_as_done(office: Office) -> None:
    worker = office.client("caseworker")
    case_id = open_case(office, worker)
    request_id = rights.record(worker, case_id, "correction", received_on="10.11.2026")
    page = worker.get(f"/cases/{case_id}/requests").get_data(as_text=True)
    assert "13.11.2026" in page
    assert "Overdue" in page
    done = staff.post(
        worker,
        f"/cases/{case_id}/requests/{request_id}/done",
        {},
        opened=f"/cases/{case_id}/requests/{request_id}",
    )
    assert done.status_code == 303
    assert "Overdue" not in worker.get(f"/cases/{case_id}/requests").get_data(as_text=True)
    future = {"type": "copy", "received_on": "01.12.2026"}
    assert staff.post(worker, f"/cases/{case_id}/requests", future).status_code == 422
