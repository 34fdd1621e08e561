"""The pages, as browsers without scripts use them: good input, every kind of bad input, and what each role is offered."""

from __future__ import annotations

import html
import re
import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from casework.access.roles import Role
from casework.referrals import use_cases
from casework.referrals.workflow import State
from tests.integration.referrals.conftest import COMMUNITY, PSY, SUMMARY, SURNAME, World
from tests.services.staff import hidden, post

FORM = {
    "domain": PSY,
    "reason_code": "enrol",
    "urgency": "priority",
    "need_summary": SUMMARY,
    "minimum_dataset": ["birth_year", "level_sought"],
    "level_sought": "primary_1_4",
    "lawful_basis": "law",
    "lawful_basis_text": "Every child has a place at school by law.",
    "channel": "in_system",
}


def page_of(answer: TestResponse) -> str:
    return html.unescape(answer.get_data(as_text=True))


def new_page(case_id: uuid.UUID, domain: str = PSY) -> str:
    return f"/cases/{case_id}/referrals/new?domain={domain}"


def write(browser: FlaskClient, case_id: uuid.UUID, **changes: Any) -> TestResponse:
    form = {name: value for name, value in {**FORM, **changes}.items() if value is not None}
    return post(
        browser, f"/cases/{case_id}/referrals/new", form, opened=new_page(case_id, form.get("domain", PSY))
    )


def act(browser: FlaskClient, referral_id: uuid.UUID, action: str, **data: Any) -> TestResponse:
    """Presses the button of a referral, or fills in the page of an action."""
    opened = f"/referrals/{referral_id}/{action}" if data else f"/referrals/{referral_id}"
    return post(browser, f"/referrals/{referral_id}/{action}", data, opened=opened)


def id_of(answer: TestResponse) -> uuid.UUID:
    assert answer.status_code == 303, page_of(answer)
    return uuid.UUID(answer.location.rsplit("/", 1)[1])


def test_the_main_job_runs_from_the_domain_to_the_outcome(world: World, case_id: uuid.UUID) -> None:
    worker, supervisor, officer = (world.client(name) for name in ("worker", "supervisor", "officer"))
    assert "Which domain should help?" in page_of(worker.get(f"/cases/{case_id}/referrals/new"))
    referral_id = id_of(write(worker, case_id))
    preview = page_of(worker.get(f"/referrals/{referral_id}"))
    assert "This is exactly what travels" in preview
    assert all(part in preview for part in (SUMMARY, "2017", "Primary, grades 1 to 4", "Enrolment"))
    assert SURNAME not in preview
    assert act(worker, referral_id, "submit").status_code == 303
    assert str(referral_id) in page_of(supervisor.get("/review"))
    assert act(supervisor, referral_id, "approve").status_code == 303
    assert str(referral_id) in page_of(officer.get("/referrals"))
    shown = page_of(officer.get(f"/referrals/{referral_id}"))
    assert SUMMARY in shown
    assert "/cases/" not in shown
    assert SURNAME not in shown
    assert act(officer, referral_id, "accept").status_code == 303
    assert act(officer, referral_id, "start").status_code == 303
    ended = act(
        officer, referral_id, "complete",
        outcome="service_provided_need_met", service_outcome="enrolled", service_report="Attends since Monday.",
    )  # fmt: skip
    assert ended.status_code == 303
    final = page_of(worker.get(f"/referrals/{referral_id}"))
    assert all(part in final for part in ("Completed", "Enrolled", "Attends since Monday."))


def test_the_case_and_my_work_show_what_waits(world: World, case_id: uuid.UUID) -> None:
    worker, supervisor = world.client("worker"), world.client("supervisor")
    referral_id = id_of(write(worker, case_id))
    case_page = page_of(worker.get(f"/cases/{case_id}"))
    assert f"/cases/{case_id}/referrals/new" in case_page
    assert f"/referrals/{referral_id}" in case_page
    assert f"/referrals/{referral_id}" in page_of(worker.get("/"))
    act(worker, referral_id, "submit")
    assert "Referral: Sent to review" in page_of(worker.get(f"/cases/{case_id}"))
    assert f"/referrals/{referral_id}" in page_of(supervisor.get("/"))


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("reason_code", {"reason_code": "training"}),
        ("urgency", {"urgency": "yesterday"}),
        ("need_summary", {"need_summary": None}),
        ("need_summary", {"need_summary": "x" * 1001}),
        ("need_summary", {"need_summary": "a\x00b"}),
        ("minimum_dataset", {"minimum_dataset": ["religion"]}),
        ("channel", {"channel": None}),
        ("consent_id", {"lawful_basis": None, "lawful_basis_text": None}),
        (
            "consent_id",
            {"consent_id": str(uuid.UUID(int=7)), "lawful_basis": None, "lawful_basis_text": None},
        ),
        ("consent_id", {"consent_id": "seven", "lawful_basis": None, "lawful_basis_text": None}),
        ("lawful_basis_text", {"lawful_basis_text": None}),
        ("level_sought", {"level_sought": None}),
    ],
)
def test_bad_input_is_said_at_its_field_keeps_what_was_typed_and_stores_nothing(
    world: World, case_id: uuid.UUID, field: str, changes: dict[str, Any]
) -> None:
    worker = world.client("worker")
    typed = {"need_summary": "Typed with care 🙂 oʻqish", **changes}
    answer = write(worker, case_id, **typed)
    text = page_of(answer)
    assert answer.status_code == 422
    assert f'href="#{field}"' in text
    if "need_summary" not in changes:
        assert "Typed with care 🙂 oʻqish" in text
    assert world.does("worker", use_cases.list_referrals, None, None).rows == []
    refused = [event for event in world.events() if event["code"] == "referral.drafted"]
    assert [event["outcome"] for event in refused] == ["error"]


