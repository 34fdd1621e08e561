"""What the audit room is told of this one: whose record a case is, and who answered for it when."""

from __future__ import annotations

import uuid

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import authorise
from casework.audit import directory
from casework.audit.trail import about, for_purpose
from casework.cases import people, queries
from casework.cases.models import Case
from casework.cases.panels import register_case_panel


def file_of(actor: Actor, case_id: uuid.UUID) -> directory.File:
    """The head of the page "who saw this record"; `NotFound` for a case that the actor does not see."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.CASE_WHO_SAW, case)
    about(case)
    for_purpose("case_management")
    identity = people.identity_of(actor, case)
    return directory.File(case.id, case.person_id, identity.code, identity.name, list(identity.facts))


def _link(_actor: Actor, case: Case) -> uuid.UUID:
    return case.id


def register() -> None:
    """Called when the app is composed."""
    directory.register_file(file_of)
    directory.register_relation("office_of_person", queries.offices_of_persons)
    directory.register_relation("assignment", queries.assignments)
    register_case_panel("audit/who_saw_link.html", _link, permission=Permission.CASE_WHO_SAW, order=90)
