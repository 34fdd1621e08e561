"""Who may do what: every route, for every role, on one's own and on somebody else's.

The table below is written by hand, apart from the policy tables, so that a rule cannot change unnoticed. A route that is
not in it fails the test.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.access.blueprint import PUBLIC, permission_of
from casework.access.permissions import Permission
from casework.access.policy import rules
from casework.access.roles import Role
from casework.audit.trail import declared
from tests.integration.referrals.conftest import PSY, World
from tests.services import rights, staff

ALL = frozenset(Role)
CW, SV, PS, DO = Role.CASEWORKER, Role.SUPERVISOR, Role.PSYCHOLOGIST, Role.DOMAIN_OFFICER
AU, AD = Role.AUDITOR, Role.ADMIN

ROUTES: dict[str, frozenset[Role]] = {
    "cases.my_work": ALL,
    "cases.listing": frozenset({CW, SV, PS}),
    "cases.new": frozenset({CW}),
    "cases.open_case": frozenset({CW}),
    "cases.search": frozenset({CW, SV, PS}),
    "cases.search_now": frozenset({CW, SV, PS}),
    "cases.suggest": frozenset({CW, SV, PS}),
    "cases.show": frozenset({CW, SV, PS}),
    "cases.consents": frozenset({CW, SV, PS}),
    "cases.record_consent": frozenset({CW}),
    "cases.withdrawal": frozenset({CW}),
    "cases.withdraw": frozenset({CW}),
    "cases.follow_up_done": frozenset({CW, PS}),
    "cases.follow_up_not_needed_page": frozenset({CW, PS}),
    "cases.follow_up_not_needed": frozenset({CW, PS}),
    "cases.needs_level": frozenset({CW}),
    "cases.set_needs_level": frozenset({CW}),
    "cases.person": frozenset({CW}),
    "cases.correct_person": frozenset({CW}),
    "cases.person_history": frozenset({CW, SV}),
    "cases.reassign_page": frozenset({SV}),
    "cases.reassign": frozenset({SV}),
    "cases.show_support": frozenset({CW, SV, PS}),
    "cases.correct_support_page": frozenset({CW, PS}),
    "cases.correct_support": frozenset({CW, PS}),
    "cases.in_error_page": frozenset({CW, PS}),
    "cases.mark_in_error": frozenset({CW, PS}),
    "cases.support_history": frozenset({CW, SV, PS}),
    "cases.new_support": frozenset({CW, PS}),
    "cases.record_support": frozenset({CW, PS}),
    "cases.discard_draft": ALL,
    "cases.requests": frozenset({CW, SV}),
    "cases.record_request": frozenset({CW}),
    "cases.show_request": frozenset({CW, SV}),
    "cases.decide_request": frozenset({CW, SV}),
    "cases.finish_request": frozenset({CW}),
    "cases.copy_page": frozenset({CW}),
    "cases.give_copy": frozenset({CW}),
    "cases.erase_page": frozenset({CW, SV}),
    "cases.erase": frozenset({CW, SV}),
    "cases.certificate": frozenset({CW, SV}),
    "cases.certificate_text": frozenset({CW, SV}),
    "cases.retention_due": frozenset({SV}),
    "cases.approve_retention": frozenset({SV}),
    "cases.new_attachment": frozenset({CW}),
    "cases.add_attachment": frozenset({CW}),
    "cases.attachment": frozenset({CW, SV}),
    "cases.remove_attachment": frozenset({CW}),
    "referrals.index": frozenset({CW, SV, PS, DO}),
    "referrals.show": frozenset({CW, SV, PS, DO}),
    "referrals.new": frozenset({CW, SV, PS}),
    "referrals.make": frozenset({CW, SV, PS}),
    "referrals.change": frozenset({CW, SV, PS}),
    "referrals.save_change": frozenset({CW, SV, PS}),
    "referrals.submit": frozenset({CW, SV, PS}),
    "referrals.inform_form": frozenset({CW, SV, PS}),
    "referrals.inform": frozenset({CW, SV, PS}),
    "referrals.withdraw_form": frozenset({CW, SV, PS}),
    "referrals.withdraw": frozenset({CW, SV, PS}),
    "referrals.reviews": frozenset({SV}),
    "referrals.approve": frozenset({SV}),
    "referrals.return_form": frozenset({SV}),
    "referrals.return": frozenset({SV}),
    "referrals.receive": frozenset({DO}),
    "referrals.accept": frozenset({DO}),
    "referrals.ask_form": frozenset({DO}),
    "referrals.ask": frozenset({DO}),
    "referrals.decline_form": frozenset({DO}),
    "referrals.decline": frozenset({DO}),
    "referrals.start": frozenset({DO}),
    "referrals.complete_form": frozenset({DO}),
    "referrals.complete": frozenset({DO}),
    "referrals.discontinue_form": frozenset({DO}),
    "referrals.discontinue": frozenset({DO}),
    "audit.log": frozenset({AU}),
    "audit.event": frozenset({AU}),
    "audit.export_form": frozenset({AU}),
    "audit.export": frozenset({AU}),
    "audit.export_state": frozenset({AU}),
    "audit.export_file": frozenset({AU}),
    "audit.unusual_access": frozenset({AU}),
    "audit.checkpoint": frozenset({AU}),
    "audit.verify_now": frozenset({AU}),
    "audit.retention_page": frozenset({AU, AD}),
    "audit.ask_retention": frozenset({AU, AD}),
    "audit.approve_retention": frozenset({AU, AD}),
    "record.who_saw": frozenset({SV}),
    "accounts.account": ALL,
    "accounts.change_language": ALL,
    "accounts.password": ALL,
    "accounts.change_password": ALL,
    "accounts.end_own_session": ALL,
    "accounts.end_other_sessions": ALL,
    "accounts.sign_out": ALL,
    "accounts.staff": frozenset({AD}),
    "accounts.staff_member": frozenset({AD}),
    "accounts.change_staff": frozenset({AD}),
    "accounts.disable_staff": frozenset({AD}),
    "accounts.enable_staff": frozenset({AD}),
    "accounts.end_staff_sessions": frozenset({AD}),
    "accounts.reset_staff_password": frozenset({AD}),
    "accounts.new_staff": frozenset({AD}),
    "accounts.add_staff": frozenset({AD}),
    "accounts.choose_place": frozenset({CW, SV, PS, DO, AD}),
    "accounts.find_places": frozenset({CW, SV, PS, DO, AD}),
}
OPEN = {
    "accounts.sign_in",
    "accounts.sign_in_now",
    "web.static",
    "health.alive",
    "health.ready",
    "health.metrics",
}
"""Pages for everybody."""

PERSONAL = {"cases.discard_draft", "accounts.end_own_session"}
"""What belongs to one member of staff: for everybody else it is not there."""

ENDS_THE_SESSION = "accounts.sign_out"


@dataclass
class Things:
    """One office's rows, by the name of the route's variable."""

    case_id: uuid.UUID
    record_id: uuid.UUID
    follow_up_id: uuid.UUID
    consent_id: uuid.UUID
    referral_id: uuid.UUID
    draft_id: uuid.UUID
    more: dict[str, Any] = field(default_factory=dict)

    def values(self, names: set[str]) -> dict[str, Any]:
        return {name: getattr(self, name, None) or self.more[name] for name in names}


@pytest.fixture
def world(app: Flask) -> World:
    made = World(app, staff.add_places(app))
    for prefix, place in (("", "1703202"), ("other_", "1730209")):
        made.hire(f"{prefix}worker", Role.CASEWORKER, place)
        made.hire(f"{prefix}supervisor", Role.SUPERVISOR, place)
        made.hire(f"{prefix}psychologist", Role.PSYCHOLOGIST, place)
        made.hire(f"{prefix}officer", Role.DOMAIN_OFFICER, place, PSY)
    made.hire("auditor", Role.AUDITOR, None)
    made.hire("admin", Role.ADMIN, None)
    made.hire("secretariat", Role.COUNCIL_SECRETARIAT, None)
    made.hire("member", Role.COUNCIL_MEMBER, None)
    return made


WHO = {
    Role.CASEWORKER: "worker",
    Role.SUPERVISOR: "supervisor",
    Role.PSYCHOLOGIST: "psychologist",
    Role.DOMAIN_OFFICER: "officer",
    Role.AUDITOR: "auditor",
    Role.ADMIN: "admin",
    Role.COUNCIL_SECRETARIAT: "secretariat",
    Role.COUNCIL_MEMBER: "member",
}


def things_of(world: World, prefix: str, mahalla: str) -> Things:
    """A case with one of everything in this office: support with a follow-up, consent, a draft, a referral that was sent."""
    from casework.access.actor import SYSTEM, acting_as
    from casework.access.row_security import bind_actor
    from casework.accounts.models import StaffSession
    from casework.cases.models import Consent, Draft, FollowUp, SupportRecord
    from casework.core.database import db
    from casework.referrals import use_cases as referrals
    from tests.services.cases import SUPPORT

    case_id = world.case_of(f"{prefix}worker", mahalla)
    supervisor = world.client(f"{prefix}supervisor")
    path = f"/cases/{case_id}/reassign"
    given = staff.post(
        supervisor, path, {"staff_id": str(world.actors[f"{prefix}psychologist"].id), "reason": "Joint work."}
    )
    assert given.status_code == 303, given.get_data(as_text=True)
    worker = world.client(f"{prefix}worker")
    form = f"/cases/{case_id}/support/psychosocial/new"
    for action in ("save", "draft"):
        answer = staff.post(worker, form, {**SUPPORT["psychosocial"], "action": action})
        assert answer.status_code == 303, answer.get_data(as_text=True)
    request_id = rights.record(worker, case_id, "copy")
    attachment_id = add_document(worker, case_id)
    referral_id = world.draft(case_id, f"{prefix}worker")
    world.step(f"{prefix}worker", referrals.submit_referral, referral_id)
    world.step(f"{prefix}supervisor", referrals.approve_referral, referral_id)
    with world.app.app_context(), acting_as(SYSTEM):
        bind_actor(SYSTEM)

        def only(model: Any, **wanted: Any) -> uuid.UUID:
            found: uuid.UUID = db.session.scalars(db.select(model.id).filter_by(**wanted).limit(1)).one()
            return found

        made = Things(
            case_id,
            only(SupportRecord, case_id=case_id),
            only(FollowUp, case_id=case_id),
            only(
                Consent,
                person_id=db.session.get_one(SupportRecord, only(SupportRecord, case_id=case_id)).person_id,
            ),
            referral_id,
            only(Draft, case_id=case_id),
            {
                "kind": "psychosocial",
                "request_id": request_id,
                "attachment_id": attachment_id,
                "session_id": only(StaffSession, staff_id=world.actors[f"{prefix}worker"].id),
                "staff_id": world.actors[f"{prefix}worker"].id,
            },
        )
        db.session.remove()
    return made


def things_of_auditor(world: World) -> dict[str, uuid.UUID]:
    """An export that is ready, and a request about old events that somebody else made."""
    from sqlalchemy import insert

    from casework.audit import desk
    from casework.audit.models import AuditRetentionRequest
    from casework.core import clock
    from casework.core.database import db
    from casework.core.ids import new_id
    from casework.core.unit_of_work import unit_of_work

    asked = staff.post(world.client("auditor"), "/audit/export", {"format": "csv", "reason": "A review."})
    assert asked.status_code == 303
    retention_id, now = new_id(), clock.now()
    with world.app.app_context():
        desk.work_off()
        with unit_of_work():
            row = {
                "id": retention_id,
                "up_to": 1,
                "cutoff": now,
                "requested_by": new_id(),
                "requested_at": now,
            }
            db.session.execute(insert(AuditRetentionRequest.__table__), [row])
    return {"job_id": uuid.UUID(asked.location.rpartition("/")[2]), "retention_id": retention_id}


def add_document(worker: FlaskClient, case_id: uuid.UUID) -> uuid.UUID:
    """A document on this case."""
    sent = rights.upload(worker, case_id, b"A text.", "a.txt")
    assert sent.status_code == 303, sent.get_data(as_text=True)
    found = re.search(r"/documents/([0-9a-f-]{36})", worker.get(f"/cases/{case_id}").get_data(as_text=True))
    assert found
    return uuid.UUID(found[1])


def protected_routes(app: Flask) -> Iterator[tuple[Any, str]]:
    for rule in app.url_map.iter_rules():
        if permission_of(app, rule.endpoint) is not PUBLIC:
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                yield rule, method


def test_every_route_is_in_the_table(app: Flask) -> None:
    protected = {rule.endpoint for rule, _ in protected_routes(app)}
    public = {rule.endpoint for rule in app.url_map.iter_rules()} - protected
    assert protected == set(ROUTES)
    assert public == OPEN


@pytest.mark.both_engines
def test_every_role_reaches_exactly_what_the_table_says(app: Flask, world: World) -> None:
    own, foreign = things_of(world, "", "11"), things_of(world, "other_", "13")
    event_uid = uuid.UUID(world.events()[0]["event_uid"])
    own.more["event_uid"] = foreign.more["event_uid"] = event_uid
    own.more |= things_of_auditor(world)
    foreign.more |= {"job_id": uuid.uuid4(), "retention_id": uuid.uuid4()}
    wrong = []
    for role, name in WHO.items():
        browser = world.client(name)
        token = staff.hidden(browser.get("/account"))["csrf_token"]
        routes = sorted(
            protected_routes(app),
            key=lambda each: (each[0].endpoint == ENDS_THE_SESSION, each[1], each[0].rule),
        )
        for rule, method in routes:
            permitted = role in ROUTES[rule.endpoint]
            for whose, things in (("own", own), ("foreign", foreign)):
                if whose == "foreign" and (not permitted or not rule.arguments):
                    continue  # the role alone was refused already, or nobody owns the page
                with app.test_request_context():
                    path = app.url_map.bind("localhost").build(
                        rule.endpoint, things.values(rule.arguments), method
                    )
                status = send(browser, method, path, token)
                if rule.endpoint == "cases.remove_attachment" and status == 303:
                    things.more["attachment_id"] = add_document(browser, things.case_id)
                hidden = whose == "foreign" and shows_rows_of_an_office(rule)
                hidden = hidden or (rule.endpoint in PERSONAL and role is not Role.CASEWORKER)
                if not permitted:
                    expected = status == 403
                elif hidden:
                    expected = status == 404
                else:
                    expected = status in (200, 303, 409, 422)
                if not expected:
                    wrong.append(f"{role} {method} {path} ({rule.endpoint}, {whose}): {status}")
    assert wrong == []


def shows_rows_of_an_office(rule: Any) -> bool:
    return bool(rule.arguments - {"event_uid", "staff_id", "kind"})


def send(browser: FlaskClient, method: str, path: str, token: str) -> int:
    if method == "GET":
        return browser.get(path, buffered=True).status_code  # a file is read to its end
    return browser.post(path, data={"csrf_token": token}).status_code


@pytest.mark.both_engines
def test_nobody_who_is_not_signed_in_reaches_anything(app: Flask) -> None:
    browser = app.test_client()
    values = {"kind": "education"}
    for rule, method in protected_routes(app):
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(
                rule.endpoint, {name: values.get(name, uuid.uuid4()) for name in rule.arguments}, method
            )
        if method == "GET":
            answer = browser.get(path)
            assert answer.status_code in (302, 303), path
            assert "/sign-in" in answer.location
        else:
            assert browser.post(path).status_code in (400, 401), path


def test_every_permission_has_a_rule_and_a_use() -> None:
    import casework.cli  # noqa: F401 -- the commands' use cases too

    of_the_system = {Permission.LOG_KEEP}
    ruled = {rule.permission for rule in rules()}
    used = {declaration.permission for declaration in declared.values()}
    assert set(Permission) - ruled == of_the_system
    assert set(Permission) <= used
    assert all(re.fullmatch(r"[a-z_]+:[a-z_]+", permission.value) for permission in Permission)


def test_audit_codes_are_in_the_past_tense_of_their_room_and_have_words() -> None:
    from casework.audit import words

    known = dict(words.known())
    missing = sorted({declaration.code for declaration in declared.values()} - set(known))
    assert missing == []
    refused = {declaration.refused_code for declaration in declared.values()}
    assert refused <= set(known)


def test_no_role_is_of_police_or_security() -> None:
    assert {role.value for role in Role} == {
        "caseworker",
        "supervisor",
        "domain_officer",
        "psychologist",
        "auditor",
        "admin",
        "council_secretariat",
        "council_member",
    }
