"""A mistake is corrected by a new version; what was said before stays readable, and nothing is deleted."""

from __future__ import annotations

import uuid

import pytest
from flask.testing import FlaskClient

from tests.integration.cases.conftest import Events
from tests.services import staff
from tests.services.cases import SUPPORT, Office, case_form, open_case

pytestmark = pytest.mark.both_engines


def record(office: Office, client: FlaskClient, case_id: uuid.UUID, kind: str = "education") -> str:
    """The address of a record just made."""
    staff.post(client, f"/cases/{case_id}/support/{kind}/new", SUPPORT[kind])
    page = client.get(f"/cases/{case_id}").get_data(as_text=True)
    start = page.index(f"/cases/{case_id}/support/{kind}/", page.index("cw-timeline"))
    return page[start : page.index('"', start)]


def test_a_correction_needs_a_reason_and_keeps_the_earlier_version(office: Office, events: Events) -> None:
    client = office.client("caseworker")
    path = record(office, client, open_case(office, client))
    changed = SUPPORT["education"] | {"enrolment_status": "attending"}
    assert staff.post(client, f"{path}/correct", changed).status_code == 422
    answer = staff.post(client, f"{path}/correct", changed | {"reason": "Adashib yozilgan"})
    assert answer.status_code == 303
    assert events()[-1]["code"] == "support.corrected"
    assert "Attending" in client.get(path).get_data(as_text=True)
    history = client.get(f"{path}/history").get_data(as_text=True)
    assert history.index("Version 2") < history.index("Version 1")
    assert "Adashib yozilgan" in history
    assert "Enrolled" in history.split("Version 1")[1]
    assert "Differs from before" in history.split("Version 1")[0]


