"""Each kind of bad input gets a plain message at its field, keeps what was typed, and changes nothing."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from casework.cases.models import Case, FollowUp, Person, SupportRecord
from casework.core.database import db
from tests.integration.cases.conftest import Events
from tests.services import staff
from tests.services.cases import SUPPORT, Office, a_child, case_form, open_case

NEW = "/cases/new"

BAD_CASE: list[tuple[str, dict[str, Any], str, str]] = [
    ("empty", {"surname": "  "}, "surname", "Fill in this field."),
    ("overlong", {"surname": "B" * 81}, "surname", "Write at most 80 characters. There are 81."),
    ("wrong script", {"surname": "Ҳасанова"}, "surname", "Use Latin letters here."),
    ("two alphabets", {"surname": "Ҳasan"}, "surname", "Use one alphabet in a name, not two."),
    (
        "control characters",
        {"given_name": "Si\x07nov"},
        "given_name",
        "This text has characters that cannot be shown.",
    ),
    ("emoji", {"given_name": "Sinov 🙂"}, "given_name", "Use letters only"),
    ("31 February", {"birth_date": "31.02.1990"}, "birth_date", "This day is not in the calendar."),
    ("future birth date", {"birth_date": "01.01.2030"}, "birth_date", "This date is in the future."),
    (
        "finer precision than typed",
        {"birth_date": "1990", "birth_date_precision": "day"},
        "birth_date",
        "as exactly",
    ),
    ("value outside the set", {"sex": "other"}, "sex", "Choose one of the listed answers."),
    (
        "phone without safety",
        {"phone": "901234567", "phone_owner": "self"},
        "safe_to_call",
        "Say whether it is safe",
    ),
    ("call without phone", {"preferred_contact": "phone"}, "phone", "write the phone number"),
    (
        "number without type",
        {"identifier_value": "AA1234567"},
        "identifier_type",
        "Say what kind of document",
    ),
    (
        "forged place",
        {"place_id": str(uuid.UUID(int=7))},
        "place_id",
        "There is no such place in the register.",
    ),
    ("place that is no id", {"place_id": "1703"}, "place_id", "Choose a place from the list."),
    (
        "consent in the future",
        {"consent_given_on": "01.01.2027"},
        "consent_given_on",
        "This date is in the future.",
    ),
    (
        "consent too old",
        {"consent_given_on": "01.11.2024"},
        "consent_given_on",
        "This consent has expired already.",
    ),
    ("no consent, no basis", {"consent_status": "refused"}, "legal_basis", "Choose an answer."),
    ("adult with assent", {"child_assent": "given"}, "child_assent", "This person is 18 or older"),
    (
        "child gives consent alone",
        a_child(consent_given_by="self"),
        "consent_given_by",
        "From 6 to 11 the guardian",
    ),
    ("child not asked", a_child(child_assent=None), "child_assent", "Say what the child answered."),
    ("child says no", a_child(child_assent="refused"), "child_assent", "Without the child’s own agreement"),
    (
        "infant asked",
        a_child(birth_date="2024", child_assent="given"),
        "child_assent",
        "Under 6 the guardian decides",
    ),
]


def message_at(page: str, field: str) -> str:
    """The error message at a field, with its link in the summary checked."""
    assert f'href="#{field}"' in page, f"the summary has no link to {field}"
    marker = f'id="{field}-error"'
    assert marker in page, f"no message at {field}"
    return page.split(marker)[1].split("</p>")[0]


def rows(office: Office) -> tuple[int, ...]:
    with office.app.app_context():
        counted = tuple(
            db.session.scalar(db.select(db.func.count()).select_from(model)) or 0
            for model in (Person, Case, SupportRecord, FollowUp)
        )
        db.session.remove()
    return counted


@pytest.mark.parametrize(
    ("changed", "field", "message"), [row[1:] for row in BAD_CASE], ids=[row[0] for row in BAD_CASE]
)
def test_a_new_case_says_what_is_wrong(
    office: Office, changed: dict[str, Any], field: str, message: str
) -> None:
    client = office.client("caseworker")
    answer = staff.post(client, NEW, case_form(office, **changed))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert message in message_at(page, field)
    assert 'value="Namuna qizi"' in page, "what was typed is kept"
    assert rows(office) == (0, 0, 0, 0)


@pytest.mark.parametrize("code", ["12", "13"])
def test_a_place_elsewhere_is_refused_at_its_field(office: Office, code: str) -> None:
    client = office.client("caseworker")
    answer = staff.post(client, NEW, case_form(office, place_id=str(office.places[code])))
    assert answer.status_code == 422
    assert "not in the district of your office" in message_at(answer.get_data(as_text=True), "place_id")
    assert rows(office) == (0, 0, 0, 0)


def test_a_region_is_no_place_to_live(office: Office) -> None:
    client = office.client("caseworker")
    answer = staff.post(client, NEW, case_form(office, place_id=str(office.places["1703"])))
    assert "at least the district" in message_at(answer.get_data(as_text=True), "place_id")


def test_an_unknown_field_is_refused(office: Office, events: Events) -> None:
    client = office.client("caseworker")
    answer = staff.post(client, NEW, case_form(office, religion="x"))
    assert answer.status_code == 422
    assert "Something was sent that this page does not ask for." in answer.get_data(as_text=True)
    assert rows(office) == (0, 0, 0, 0)
    assert (events()[-1]["code"], events()[-1]["outcome"]) == ("case.opened", "error")


BAD_SUPPORT: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("empty day", "psychosocial", {"happened_on": ""}, "happened_on", "Fill in this field."),
    ("31 February", "education", {"happened_on": "31.02.2026"}, "happened_on", "not in the calendar"),
    ("future day", "employment", {"happened_on": "23.11.2026"}, "happened_on", "This date is in the future."),
    ("overlong note", "education", {"note": "a" * 1001}, "note", "Write at most 1000 characters."),
    ("control characters", "psychosocial", {"note": "a\x1bb"}, "note", "cannot be shown"),
    (
        "value outside the set",
        "education",
        {"school_told": "everything"},
        "school_told",
        "Choose one of the listed",
    ),
    (
        "employer told more",
        "employment",
        {"employer_told": "history"},
        "employer_told",
        "Choose one of the listed",
    ),
    (
        "one of many outside",
        "employment",
        {"skills": ["crafts", "spying"]},
        "skills",
        "Choose only from the listed",
    ),
    (
        "letters for a number",
        "psychosocial",
        {"session_count": "uch"},
        "session_count",
        "Write a whole number",
    ),
    (
        "step in the past",
        "psychosocial",
        {"next_step_on": "21.11.2026"},
        "next_step_on",
        "This day has passed.",
    ),
    (
        "day without a step",
        "education",
        {"next_step_on": "01.12.2026"},
        "next_step",
        "Say what is to be done",
    ),
]


@pytest.mark.parametrize(
    ("kind", "changed", "field", "message"),
    [row[1:] for row in BAD_SUPPORT],
    ids=[row[0] for row in BAD_SUPPORT],
)
def test_support_says_what_is_wrong(
    office: Office, kind: str, changed: dict[str, Any], field: str, message: str
) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    before = rows(office)
    typed = SUPPORT[kind] | {"outcome": SUPPORT[kind]["outcome"]} | changed
    answer = staff.post(client, f"/cases/{case_id}/support/{kind}/new", typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert message in message_at(page, field)
    assert f'value="{typed["contact_type"]}" checked' in page.replace("  ", " "), "what was typed is kept"
    assert rows(office) == before


def test_a_record_that_says_nothing_is_refused(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    typed = {"happened_on": "20.11.2026", "contact_type": "phone"}
    answer = staff.post(client, f"/cases/{case_id}/support/education/new", typed)
    assert answer.status_code == 422
    assert "Write at least one thing about the support." in answer.get_data(as_text=True)


@pytest.mark.parametrize("field", ["clinical_note", "crisis_plan_text", "score", "belief"])
def test_a_caseworker_cannot_send_fields_that_their_form_lacks(office: Office, field: str) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    answer = staff.post(
        client, f"/cases/{case_id}/support/psychosocial/new", SUPPORT["psychosocial"] | {field: "x"}
    )
    assert answer.status_code == 422
    assert rows(office)[2] == 0


def test_a_forged_case_id_answers_404_and_leaves_a_trace(office: Office, events: Events) -> None:
    client = office.client("caseworker")
    for path in ("", "/consents", "/person", "/support/education/new", "/needs-level"):
        assert client.get(f"/cases/{uuid.UUID(int=9)}{path}").status_code == 404
        assert events()[-1]["code"] == "access.denied"


def test_the_same_form_twice_opens_one_case(office: Office) -> None:
    client = office.client("caseworker")
    carried = staff.hidden(client.get(NEW))
    first = client.post(NEW, data=case_form(office) | carried)
    second = client.post(NEW, data=case_form(office) | carried)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    assert rows(office)[:2] == (1, 1)


def test_a_session_that_ended_while_typing_loses_nothing(office: Office) -> None:
    client = office.client("caseworker")
    carried = staff.hidden(client.get(NEW))
    client.post("/sign-out", data={"csrf_token": carried["csrf_token"]})
    answer = client.post(NEW, data=case_form(office) | carried)
    assert answer.status_code in (400, 401)
    page = answer.get_data(as_text=True)
    assert "_resume" in page or "Namuna qizi" in page, "the typed fields travel on"
    assert rows(office) == (0, 0, 0, 0)


def test_a_filter_outside_the_set_is_refused(office: Office) -> None:
    client = office.client("caseworker")
    answer = client.get("/cases?status=wanted")
    assert answer.status_code == 422
    assert "Choose one of the listed answers." in answer.get_data(as_text=True)


def test_walking_the_place_tree_keeps_what_was_typed(office: Office) -> None:
    client = office.client("caseworker")
    typed = case_form(office, place_id=None) | {"_step": f"place_id:open:{office.places[case_code()]}"}
    answer = staff.post(client, NEW, typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert 'value="Namuna qizi"' in page
    assert "Boʻston MFY" in page
    assert rows(office) == (0, 0, 0, 0)


def case_code() -> str:
    return "1703202"


def test_a_draft_that_is_far_too_long_is_refused_and_kept_on_the_page(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    typed = {"note": "a" * 70_000, "action": "draft"}
    answer = staff.post(client, f"/cases/{case_id}/support/education/new", typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "This is too long to be kept." in page
    assert "a" * 70_000 in page


def test_a_draft_that_is_gone_is_kept_anew(office: Office) -> None:
    client = office.client("caseworker")
    staff.post(client, "/cases/new", {"surname": "Yarim", "action": "draft"})
    work = client.get("/").get_data(as_text=True)
    start = work.index("/cases/new?draft=")
    path = work[start : work.index('"', start)]
    carried = staff.hidden(client.get(path))
    client.post(f"/drafts/{path.split('draft=')[1]}/discard", data={"csrf_token": carried["csrf_token"]})
    answer = client.post(path, data={"surname": "Yarimtayeva", "action": "draft"} | carried)
    assert answer.status_code == 303
    assert "My drafts" in client.get("/").get_data(as_text=True)


@pytest.mark.parametrize(
    "path", ["person", "needs-level", "consents", "support/education/new", "referrals/new"]
)
def test_wrong_input_beside_a_forged_id_is_recorded_as_a_denied_access(
    office: Office, events: Events, path: str
) -> None:
    theirs = open_case(office, office.client("caseworker"))
    answer = staff.post(
        office.client("caseworker2"), f"/cases/{theirs}/{path}", {"sex": "nonsense"}, opened="/account"
    )
    assert answer.status_code == 404
    last = events()[-1]
    assert (last["code"], last["outcome"]) == ("access.denied", "denied")
    assert last["agent_id"] == str(office.people["caseworker2"])


def test_a_page_answers_no_options_request(office: Office, events: Events) -> None:
    client = office.client("caseworker")
    before = len(events())
    answer = client.options("/cases")
    assert answer.status_code == 405
    assert len(events()) == before


def test_a_sent_form_drops_its_own_draft_and_no_other(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    support = f"/cases/{case_id}/support/employment/new"
    staff.post(client, support, {"work_wish": "Tikuv", "action": "draft"})
    work = client.get("/").get_data(as_text=True)
    start = work.index("?draft=")
    draft = work[start : work.index('"', start)]
    sent = staff.post(client, f"/cases/{case_id}/support/education/new{draft}", SUPPORT["education"])
    assert sent.status_code == 303
    assert draft in client.get("/").get_data(as_text=True)
