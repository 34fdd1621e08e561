"""Whoever opens a case hears that somebody is possibly known already and whom to ask, and nothing of who it is."""

from __future__ import annotations

import pytest

from tests.integration.cases.conftest import Events
from tests.services import staff
from tests.services.cases import Office, case_form, case_of, open_case

pytestmark = pytest.mark.both_engines

NEW = "/cases/new"
PERSON = {
    "surname": "Rahmonov",
    "given_name": "Shohruh",
    "patronymic": "Oʻktam oʻgʻli",
    "birth_date": "05.03.1985",
}
NOTICE = "This person is possibly known already"


def elsewhere(office: Office) -> str:
    """The person has a case in the other office; its code."""
    client = office.client("other_caseworker")
    case_id = open_case(office, client, place_id=str(office.places["12"]), **PERSON,
                        identifier_type="passport", identifier_value="AA1234567")  # fmt: skip
    page = client.get(f"/cases/{case_id}").get_data(as_text=True)
    return page.split('cw-code">')[1].split("<")[0]


SAME = [
    {},
    {"surname": "Рахмонов", "given_name": "Шохрух", "patronymic": None, "script": "ru"},
    {"given_name": "Shohrux", "patronymic": None},
    {"birth_date": "1985"},
    {"surname": "Boshqa", "given_name": "Ism", "patronymic": None, "birth_date": "01.01.1970",
     "identifier_type": "passport", "identifier_value": "aa 123-45-67"},
]  # fmt: skip


@pytest.mark.parametrize("changed", SAME)
def test_a_person_known_to_another_office_is_noticed_without_identity(
    office: Office, events: Events, changed: dict[str, str]
) -> None:
    code = elsewhere(office)
    client = office.client("caseworker")
    before = len(events())
    typed = case_form(office, **PERSON | {"not_duplicate": None} | changed)
    answer = staff.post(client, NEW, typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422, page
    assert NOTICE in page
    assert "Ask the supervisor Test other_supervisor" in page
    assert code not in page
    assert "Test other_caseworker" not in page
    assert 'name="not_duplicate"' in page
    assert typed["surname"] in page, "nothing typed is lost"
    opened, tried = events()[before:]
    assert opened["code"] == "case.form_opened"
    assert (tried["code"], tried["outcome"], tried["outcome_reason"]) == (
        "case.opened",
        "error",
        "possible_duplicate",
    )
    assert (tried["result_count"], len(tried["subject_ids"]), tried["fields_accessed"]) == (1, 1, [])
    assert client.get("/cases").get_data(as_text=True).count("cw-table__value") == 0

    ticked = client.post(NEW, data={**staff.hidden(answer), **typed, "not_duplicate": "yes"})
    assert ticked.status_code == 303
    last = events()[-1]
    assert (last["code"], last["outcome"]) == ("case.opened", "success")


def test_an_own_case_of_the_same_person_is_named_by_its_code(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client, **PERSON)
    page = staff.post(client, NEW, case_form(office, **PERSON, not_duplicate=None)).get_data(as_text=True)
    assert "You have a case like this:" in page
    assert f"/cases/{case_id}" in page


OTHERS = [
    {"given_name": "Jasur"},
    {"birth_date": "05.03.1960"},
    {"surname": "Karimov", "given_name": "Botir", "patronymic": None},
]


@pytest.mark.parametrize("changed", OTHERS)
def test_a_brother_a_namesake_born_years_apart_and_a_stranger_open_at_once(
    office: Office, changed: dict[str, str]
) -> None:
    elsewhere(office)
    client = office.client("caseworker")
    page = client.get(NEW).get_data(as_text=True)
    assert 'name="not_duplicate"' not in page, "nobody is asked before somebody like this was found"
    answer = staff.post(client, NEW, case_form(office, **PERSON | {"not_duplicate": None} | changed))
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert case_of(answer)


def test_an_office_without_a_supervisor_is_named_itself(office: Office) -> None:
    elsewhere(office)
    from casework.accounts.models import Staff
    from casework.core.database import db
    from casework.core.unit_of_work import unit_of_work

    with office.app.app_context():
        with unit_of_work():
            table = Staff.__table__
            who = table.c.id == office.people["other_supervisor"]
            db.session.execute(table.update().where(who).values(active=False))
        db.session.remove()
    client = office.client("caseworker")
    page = staff.post(client, NEW, case_form(office, **PERSON, not_duplicate=None)).get_data(as_text=True)
    assert "Ask the office: Andijan district" in page
    assert "Test other_supervisor" not in page


def test_the_system_view_of_the_check_does_not_outlast_it(office: Office) -> None:
    elsewhere(office)
    client = office.client("caseworker")
    staff.post(client, NEW, case_form(office, **PERSON, not_duplicate=None))
    page = staff.post(client, "/search", {"query": "Rahmonov Shohruh"}).get_data(as_text=True)
    assert "Found: 0" in page
