"""The course of a referral from the draft to its end: who does what, what is refused, what the log says."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from casework.access.roles import Role
from casework.core import clock
from casework.core.errors import Denied, IllegalMove, InvalidInput, NotFound, StaleVersion
from casework.core.pack import load_pack
from casework.referrals import use_cases
from casework.referrals.workflow import Action, State
from tests.integration.referrals.conftest import COMMUNITY, SUMMARY, World, answers

pytestmark = pytest.mark.both_engines


def test_goes_from_the_draft_to_a_completed_service_with_one_event_for_each_step(
    world: World, case_id: uuid.UUID
) -> None:
    before = len(world.events())
    referral_id = world.draft(case_id)
    world.step("worker", use_cases.submit_referral, referral_id)
    world.step(
        "supervisor",
        use_cases.return_referral,
        referral_id,
        return_reason="more_detail_needed",
        text="Which grade?",
    )
    changed = answers(
        need_summary="The fourth grade.", lawful_basis="law", lawful_basis_text="By law.",
        version=world.row(referral_id).version,
    )  # fmt: skip
    world.does("worker", use_cases.change_referral, referral_id, changed)
    world.step("worker", use_cases.submit_referral, referral_id)
    world.step("supervisor", use_cases.approve_referral, referral_id)
    world.step("officer", use_cases.confirm_receipt, referral_id)
    world.step("officer", use_cases.ask_for_information, referral_id, text="Which language?")
    world.step("worker", use_cases.give_information, referral_id, text="Uzbek.")
    world.step("officer", use_cases.accept_referral, referral_id)
    world.step("officer", use_cases.start_service, referral_id)
    world.step(
        "officer", use_cases.complete_referral, referral_id,
        outcome="service_provided_need_met", service_outcome="enrolled", service_report="Attends since Monday.",
    )  # fmt: skip
    assert world.row(referral_id).status == State.COMPLETED
    events = world.events()[before:]
    assert [event["code"] for event in events] == [
        "referral.drafted", "referral.submitted", "referral.returned", "referral.drafted", "referral.submitted",
        "referral.approved", "referral.received", "referral.information_asked", "referral.information_given",
        "referral.accepted", "referral.started", "referral.completed",
    ]  # fmt: skip
    person = str(world.row(referral_id).person_id)
    assert all(
        event["subject_ids"] == [person] and event["entity_id"] == str(referral_id) for event in events
    )


def test_the_recipient_reads_the_copy_and_the_sender_reads_the_answers(
    world: World, case_id: uuid.UUID
) -> None:
    referral_id = world.sent(case_id)
    seen = world.view("officer", referral_id)
    assert seen.summary == SUMMARY
    assert [text for _label, text in seen.travels] == ["2017", "Primary, grades 1 to 4"]
    world.step(
        "officer",
        use_cases.decline_referral,
        referral_id,
        decline_reason="no_capacity",
        text="In spring again.",
    )
    last = world.view("worker", referral_id).steps[-1]
    assert (last.who, last.title, last.reason, last.text) == (
        "Test officer",
        "Declined",
        "No capacity now",
        "In spring again.",
    )


def test_what_was_previewed_stays_what_travels_when_the_record_changes(
    world: World, case_id: uuid.UUID
) -> None:
    from casework.cases.schemas.intake import CorrectPersonSchema
    from casework.cases.use_cases import intake
    from casework.web.fields import PartialDate

    referral_id = world.draft(case_id)
    page = world.does("worker", intake.person_form, case_id)
    data = {**dict.fromkeys(CorrectPersonSchema().fields), **page.details}
    data |= {"birth_date": PartialDate.of(2016, 3, 5), "reason": "Read wrongly."}
    world.does("worker", intake.correct_person, case_id, page.version, data)
    world.step("worker", use_cases.submit_referral, referral_id)
    world.step("supervisor", use_cases.approve_referral, referral_id)
    assert ("Year of birth", "2017") in world.view("officer", referral_id).travels


def test_nobody_reviews_what_they_wrote(world: World, case_id: uuid.UUID) -> None:
    world.hire("second", Role.SUPERVISOR, "1703202")
    referral_id = world.draft(case_id, author="supervisor")
    world.step("supervisor", use_cases.submit_referral, referral_id)
    with pytest.raises(Denied):
        world.step("supervisor", use_cases.approve_referral, referral_id)
    assert world.events()[-1]["outcome"] == "denied"
    world.step("second", use_cases.approve_referral, referral_id)
    assert world.row(referral_id).status == State.SENT


def test_the_time_to_act_begins_with_the_approval(world: World, case_id: uuid.UUID) -> None:
    referral_id = world.draft(case_id, urgency="immediate")
    world.step("worker", use_cases.submit_referral, referral_id)
    assert world.row(referral_id).due_at is None
    world.step("supervisor", use_cases.approve_referral, referral_id)
    row = world.row(referral_id)
    assert row.due_at - row.sent_at == timedelta(hours=24)


def test_an_answer_gives_the_recipient_the_full_time_again(world: World, case_id: uuid.UUID) -> None:
    referral_id = world.sent(case_id, urgency="urgent")
    world.step("officer", use_cases.ask_for_information, referral_id, text="Which language?")
    with clock.frozen(clock.now() + timedelta(days=10)):
        assert not world.view("officer", referral_id).row.overdue  # the ball is with the sender
        world.step("worker", use_cases.give_information, referral_id, text="Uzbek.")
        row = world.row(referral_id)
        assert row.due_at == load_pack().due_at("urgent", clock.now())


def test_an_unanswered_referral_is_overdue_and_stays(world: World, case_id: uuid.UUID) -> None:
    from casework.referrals import jobs

    referral_id = world.sent(case_id)
    with clock.frozen(clock.now() + timedelta(days=200)):
        with world.app.app_context():
            jobs.lapse()
        assert world.row(referral_id).status == State.SENT
        assert world.view("officer", referral_id).row.overdue


@pytest.mark.parametrize(
    ("name", "verb", "data"),
    [
        ("officer", use_cases.start_service, {}),
        (
            "officer",
            use_cases.complete_referral,
            {"outcome": "no_response", "service_outcome": None, "service_report": "x"},
        ),
        ("supervisor", use_cases.approve_referral, {}),
        ("worker", use_cases.submit_referral, {}),
        ("worker", use_cases.give_information, {"text": "x"}),
    ],
)
def test_a_step_that_the_table_does_not_have_is_refused_and_changes_nothing(
    world: World, case_id: uuid.UUID, name: str, verb: Any, data: dict[str, Any]
) -> None:
    referral_id = world.sent(case_id)
    before = world.row(referral_id)
    with pytest.raises(IllegalMove):
        world.step(name, verb, referral_id, **data)
    after = world.row(referral_id)
    assert (after.status, after.version) == (before.status, before.version)
    assert world.events()[-1]["outcome_reason"] == "illegal_move"


def test_the_second_of_two_editors_is_told(world: World, case_id: uuid.UUID) -> None:
    referral_id = world.draft(case_id)
    seen = world.row(referral_id).version
    mine = answers(lawful_basis="law", lawful_basis_text="By law.", version=seen)
    world.does("worker", use_cases.change_referral, referral_id, {**mine, "need_summary": "First."})
    with pytest.raises(StaleVersion) as refused:
        world.does("worker", use_cases.change_referral, referral_id, {**mine, "need_summary": "Second."})
    assert refused.value.theirs["need_summary"] == "First."
    assert world.view("worker", referral_id).summary == "First."


def test_an_answer_to_an_older_version_is_refused(world: World, case_id: uuid.UUID) -> None:
    referral_id = world.sent(case_id)
    with pytest.raises(StaleVersion):
        world.does("officer", use_cases.accept_referral, referral_id, {"version": 1})
    with pytest.raises(InvalidInput):
        world.does("officer", use_cases.accept_referral, referral_id, {"version": None})
    assert world.row(referral_id).status == State.SENT


def test_refuses_a_referral_without_consent_and_without_another_basis(
    world: World, case_id: uuid.UUID
) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.does("worker", use_cases.draft_referral, case_id, answers())
    assert list(refused.value.errors) == ["consent_id"]


def test_refuses_a_consent_for_another_purpose_and_names_the_needed_one(
    world: World, case_id: uuid.UUID
) -> None:
    other = world.consent(case_id, "share_employment")
    with pytest.raises(InvalidInput) as refused:
        world.does("worker", use_cases.draft_referral, case_id, answers(consent_id=other))
    assert "Sharing with education services" in str(refused.value.errors["consent_id"][0])


def test_refuses_a_consent_of_somebody_else(world: World, case_id: uuid.UUID) -> None:
    elsewhere = world.consent(world.case_of(), "share_education")
    with pytest.raises(InvalidInput) as refused:
        world.does("worker", use_cases.draft_referral, case_id, answers(consent_id=elsewhere))
    assert list(refused.value.errors) == ["consent_id"]


def test_a_live_consent_of_the_needed_purpose_carries_it(world: World, case_id: uuid.UUID) -> None:
    consent_id = world.consent(case_id)
    referral_id = world.sent(case_id, consent_id=consent_id)
    assert world.row(referral_id).consent_id == consent_id


def test_a_reason_of_another_domain_is_refused(world: World, case_id: uuid.UUID) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.draft(case_id, reason_code="training")
    assert list(refused.value.errors) == ["reason_code"]


def test_a_community_request_has_no_person_no_case_and_no_trace_of_either_in_the_log(
    world: World, case_id: uuid.UUID
) -> None:
    world.hire("dialogue", Role.DOMAIN_OFFICER, "1703", COMMUNITY)
    referral_id = world.sent(
        case_id,
        domain=COMMUNITY,
        reason_code="school_awareness_requested",
        need_summary="A session for teachers.",
    )
    row = world.row(referral_id)
    assert (row.person_id, row.case_id, row.display_code, row.consent_id) == (None, None, None, None)
    seen = world.view("dialogue", referral_id)
    assert (seen.summary, seen.travels, seen.row.display_code) == ("A session for teachers.", [], None)
    events = [event for event in world.events() if event["entity_id"] == str(referral_id)]
    assert events
    assert all(event["subject_ids"] == [] for event in events)


def test_a_community_request_belongs_to_its_author_and_the_supervisor(
    world: World, case_id: uuid.UUID
) -> None:
    referral_id = world.draft(case_id, domain=COMMUNITY, reason_code="school_awareness_requested")
    assert world.view("worker", referral_id).actions[:2] == [Action.SAVE, Action.SUBMIT]
    with pytest.raises(NotFound):
        world.view("colleague", referral_id)


def test_the_case_shows_each_answer_on_its_timeline(world: World, case_id: uuid.UUID) -> None:
    from casework.access.actor import SYSTEM, acting_as
    from casework.cases.models import TimelineEntry
    from casework.core.database import db
    from casework.referrals.use_cases.reading import timeline_items

    referral_id = world.sent(case_id)
    world.step("officer", use_cases.accept_referral, referral_id)
    with world.app.test_request_context("/?lang=en"), acting_as(SYSTEM):
        wanted = db.select(TimelineEntry).where(
            TimelineEntry.kind == "referral", TimelineEntry.case_id == case_id
        )
        entries = db.session.scalars(wanted.order_by(TimelineEntry.id)).all()
        items = timeline_items([entry.ref_id for entry in entries])
        titles = [items[entry.ref_id]["title"] for entry in entries]
        assert entries[-1].actor_id == world.actors["officer"].id
        db.session.remove()
    assert titles == ["Sent to review", "Approved and sent", "Accepted"]