def test_a_stale_correction_shows_both_texts_and_overwrites_nothing(office: Office) -> None:
    client = office.client("caseworker")
    path = record(office, client, open_case(office, client))
    carried = staff.hidden(client.get(f"{path}/correct"))
    staff.post(client, f"{path}/correct", SUPPORT["education"] | {"note": "Birinchi", "reason": "a"})
    answer = client.post(
        f"{path}/correct", data=SUPPORT["education"] | {"note": "Ikkinchi", "reason": "b"} | carried
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Birinchi" in page
    assert "Ikkinchi" in page
    assert "Version 3" not in client.get(f"{path}/history").get_data(as_text=True)
    fresh = staff.hidden(answer)
    again = client.post(
        f"{path}/correct", data=SUPPORT["education"] | {"note": "Ikkinchi", "reason": "b"} | fresh
    )
    assert again.status_code == 303
    assert "Version 3" in client.get(f"{path}/history").get_data(as_text=True)


def test_a_correction_that_changes_nothing_is_refused(office: Office) -> None:
    client = office.client("caseworker")
    path = record(office, client, open_case(office, client))
    answer = staff.post(client, f"{path}/correct", SUPPORT["education"] | {"reason": "a"})
    assert answer.status_code == 422
    assert "Nothing was changed." in answer.get_data(as_text=True)


def test_entered_in_error_stays_readable_and_no_longer_counts(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    path = record(office, client, case_id, "psychosocial")
    assert "Psychosocial support: 1" in client.get(f"/cases/{case_id}").get_data(as_text=True)
    answer = staff.post(client, f"{path}/entered-in-error", {"error_reason": "Boshqa oila"})
    assert answer.status_code == 303
    page = client.get(f"/cases/{case_id}").get_data(as_text=True)
    assert "Psychosocial support: 1" not in page
    assert "Entered in error" in page
    assert "There is no next step with a day." in page, "its follow-up went with it"
    shown = client.get(path).get_data(as_text=True)
    assert "Boshqa oila" in shown
    assert "Uxlash yaxshilandi." in shown
    assert client.get(f"{path}/correct").status_code == 409


def test_moving_the_next_step_moves_its_follow_up(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    path = record(office, client, case_id, "psychosocial")
    moved = SUPPORT["psychosocial"] | {"next_step_on": "05.12.2026", "reason": "Koʻchirildi"}
    assert staff.post(client, f"{path}/correct", moved).status_code == 303
    work = client.get("/").get_data(as_text=True)
    assert "05.12.2026" in work
    assert "01.12.2026" not in work


def test_details_are_corrected_with_a_reason_and_earlier_ones_stay(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    details = case_form(office)
    for name in [
        each
        for each in details
        if each.startswith("consent") or each in ("case_type", "needs_level", "not_duplicate")
    ]:
        del details[name]
    changed = details | {"surname": "Yangiyeva", "safe_hours": "10:00", "reason": "Nikoh"}
    carried = staff.hidden(client.get(f"/cases/{case_id}/person"))
    assert client.post(f"/cases/{case_id}/person", data=changed | carried).status_code == 303
    assert "Yangiyeva Sinov" in client.get(f"/cases/{case_id}").get_data(as_text=True)
    history = client.get(f"/cases/{case_id}/person/history").get_data(as_text=True)
    assert "Kanareyqush" in history
    assert "Nikoh" in history
    stale = client.post(
        f"/cases/{case_id}/person",
        data=changed | {"given_name": "Boshqa"} | carried | {"form_key": str(uuid.uuid4())},
    )
    assert stale.status_code == 409
    assert "Yangiyeva" in stale.get_data(as_text=True)
    elsewhere = changed | {"place_id": str(office.places["12"])}
    assert staff.post(client, f"/cases/{case_id}/person", elsewhere).status_code == 422


def test_consent_is_recorded_replaced_and_withdrawn(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    path = f"/cases/{case_id}/consents"
    given = {
        "purpose": "share_education",
        "consent_status": "active",
        "given_on": "20.11.2026",
        "form": "e_signature",
        "given_by": "self",
        "language": "uz",
    }
    assert staff.post(client, path, given).status_code == 303
    assert staff.post(client, path, given | {"given_on": "21.11.2026"}).status_code == 303
    page = client.get(path).get_data(as_text=True)
    assert "Replaced by a newer one" in page
    withdraw = page[page.index(f"/cases/{case_id}/consents/") :].split('"')[0]
    assert staff.post(client, withdraw, {"withdrawn_why": "Fikri oʻzgardi"}).status_code == 303
    page = client.get(path).get_data(as_text=True)
    assert "withdrawn on 22.11.2026" in page
    assert client.get(withdraw).status_code == 409


def test_a_follow_up_is_done_or_no_longer_needed(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    record(office, client, case_id, "psychosocial")
    page = client.get(f"/cases/{case_id}").get_data(as_text=True)
    start = page.index(f"/cases/{case_id}/follow-ups/")
    path = page[start : page.index('"', start)].rsplit("/", 1)[0]
    assert staff.post(client, f"{path}/not-needed", {"closed_reason": ""}).status_code == 422
    token = staff.hidden(client.get(f"{path}/not-needed"))
    assert client.post(f"{path}/done", data=token).status_code == 303
    again = client.post(f"{path}/done", data={"csrf_token": token["csrf_token"]})
    assert again.status_code == 409
    page = client.get(f"/cases/{case_id}").get_data(as_text=True)
    assert "Follow-up done" in page
    assert "01.12.2026" not in client.get("/cases").get_data(as_text=True)


def test_a_draft_is_kept_as_typed_resumed_and_discarded(office: Office) -> None:
    client = office.client("caseworker")
    typed = {"surname": "Yarim🙂", "birth_date": "31.02", "action": "draft"}
    assert staff.post(client, "/cases/new", typed).status_code == 303
    work = client.get("/").get_data(as_text=True)
    assert "Yarim" not in work
    start = work.index("/cases/new?draft=")
    path = work[start : work.index('"', start)]
    page = client.get(path).get_data(as_text=True)
    assert "Yarim🙂" in page
    assert "31.02" in page
    assert office.client("caseworker2").get(path).status_code == 404
    saved = staff.post(client, path, case_form(office), opened=path)
    assert saved.status_code == 303
    assert "My drafts" not in client.get("/").get_data(as_text=True)
    case_id = uuid.UUID(saved.location.split("/cases/")[1])
    support = f"/cases/{case_id}/support/employment/new"
    staff.post(client, support, {"work_wish": "Tikuv", "action": "draft"})
    work = client.get("/").get_data(as_text=True)
    start = work.index("/drafts/")
    assert "draft=" in work
    token = staff.hidden(client.get(support))
    assert client.post(work[start : work.index('"', start)], data=token).status_code == 303
    assert "My drafts" not in client.get("/").get_data(as_text=True)


def test_a_stale_needs_level_is_shown_beside_the_saved_one(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    path = f"/cases/{case_id}/needs-level"
    carried = staff.hidden(client.get(path))
    assert staff.post(client, path, {"needs_level": "high"}).status_code == 303
    answer = client.post(path, data={"needs_level": "low"} | carried)
    assert answer.status_code == 409
    assert "High" in answer.get_data(as_text=True)
    page = client.get(f"/cases/{case_id}").get_data(as_text=True)
    assert "Needs level set: High" in page
