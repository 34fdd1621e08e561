"""Retention: what is past it is listed, a supervisor approves, a command destroys it; nothing runs by itself."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import update

from casework.access.actor import SYSTEM, acting_as
from casework.access.row_security import bind_actor
from casework.cases.models import Case
from casework.core import clock
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work
from tests.integration.cases.conftest import Events
from tests.services import rights, staff
from tests.services.cases import Office, a_child, open_case

both_engines = pytest.mark.both_engines
_case: Any = Case.__table__


def run(app: Flask, *arguments: str) -> Any:
    from casework.cli import cli

    with app.app_context():
        return CliRunner().invoke(cli, list(arguments))


def closed(app: Flask, case_id: uuid.UUID, status: str = "closed") -> None:
    """As a later part of the product will leave it."""
    with app.app_context(), acting_as(SYSTEM), unit_of_work():
        bind_actor(SYSTEM)
        db.session.execute(update(_case).where(_case.c.id == case_id).values(status=status))
    with app.app_context():
        db.session.remove()


def due(app: Flask) -> list[dict[str, Any]]:
    said = run(app, "retention", "--dry-run", "--json")
    assert said.exit_code == 0, said.output
    found: list[dict[str, Any]] = json.loads(said.output)["due"]
    return found


@both_engines
def test_an_approved_record_is_destroyed_and_another_one_stays(
    app: Flask, office: Office, events: Events
) -> None:
    worker = office.client("caseworker")
    old, kept, at_work = (
        open_case(office, worker, surname=name) for name in ("Birinchi", "Ikkinchi", "Uchinchi")
    )
    for case_id in (old, kept):
        closed(app, case_id)
    assert due(app) == []
    with clock.frozen(datetime(2029, 11, 23, 7, tzinfo=UTC)):
        codes = {each["code"]: each for each in due(app)}
        assert set(codes) == {rights.code_of(app, old), rights.code_of(app, kept)}
        assert {each["class"] for each in codes.values()} == {"closed_adult"}
        assert {each["due_on"] for each in codes.values()} == {"2029-11-22"}
        unapproved = run(app, "retention", "--yes", "--json")
        assert json.loads(unapproved.output) == {"destroyed": [], "waiting_for_approval": 2}
        supervisor = office.client("supervisor")
        approved = staff.post(supervisor, "/retention", {"cases": [str(old)]})
        assert approved.status_code == 303, approved.get_data(as_text=True)
        assert staff.post(supervisor, "/retention", {"cases": [str(at_work)]}).status_code == 422
        done = run(app, "retention", "--yes", "--json")
        assert done.exit_code == 0, done.output
        code = rights.code_of(app, old)
        assert json.loads(done.output) == {"destroyed": [code], "waiting_for_approval": 1}
        assert "destroyed on 23.11.2029" in supervisor.get(f"/cases/{old}").get_data(as_text=True)
        assert "Ikkinchi" in supervisor.get(f"/cases/{kept}").get_data(as_text=True)
        certificate = supervisor.get(f"/cases/{old}/certificate").get_data(as_text=True)
        assert "The time for which it may be kept is over" in certificate
        assert [each["code"] for each in due(app)] == [rights.code_of(app, kept)]
    codes_seen = [each["code"] for each in events()]
    assert codes_seen.count("person.erased") == 1
    assert "retention.approved" in codes_seen


def test_a_child_s_record_lasts_until_three_years_after_eighteen(app: Flask, office: Office) -> None:
    case_id = open_case(office, office.client("caseworker"), **a_child())  # born in 2017, no day known
    closed(app, case_id)
    with clock.frozen(datetime(2038, 12, 30, 7, tzinfo=UTC)):
        assert due(app) == []
    with clock.frozen(datetime(2039, 1, 1, 7, tzinfo=UTC)):
        assert [each["due_on"] for each in due(app)] == ["2038-12-31"]


def test_what_never_became_a_case_goes_after_six_months(app: Flask, office: Office) -> None:
    case_id = open_case(office, office.client("caseworker"))
    closed(app, case_id, "not_opened")
    with clock.frozen(datetime(2027, 5, 23, 7, tzinfo=UTC)):
        assert [each["class"] for each in due(app)] == ["not_opened"]


def test_the_list_is_for_the_supervisor_of_the_office(app: Flask, office: Office) -> None:
    case_id = open_case(office, office.client("caseworker"))
    closed(app, case_id)
    with clock.frozen(datetime(2029, 11, 23, 7, tzinfo=UTC)):
        code = rights.code_of(app, case_id)
        assert code in office.client("supervisor").get("/retention").get_data(as_text=True)
        assert code not in office.client("other_supervisor").get("/retention").get_data(as_text=True)
        assert office.client("caseworker").get("/retention").status_code == 403
