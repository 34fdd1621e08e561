"""The rows agree with one another as the rooms keep them, and with the log."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from casework.accounts.commands import import_pack_places
from casework.accounts.models import Place, Staff
from casework.audit.trail import declared
from casework.cases.models import (
    Case,
    CaseAssignment,
    ClinicalNote,
    Consent,
    Draft,
    FollowUp,
    Person,
    PersonVersion,
    SupportRecord,
    SupportVersion,
    TimelineEntry,
)
from casework.core import clock
from casework.core.errors import Conflict
from casework.core.pack import load_pack
from casework.demo import filling
from casework.demo.sheaf import Sheaf
from casework.referrals.models import Referral, ReferralStep
from casework.referrals.use_cases.ending import DRAFT_DAYS
from casework.referrals.workflow import BEFORE_SERVICE, LIVE, Action, State
from casework.vault.keys import SubjectKey
from config.settings import Settings
from tests.integration.demo.conftest import ENOUGH, NOON, log_of, rows_of
from tests.services import databases, staff

both_engines = pytest.mark.both_engines


def by(rows: Iterable[Any], name: str) -> dict[Any, list[Any]]:
    """The rows under each value of a column."""
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found


def made_at(row_id: UUID) -> datetime:
    """The moment that an id sorts by, to the millisecond."""
    return datetime.fromtimestamp((row_id.int >> 80) / 1000, UTC)


@both_engines
def test_each_case_says_what_its_rows_say(filled: Flask) -> None:
    cases = rows_of(filled, Case)
    assignments, follow_ups = (
        by(rows_of(filled, CaseAssignment), "case_id"),
        by(rows_of(filled, FollowUp), "case_id"),
    )
    entries = by(rows_of(filled, TimelineEntry), "case_id")
    assert len(cases) == ENOUGH == len(rows_of(filled, Person))
    assert len({case.person_id for case in cases}) == ENOUGH
    for case in cases:
        due = [each.due_on for each in follow_ups[case.id] if each.status == "open"]
        assert case.next_follow_up_on == min(due, default=None)
        newest = max(made_at(each.id) for each in entries[case.id])
        assert abs(case.last_activity_at - newest) < timedelta(milliseconds=2)
        held = [each for each in assignments[case.id] if each.ended_at is None and each.role == "caseworker"]
        assert [each.staff_id for each in held] == [case.worker_id]
        assert {each.office_id for each in assignments[case.id]} == {case.office_id}
        assert case.status == "assessment"
        changes = [each.kind for each in entries[case.id]]
        levels = [kind for kind in changes if kind.startswith("needs_level_")]
        assert case.version == 2 + changes.count("reassigned") + len(levels)
        assert not levels or levels[-1] == f"needs_level_{case.needs_level}"


@both_engines
def test_records_have_their_versions_lines_and_next_steps(filled: Flask) -> None:
    versions, entries = (
        by(rows_of(filled, SupportVersion), "record_id"),
        by(rows_of(filled, TimelineEntry), "ref_id"),
    )
    records = rows_of(filled, SupportRecord)
    psychologists = {each.id for each in rows_of(filled, Staff) if each.role == "psychologist"}
    notes = by(rows_of(filled, ClinicalNote), "record_id")
    for record in records:
        assert [each.number for each in versions[record.id]] == list(range(1, record.version + 1))
        [line] = [each for each in entries[record.id] if each.kind == f"support_{record.kind}"]
        assert line.struck == (record.state == "entered_in_error")
        day = clock.local(record.created_at).date()
        assert record.happened_on <= day
        assert clock.local(line.at).date() == record.happened_on
        assert bool(notes[record.id]) == (record.author_id in psychologists)
    assert {each.kind for each in records} == {"psychosocial", "education", "employment"}
    assert any(each.version > 1 for each in records)
    assert any(each.state == "entered_in_error" for each in records)
    assert any(notes.values())
    for each in rows_of(filled, FollowUp):
        assert (each.status == "open") == (each.closed_at is None) == (each.closed_by is None)
        assert each.due_on >= clock.local(each.created_at).date()
    waiting = [each.due_on for each in rows_of(filled, FollowUp) if each.status == "open"]
    assert any(day < NOON.date() for day in waiting)
    assert any(day >= NOON.date() for day in waiting)
    assert all(each.created_at < NOON for each in rows_of(filled, Draft))
    assert rows_of(filled, Draft)


@both_engines
def test_nothing_waits_that_the_worker_would_have_ended(filled: Flask) -> None:
    today = clock.today()
    consents = {each.id: each for each in rows_of(filled, Consent)}
    assert {each.status for each in consents.values()} == {
        "active",
        "refused",
        "withdrawn",
        "expired",
        "superseded",
    }
    for (_person, _purpose), answers in by_pair(consents.values()).items():
        assert sum(each.status == "active" for each in answers) <= 1
    assert all(each.expires_on >= today for each in consents.values() if each.status == "active")
    for referral in rows_of(filled, Referral):
        if State(referral.status) in (State.DRAFT, State.RETURNED):
            assert NOON - referral.changed_at < timedelta(days=DRAFT_DAYS)
        if State(referral.status) in BEFORE_SERVICE and referral.consent_id:
            assert consents[referral.consent_id].status == "active"


def by_pair(consents: Iterable[Any]) -> dict[Any, list[Any]]:
    """Consents of one person for one purpose."""
    found: dict[Any, list[Any]] = defaultdict(list)
    for each in consents:
        found[each.person_id, each.purpose].append(each)
    return found


@both_engines
def test_each_state_of_a_referral_is_there_in_each_domain_and_its_course_leads_to_it(filled: Flask) -> None:
    pack, steps = load_pack(), by(rows_of(filled, ReferralStep), "referral_id")
    referrals = rows_of(filled, Referral)
    packages = {
        row.subject_id: row.wrapped is not None for row in keys_of(filled) if row.compartment == "PKG"
    }
    people = {each.id: each for each in rows_of(filled, Staff)}
    assert {(each.status, each.domain) for each in referrals} >= {
        (state.value, domain) for state in State for domain in pack.domains
    }
    for each in referrals:
        course = steps[each.id]
        assert [step.from_status for step in course] == ["draft", *(step.to_status for step in course)][:-1]
        assert each.status == (course[-1].to_status if course else "draft")
        assert each.version == 1 + len(course)
        at = {step.action: step.at for step in course}
        answering = [step.at for step in course if step.action in (Action.APPROVE, Action.INFORM)]
        assert each.submitted_at == at.get("submit")
        assert each.sent_at == at.get("approve")
        assert each.due_at == (pack.due_at(each.urgency, answering[-1]) if answering else None)
        assert (each.closed_at is None) == (State(each.status) in LIVE)
        assert packages[each.id] == (each.package_gone_at is None)
        assert (each.person_id is None) == (each.domain == "countering_terrorist_ideas")
        officers = {
            people[step.actor_id] for step in course if step.action in ("receive", "accept", "decline")
        }
        assert {(who.role, who.domain, who.place_id) for who in officers} <= {
            ("domain_officer", each.domain, each.to_region_id)
        }
    due = [each.due_at for each in referrals if each.status in ("sent", "received")]
    assert any(moment < NOON for moment in due)
    assert any(moment > NOON for moment in due)


def keys_of(app: Flask) -> list[Any]:
    """Every data key."""
    from casework.core.database import db

    with app.app_context():
        found = db.session.execute(db.select(SubjectKey.__table__)).all()
        db.session.remove()
    return list(found)


@both_engines
def test_every_action_has_its_event_by_whom_it_was_in_the_order_of_time(filled: Flask) -> None:
    log = log_of(filled)[1:]  # the first is the register of places
    assert [each["recorded"] for each in log] == sorted(each["recorded"] for each in log)
    assert {each["code"] for each in log} <= {each.code for each in declared.values()}
    assert {each["outcome"] for each in log} == {"success"}
    codes = Counter(each["code"] for each in log)
    records, follow_ups = rows_of(filled, SupportRecord), rows_of(filled, FollowUp)
    steps, consents = rows_of(filled, ReferralStep), rows_of(filled, Consent)
    assert codes["case.opened"] == ENOUGH
    assert codes["support.recorded"] == len(records)
    assert codes["support.corrected"] == sum(each.version - 1 for each in records)
    assert codes["support.entered_in_error"] == sum(each.state == "entered_in_error" for each in records)
    assert codes["follow_up.done"] == sum(each.status == "done" for each in follow_ups)
    assert codes["follow_up.not_needed"] == sum(each.status == "not_needed" for each in follow_ups)
    assert codes["consent.recorded"] == len(consents) - ENOUGH  # the first one comes with the opening
    assert codes["consent.expired"] == sum(each.status == "expired" for each in consents)
    assert codes["consent.withdrawn"] == sum(each.status == "withdrawn" for each in consents)
    assert codes["case.person_corrected"] == len(rows_of(filled, PersonVersion)) - ENOUGH
    assert codes["case.reassigned"] == len(rows_of(filled, CaseAssignment)) - ENOUGH
    assert codes["draft.saved"] == len(rows_of(filled, Draft))
    assert codes["referral.drafted"] == len(rows_of(filled, Referral))
    assert codes["staff.added"] == len(rows_of(filled, Staff))
    moves = sum(number for code, number in codes.items() if code.startswith("referral."))
    by_consent = sum(each.reason_code == "consent_withdrawn" for each in steps)
    assert moves - codes["referral.drafted"] - codes["referral.viewed"] == len(steps) - by_consent
    written = {(str(each.id), str(each.author_id)) for each in records}
    told = {(each["entity_id"], each["agent_id"]) for each in log if each["code"] == "support.recorded"}
    assert told == written
    assert log[-1]["code"] == "demo.filled"
    assert log[-1]["result_count"] == ENOUGH


def test_the_same_seed_makes_the_same_caseload_in_another_home(
    filled: Flask, tmp_path: Any, settings: Settings
) -> None:
    from casework.app import create_app

    with databases.installation("sqlite", tmp_path / "another") as other_settings:
        other = create_app(other_settings)
        with other.app_context():
            import_pack_places()
            filling.fill(ENOUGH, 1)
        assert _outline(other) == _outline(filled)


def _outline(app: Flask) -> list[Any]:
    """What can be told without a key: codes, days, states, and the log without its ids."""
    events = [
        (each["recorded"], each["code"], each["agent_role"], each["result_count"]) for each in log_of(app)[1:]
    ]
    cases = [
        (each.opened_on, each.status, each.needs_level, each.next_follow_up_on) for each in rows_of(app, Case)
    ]
    referrals = [(each.domain, each.status, each.due_at, each.outcome) for each in rows_of(app, Referral)]
    return [
        sorted(each.display_code for each in rows_of(app, Person)),
        sorted(each.username + each.display_name for each in rows_of(app, Staff)),
        sorted(map(str, cases)),
        sorted(map(str, referrals)),
        sorted(str((each.purpose, each.status, each.given_on)) for each in rows_of(app, Consent)),
        events,
    ]


def test_a_larger_number_adds_what_is_missing_and_nothing_else(with_places: Flask) -> None:
    with with_places.app_context():
        assert filling.fill(30, 5) == 30
        before = {each.display_code: each.id for each in rows_of(with_places, Person)}
        assert filling.fill(30, None) == 0
        assert filling.fill(20, 5) == 0
        assert filling.fill(160, None) == 130
    after = {each.display_code: each.id for each in rows_of(with_places, Person)}
    assert len(after) == 160
    assert before.items() <= after.items()
    states = Counter(each.code for each in rows_of(with_places, Place) if each.code.startswith("DEMO-"))
    assert set(states.values()) == {1}


def test_another_seed_in_the_same_home_is_refused_and_changes_nothing(with_places: Flask) -> None:
    with with_places.app_context():
        filling.fill(10, 1)
        before = len(log_of(with_places))
        with pytest.raises(Conflict, match="another seed"):
            filling.fill(20, 2)
    assert len(rows_of(with_places, Person)) == 10
    assert len(log_of(with_places)) == before


@both_engines
def test_stopped_half_way_it_leaves_nothing(with_places: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_sheaf: Sheaf) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Sheaf, "record", stopped)
    before = log_of(with_places)
    with with_places.app_context(), pytest.raises(KeyboardInterrupt):
        filling.fill(10, 1)
    assert not rows_of(with_places, Person)
    assert not rows_of(with_places, Staff)
    assert not keys_of(with_places)
    assert log_of(with_places) == before


def test_mahallas_of_the_register_are_used_where_there_are_some(app: Flask) -> None:
    known = staff.add_places(app)
    with app.app_context():
        filling.fill(20, 1)
    places = {each.id: each for each in rows_of(app, Place)}
    assert not [each for each in places.values() if each.code.startswith("DEMO-")]
    assert {each.office_id for each in rows_of(app, Case)} <= {
        known["1703202"],
        known["1703203"],
        known["1730209"],
    }


def test_somebody_with_a_name_that_is_needed_is_left_alone(with_places: Flask) -> None:
    staff.add_staff(with_places, "caseworker1", "auditor")
    with with_places.app_context(), pytest.raises(Conflict, match="caseworker1 is somebody else"):
        filling.fill(10, 1)
    assert [each.username for each in rows_of(with_places, Staff)] == ["caseworker1"]


@both_engines
def test_everybody_can_be_found_and_nobody_waits_to_be_indexed(filled: Flask) -> None:
    from casework.cases.search.jobs import count_behind
    from casework.cases.search.models import ExactIndex, SearchDocument
    from casework.vault.exact import current_key_id

    documents = {each.person_id for each in rows_with(filled, SearchDocument)}
    assert documents == {each.id for each in rows_of(filled, Person)}
    numbers = rows_with(filled, ExactIndex)
    assert {each.kind for each in numbers} == {"phone", "national_id", "birth_certificate"}
    with filled.app_context():
        assert {each.key_id for each in numbers} == {current_key_id()}
        assert count_behind() == 0


def rows_with(app: Flask, model: Any) -> list[Any]:
    """Every row of a table that has no id of its own."""
    from casework.access.actor import SYSTEM, acting_as
    from casework.core.database import db

    with app.app_context(), acting_as(SYSTEM):
        found = db.session.execute(db.select(model.__table__)).all()
        db.session.remove()
    return list(found)
