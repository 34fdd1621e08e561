"""Need to know: who sees which case, which compartment, and what stands in the database."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from casework.access.actor import SYSTEM, Actor, acting_as
from casework.audit.boundary import acting
from casework.cases import jobs, queries
from casework.cases.models import Consent
from casework.cases.use_cases import caseload
from casework.core import clock
from casework.core.database import db
from casework.core.errors import NotFound
from tests.integration.cases.conftest import Events
from tests.services import staff
from tests.services.cases import CANARY, OFFICE, SUPPORT, Office, open_case

both_engines = pytest.mark.both_engines

CASE_PAGES = (
    "",
    "/consents",
    "/person",
    "/person/history",
    "/support/psychosocial/new",
    "/needs-level",
    "/reassign",
)


@both_engines
@pytest.mark.parametrize("name", ["caseworker2", "other_caseworker", "other_supervisor", "psychologist"])
def test_a_case_of_others_answers_404_or_403_on_every_page(office: Office, name: str) -> None:
    case_id = open_case(office, office.client("caseworker"))
    client = office.client(name)
    for page in CASE_PAGES:
        assert client.get(f"/cases/{case_id}{page}").status_code in (403, 404)
    assert client.get(f"/cases/{case_id}").status_code == 404
    assert "cw-code" not in client.get("/cases").get_data(as_text=True)


@both_engines
@pytest.mark.parametrize(
    "role", ["auditor", "admin", "domain_officer", "council_member", "council_secretariat"]
)
def test_roles_without_cases_get_403_and_an_empty_work_page(
    office: Office, role: str, events: Events
) -> None:
    case_id = open_case(office, office.client("caseworker"))
    more = {"domain": "civil_society", "place": office.places[OFFICE]} if role == "domain_officer" else {}
    staff.add_staff(office.app, "somebody", role, **more)
    client = office.client("somebody")
    for path in ("/cases", "/cases/new", f"/cases/{case_id}", f"/cases/{case_id}/support/education/new"):
        assert client.get(path).status_code == 403
        assert events()[-1]["outcome"] == "denied"
    work = client.get("/")
    assert work.status_code == 200
    assert "Overdue" not in work.get_data(as_text=True)


@both_engines
def test_the_supervisor_reads_and_reassigns_within_the_office(office: Office) -> None:
    case_id = open_case(office, office.client("caseworker"))
    supervisor = office.client("supervisor")
    page = supervisor.get(f"/cases/{case_id}").get_data(as_text=True)
    assert CANARY in page
    assert "Record support" not in page
    assert supervisor.get(f"/cases/{case_id}/support/education/new").status_code == 403
    path = f"/cases/{case_id}/reassign"
    foreign = {"staff_id": str(office.people["other_caseworker"]), "reason": "x"}
    assert staff.post(supervisor, path, foreign).status_code == 422
    given = {"staff_id": str(office.people["caseworker2"]), "reason": "Taʼtil"}
    assert staff.post(supervisor, path, given).status_code == 303
    assert office.client("caseworker").get(f"/cases/{case_id}").status_code == 404
    assert office.client("caseworker2").get(f"/cases/{case_id}").status_code == 200


def give_to(office: Office, case_id: uuid.UUID, name: str) -> None:
    given = {"staff_id": str(office.people[name]), "reason": "Yordam"}
    assert staff.post(office.client("supervisor"), f"/cases/{case_id}/reassign", given).status_code == 303


@both_engines
def test_a_clinical_note_opens_for_the_clinical_pair_only(office: Office, events: Events) -> None:
    caseworker = office.client("caseworker")
    case_id = open_case(office, caseworker)
    staff.post(caseworker, f"/cases/{case_id}/support/education/new", SUPPORT["education"])
    give_to(office, case_id, "psychologist")
    psychologist = office.client("psychologist")
    page = psychologist.get(f"/cases/{case_id}").get_data(as_text=True)
    assert CANARY in page
    assert "18 years and over" not in page
    assert "Altinkul" not in page
    assert "Enrolled" not in page, "education is not for the psychologist"
    assert psychologist.get(f"/cases/{case_id}/support/education/new").status_code == 403
    note = {"clinical_note": "Muhrlangan matn", "crisis_plan": "in_place", "crisis_plan_text": "Reja matni"}
    path = f"/cases/{case_id}/support/psychosocial/new"
    assert staff.post(psychologist, path, SUPPORT["psychosocial"] | note).status_code == 303
    page = psychologist.get(f"/cases/{case_id}").get_data(as_text=True)
    start = page.index(f"/cases/{case_id}/support/psychosocial/", page.index("cw-timeline"))
    record = page[start : page.index('"', start)]
    assert "Muhrlangan matn" in psychologist.get(record).get_data(as_text=True)
    opened = events()[-1]
    assert "note.clinical_note" in opened["fields_accessed"]
    assert "NOTE" in opened["compartments"]
    for name in ("caseworker", "supervisor"):
        seen = office.client(name).get(record).get_data(as_text=True)
        assert "Muhrlangan" not in seen
        assert "Reja matni" not in seen
        assert "•••" in seen
        history = office.client(name).get(f"{record}/history").get_data(as_text=True)
        assert "Muhrlangan" not in history
    corrected = SUPPORT["psychosocial"] | {"note": "Yangi", "reason": "Tuzatish"}
    assert staff.post(caseworker, f"{record}/correct", corrected).status_code == 303
    assert "Muhrlangan matn" in psychologist.get(record).get_data(as_text=True), (
        "the note outlives a correction"
    )
    give_to(office, case_id, "psychologist2")
    assert psychologist.get(record).status_code == 404
    assert "Muhrlangan matn" in office.client("psychologist2").get(record).get_data(as_text=True)


@both_engines
def test_no_name_stands_in_the_database_or_the_log(office: Office, events: Events) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    staff.post(client, f"/cases/{case_id}/support/employment/new", SUPPORT["employment"])
    staff.post(client, "/cases/new", {"surname": CANARY, "action": "draft"})
    seen: set[str] = set()
    with office.app.app_context(), acting_as(SYSTEM):
        for table in db.metadata.sorted_tables:
            for row in db.session.execute(text(f'SELECT * FROM "{table.name}"')):
                kept = b" ".join(v if isinstance(v, bytes) else str(v).encode() for v in row)
                assert CANARY.encode() not in kept, table.name
                assert b"Tikuvchilik" not in kept, table.name
                seen.add(table.name)
        db.session.remove()
    assert {"person", "person_name", "person_version", "support_version", "draft", "consent"} <= seen
    assert CANARY not in str(events())


@both_engines
def test_queries_show_only_visible_rows(office: Office) -> None:
    case_id = open_case(office, office.client("caseworker"))

    def sees(actor: Actor) -> bool:
        with office.app.app_context(), acting(actor, "test"):
            caseload.my_work(actor)
            try:
                queries.case_for(actor, case_id)
            except NotFound:
                return False
            return True

    seen = {
        name: sees(office.actor(name))
        for name in ("caseworker", "supervisor", "caseworker2", "other_supervisor")
    }
    assert seen == {"caseworker": True, "supervisor": True, "caseworker2": False, "other_supervisor": False}


@both_engines
def test_a_display_code_leads_to_a_person_and_back(office: Office) -> None:
    case_id = open_case(office, office.client("caseworker"))
    with office.app.app_context(), acting(office.actor("caseworker"), "test"):
        caseload.my_work(office.actor("caseworker"))
        case = queries.case_for(office.actor("caseworker"), case_id)
        assert queries.display_codes([case.person_id]) == {case.person_id: case.display_code}
        assert queries.person_with_code(case.display_code.lower()) == case.person_id
        assert queries.person_with_code("nobody") is None


@both_engines
def test_the_worker_ends_consents_whose_day_has_passed(office: Office, events: Events) -> None:
    open_case(office, office.client("caseworker"), consent_given_on="22.11.2025")

    def after_the_job() -> list[tuple[str, date]]:
        with office.app.app_context():
            jobs.end_consents()
            with acting_as(SYSTEM):
                found = db.session.execute(db.select(Consent.status, Consent.expires_on)).all()
            db.session.remove()
        return [(row[0], row[1]) for row in found]

    assert after_the_job() == [("active", date(2026, 11, 22))], "its last day is today"
    with clock.frozen(clock.now() + timedelta(days=1)):
        assert after_the_job() == [("expired", date(2026, 11, 22))]
    assert events()[-1]["code"] == "consent.expired"


TABLES = ("person", "person_name", "person_version", "consent", "case", "case_assignment", "support_record")
MORE_TABLES = ("support_version", "follow_up", "timeline_entry")


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_postgresql_shows_no_row_to_anybody_else_even_in_raw_sql(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    staff.post(client, f"/cases/{case_id}/support/psychosocial/new", SUPPORT["psychosocial"])

    def rows_shown(name: str) -> set[str]:
        with office.app.app_context(), acting_as(office.actor(name)):
            shown = {
                table
                for table in (*TABLES, *MORE_TABLES)
                if db.session.scalar(text(f'SELECT count(*) FROM "{table}"'))
            }
            db.session.remove()
        return shown

    assert rows_shown("caseworker") == set(TABLES) | set(MORE_TABLES)
    assert rows_shown("supervisor") == set(TABLES) | set(MORE_TABLES)
    for name in ("caseworker2", "other_caseworker", "other_supervisor", "psychologist"):
        assert rows_shown(name) == set()
