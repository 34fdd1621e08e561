"""How a share ends: at the person's wish, with the consent, by lapse; and what stays readable for whom."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from casework.access.actor import SYSTEM, acting_as
from casework.core import clock
from casework.core.database import db
from casework.core.errors import IllegalMove, InvalidInput
from casework.referrals import jobs, use_cases
from casework.referrals.models import ReferralStep
from casework.referrals.workflow import State
from casework.vault.keys import SubjectKey
from tests.integration.referrals.conftest import SUMMARY, World

pytestmark = pytest.mark.both_engines


def living_keys(world: World, subject_id: uuid.UUID) -> set[str]:
    with world.app.app_context():
        keys = db.session.scalars(db.select(SubjectKey).where(SubjectKey.subject_id == subject_id)).all()
        db.session.remove()
    return {key.compartment for key in keys if key.wrapped is not None}


def test_a_withdrawal_before_the_service_destroys_the_key_of_what_was_shared(
    world: World, case_id: uuid.UUID
) -> None:
    referral_id = world.sent(case_id)
    assert "PKG" in living_keys(world, referral_id)
    world.step("worker", use_cases.withdraw_referral, referral_id, text="Changed her mind.")
    assert "PKG" not in living_keys(world, referral_id)
    for name in ("officer", "worker"):
        page = world.view(name, referral_id)
        assert (page.readable, page.summary, page.travels) == (False, None, [])
        assert page.state is State.WITHDRAWN


def test_the_recipient_sees_the_withdrawal_at_once_but_not_what_the_office_noted(
    world: World, case_id: uuid.UUID
) -> None:
    referral_id = world.sent(case_id)
    world.step("worker", use_cases.withdraw_referral, referral_id, text="Changed her mind.")
    last = world.view("officer", referral_id).steps[-1]
    assert (last.title, last.who, last.reason, last.text) == (
        "Withdrawn by the person",
        "Sending office",
        None,
        None,
    )
    assert world.view("worker", referral_id).steps[-1].text == "Changed her mind."


def test_a_withdrawal_from_a_running_service_closes_it_to_the_recipient_and_keeps_it_for_the_sender(
    world: World, case_id: uuid.UUID
) -> None:
    referral_id = world.sent(case_id)
    world.step("officer", use_cases.accept_referral, referral_id)
    world.step("officer", use_cases.start_service, referral_id)
    world.step("worker", use_cases.withdraw_referral, referral_id, text=None)
    assert world.view("officer", referral_id).summary is None
    assert world.view("worker", referral_id).summary == SUMMARY


def test_a_declined_referral_is_not_readable_for_the_recipient_any_more(
    world: World, case_id: uuid.UUID
) -> None:
    referral_id = world.sent(case_id)
    world.step("officer", use_cases.decline_referral, referral_id, decline_reason="wrong_area", text=None)
    page = world.view("officer", referral_id)
    assert (page.readable, page.summary, page.travels) == (False, None, [])


def test_nothing_can_be_done_after_a_withdrawal(world: World, case_id: uuid.UUID) -> None:
    referral_id = world.sent(case_id)
    world.step("worker", use_cases.withdraw_referral, referral_id, text=None)
    with pytest.raises(IllegalMove) as refused:
        world.step("officer", use_cases.accept_referral, referral_id)
    assert refused.value.possible == []


def test_withdrawing_the_consent_closes_every_referral_that_stands_on_it_in_the_same_transaction(
    world: World, case_id: uuid.UUID
) -> None:
    consent_id = world.consent(case_id)
    sent, drafted = world.sent(case_id, consent_id=consent_id), world.draft(case_id, consent_id=consent_id)
    on_law = world.sent(case_id)
    before = len(world.events())
    world.withdraw(case_id, consent_id)
    assert [event["code"] for event in world.events()[before:]] == ["consent.withdrawn"]
    assert world.row(sent).status == world.row(drafted).status == State.WITHDRAWN
    assert world.row(on_law).status == State.SENT
    assert "PKG" not in living_keys(world, sent) | living_keys(world, drafted)


def test_a_renewed_consent_goes_on_carrying_and_its_withdrawal_closes(
    world: World, case_id: uuid.UUID
) -> None:
    first = world.consent(case_id)
    referral_id = world.draft(case_id, consent_id=first)
    second = world.consent(case_id)
    world.step("worker", use_cases.submit_referral, referral_id)
    world.step("supervisor", use_cases.approve_referral, referral_id)
    assert world.row(referral_id).consent_id == second
    world.withdraw(case_id, second)
    assert world.row(referral_id).status == State.WITHDRAWN


def test_a_referral_is_not_approved_after_its_consent_ran_out(world: World, case_id: uuid.UUID) -> None:
    referral_id = world.draft(case_id, consent_id=world.consent(case_id))
    world.step("worker", use_cases.submit_referral, referral_id)
    with clock.frozen(clock.now() + timedelta(days=400)), pytest.raises(InvalidInput):
        world.step("supervisor", use_cases.approve_referral, referral_id)
    assert world.row(referral_id).status == State.AWAITING_REVIEW


def test_what_stands_on_a_consent_that_ran_out_lapses(world: World, case_id: uuid.UUID) -> None:
    referral_id, on_law = world.sent(case_id, consent_id=world.consent(case_id)), world.sent(case_id)
    with clock.frozen(clock.now() + timedelta(days=400)):
        with world.app.app_context():
            jobs.lapse()
        assert world.row(referral_id).status == State.EXPIRED
        assert world.row(on_law).status == State.SENT
        assert "PKG" not in living_keys(world, referral_id)
        event = world.events()[-1]
        assert (event["code"], event["result_count"], event["agent_role"]) == (
            "referral.expired",
            1,
            "system",
        )
        assert world.view("worker", referral_id).steps[-1].who == "The system"


def test_a_draft_that_nobody_touches_lapses_and_a_fresh_one_stays(world: World, case_id: uuid.UUID) -> None:
    old = world.draft(case_id)
    with clock.frozen(clock.now() + timedelta(days=31)):
        fresh = world.draft(case_id)
        with world.app.app_context():
            jobs.lapse()
        assert world.row(old).status == State.EXPIRED
        assert world.row(fresh).status == State.DRAFT


def test_an_hour_without_lapses_leaves_no_event(world: World, case_id: uuid.UUID) -> None:
    world.draft(case_id)
    before = len(world.events())
    with world.app.app_context():
        jobs.lapse()
    assert len(world.events()) == before


@pytest.mark.parametrize(
    "statement", ["UPDATE referral_step SET action = 'save'", "DELETE FROM referral_step"]
)
def test_the_course_of_a_referral_cannot_be_rewritten_in_the_database(
    world: World, case_id: uuid.UUID, statement: str
) -> None:
    world.sent(case_id)
    with world.app.app_context(), acting_as(SYSTEM):
        count = db.session.scalar(db.select(db.func.count()).select_from(ReferralStep))
        if (
            db.engine.dialect.name == "postgresql"
        ):  # row security hides the rows from such a statement as well
            assert db.session.execute(text(statement)).rowcount == 0
        else:
            with pytest.raises(Exception, match="insert-only"):
                db.session.execute(text(statement))
        db.session.rollback()
        assert db.session.scalar(db.select(db.func.count()).select_from(ReferralStep)) == count
        db.session.remove()


def test_the_database_itself_refuses_a_person_in_the_domain_of_communities(
    world: World, case_id: uuid.UUID
) -> None:
    referral_id = world.draft(case_id)
    with world.app.app_context(), acting_as(SYSTEM):
        with pytest.raises(Exception, match="community_only"):
            db.session.execute(
                text("UPDATE referral SET domain = 'countering_terrorist_ideas' WHERE version = :seen"),
                {"seen": world_version(referral_id)},
            )
        db.session.rollback()
        db.session.remove()


def world_version(referral_id: uuid.UUID) -> int:
    from casework.referrals.models import Referral

    found = db.session.get(Referral, referral_id)
    assert found is not None
    return found.version
