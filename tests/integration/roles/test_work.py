"""The whole product at work with roles of their own: people use the pages as the web role, the rest is the worker's."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from casework.audit import desk
from casework.audit.identity import Identity
from casework.audit.keeping import keep_log
from casework.audit.note import open_checkpoint
from casework.audit.verify import verify_pack
from casework.commands.key_changes import end_pending_renewal
from casework.core import clock
from casework.core.database import db
from casework.vault.keys import SubjectKey
from tests.integration.roles.conftest import NOON, Done, House
from tests.services import rights, staff
from tests.services.audit_log import grow
from tests.services.cases import CANARY, SUPPORT, open_case
from tests.services.database_roles import OWNER, WEB, WORKER

Run = Callable[..., Done]
PSY = "psychosocial_health_education"
REFERRAL = {
    "domain": PSY,
    "reason_code": "enrol",
    "urgency": "priority",
    "need_summary": "A place in a course from the spring on.",
    "minimum_dataset": ["birth_year", "level_sought"],
    "level_sought": "primary_1_4",
    "lawful_basis": "law",
    "lawful_basis_text": "Everybody has a place at school by law.",
    "channel": "in_system",
}


def log_of(house: House) -> list[dict[str, Any]]:
    with house.roles.connection(OWNER) as connection:
        rows = connection.execute(
            "SELECT body FROM audit_event WHERE length(body) > 0 ORDER BY id"
        ).fetchall()
    return [json.loads(bytes(body)) for (body,) in rows]  # type: ignore[call-overload]


def sequenced(house: House) -> tuple[int, int]:
    """(events in the tree, events that wait)."""
    with house.roles.connection(WEB) as connection:
        asked = "SELECT (SELECT size FROM audit_state), (SELECT count(*) FROM audit_pending)"
        ((size, waiting),) = connection.execute(asked).fetchall()
    return size, waiting  # type: ignore[return-value]


def test_each_app_works_with_its_own_role(house: House) -> None:
    found = []
    for app in (house.web, house.worker):
        with app.app_context():
            found.append(db.session.scalar(text("SELECT current_user")))
            db.session.remove()
    assert found == [WEB, WORKER]


def test_a_record_is_opened_supported_searched_and_referred_to_its_outcome(house: House) -> None:
    office = house.office
    staff.add_staff(house.web, "officer", "domain_officer", place=office.places["1703202"], domain=PSY)
    caseworker, supervisor = office.client("caseworker"), office.client("supervisor")
    case_id = open_case(office, caseworker)
    for kind, typed in SUPPORT.items():
        answer = staff.post(caseworker, f"/cases/{case_id}/support/{kind}/new", {**typed, "action": "save"})
        assert answer.status_code == 303, kind
    assert rights.upload(caseworker, case_id, rights.a_picture()).status_code == 303
    found = staff.post(caseworker, "/search", {"query": CANARY.lower()})
    assert str(case_id) in found.get_data(as_text=True)
    new = f"/cases/{case_id}/referrals/new"
    drafted = staff.post(caseworker, new, REFERRAL, opened=f"{new}?domain={PSY}")
    referral = f"/referrals/{drafted.location.rsplit('/', 1)[1]}"
    officer = house.web.test_client()
    assert staff.sign_in(officer, "officer").status_code == 303
    for client, step in (
        (caseworker, "submit"),
        (supervisor, "approve"),
        (officer, "accept"),
        (officer, "start"),
    ):
        assert staff.post(client, f"{referral}/{step}", {}, opened=referral).status_code == 303, step
    outcome = {
        "outcome": "service_provided_need_met",
        "service_outcome": "enrolled",
        "service_report": "Attends.",
    }
    assert staff.post(officer, f"{referral}/complete", outcome).status_code == 303
    codes = {each["code"] for each in log_of(house) if each["outcome"] == "success"}
    assert {"case.opened", "support.recorded", "person.searched", "referral.completed"} <= codes


def test_every_job_runs_and_the_log_is_sequenced_signed_and_found_whole(house: House, run: Run) -> None:
    client = house.office.client("caseworker")
    open_case(house.office, client)
    assert sequenced(house)[1] > 0
    done = house.do_every_job()
    assert set(done.values()) == {True}, done
    assert {"audit log", "audit desk", "tidy", "traces", "consents", "referrals", "search documents"} <= set(
        done
    )
    with house.worker.app_context():
        end_pending_renewal()
    with house.worker.app_context():
        keep_log()  # what the other jobs have said
    size, waiting = sequenced(house)
    assert (size > 0, waiting) == (True, 0)
    assert run("audit", "verify").code == 0
    printed = run("audit", "checkpoint")
    verifier = Identity(house.roles.settings.home / "log").verifier()
    assert open_checkpoint(printed.out.encode(), verifier).size >= size


def test_an_auditor_asks_for_an_export_and_the_worker_writes_it(
    house: House, run: Run, tmp_path: Path
) -> None:
    open_case(house.office, house.office.client("caseworker"))
    staff.add_staff(house.web, "auditor", "auditor")
    auditor = house.web.test_client()
    assert staff.sign_in(auditor, "auditor").status_code == 303
    for path in ("/audit", "/audit/unusual", "/audit/checkpoint", "/audit/retention", "/audit/export"):
        assert auditor.get(path).status_code == 200, path
    asked = staff.post(auditor, "/audit/export", {"format": "pack", "reason": "A yearly review"})
    assert staff.post(auditor, "/audit/checkpoint/verify", {}, opened="/audit/checkpoint").status_code == 303
    with house.worker.app_context():
        desk.work_off()
    file = auditor.get(f"{asked.location}/file", buffered=True)
    assert file.status_code == 200
    (tmp_path / "pack.zip").write_bytes(file.data)
    key = Identity(house.roles.settings.home / "log").verifier().vkey
    assert verify_pack(tmp_path / "pack.zip", key).problem is None
    assert "are as they were logged" in auditor.get("/audit/checkpoint").get_data(as_text=True)
    exported = run(
        "audit", "export", "--format", "jsonl", "--out", str(tmp_path / "log.jsonl"), "--reason", "x y z"
    )
    assert (exported.code, exported.err) == (0, "")


def test_the_log_goes_on_under_a_new_origin(house: House, run: Run) -> None:
    done = run("audit", "new-origin", "--reason", "a test of it", "--yes")
    assert done.code == 0, done.err
    assert run("audit", "verify").code == 0


def test_what_follows_from_the_leaves_is_made_anew(house: House, run: Run) -> None:
    assert run("audit", "sequence").code == 0
    with house.roles.cluster.superuser(house.roles.database) as connection:
        for table in ("audit_tile", "audit_state"):
            connection.execute(f"DELETE FROM {table}".encode())
    done = run("audit", "rebuild")
    assert done.code == 0, done.err
    assert run("audit", "verify").code == 0


def test_keys_are_rotated_and_renewed_and_every_record_still_opens(house: House, run: Run) -> None:
    caseworker = house.office.client("caseworker")
    case_id = rights.full_case(house.office, caseworker)
    for command in (
        ("keys", "rotate"),
        ("keys", "renew", "--all"),
        ("keys", "status"),
        ("search", "reindex"),
    ):
        done = run(*command)
        assert (done.code, done.err) == (0, ""), command
    page = caseworker.get(f"/cases/{case_id}").get_data(as_text=True)
    assert CANARY in page
    assert (
        staff.post(
            caseworker, f"/cases/{case_id}/support/education/new", {**SUPPORT["education"], "action": "save"}
        ).status_code
        == 303
    )


def asked_for(house: House) -> tuple[uuid.UUID, uuid.UUID, str]:
    caseworker = house.office.client("caseworker")
    case_id = rights.full_case(house.office, caseworker)
    request_id = rights.record(caseworker, case_id, "destruction")
    rights.approve(house.office.client("supervisor"), case_id, request_id)
    return case_id, request_id, rights.code_of(house.worker, case_id)


def wrapped_keys(house: House) -> list[bytes]:
    with house.worker.app_context():
        found = db.session.scalars(select(SubjectKey.wrapped).where(SubjectKey.wrapped.is_not(None))).all()
        db.session.remove()
    return [bytes(each) for each in found if each]


def heap_of_keys(house: House) -> bytes:
    with house.roles.cluster.superuser(house.roles.database) as connection:
        connection.execute("CHECKPOINT")
        ((path,),) = connection.execute("SELECT pg_relation_filepath('subject_key')").fetchall()
    return Path(house.roles.cluster.data, str(path)).read_bytes()


def test_a_person_is_erased_by_command_and_no_old_version_of_a_key_is_left(house: House, run: Run) -> None:
    _case, _request, code = asked_for(house)
    before = wrapped_keys(house)
    assert all(each in heap_of_keys(house) for each in before)
    done = run("person", "erase", code, "--reason", "Asked for it.", "--yes")
    assert done.code == 0, done.err
    gone = set(before) - set(wrapped_keys(house))
    assert len(gone) >= 4
    assert not [each for each in gone if each in heap_of_keys(house)]


def test_a_person_is_erased_on_the_page_and_the_worker_cleans_up_behind(house: House) -> None:
    case_id, request_id, code = asked_for(house)
    page = f"/cases/{case_id}/requests/{request_id}/erase"
    supervisor = house.office.client("supervisor")
    assert staff.post(supervisor, page, {"code": code, "reason": "Asked for it."}).status_code == 303
    assert house.do_every_job()["traces"]
    with house.roles.cluster.superuser(house.roles.database) as connection:
        tables = ("subject_key", "draft", "search_document", "exact_index", "attachment")
        options = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relname = ANY(%s) "
            "AND reloptions @> ARRAY['autovacuum_vacuum_threshold=0', 'autovacuum_vacuum_scale_factor=0']",
            [list(tables)],
        )
        assert options.fetchall() == [(len(tables),)], "the server itself removes what the worker may not"


def test_old_details_are_dropped_by_four_hands_through_pages_and_command(house: House, run: Run) -> None:
    with house.worker.app_context(), clock.frozen(NOON - timedelta(days=6 * 365)):
        grow(120)
    with house.worker.app_context():
        grow(3)
    clients = {}
    for name, role in (("auditor", "auditor"), ("boss", "admin")):
        staff.add_staff(house.web, name, role)
        clients[name] = house.web.test_client()
        assert staff.sign_in(clients[name], name).status_code == 303
    assert staff.post(clients["auditor"], "/audit/retention", {}).status_code == 303
    page = clients["boss"].get("/audit/retention").get_data(as_text=True)
    (request,) = set(re.findall(r"/audit/retention/([0-9a-f-]{36})/approve", page))
    refused = run("audit", "retention", "--run", request)
    assert refused.code == 1
    approve = f"/audit/retention/{request}/approve"
    assert staff.post(clients["boss"], approve, {}, opened="/audit/retention").status_code == 303
    done = run("audit", "retention", "--run", request, "--json")
    assert (done.code, json.loads(done.out)["dropped"]) == (0, 120)
    assert run("audit", "verify").code == 0


def test_asking_and_approving_by_command_is_done_with_the_web_role(
    house: House, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house.worker.app_context(), clock.frozen(NOON - timedelta(days=6 * 365)):
        grow(120)
    staff.add_staff(house.web, "auditor", "auditor")
    staff.add_staff(house.web, "boss", "admin")
    monkeypatch.setenv("CASEWORK_PASSWORD", staff.PASSWORD)
    asked = run("audit", "retention", "--request", "--by", "auditor", "--json")
    assert asked.code == 0, asked.err
    request = json.loads(asked.out)["request"]
    approved = run("audit", "retention", "--approve", request, "--by", "boss")
    assert approved.code == 0, approved.err
    assert run("audit", "retention", "--run", request).code == 0


def test_staff_and_places_are_managed_by_command(house: House, run: Run, tmp_path: Path) -> None:
    register = tmp_path / "places.csv"
    register.write_text(staff.TREE.replace("Boʻston MFY", "Guliston MFY", 1), encoding="utf-8")
    for command in (
        ("user", "add", "chief", "--role", "admin"), ("user", "add", "boss", "--role", "admin"),
        ("user", "list"), ("user", "reset", "boss"),
        ("user", "disable", "boss"), ("places", "import", str(register)), ("retention", "--dry-run"),
    ):  # fmt: skip
        done = run(*command)
        assert (done.code, done.err) == (0, ""), command


def test_rows_of_another_office_do_not_show_to_the_web_role_and_none_without_an_actor(house: House) -> None:
    open_case(house.office, house.office.client("caseworker"))

    def seen(**told: str) -> int:
        with house.roles.connection(WEB) as connection, connection.transaction():
            for name, value in told.items():
                connection.execute("SELECT set_config(%s, %s, true)", [f"casework.{name}", value])
            ((count,),) = connection.execute('SELECT count(*) FROM "case"').fetchall()
        return count  # type: ignore[return-value]

    people = house.office.people
    assert seen() == 0
    assert seen(role="caseworker", actor=str(people["caseworker"])) == 1
    assert seen(role="caseworker", actor=str(people["other_caseworker"])) == 0
    answer = house.office.client("other_caseworker").get("/cases")
    assert CANARY not in answer.get_data(as_text=True)
