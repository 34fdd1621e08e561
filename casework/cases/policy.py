"""Who may do what with a case: one table. What it does not say is denied; whose rows show at all is `queries.visible_to`.

Read: this permission, for this role, when this is so of the case, opens these compartments of the person.
Auditors, administrators, domain officers and the council have no line here: their answer is 403.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import Rule
from casework.access.roles import Role
from casework.cases.models import SUPPORT_KINDS, Case, Draft, SupportRecord
from casework.vault.grant import Compartment

CORE = frozenset({Compartment.CORE})
WORKER = frozenset({Compartment.CORE, Compartment.PSY, Compartment.EDU, Compartment.EMP})
CLINICAL = frozenset({Compartment.CORE, Compartment.PSY})

KINDS_OF_ROLE: dict[Role, tuple[str, ...]] = {
    Role.CASEWORKER: ("case", *SUPPORT_KINDS),
    Role.SUPERVISOR: ("case", *SUPPORT_KINDS),
    Role.PSYCHOLOGIST: ("case", "psychosocial"),
}
"""Which kinds of records and follow-ups a role learns of at all."""

SEES_DETAILS = frozenset({Role.CASEWORKER, Role.SUPERVISOR})
"""Who sees more of a person than name and code: birth date, contact, place, numbers. The psychologist does not."""


def kinds_of(actor: Actor) -> tuple[str, ...]:
    """The kinds that this actor's role learns of."""
    return KINDS_OF_ROLE.get(actor.role, ()) if actor.role else ()


@dataclass(frozen=True, slots=True)
class Intended:
    """A record of a kind that is about to be made in a case."""

    case: Case
    kind: str

    @property
    def vault_subject(self) -> uuid.UUID:
        return self.case.person_id


def _case_of(thing: Any) -> Case:
    case: Case = thing if isinstance(thing, Case) else thing.case
    return case


def assigned(actor: Actor, thing: Any) -> bool:
    """The actor has this case now."""
    return _case_of(thing).assigned_to(actor.id)


def of_office(actor: Actor, thing: Any) -> bool:
    """The actor's office answers for this case."""
    return actor.place_id is not None and _case_of(thing).office_id == actor.place_id


def clinical(actor: Actor, thing: Any) -> bool:
    """The actor has this case now, and the thing is the case itself or a psychosocial one."""
    return assigned(actor, thing) and getattr(thing, "kind", "psychosocial") in ("case", "psychosocial")


def own_draft(actor: Actor, thing: Any) -> bool:
    """The draft was typed by the actor."""
    return isinstance(thing, Draft) and thing.staff_id == actor.id


def clinical_pair(actor: Actor, thing: Any) -> Mapping[uuid.UUID, Iterable[Compartment]]:
    """The note of a record: for its author, and for the psychologist of the same office who has the case (§4.1)."""
    if isinstance(thing, SupportRecord) and (thing.author_id == actor.id or of_office(actor, thing)):
        return {thing.id: (Compartment.NOTE,)}
    return {}


def smaller_request(actor: Actor, thing: Any) -> bool:
    """The actor has the case, and the person does not ask that the data be destroyed: that is the supervisor's to decide."""
    return assigned(actor, thing) and not getattr(thing, "destroys", False)


def own_key(_actor: Actor, thing: Any) -> Mapping[uuid.UUID, Iterable[Compartment]]:
    """A document has a key of its own."""
    subject = getattr(thing, "file_subject", None)
    return {subject: (Compartment.FILE,)} if subject is not None else {}


P, R = Permission, Role

RULES = (
    Rule(P.WORK_VIEW, R.CASEWORKER, own_draft, frozenset({Compartment.DRAFT})),
    Rule(P.WORK_VIEW, R.PSYCHOLOGIST, own_draft, frozenset({Compartment.DRAFT})),
    *(Rule(P.WORK_VIEW, role) for role in Role),
    Rule(P.CASE_LIST, R.CASEWORKER),
    Rule(P.CASE_LIST, R.SUPERVISOR),
    Rule(P.CASE_LIST, R.PSYCHOLOGIST),
    Rule(P.PERSON_SEARCH, R.CASEWORKER, assigned, CORE),
    Rule(P.PERSON_SEARCH, R.SUPERVISOR, of_office, CORE),
    Rule(P.PERSON_SEARCH, R.PSYCHOLOGIST, assigned, CORE),
    Rule(P.CASE_OPEN, R.CASEWORKER),
    Rule(P.CASE_VIEW, R.CASEWORKER, assigned, WORKER),
    Rule(P.CASE_VIEW, R.SUPERVISOR, of_office, WORKER),
    Rule(P.CASE_VIEW, R.PSYCHOLOGIST, clinical, CLINICAL, also=clinical_pair),
    Rule(P.CASE_EDIT, R.CASEWORKER, assigned, CORE),
    Rule(P.CASE_REASSIGN, R.SUPERVISOR, of_office, CORE),
    Rule(P.CASE_WHO_SAW, R.SUPERVISOR, of_office, CORE),
    Rule(P.CONSENT_RECORD, R.CASEWORKER, assigned, CORE),
    Rule(P.SUPPORT_RECORD, R.CASEWORKER, assigned, WORKER),
    Rule(P.SUPPORT_RECORD, R.PSYCHOLOGIST, clinical, CLINICAL),
    Rule(P.SUPPORT_CORRECT, R.CASEWORKER, assigned, WORKER),
    Rule(P.SUPPORT_CORRECT, R.PSYCHOLOGIST, clinical, CLINICAL, also=clinical_pair),
    Rule(P.SUPPORT_HISTORY, R.CASEWORKER, assigned, WORKER),
    Rule(P.SUPPORT_HISTORY, R.SUPERVISOR, of_office, WORKER),
    Rule(P.SUPPORT_HISTORY, R.PSYCHOLOGIST, clinical, CLINICAL, also=clinical_pair),
    Rule(P.FOLLOW_UP_CLOSE, R.CASEWORKER, assigned, WORKER),
    Rule(P.FOLLOW_UP_CLOSE, R.PSYCHOLOGIST, clinical, CLINICAL),
    Rule(P.REQUEST_VIEW, R.CASEWORKER, assigned, CORE, also=own_key),
    Rule(P.REQUEST_VIEW, R.SUPERVISOR, of_office, CORE, also=own_key),
    Rule(P.REQUEST_RECORD, R.CASEWORKER, assigned, CORE),
    Rule(P.REQUEST_DECIDE, R.CASEWORKER, smaller_request, CORE),
    Rule(P.REQUEST_DECIDE, R.SUPERVISOR, of_office, CORE),
    Rule(P.PERSON_COPY, R.CASEWORKER, assigned, WORKER),
    Rule(P.PERSON_ERASE, R.CASEWORKER, assigned),
    Rule(P.PERSON_ERASE, R.SUPERVISOR, of_office),
    Rule(P.RETENTION_APPROVE, R.SUPERVISOR, of_office, CORE),
    Rule(P.ATTACHMENT_ADD, R.CASEWORKER, assigned, CORE, also=own_key),
    Rule(P.ATTACHMENT_VIEW, R.CASEWORKER, assigned, CORE, also=own_key),
    Rule(P.ATTACHMENT_VIEW, R.SUPERVISOR, of_office, CORE, also=own_key),
    Rule(P.ATTACHMENT_REMOVE, R.CASEWORKER, assigned, CORE, also=own_key),
)