def test_a_field_that_the_page_does_not_ask_for_is_refused(world: World, case_id: uuid.UUID) -> None:
    answer = write(world.client("worker"), case_id, status="sent")
    assert answer.status_code == 422
    assert "Something was sent that this page does not ask for." in page_of(answer)


@pytest.mark.parametrize("domain", ["", "police", "psychosocial_health_education "])
def test_an_unknown_domain_asks_for_the_domain_again(world: World, case_id: uuid.UUID, domain: str) -> None:
    answer = write(world.client("worker"), case_id, domain=domain)
    assert answer.status_code == 422
    assert "Which domain should help?" in page_of(answer)


def test_the_same_form_twice_makes_one_referral(world: World, case_id: uuid.UUID) -> None:
    worker = world.client("worker")
    form = {**FORM, **hidden(worker.get(new_page(case_id)))}
    first, second = (worker.post(f"/cases/{case_id}/referrals/new", data=form) for _time in range(2))
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert len(world.does("worker", use_cases.list_referrals, None, None).rows) == 1


def test_two_editors_see_both_texts(world: World, case_id: uuid.UUID) -> None:
    worker, supervisor = world.client("worker"), world.client("supervisor")
    referral_id = id_of(write(worker, case_id))
    where = f"/referrals/{referral_id}/change"
    mine = {**FORM, **hidden(worker.get(where)), "need_summary": "Mine."}
    theirs = {**FORM, **hidden(supervisor.get(where)), "need_summary": "Theirs."}
    assert supervisor.post(where, data=theirs).status_code == 303
    answer = worker.post(where, data=mine)
    assert answer.status_code == 409
    assert all(part in page_of(answer) for part in ("Mine.", "Theirs."))
    assert worker.post(where, data={**mine, **hidden(answer)}).status_code == 303
    assert world.view("worker", referral_id).summary == "Mine."


def test_a_button_of_an_old_page_says_how_it_stands_now(world: World, case_id: uuid.UUID) -> None:
    officer = world.client("officer")
    referral_id = world.sent(case_id)
    old = hidden(officer.get(f"/referrals/{referral_id}"))
    assert act(officer, referral_id, "receive").status_code == 303
    stale = officer.post(f"/referrals/{referral_id}/accept", data={**old, "form_key": str(uuid.uuid4())})
    assert stale.status_code == 409
    assert "has moved on since you opened it" in page_of(stale)
    assert world.row(referral_id).status == State.RECEIVED
    impossible = officer.post(
        f"/referrals/{referral_id}/start", data={**old, "version": "3", "form_key": str(uuid.uuid4())}
    )
    assert impossible.status_code == 409
    assert all(word in page_of(impossible) for word in ("What is possible now", "Accept", "Decline"))


def test_a_question_typed_into_an_old_page_is_not_lost(world: World, case_id: uuid.UUID) -> None:
    officer = world.client("officer")
    referral_id = world.sent(case_id)
    old = hidden(officer.get(f"/referrals/{referral_id}/ask"))
    act(officer, referral_id, "receive")
    answer = officer.post(f"/referrals/{referral_id}/ask", data={**old, "text": "Which language?"})
    assert answer.status_code == 409
    assert "Which language?" in page_of(answer)
    again = officer.post(f"/referrals/{referral_id}/ask", data={**hidden(answer), "text": "Which language?"})
    assert again.status_code == 303


@pytest.mark.parametrize("reason", ["returnee", "because_of_return", ""])
def test_a_decline_needs_a_reason_of_the_list_and_return_is_none(
    world: World, case_id: uuid.UUID, reason: str
) -> None:
    officer = world.client("officer")
    referral_id = world.sent(case_id)
    answer = act(officer, referral_id, "decline", decline_reason=reason, text="Kept words")
    assert answer.status_code == 422
    assert 'href="#decline_reason"' in page_of(answer)
    assert "Kept words" in page_of(answer)
    assert world.row(referral_id).status == State.SENT


def test_an_outcome_of_another_section_is_refused(world: World, case_id: uuid.UUID) -> None:
    officer = world.client("officer")
    referral_id = world.sent(case_id)
    act(officer, referral_id, "accept")
    act(officer, referral_id, "start")
    answer = act(
        officer, referral_id, "complete",
        outcome="service_provided_need_met", service_outcome="job_started", service_report="Kept words",
    )  # fmt: skip
    assert answer.status_code == 422
    assert 'href="#service_outcome"' in page_of(answer)
    assert "Kept words" in page_of(answer)


