"""The policy as one table: who has what, and what is never granted."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.roles import Role
from casework.cases import policy
from casework.cases.codes import LETTERS, SIGNS, fresh_code
from casework.cases.schemas.support import SEALED_NOTE, SUPPORT_FORMS, support_form
from casework.vault.grant import Compartment

OFFICE, ELSEWHERE = uuid.uuid4(), uuid.uuid4()
ME, OTHER = uuid.uuid4(), uuid.uuid4()


def actor(role: Role, place: uuid.UUID = OFFICE) -> Actor:
    return Actor(ME, role, place)


def thing(kind: str = "case", holder: uuid.UUID = ME) -> Any:
    case = SimpleNamespace(office_id=OFFICE, assigned_to=lambda staff_id: staff_id == holder)
    return SimpleNamespace(case=case, kind=kind)


def test_only_three_roles_have_anything_to_do_with_a_case() -> None:
    with_cases = {rule.role for rule in policy.RULES if rule.permission is not Permission.WORK_VIEW}
    assert with_cases == {Role.CASEWORKER, Role.SUPERVISOR, Role.PSYCHOLOGIST}


def test_no_rule_gives_the_note_to_everybody_of_a_role() -> None:
    assert all(Compartment.NOTE not in rule.compartments for rule in policy.RULES)
    assert {rule.role for rule in policy.RULES if rule.also is policy.clinical_pair} == {Role.PSYCHOLOGIST}
    assert {rule.also for rule in policy.RULES} == {None, policy.clinical_pair, policy.own_key}
    assert not policy.own_key(actor(Role.CASEWORKER), thing())


def test_every_rule_about_a_case_asks_whose_it_is() -> None:
    free = {Permission.WORK_VIEW, Permission.CASE_LIST, Permission.CASE_OPEN}
    assert all(rule.when is not None for rule in policy.RULES if rule.permission not in free)


@pytest.mark.parametrize(("holder", "expected"), [(ME, True), (OTHER, False)])
def test_assigned_is_about_the_present_holder(holder: uuid.UUID, expected: bool) -> None:
    assert policy.assigned(actor(Role.CASEWORKER), thing(holder=holder)) is expected


def test_a_supervisor_of_another_office_is_nobody() -> None:
    assert policy.of_office(actor(Role.SUPERVISOR), thing())
    assert not policy.of_office(actor(Role.SUPERVISOR, ELSEWHERE), thing())


@pytest.mark.parametrize(
    ("kind", "expected"), [("psychosocial", True), ("education", False), ("employment", False)]
)
def test_the_psychologist_works_with_psychosocial_records_only(kind: str, expected: bool) -> None:
    assert policy.clinical(actor(Role.PSYCHOLOGIST), thing(kind)) is expected


def test_no_form_but_the_psychologists_has_a_sealed_note() -> None:
    for kind in SUPPORT_FORMS:
        for role in Role:
            fields = set(support_form(kind, role).record().load_fields)
            sealed = kind == "psychosocial" and role is Role.PSYCHOLOGIST
            assert (set(SEALED_NOTE) <= fields) is sealed
            assert bool(set(SEALED_NOTE) & fields) is sealed


def test_a_display_code_says_nothing() -> None:
    for _each in range(200):
        code = fresh_code()
        assert len(code) == 7
        assert code[2] == "-"
        assert set(code[:2]) <= set(LETTERS)
        assert set(code[3:]) <= set(SIGNS)
    assert not set("AEIOUYLSZB01") & set(SIGNS), "no vowel and nothing that looks like something else"
