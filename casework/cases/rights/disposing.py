"""Destroying a person's data: after an approved request, or past an approved retention. One transaction, one event."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import authorise
from casework.accounts.queries import staff_by_id
from casework.audit.event import timestamp
from casework.audit.trail import about, committed_to, counted, use_case
from casework.cases import queries
from casework.cases.erasure import as_installation, destroy
from casework.cases.models import Case, Person
from casework.cases.rights import queries as rights
from casework.cases.rights import retention
from casework.cases.rights.models import DataRequest, Disposal
from casework.core import clock
from casework.core.database import db
from casework.core.errors import Conflict, Denied, InvalidInput

INSTALLATION = "system"


@use_case(permission=Permission.PERSON_ERASE, code="person.erased", action="D")
def erase_from_page(
    actor: Actor, case_id: uuid.UUID, request_id: uuid.UUID, data: Mapping[str, Any]
) -> Disposal:
    """Destroys the data of the person of this case. `Conflict` without approval on record; `InvalidInput` at a wrong code."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.PERSON_ERASE, case)
    rights.request_for(case, request_id)
    if data["code"].strip().upper() != case.display_code:
        raise InvalidInput({"code": [_("This is not the code of this case.")]})
    return _after_request(actor, case.person, data["reason"])


@use_case(permission=Permission.PERSON_ERASE, code="person.erased", action="D")
def erase_by_command(actor: Actor, person_id: uuid.UUID, reason: str) -> Disposal:
    """The same for the command line, which the installation runs. `Conflict` without approval on record."""
    if not actor.is_system:
        raise Denied()
    return _after_request(actor, rights.person_of(person_id), reason)


@use_case(permission=Permission.PERSON_ERASE, code="person.erasure_previewed", action="U")
def rehearse(actor: Actor, person_id: uuid.UUID) -> dict[str, int]:
    """Destroys in a transaction that the caller takes back: what would go, as numbers by kind."""
    if not actor.is_system:
        raise Denied()
    person = rights.person_of(person_id)
    _refuse_gone(person)
    return destroy(person)


@use_case(permission=Permission.PERSON_ERASE, code="person.erasure_previewed", action="R")
def note_rehearsal(actor: Actor, person_id: uuid.UUID) -> DataRequest | None:
    """Says that somebody looked at what would go; gives the approved request, if there is one."""
    person = rights.person_of(person_id)
    about(person)
    return rights.approved_destruction(person.id)


@use_case(permission=Permission.PERSON_ERASE, code="person.erased", action="D")
def erase_past_retention(actor: Actor, case_id: uuid.UUID) -> Disposal:
    """Destroys a record that is past its retention. `Conflict` when nobody approved it or it is not due (any more)."""
    if not actor.is_system:
        raise Denied()
    case = queries.case_for(actor, case_id)
    approval = rights.approvals([case.id]).get(case.id)
    if approval is None:
        raise Conflict(_("Nobody has approved this yet."))
    if retention.due_of(case) is None:
        raise Conflict(_("This record is not past its retention any more."))
    staff = staff_by_id([approval.approved_by])[approval.approved_by]
    return _dispose(
        actor,
        case.person,
        case,
        cause="retention",
        recorded_role=INSTALLATION,
        approved_by=approval.approved_by,
        approved_role=staff.role,
        reason=approval.retention_class,
    )


def _refuse_gone(person: Person) -> None:
    if person.erased_at is not None:
        raise Conflict(_("The data of this person were destroyed. Only the code is left."))


def _after_request(actor: Actor, person: Person, reason: str) -> Disposal:
    _refuse_gone(person)
    request = rights.approved_destruction(person.id)
    if request is None or request.decided_by is None:
        raise Conflict(
            _(
                "Nobody has approved this. A caseworker records the request, then the supervisor of the office decides."
            )
        )
    staff = staff_by_id([request.recorded_by, request.decided_by])
    request.done_on, request.done_by = clock.today(), None if actor.is_system else actor.id
    return _dispose(
        actor,
        person,
        request.case,
        cause="request",
        request_id=request.id,
        recorded_role=staff[request.recorded_by].role,
        approved_by=request.decided_by,
        approved_role=staff[request.decided_by].role,
        reason=reason,
    )


def _dispose(actor: Actor, person: Person, case: Case, *, reason: str, **said: Any) -> Disposal:
    counts = destroy(person)
    with as_installation():
        disposal = Disposal(
            person_id=person.id,
            case_id=case.id,
            display_code=person.display_code,
            at=clock.now(),
            done_role=actor.role.value if actor.role else INSTALLATION,
            counts=counts,
            **said,
        )
        disposal.reason = reason
        db.session.add(disposal)
    about(disposal)
    counted(sum(counts.values()))
    committed_to(hashlib.sha256(facts_of(disposal)).digest())
    return disposal


def facts_of(disposal: Disposal) -> bytes:
    """What the certificate says, as one JSON line with sorted keys: the log's event holds its SHA-256."""
    facts = {
        "disposal": str(disposal.id),
        "code": disposal.display_code,
        "at": timestamp(disposal.at),
        "cause": disposal.cause,
        "recorded": disposal.recorded_role,
        "approved": disposal.approved_role,
        "done": disposal.done_role,
        "counts": {kind: int(number) for kind, number in sorted(disposal.counts.items())},
    }
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
