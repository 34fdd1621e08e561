"""Details past their retention go, by two hands only; the tree goes on proving, and verification says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy.exc import DatabaseError

from casework.access.actor import SYSTEM, Actor
from casework.access.roles import Role
from casework.audit import retention
from casework.audit.boundary import acting
from casework.audit.export import Wanted, export
from casework.audit.identity import identity_here
from casework.audit.models import AuditRetentionRequest
from casework.audit.reading import snapshot
from casework.audit.reasons import reason
from casework.audit.retention_record import approved_up_to
from casework.audit.verify import verify_pack
from casework.commands.audit import audit
from casework.core import clock
from casework.core.database import db
from casework.core.errors import Conflict, Denied, InvalidInput
from casework.core.ids import new_id
from casework.core.unit_of_work import unit_of_work
from tests.services import staff
from tests.services.audit_log import attacker_of, grow, kind_of, verified

pytestmark = pytest.mark.both_engines

AUDITOR = Actor(new_id(), Role.AUDITOR)
ADMIN = Actor(new_id(), Role.ADMIN)
OLD = 300


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    """A log with 300 events from six years ago, and 20 of today."""
    with app.app_context():
        with clock.frozen(clock.now() - timedelta(days=6 * 365)):
            grow(OLD)
        grow(20)
        yield


def asked(actor: Actor = AUDITOR) -> AuditRetentionRequest:
    with acting(actor, "test"):
        return retention.request_retention(actor)


def approve(actor: Actor, request: AuditRetentionRequest) -> None:
    with acting(actor, "test"):
        retention.approve_retention(actor, request.id)


def statement(text: str) -> None:
    with unit_of_work():
        db.session.connection().exec_driver_sql(text)


def test_only_what_is_past_five_years_is_due() -> None:
    with unit_of_work(write=False):
        due = retention.due()
    assert due is not None
    assert (due.up_to, due.count) == (OLD, OLD)


def test_one_asks_another_approves_and_the_tree_goes_on_proving(app: Flask, tmp_path: Path) -> None:
    request = asked()
    approve(ADMIN, request)
    assert retention.run_retention(request.id, source="test") == OLD
    assert retention.run_retention(request.id, source="test") == 0
    report = verified()
    assert report.problem is None
    assert f"{OLD} bodies were dropped by retention; their hashes still prove." in report.notes
    attacker = attacker_of(app)
    assert attacker.asks("SELECT count(*) FROM audit_event WHERE length(body) = 0 AND agent_id IS NULL") == [
        (OLD,)
    ]
    ((people,),) = attacker.asks("SELECT count(*) FROM audit_event_subject")
    assert people == 20
    wanted = Wanted("pack", reason("a test"))
    export(SYSTEM, wanted, tmp_path / "pack", identity_here(), source="test")
    report = verify_pack(tmp_path / "pack", identity_here().verifier().vkey)
    assert report.problem is None
    assert any(f"{OLD} bodies were dropped" in note for note in report.notes)


def test_nobody_approves_what_they_asked_themselves() -> None:
    request = asked()
    with pytest.raises(InvalidInput):
        approve(AUDITOR, request)
    with pytest.raises(Conflict):
        retention.run_retention(request.id, source="test")
    approve(ADMIN, request)
    with pytest.raises(Conflict):
        approve(ADMIN, request)


def test_a_caseworker_may_neither_ask_nor_approve() -> None:
    somebody = Actor(new_id(), Role.CASEWORKER)
    with pytest.raises(Denied):
        asked(somebody)
    request = asked()
    with pytest.raises(Denied):
        approve(somebody, request)


def test_when_nothing_is_due_nothing_can_be_asked() -> None:
    request = asked()
    approve(ADMIN, request)
    retention.run_retention(request.id, source="test")
    with pytest.raises(InvalidInput):
        asked()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_event SET body = {empty}, agent_id = NULL, agent_role = NULL, entity_type = NULL, entity_id = NULL",
        "UPDATE audit_event SET code = 'x'",
        "DELETE FROM audit_event",
        "DELETE FROM audit_event_subject",
        "DELETE FROM audit_leaf",
        "UPDATE audit_checkpoint SET note = ''",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_retention_request SET up_to = 1000",
        "DELETE FROM audit_retention_request",
    ],
)
def test_the_triggers_refuse_everything_that_nobody_approved(app: Flask, change: str) -> None:
    asked()
    empty = "''" if attacker_of(app).on_postgresql else "x''"
    with pytest.raises(DatabaseError, match="insert-only"):
        statement(change.format(empty=empty))
    assert verified().problem is None


@pytest.mark.parametrize(
    "change",
    [
        "body = {empty}",
        "body = {empty}, agent_id = NULL, agent_role = NULL, entity_type = NULL, entity_id = NULL, code = 'x'",
        "body = {other}, agent_id = NULL, agent_role = NULL, entity_type = NULL, entity_id = NULL",
    ],
)
def test_an_approval_lets_details_be_emptied_and_nothing_else(app: Flask, change: str) -> None:
    approve(ADMIN, asked())
    on_postgresql = attacker_of(app).on_postgresql
    values = {"empty": "''" if on_postgresql else "x''", "other": "'x'" if on_postgresql else "x'78'"}
    with pytest.raises(DatabaseError, match="insert-only"):
        statement(f"UPDATE audit_event SET {change.format(**values)}")


def test_an_approval_reaches_no_event_beyond_it(app: Flask) -> None:
    approve(ADMIN, asked())
    empty = "''" if attacker_of(app).on_postgresql else "x''"
    everything = f"body = {empty}, agent_id = NULL, agent_role = NULL, entity_type = NULL, entity_id = NULL"
    with pytest.raises(DatabaseError, match="insert-only"):
        statement(f"UPDATE audit_event SET {everything}")


def test_a_body_emptied_without_approval_is_named(app: Flask) -> None:
    empty = "''" if attacker_of(app).on_postgresql else "x''"
    attacker_of(app).does(
        f"UPDATE audit_event SET body = {empty} WHERE event_uid = (SELECT event_uid FROM audit_leaf WHERE idx = 7)"
    )
    report = verified()
    assert kind_of(report) == "dropped"
    assert report.problem is not None
    assert report.problem.index == 7


# What somebody with all rights on the database writes into the tables of requests and approvals


def believed() -> int:
    with snapshot() as reader:
        return approved_up_to(reader)


def sequenced() -> None:
    grow(1)


def test_what_was_asked_and_approved_stands_in_the_log() -> None:
    request = asked()
    sequenced()
    assert believed() == 0
    approve(ADMIN, request)
    assert believed() == 0  # until the event has its index
    sequenced()
    assert believed() == OLD


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE audit_retention_request SET up_to = 320",
        "UPDATE audit_retention_request SET cutoff = '2099-01-01 00:00:00.000000'",
        "UPDATE audit_retention_request SET cutoff = '0001-01-01 00:00:00.000000'",
        "UPDATE audit_retention_request SET requested_by = (SELECT approved_by FROM audit_retention_approval)",
        "UPDATE audit_retention_approval SET approved_by = request_id",
        "UPDATE audit_event SET body = body || body WHERE code = 'log.retention_approved'",
        "DELETE FROM audit_event WHERE code = 'log.retention_requested'",
    ],
)
def test_a_forged_row_is_not_believed(app: Flask, forgery: str) -> None:
    approve(ADMIN, asked())
    sequenced()
    assert believed() == OLD
    attacker_of(app).does(forgery)
    assert believed() == 0


def test_rows_without_any_event_are_not_believed(app: Flask) -> None:
    sequenced()
    attacker_of(app).forges_retention(320)
    assert believed() == 0


def test_one_who_approves_their_own_request_is_not_believed(app: Flask) -> None:
    request = asked()
    approve(ADMIN, request)
    sequenced()
    attacker_of(app).does(
        "UPDATE audit_retention_approval SET approved_by = (SELECT requested_by FROM audit_retention_request)"
    )
    assert believed() == 0


def test_a_request_that_was_refused_is_not_believed(app: Flask) -> None:
    request = asked()
    with pytest.raises(InvalidInput):
        approve(AUDITOR, request)
    sequenced()
    attacker_of(app).does(
        "INSERT INTO audit_retention_approval (request_id, approved_by, approved_at) "
        "SELECT id, requested_by, requested_at FROM audit_retention_request"
    )
    assert believed() == 0


def test_the_word_of_those_who_asked_and_agreed_outlives_the_next_run(app: Flask) -> None:
    request = asked()
    approve(ADMIN, request)
    assert retention.run_retention(request.id, source="test") == OLD
    sequenced()
    with clock.frozen(clock.now() + timedelta(days=6 * 365)):
        second = asked()
        approve(ADMIN, second)
        assert retention.run_retention(second.id, source="test") > 20
        sequenced()
    kept = attacker_of(app).asks(
        "SELECT count(*) FROM audit_event WHERE code LIKE 'log.retention%' AND length(body) > 0 AND agent_id IS NOT NULL"
    )
    assert kept == [(4,)]
    assert verified().problem is None


def test_a_wrong_password_on_the_command_line_is_an_event_and_slows_down(app: Flask) -> None:
    staff.add_staff(app, "auditor", "auditor")

    def ask(password: str) -> tuple[int, str]:
        result = CliRunner().invoke(
            audit, ["retention", "--request", "--by", "auditor"], input=f"{password}\n"
        )
        return result.exit_code, result.output

    for _ in range(5):
        code, said = ask("not the password")
        assert code == 1
        assert "not right" in said
    code, said = ask(staff.PASSWORD)
    assert code == 1
    assert "Asked" not in said
    found = attacker_of(app).asks("SELECT count(*) FROM audit_event WHERE code = 'auth.sign_in_failed'")
    assert found == [(5,)]
    with clock.frozen(clock.now() + timedelta(minutes=20)):
        code, said = ask(staff.PASSWORD)
    assert (code, said.partition(":")[0]) == (0, "Asked")
