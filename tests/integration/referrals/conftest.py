"""Two districts of one region: who works there, a child with a case, and the steps that bring a referral into each state."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.access.actor import Actor
from casework.access.roles import Role
from tests.services import staff

PSY, CIVIL = "psychosocial_health_education", "civil_society"
LEGAL, COMMUNITY = "accountability_legal", "countering_terrorist_ideas"
SURNAME = "Sinovqizi"
SUMMARY = "A place in the fourth grade from the spring on."


@dataclass
class World:
    """The people of a test installation as actors, and the verbs that a test needs. Every verb is a committed act."""

    app: Flask
    places: dict[str, uuid.UUID]
    actors: dict[str, Actor] = field(default_factory=dict)

    def hire(self, name: str, role: Role, place: str | None, domain: str | None = None) -> Actor:
        place_id = self.places[place] if place else None
        staff_id = staff.add_staff(self.app, name, role.value, place=place_id, domain=domain)
        self.actors[name] = Actor(staff_id, role, place_id, domain, display_name=f"Test {name}", locale="en")
        return self.actors[name]

    def does(self, name: str, verb: Callable[..., Any], *args: Any) -> Any:
        """Runs a use case as this person, in a transaction of its own."""
        from casework.audit.boundary import acting

        actor = self.actors[name]
        with self.app.test_request_context(), acting(actor, "test"):
            return verb(actor, *args)

    def case_of(self, worker: str = "worker", place: str = "11") -> uuid.UUID:
        """A new case of a nine-year-old."""
        from casework.cases.schemas.intake import OpenCaseSchema
        from casework.cases.use_cases import intake

        data = dict.fromkeys(OpenCaseSchema().fields)
        data |= {
            "surname": SURNAME,
            "given_name": "Sinov",
            "script": "uz-Latn",
            "birth_date": _partial(2017, 3, 5),
            "sex": "female",
            "languages": ["uz", "ru"],
            "interpreter_needed": False,
            "preferred_contact": "visit_home",
            "phone": "+998900000000",
            "phone_owner": "relative",
            "safe_to_call": False,
            "place_id": self.places[place],
            "case_type": "child",
            "consent_status": "active",
            "consent_given_on": _today(),
            "consent_form": "signed_paper_scanned",
            "consent_given_by": "legal_guardian",
            "consent_language": "uz",
            "child_assent": "given",
            "not_duplicate": True,
        }
        opened: uuid.UUID = self.does(worker, intake.open_case, None, data).id
        return opened

    def consent(
        self, case_id: uuid.UUID, purpose: str = "share_education", worker: str = "worker"
    ) -> uuid.UUID:
        """A consent given today for twelve months."""
        from casework.cases.schemas.consent import RecordConsentSchema
        from casework.cases.use_cases import consent

        data = dict.fromkeys(RecordConsentSchema().fields)
        data |= {
            "purpose": purpose,
            "consent_status": "active",
            "given_on": _today(),
            "form": "signed_paper_scanned",
            "given_by": "legal_guardian",
            "language": "uz",
            "child_assent": "given",
            "not_duplicate": True,
        }
        recorded: uuid.UUID = self.does(worker, consent.record_consent, case_id, data).id
        return recorded

    def withdraw(self, case_id: uuid.UUID, consent_id: uuid.UUID) -> None:
        from casework.cases.use_cases import consent

        self.does("worker", consent.withdraw_consent, case_id, consent_id, {"withdrawn_why": None})

    def draft(self, case_id: uuid.UUID, author: str = "worker", **changes: Any) -> uuid.UUID:
        """A draft; without a `consent_id` or basis of one's own it stands on the law."""
        from casework.referrals import use_cases

        data = answers(**changes)
        if data["consent_id"] is None and data["lawful_basis"] is None:
            data |= {"lawful_basis": "law", "lawful_basis_text": "Every child has a place at school by law."}
        drafted: uuid.UUID = self.does(author, use_cases.draft_referral, case_id, data).id
        return drafted

    def step(self, name: str, verb: Any, referral_id: uuid.UUID, **data: Any) -> Any:
        """One move on the version that stands now."""
        return self.does(name, verb, referral_id, {"version": self.row(referral_id).version, **data})

    def sent(self, case_id: uuid.UUID, **changes: Any) -> uuid.UUID:
        """A referral that a supervisor approved."""
        from casework.referrals import use_cases

        referral_id = self.draft(case_id, **changes)
        self.step("worker", use_cases.submit_referral, referral_id)
        self.step("supervisor", use_cases.approve_referral, referral_id)
        return referral_id

    def row(self, referral_id: uuid.UUID) -> Any:
        """The row as it stands, read as the installation."""
        from casework.access.actor import SYSTEM, acting_as
        from casework.core.database import db
        from casework.referrals.models import Referral

        with self.app.app_context(), acting_as(SYSTEM):
            found = db.session.get(Referral, referral_id)
            db.session.remove()
            return found

    def view(self, name: str, referral_id: uuid.UUID) -> Any:
        from casework.referrals import use_cases

        return self.does(name, use_cases.view_referral, referral_id)

    def events(self) -> list[dict[str, Any]]:
        """The audit log, oldest first."""
        import json

        from casework.audit.models import AuditEvent
        from casework.core.database import db

        with self.app.app_context():
            bodies = db.session.scalars(db.select(AuditEvent.body).order_by(AuditEvent.id)).all()
            db.session.remove()
        return [json.loads(body) for body in bodies]

    def client(self, name: str) -> FlaskClient:
        """A browser in which this person is signed in."""
        browser = self.app.test_client()
        assert staff.sign_in(browser, name).status_code == 303
        return browser


def answers(**changes: Any) -> dict[str, Any]:
    """A loaded form for the domain of education."""
    return {
        "domain": PSY,
        "reason_code": "enrol",
        "urgency": "priority",
        "need_summary": SUMMARY,
        "minimum_dataset": ["birth_year", "level_sought"],
        "level_sought": "primary_1_4",
        "communication_needs": None,
        "caregiver_name": None,
        "consent_id": None,
        "lawful_basis": None,
        "lawful_basis_text": None,
        "channel": "in_system",
        "version": None,
        **changes,
    }


def _today() -> date:
    from casework.core import clock

    return clock.today()


def _partial(year: int, month: int, day: int) -> date:
    from casework.web.fields import PartialDate

    return PartialDate.of(year, month, day)


@pytest.fixture
def world(app: Flask) -> World:
    """Everybody of the tests, in two districts of one region and one of another."""
    made = World(app, staff.add_places(app))
    made.hire("worker", Role.CASEWORKER, "1703202")
    made.hire("colleague", Role.CASEWORKER, "1703202")
    made.hire("supervisor", Role.SUPERVISOR, "1703202")
    made.hire("officer", Role.DOMAIN_OFFICER, "1703202", PSY)
    return made


@pytest.fixture
def case_id(world: World) -> uuid.UUID:
    """A case of `worker`."""
    return world.case_of()
