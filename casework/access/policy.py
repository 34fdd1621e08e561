"""The policy registry. Each feature's `policy.py` is one table of rules; this walks them.

A rule says: this role has this permission, when this is so, and may then open these compartments. What no rule says is
denied. Answering yes widens the current Grant, and this module is the only one that may.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.roles import Role
from casework.core.errors import Denied
from casework.vault.grant import Compartment, Grant, current_grant

Predicate = Callable[[Actor, Any], bool]

POLICY_VERSION = 1
"""Raised whenever a rule changes; every audit event names the version it was decided under."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`role` may do `permission` to a thing `when(actor, thing)`, opening `compartments` of its subject.

    `when` None: the permission needs no thing, or every thing that the actor's rows show is fine.
    `also` names further subjects of the thing with what may be opened of each (a referral's package, a clinical note).
    """

    permission: Permission
    role: Role
    when: Predicate | None = None
    compartments: frozenset[Compartment] = frozenset()
    also: Callable[[Actor, Any], Mapping[uuid.UUID, Iterable[Compartment]]] | None = None


_rules: dict[tuple[Permission, Role], list[Rule]] = {}


def register(rules: Iterable[Rule]) -> None:
    """Adds a feature's table. Registering the same table twice changes nothing."""
    for rule in rules:
        listed = _rules.setdefault((rule.permission, rule.role), [])
        if rule not in listed:
            listed.append(rule)


def rules() -> list[Rule]:
    """The whole policy, for tests and for the documentation."""
    return [rule for listed in _rules.values() for rule in listed]


def role_has(role: Role | None, permission: Permission) -> bool:
    """Whether some rule gives the role this permission at all. The system itself has every permission."""
    return role is None or (permission, role) in _rules


def require(actor: Actor, permission: Permission) -> None:
    """`Denied` when no rule gives the actor's role this permission."""
    if not role_has(actor.role, permission):
        raise Denied()


def authorise(actor: Actor, permission: Permission, thing: Any) -> Grant:
    """The Grant, widened by what the first fitting rule allows of `thing`; `Denied` when none fits.

    `thing.vault_subject` (a UUID) says whose compartments are meant.
    """
    return authorise_each(actor, permission, [thing])


def authorise_each(actor: Actor, permission: Permission, things: Iterable[Any]) -> Grant:
    """The same for a page of things: every one of them must be allowed."""
    grant = current_grant()
    if grant is None:
        raise RuntimeError("a grant is given inside a use case only")
    for thing in things:
        rule = _fitting(actor, permission, thing)
        if rule is None:
            raise Denied()
        if rule.compartments:
            grant.widen(thing.vault_subject, rule.compartments)
        if rule.also is not None:
            for subject_id, compartments in rule.also(actor, thing).items():
                grant.widen(subject_id, compartments)
    return grant


def allowed(actor: Actor, permission: Permission, thing: Any) -> bool:
    """Whether `authorise` would say yes: for showing or hiding a button. Widens nothing."""
    return _fitting(actor, permission, thing) is not None


def _fitting(actor: Actor, permission: Permission, thing: Any) -> Rule | None:
    if actor.role is None:
        return None
    for rule in _rules.get((permission, actor.role), ()):
        if rule.when is None or rule.when(actor, thing):
            return rule
    return None
