"""A caseworker's day, through the pages."""

from __future__ import annotations

import pytest

from tests.integration.cases.conftest import Events
from tests.services import staff
from tests.services.cases import CANARY, SUPPORT, Office, a_child, case_form, open_case

pytestmark = pytest.mark.both_engines


def test_a_case_opens_and_shows_who_it_is_about(office: Office, events: Events) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    page = client.get(f"/cases/{case_id}").get_data(as_text=True)
    assert f"{CANARY} Sinov Namuna qizi" in page
    assert "18 years and over" in page
    assert "Boʻston MFY" in page
    assert "Case management" in page
    assert "until 01.11.2027" in page
    assert "Needs assessment" in page, "consent is the gate of intake"
    codes = [event["code"] for event in events()]
    assert codes[-2:] == ["case.opened", "case.viewed"]
    viewed = events()[-1]
    assert viewed["subject_ids"]
    assert "person_name.surname" in viewed["fields_accessed"]
    assert viewed["compartments"] == ["CORE", "EDU", "EMP", "PSY"]


@pytest.mark.parametrize("kind", ["psychosocial", "education", "employment"])
def test_support_is_recorded_and_stands_on_the_timeline(office: Office, kind: str) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    path = f"/cases/{case_id}/support/{kind}/new"
    answer = staff.post(client, path, SUPPORT[kind] | {"action": "save"})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    page = client.get(f"/cases/{case_id}").get_data(as_text=True)
    first = page.split("cw-timeline__title")[1]
    titles = {"psychosocial": "Psychosocial", "education": "Education", "employment": "Employment"}
    assert titles[kind] in first or titles[kind] in page


def test_a_next_step_with_a_day_becomes_a_follow_up(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    staff.post(client, f"/cases/{case_id}/support/psychosocial/new", SUPPORT["psychosocial"])
    assert "Keyingi suhbat" in client.get(f"/cases/{case_id}").get_data(as_text=True)
    work = client.get("/").get_data(as_text=True)
    assert "01.12.2026" in work
    assert CANARY not in work
    assert "01.12.2026" in client.get("/cases").get_data(as_text=True)


def test_the_list_shows_codes_and_never_a_name(office: Office, events: Events) -> None:
    client = office.client("caseworker")
    open_case(office, client)
    open_case(office, client, **a_child())
    page = client.get("/cases").get_data(as_text=True)
    assert CANARY not in page
    listed = events()[-1]
    assert (listed["code"], listed["result_count"], len(listed["subject_ids"])) == ("case.listed", 2, 2)
    assert listed["fields_accessed"] == []


def test_a_child_shows_its_age_band_and_assent(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client, **a_child())
    assert "6 to 11 years" in client.get(f"/cases/{case_id}").get_data(as_text=True)
    assert "Given" in client.get(f"/cases/{case_id}/consents").get_data(as_text=True)


def test_without_consent_a_lawful_basis_opens_the_way(office: Office) -> None:
    client = office.client("caseworker")
    basis = {"consent_status": "refused", "legal_basis": "vital_interest", "legal_basis_reason": "Sabab"}
    gone = dict.fromkeys(("consent_given_on", "consent_form", "consent_given_by", "consent_language"))
    case_id = open_case(office, client, **basis, **gone)
    page = client.get(f"/cases/{case_id}").get_data(as_text=True)
    assert "No consent is in force." in page
    assert "Vital interest of the person" in page


def test_a_wrong_check_digit_warns_and_never_blocks(office: Office) -> None:
    client = office.client("caseworker")
    typed = case_form(office, identifier_type="national_id", identifier_value="30101900000005")
    answer = staff.post(client, "/cases/new", typed)
    assert answer.status_code == 303
    page = client.get(answer.location).get_data(as_text=True)
    assert page.count("The check digit does not match.") == 2, "once after saving, once beside the number"
