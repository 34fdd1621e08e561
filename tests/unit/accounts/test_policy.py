"""Who may do what with accounts and places."""

from __future__ import annotations

from casework.access.permissions import Permission
from casework.access.roles import Role
from casework.accounts.policy import RULES


def _roles(permission: Permission) -> set[Role]:
    return {rule.role for rule in RULES if rule.permission is permission}


def test_everybody_uses_their_own_account() -> None:
    assert _roles(Permission.ACCOUNT_USE) == set(Role)


def test_only_administrators_manage_staff_and_places() -> None:
    assert _roles(Permission.STAFF_MANAGE) == {Role.ADMIN}
    assert _roles(Permission.PLACE_MANAGE) == {Role.ADMIN}


def test_neither_auditors_nor_the_council_look_through_places() -> None:
    nobody = {Role.AUDITOR, Role.COUNCIL_MEMBER, Role.COUNCIL_SECRETARIAT}
    assert _roles(Permission.PLACE_CHOOSE).isdisjoint(nobody)


def test_no_rule_of_this_room_opens_a_compartment() -> None:
    assert not any(rule.compartments or rule.also for rule in RULES)
