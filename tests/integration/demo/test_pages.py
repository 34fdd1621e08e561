"""The people of a synthetic caseload sign in through the page and find their work; the forms would take every answer."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from casework.access.roles import Role
from casework.cases.ages import age_on, consent_rule
from casework.cases.models import ClinicalNote, Consent, SupportRecord, SupportVersion
from casework.cases.schemas.support import support_form
from casework.core.database import db
from casework.demo.families import caseload
from casework.demo.staff import password, sign_ins
from casework.vault.envelope import open_envelope
from casework.vault.grant import Compartment
from casework.vault.keys import key_ring
from casework.vault.sealed import DOTS
from tests.integration.demo.conftest import ENOUGH, NOON, rows_of
from tests.services import staff

both_engines = pytest.mark.both_engines
FIRST_PAGES = {
    Role.CASEWORKER: ("/", "/cases", "/referrals"),
    Role.SUPERVISOR: ("/", "/cases", "/review"),
    Role.PSYCHOLOGIST: ("/", "/cases"),
    Role.DOMAIN_OFFICER: ("/", "/referrals"),
    Role.AUDITOR: ("/audit",),
    Role.ADMIN: ("/admin/staff",),
    Role.COUNCIL_SECRETARIAT: ("/",),
    Role.COUNCIL_MEMBER: ("/",),
}


def signed_in(app: Flask, username: str) -> FlaskClient:
    with app.app_context():
        secret = password()
    client = app.test_client()
    answer = staff.sign_in(client, username, secret)
    assert answer.status_code == 303, username
    return client


def links(client: FlaskClient, page: str, pattern: str) -> list[str]:
    found = re.findall(f'href="({pattern})"', client.get(page).get_data(as_text=True))
    return list(dict.fromkeys(found))


@both_engines
def test_everybody_who_is_printed_signs_in_and_has_pages(filled: Flask) -> None:
    roles = set()
    with filled.app_context():
        everybody = list(sign_ins())
    for each in everybody:
        client = signed_in(filled, each.username)
        for page in FIRST_PAGES[each.role] if each.role not in roles else ("/account",):
            assert client.get(page).status_code == 200, (each.username, page)
        roles.add(each.role)
    assert roles == set(Role)


@both_engines
def test_each_case_of_a_caseworker_opens_with_name_and_history(filled: Flask) -> None:
    with filled.app_context():
        names = {
            each.name.surname for each in caseload(1, ENOUGH, NOON.date(), set()) if each.family.team == 0
        }
    client = signed_in(filled, "caseworker1")
    cases = links(client, "/cases", "/cases/[0-9a-f-]{36}")
    assert len(cases) >= 5
    seen = set()
    for case in cases:
        answer = client.get(f"{case}?lang=en")
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200
        assert DOTS not in text
        assert "cannot be opened" not in text
        seen |= {name for name in names if name in text}
    assert seen
    work = client.get("/?lang=en").get_data(as_text=True)
    assert "Overdue" in work


@both_engines
def test_a_case_that_a_psychologist_joined_opens_with_its_note_and_a_draft_goes_on(filled: Flask) -> None:
    client = signed_in(filled, "psychologist1")
    texts = []
    for case in links(client, "/cases", "/cases/[0-9a-f-]{36}"):
        for record in links(client, case, f"{case}/support/psychosocial/[0-9a-f-]{{36}}"):
            answer = client.get(record)
            assert answer.status_code == 200
            texts.append(answer.get_data(as_text=True))
    assert texts
    drafts = [
        link
        for number in range(1, 9)
        for link in links(signed_in(filled, f"caseworker{number}"), "/", r"/cases/[^\"]+draft=[0-9a-f-]{36}")
    ]
    assert drafts


@both_engines
def test_an_officer_answers_a_referral_of_the_synthetic_caseload(filled: Flask) -> None:
    client = signed_in(filled, "officer-health1")
    inbox = links(client, "/referrals", "/referrals/[0-9a-f-]{36}")
    assert inbox
    for referral in inbox:
        text = client.get(referral).get_data(as_text=True)
        assert "cannot be opened" not in text
    supervisor = signed_in(filled, "supervisor1")
    assert supervisor.get("/review").status_code == 200


def opened(row: Any, model: Any, name: str, subject: Any, compartment: Compartment) -> Any:
    """A sealed value as whoever holds the keys reads it."""
    sealed = model.sealed_fields()[name]
    key = key_ring().for_opening(subject, compartment, 1)
    return open_envelope(key.cipher, getattr(row, name), sealed.field, row.id, subject)


def test_the_forms_would_take_every_answer(filled: Flask) -> None:
    by_kind = {"psychosocial": Compartment.PSY, "education": Compartment.EDU, "employment": Compartment.EMP}
    records = {each.id: each for each in rows_of(filled, SupportRecord)}
    notes = {each.record_id: each for each in rows_of(filled, ClinicalNote)}
    versions = rows_of(filled, SupportVersion)
    with filled.test_request_context("/?lang=en"):
        for version in versions:
            content = opened(version, SupportVersion, "content", version.person_id, by_kind[version.kind])
            if version.record_id in notes:
                note = notes[version.record_id]
                content["clinical_note"] = opened(
                    note, ClinicalNote, "clinical_note", note.record_id, Compartment.NOTE
                )
            role = Role.PSYCHOLOGIST if version.record_id in notes else Role.CASEWORKER
            typed = {name: _typed(value) for name, value in content.items()}
            loaded = support_form(version.kind, role).record().load(MultiDict(typed))
            given = {name for name, value in loaded.items() if value not in (None, [], "")}
            assert given == set(content)
            if version.number == records[version.record_id].version:
                assert loaded["happened_on"] == records[version.record_id].happened_on
        db.session.rollback()


def _typed(value: Any) -> Any:
    """As a browser sends it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return [str(each) for each in value] if isinstance(value, list) else str(value)


def test_each_consent_fits_the_age_of_who_it_is_about(filled: Flask) -> None:
    from casework.cases.models import Person

    people = {each.code: each for each in caseload(1, ENOUGH, NOON.date(), set())}
    codes = {each.id: each.display_code for each in rows_of(filled, Person)}
    with filled.test_request_context("/?lang=en"):
        for consent in rows_of(filled, Consent):
            if consent.status == "refused":
                assert (consent.given_by, consent.child_assent, consent.given_on) == (None, None, None)
                continue
            person = people[codes[consent.person_id]]
            rule = consent_rule(age_on(person.birth_date, person.precision, consent.given_on))
            assert consent.given_by in rule.given_by
            assert (consent.child_assent in rule.assent) if rule.assent else consent.child_assent is None
