"""Who may know of which referral, and how much of it. PostgreSQL says the same by itself."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import event, text

from casework.access.actor import acting_as
from casework.access.roles import Role
from casework.core.database import db
from casework.core.errors import Denied, NotFound
from casework.referrals import use_cases
from casework.referrals.queries import PAGE
from tests.integration.referrals.conftest import CIVIL, PSY, SUMMARY, SURNAME, World

pytestmark = pytest.mark.both_engines

SEES = {
    "worker": True,
    "supervisor": True,
    "officer": True,
    "region_officer": True,
    "psychologist": False,
    "colleague": False,
    "other_supervisor": False,
    "other_district": False,
    "other_region": False,
    "other_domain": False,
}
MAY_NOT_ASK = ("auditor", "admin", "secretariat")


@pytest.fixture
def crowd(world: World) -> World:
    """Everybody who has no business with the referral, beside those who have."""
    world.hire("region_officer", Role.DOMAIN_OFFICER, "1703", PSY)
    world.hire("psychologist", Role.PSYCHOLOGIST, "1703202")
    world.hire("other_supervisor", Role.SUPERVISOR, "1703203")
    world.hire("other_district", Role.DOMAIN_OFFICER, "1703203", PSY)
    world.hire("other_region", Role.DOMAIN_OFFICER, "1730", PSY)
    world.hire("other_domain", Role.DOMAIN_OFFICER, "1703202", CIVIL)
    world.hire("auditor", Role.AUDITOR, None)
    world.hire("admin", Role.ADMIN, None)
    world.hire("secretariat", Role.COUNCIL_SECRETARIAT, None)
    return world


def test_a_sent_referral_shows_to_its_own_people_and_to_nobody_else(crowd: World, case_id: uuid.UUID) -> None:
    referral_id = crowd.sent(case_id)
    for name, sees in SEES.items():
        listed = crowd.does(name, use_cases.list_referrals, None, None).rows
        assert [row.id for row in listed] == ([referral_id] if sees else []), name
        if sees:
            assert crowd.view(name, referral_id).summary == SUMMARY
        else:
            with pytest.raises(NotFound):
                crowd.view(name, referral_id)
    for name in MAY_NOT_ASK:
        with pytest.raises(Denied):
            crowd.does(name, use_cases.list_referrals, None, None)
        with pytest.raises(Denied):
            crowd.view(name, referral_id)


def test_before_the_approval_no_officer_knows_of_it(crowd: World, case_id: uuid.UUID) -> None:
    referral_id = crowd.draft(case_id)
    crowd.step("worker", use_cases.submit_referral, referral_id)
    for name in ("officer", "region_officer"):
        assert crowd.does(name, use_cases.list_referrals, None, None).rows == []
        with pytest.raises(NotFound):
            crowd.view(name, referral_id)


def test_the_rows_of_postgresql_are_the_rows_of_the_query(crowd: World, case_id: uuid.UUID) -> None:
    """The bare table, asked without any condition of ours."""
    referral_id = crowd.sent(case_id)
    with crowd.app.app_context():
        if db.engine.dialect.name != "postgresql":
            counts = {True: 1}  # SQLite has no row security: there the query alone decides, see above
            assert db.session.scalar(text("SELECT count(*) FROM referral")) == counts[True]
            db.session.remove()
            return
        for name, sees in {**SEES, **dict.fromkeys(MAY_NOT_ASK, False)}.items():
            with acting_as(crowd.actors[name]):
                rows = db.session.execute(text("SELECT id FROM referral")).scalars().all()
                steps = db.session.scalar(text("SELECT count(*) FROM referral_step"))
                db.session.remove()
            assert [str(row) for row in rows] == ([str(referral_id)] if sees else []), name
            assert bool(steps) == sees, name


def test_the_recipient_is_told_neither_the_case_nor_the_name_nor_the_office(
    crowd: World, case_id: uuid.UUID
) -> None:
    referral_id = crowd.sent(case_id)
    crowd.step("officer", use_cases.accept_referral, referral_id)
    page = crowd.view("officer", referral_id)
    assert (page.case_id, page.basis, page.basis_note) == (None, None, None)
    text_of_page = str(page)
    assert SURNAME not in text_of_page
    assert str(case_id) not in text_of_page
    assert "Test worker" not in text_of_page
    assert "Every child has a place" not in text_of_page
    assert [step.who for step in page.steps] == ["Sending office", "You"]


def test_opening_a_referral_grants_a_recipient_the_package_and_nothing_of_the_person(
    crowd: World, case_id: uuid.UUID
) -> None:
    referral_id = crowd.sent(case_id)
    crowd.view("officer", referral_id)
    event_of_view = crowd.events()[-1]
    assert event_of_view["code"] == "referral.viewed"
    assert event_of_view["compartments"] == ["PKG"]
    assert set(event_of_view["fields_accessed"]) == {
        "referral.dataset", "referral.reason_code", "referral.need_summary",
    }  # fmt: skip


def test_a_name_travels_only_when_it_is_ticked(crowd: World, case_id: uuid.UUID) -> None:
    referral_id = crowd.sent(case_id, minimum_dataset=["name", "safe_contact"])
    assert crowd.view("officer", referral_id).travels == [
        ("Name", f"{SURNAME} Sinov"),
        ("Safe way to contact", "Home visit"),  # the phone is not safe to call, so it stays
    ]


def test_a_forged_id_looks_like_somebody_elses(crowd: World, case_id: uuid.UUID) -> None:
    with pytest.raises(NotFound):
        crowd.view("officer", uuid.uuid4())
    assert crowd.events()[-1]["outcome"] == "denied"


def test_a_case_out_of_reach_takes_no_referral(crowd: World, case_id: uuid.UUID) -> None:
    with pytest.raises(NotFound):
        crowd.draft(case_id, author="colleague")
    with pytest.raises(NotFound):
        crowd.draft(case_id, author="other_supervisor")


def test_the_inbox_has_what_is_due_first_on_top_and_what_is_answered_below(
    crowd: World, case_id: uuid.UUID
) -> None:
    slow, fast = crowd.sent(case_id, urgency="routine"), crowd.sent(case_id, urgency="immediate")
    done = crowd.sent(case_id, urgency="immediate")
    crowd.step("officer", use_cases.accept_referral, done)
    listed = crowd.does("officer", use_cases.list_referrals, None, None)
    assert [row.id for row in listed.rows] == [fast, slow, done]
    only = crowd.does("officer", use_cases.list_referrals, "accepted", None)
    assert [row.id for row in only.rows] == [done]


def test_pages_go_on_where_the_last_one_ended_with_the_same_number_of_queries(
    world: World, case_id: uuid.UUID
) -> None:
    made = [world.sent(case_id)]

    def queries_of(name: str) -> int:
        counted = []
        with world.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", listener := lambda *args: counted.append(args[2]))
        world.does(name, use_cases.list_referrals, None, None)
        event.remove(engine, "before_cursor_execute", listener)
        return len(counted)

    few = {name: queries_of(name) for name in ("officer", "worker", "supervisor")}
    made += [world.sent(case_id) for _number in range(PAGE + 2)]
    assert {name: queries_of(name) for name in few} == few
    for name in few:
        first = world.does(name, use_cases.list_referrals, None, None)
        second = world.does(name, use_cases.list_referrals, None, first.after)
        ids = [row.id for row in (*first.rows, *second.rows)]
        assert len(first.rows) == PAGE
        assert sorted(ids) == sorted(made)
        assert second.after is None
