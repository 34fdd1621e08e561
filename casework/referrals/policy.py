"""Who may do what with a referral: one table, and the predicates that it names.

The sending side works with the person and so reaches the case; a recipient reaches the referral and nothing else: the
Grant opens the referral's package, never a compartment of the person. A supervisor reviews what somebody else wrote.
"""

from __future__ import annotations

from typing import Any

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import Rule, allowed
from casework.access.roles import Role
from casework.cases.models import Case
from casework.referrals.models import INSIDE, Referral
from casework.referrals.workflow import OPEN_AT_RECIPIENT, State
from casework.vault.grant import Compartment

WHOLE = frozenset({Compartment.PACKAGE, INSIDE})
PACKAGE = frozenset({Compartment.PACKAGE})
PERSON = frozenset({Compartment.CORE})

OPEN_TO_RECIPIENT = OPEN_AT_RECIPIENT | {State.COMPLETED, State.DISCONTINUED}
"""After a refusal, a withdrawal or a lapse a recipient still sees that there was a referral, nothing of its content."""


def of_case_in_reach(actor: Actor, thing: Any) -> bool:
    """A case that the actor may look at."""
    return isinstance(thing, Case) and allowed(actor, Permission.CASE_VIEW, thing)


def sent_from_here(actor: Actor, thing: Any) -> bool:
    """A referral of a case in reach; a community's request belongs to its author and the supervisors of the office."""
    if not isinstance(thing, Referral):
        return False
    if thing.case_id is None:
        return thing.author_id == actor.id or (
            actor.role is Role.SUPERVISOR and thing.office_id == actor.place_id
        )
    return thing.case is not None and allowed(actor, Permission.CASE_VIEW, thing.case)


def for_review_by(actor: Actor, thing: Any) -> bool:
    """A referral of the supervisor's office that somebody else wrote."""
    return isinstance(thing, Referral) and thing.office_id == actor.place_id and thing.author_id != actor.id


def on_desk_of(actor: Actor, thing: Any) -> bool:
    """A referral that was sent to the officer's domain and place."""
    if not isinstance(thing, Referral) or thing.sent_at is None or actor.place_id is None:
        return False
    return thing.domain == actor.domain and actor.place_id in (thing.to_place_id, thing.to_region_id)


def readable_on_desk_of(actor: Actor, thing: Any) -> bool:
    """The same, while its content is shared."""
    return on_desk_of(actor, thing) and thing.state in OPEN_TO_RECIPIENT


SENDERS = (Role.CASEWORKER, Role.PSYCHOLOGIST, Role.SUPERVISOR)
P = Permission

RULES: tuple[Rule, ...] = (
    # the sending side
    *(Rule(P.REFERRAL_LIST, role) for role in SENDERS),
    *(Rule(P.REFERRAL_MAKE, role, of_case_in_reach, PERSON) for role in SENDERS),
    *(Rule(P.REFERRAL_MAKE, role, sent_from_here, WHOLE) for role in SENDERS),
    *(Rule(P.REFERRAL_VIEW, role, sent_from_here, WHOLE) for role in SENDERS),
    *(Rule(P.REFERRAL_WITHDRAW, role, sent_from_here, WHOLE) for role in SENDERS),
    # the review
    Rule(P.REFERRAL_VIEW, Role.SUPERVISOR, for_review_by, WHOLE),
    Rule(P.REFERRAL_REVIEW, Role.SUPERVISOR, for_review_by, WHOLE),
    # the recipient
    Rule(P.REFERRAL_LIST, Role.DOMAIN_OFFICER),
    Rule(P.REFERRAL_VIEW, Role.DOMAIN_OFFICER, readable_on_desk_of, PACKAGE),
    Rule(P.REFERRAL_VIEW, Role.DOMAIN_OFFICER, on_desk_of),
    Rule(P.REFERRAL_ANSWER, Role.DOMAIN_OFFICER, readable_on_desk_of, PACKAGE),
    Rule(P.REFERRAL_ANSWER, Role.DOMAIN_OFFICER, on_desk_of),
)