def test_a_return_shows_its_reason_to_the_author_and_the_way_to_change(
    world: World, case_id: uuid.UUID
) -> None:
    worker, supervisor = world.client("worker"), world.client("supervisor")
    referral_id = id_of(write(worker, case_id))
    act(worker, referral_id, "submit")
    assert act(supervisor, referral_id, "return", return_reason="too_much_data", text="").status_code == 422
    assert (
        act(supervisor, referral_id, "return", return_reason="too_much_data", text="No year.").status_code
        == 303
    )
    text = page_of(worker.get(f"/referrals/{referral_id}"))
    assert all(part in text for part in ("Share less data", "No year.", f"/referrals/{referral_id}/change"))


def test_the_form_for_communities_has_no_tick_box_and_refuses_a_personal_field(
    world: World, case_id: uuid.UUID
) -> None:
    worker = world.client("worker")
    form = page_of(worker.get(new_page(case_id, COMMUNITY)))
    assert "checkbox" not in form
    assert "names no person" in form
    request = dict.fromkeys(FORM) | {
        "domain": COMMUNITY, "reason_code": "school_awareness_requested", "urgency": "routine",
        "need_summary": "A session for teachers.", "channel": "in_system",
    }  # fmt: skip
    assert write(worker, case_id, **{**request, "minimum_dataset": ["name"]}).status_code == 422
    referral_id = id_of(write(worker, case_id, **request))
    assert str(referral_id) not in page_of(worker.get(f"/cases/{case_id}"))
    assert "Community request" in page_of(worker.get("/referrals"))


@pytest.mark.parametrize("name", ["colleague", "officer"])
def test_what_is_not_yours_is_not_there(world: World, case_id: uuid.UUID, name: str) -> None:
    referral_id = world.draft(case_id)
    browser = world.client(name)
    assert browser.get(f"/referrals/{referral_id}").status_code == 404
    assert browser.get(f"/referrals/{uuid.uuid4()}").status_code == 404
    new = browser.get(f"/cases/{case_id}/referrals/new").status_code
    assert new == (403 if name == "officer" else 404)


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        (Role.AUDITOR, {"/referrals": 403, "/review": 403}),
        (Role.ADMIN, {"/referrals": 403, "/review": 403}),
        (Role.COUNCIL_MEMBER, {"/referrals": 403, "/review": 403}),
        (Role.PSYCHOLOGIST, {"/referrals": 200, "/review": 403}),
    ],
)
def test_other_roles_meet_a_closed_door(world: World, role: Role, paths: dict[str, int]) -> None:
    world.hire("somebody", role, "1703202")
    browser = world.client("somebody")
    assert {path: browser.get(path).status_code for path in paths} == paths


def test_the_filter_narrows_and_an_unknown_status_is_said(world: World, case_id: uuid.UUID) -> None:
    referral_id = world.draft(case_id)
    worker = world.client("worker")
    assert str(referral_id) in page_of(worker.get("/referrals?status=draft"))
    assert str(referral_id) not in page_of(worker.get("/referrals?status=sent"))
    unknown = worker.get("/referrals?status=lost")
    assert unknown.status_code == 422
    assert 'href="#status"' in page_of(unknown)
    assert worker.get("/referrals?after=nonsense").status_code == 200


def test_lists_show_codes_and_never_a_name(world: World, case_id: uuid.UUID) -> None:
    referral_id = world.draft(case_id, minimum_dataset=["name"])
    world.step("worker", use_cases.submit_referral, referral_id)
    for name, path in (("worker", "/referrals"), ("supervisor", "/review"), ("supervisor", "/")):
        text = page_of(world.client(name).get(path))
        assert re.search(r"[A-Z]{2}-[A-Z\d]{4}", text)
        assert SURNAME not in text


@pytest.mark.parametrize("lang", ["uz", "uz-Cyrl", "ru", "en"])
def test_every_page_speaks_every_language(world: World, case_id: uuid.UUID, lang: str) -> None:
    referral_id = world.sent(case_id)
    worker, officer, supervisor = (world.client(name) for name in ("worker", "officer", "supervisor"))
    pages = [
        (worker, new_page(case_id) + "&"), (worker, new_page(case_id, COMMUNITY) + "&"), (worker, "/referrals?"),
        (worker, f"/cases/{case_id}/referrals/new?"), (worker, f"/referrals/{referral_id}/withdraw?"),
        (officer, "/referrals?"), (officer, f"/referrals/{referral_id}?"), (officer, f"/referrals/{referral_id}/decline?"),
        (supervisor, "/review?"),
    ]  # fmt: skip
    for browser, path in pages:
        answer = browser.get(f"{path}lang={lang}")
        assert answer.status_code == 200, path
        assert f'<html lang="{lang}' in page_of(answer)
