"""A synthetic office and what its caseworkers type: one place for every test that needs a case."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from casework.access.actor import Actor
from casework.access.roles import Role
from tests.services import staff

OFFICE = "1703202"
OTHER_OFFICE = "1703203"
CANARY = "Kanareyqush"


@dataclass(frozen=True)
class Office:
    """Places by code, and everybody by sign-in name."""

    app: Flask
    places: dict[str, uuid.UUID]
    people: dict[str, uuid.UUID]

    def actor(self, name: str) -> Actor:
        """Somebody as the use cases know them."""
        role = Role(name.rstrip("0123456789").removeprefix("other_"))
        place = self.places[OTHER_OFFICE if name.startswith("other_") else OFFICE]
        return Actor(self.people[name], role, place, session_hash="test", display_name=name, locale="en")

    def client(self, name: str) -> FlaskClient:
        """A browser in which somebody has signed in, in English."""
        client = self.app.test_client()
        answer = staff.sign_in(client, name)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return client


def open_office(app: Flask) -> Office:
    """Two districts: in the first two caseworkers, a supervisor and two psychologists, in the other one of each."""
    places = staff.add_places(app)
    people: dict[str, uuid.UUID] = {}
    for name in ("caseworker", "caseworker2", "supervisor", "psychologist", "psychologist2"):
        people[name] = staff.add_staff(app, name, name.rstrip("2"), place=places[OFFICE])
    for name in ("other_caseworker", "other_supervisor", "other_psychologist"):
        role = name.removeprefix("other_")
        people[name] = staff.add_staff(app, name, role, place=places[OTHER_OFFICE])
    return Office(app, places, people)


def case_form(office: Office, **changed: Any) -> dict[str, Any]:
    """A new case as typed: a woman of 1990 with consent. None leaves a field out."""
    typed = {
        "surname": CANARY,
        "given_name": "Sinov",
        "patronymic": "Namuna qizi",
        "script": "uz-Latn",
        "birth_date": "05.03.1990",
        "sex": "female",
        "languages": ["uz", "ru"],
        "interpreter_needed": "no",
        "preferred_contact": "visit_home",
        "place_id": str(office.places["11"]),
        "case_type": "adult",
        "needs_level": "medium",
        "consent_status": "active",
        "consent_given_on": "01.11.2026",
        "consent_form": "signed_paper_scanned",
        "consent_given_by": "self",
        "consent_language": "uz",
        "not_duplicate": "yes",
    } | changed
    return {name: value for name, value in typed.items() if value is not None}


def a_child(**changed: Any) -> dict[str, Any]:
    """What differs for a child of nine."""
    return {
        "birth_date": "2017",
        "case_type": "child",
        "consent_given_by": "legal_guardian",
        "child_assent": "given",
    } | changed


def open_case(office: Office, client: FlaskClient, **changed: Any) -> uuid.UUID:
    """Opens a case through the page; its id."""
    answer = staff.post(client, "/cases/new", case_form(office, **changed))
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return case_of(answer)


def case_of(answer: TestResponse) -> uuid.UUID:
    """The case that a redirect leads to."""
    return uuid.UUID(answer.location.rstrip("/").split("/cases/")[1].split("/")[0])


SUPPORT: dict[str, dict[str, Any]] = {
    "psychosocial": {
        "happened_on": "20.11.2026",
        "contact_type": "home_visit",
        "duration_band": "from_15_to_45",
        "wellbeing_self_report": "hard",
        "support_needed": ["sleep", "isolation"],
        "service_type": "individual_counselling",
        "mhpss_layer": "layer_3_focused",
        "session_count": "3",
        "attendance": "attended",
        "progress": "better",
        "crisis_plan": "none",
        "outcome": "continuing",
        "note": "Uxlash yaxshilandi.",
        "next_step": "Keyingi suhbat",
        "next_step_on": "01.12.2026",
    },
    "education": {
        "happened_on": "20.11.2026",
        "contact_type": "school",
        "level_sought": "primary_1_4",
        "enrolment_status": "enrolled",
        "placement_basis": "placement_test",
        "years_missed": "from_1_to_2",
        "language_support": "uzbek",
        "catch_up": "tutoring",
        "attendance_band": "from_90",
        "inclusion_support": "none",
        "bullying_reported": "no",
        "barrier": ["cost"],
        "school_told": "needs_only",
        "outcome": "enrolled",
    },
    "employment": {
        "happened_on": "20.11.2026",
        "contact_type": "office",
        "labour_status": "seeking",
        "education_level": "secondary",
        "skills": ["crafts"],
        "work_history_gap": "yes",
        "work_wish": "Tikuvchilik",
        "barriers": ["childcare"],
        "service": ["vocational_training"],
        "training_name": "Tikuvchilik kursi",
        "training_status": "attending",
        "training_certificate": "no",
        "job_form": "self",
        "job_time": "part",
        "job_still_3": "yes",
        "income_enough": "partly",
        "employer_told": "nothing",
        "outcome": "training_started",
    },
}
