"""Requests of a person about their own data: recorded, decided, done; and the certificate of what was destroyed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import allowed, authorise
from casework.accounts.models import Staff
from casework.accounts.queries import staff_by_id
from casework.audit.trail import about, counted, for_purpose, use_case
from casework.cases import people, queries
from casework.cases.models import Case
from casework.cases.rights import queries as rights
from casework.cases.rights.disposing import facts_of
from casework.cases.rights.models import DataRequest, Disposal
from casework.core import clock
from casework.core.database import db
from casework.core.errors import Denied, IllegalMove, InvalidInput, StaleVersion
from casework.core.pack import load_pack

PURPOSE = "data_subject_request"


@dataclass(frozen=True, slots=True)
class RequestsPage:
    """What a person has asked so far."""

    case: Case
    identity: people.Identity
    requests: list[DataRequest]
    staff: dict[uuid.UUID, Staff]
    today: date
    may_record: bool


@dataclass(frozen=True, slots=True)
class RequestPage:
    """One request, and what can be done with it now."""

    case: Case
    identity: people.Identity
    request: DataRequest
    staff: dict[uuid.UUID, Staff]
    may_decide: bool
    may_finish: bool
    may_copy: bool
    may_erase: bool


def case_panel(actor: Actor, case: Case) -> dict[str, Any]:
    """For the page of a case: how many requests wait, and the way to them. Opens nothing."""
    waiting = [each for each in rights.requests_of(case.id) if each.done_on is None]
    late = sum(each.due_on < clock.today() for each in waiting)
    return {"case_id": case.id, "waiting": len(waiting), "late": late}


@use_case(permission=Permission.REQUEST_VIEW, code="request.listed", action="R")
def list_requests(actor: Actor, case_id: uuid.UUID) -> RequestsPage:
    """The requests on a case, the newest first."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.REQUEST_VIEW, case)
    about(case)
    for_purpose(PURPOSE)
    found = rights.requests_of(case.id)
    counted(len(found))
    staff = staff_by_id([each for row in found for each in (row.recorded_by, row.decided_by)])
    may = allowed(actor, Permission.REQUEST_RECORD, case)
    return RequestsPage(case, people.identity_of(actor, case), found, staff, clock.today(), may)


@use_case(permission=Permission.REQUEST_RECORD, code="request.recorded", action="C")
def record_request(actor: Actor, case_id: uuid.UUID, data: Mapping[str, Any]) -> DataRequest:
    """Records what a person asks; the pack says by when it is answered."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.REQUEST_RECORD, case)
    for_purpose(PURPOSE)
    days = load_pack().data_request_days[data["type"]]
    request = DataRequest(
        case_id=case.id,
        case=case,
        person_id=case.person_id,
        type=data["type"],
        received_on=data["received_on"],
        identity_checked=bool(data.get("identity_checked")),
        due_on=data["received_on"] + timedelta(days=days),
        recorded_by=actor.id,
        recorded_at=clock.now(),
        asked=data.get("asked"),
    )
    db.session.add(request)
    about(request)
    return request


@use_case(permission=Permission.REQUEST_VIEW, code="request.viewed", action="R")
def view_request(actor: Actor, case_id: uuid.UUID, request_id: uuid.UUID) -> RequestPage:
    """One request."""
    return _page(actor, case_id, request_id, Permission.REQUEST_VIEW)


@use_case(permission=Permission.PERSON_ERASE, code="person.erasure_opened", action="R")
def erase_page(actor: Actor, case_id: uuid.UUID, request_id: uuid.UUID) -> RequestPage:
    """The page that asks for the last word. `IllegalMove` when nobody has approved."""
    page = _page(actor, case_id, request_id, Permission.PERSON_ERASE)
    if not page.may_erase:
        raise IllegalMove(message=_("Nobody has approved this yet."))
    return page


@use_case(permission=Permission.PERSON_COPY, code="person.copy_opened", action="R")
def copy_page(actor: Actor, case_id: uuid.UUID, request_id: uuid.UUID) -> RequestPage:
    """The page that asks in which language the copy is to be. `IllegalMove` when this request is not for one."""
    page = _page(actor, case_id, request_id, Permission.PERSON_COPY)
    if not page.may_copy:
        raise IllegalMove(message=NO_COPY)
    return page


NO_COPY = _l(
    "A copy is given on a request for it, after the identity was checked, and unless it was refused."
)


def copyable(request: DataRequest) -> bool:
    """Whether a copy may be made for this request."""
    return (
        request.type in ("access", "copy", "who_saw_my_data")
        and request.identity_checked
        and (request.decision != "refused")
    )


def _page(actor: Actor, case_id: uuid.UUID, request_id: uuid.UUID, permission: Permission) -> RequestPage:
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.REQUEST_VIEW, case)
    authorise(actor, permission, case)
    request = rights.request_for(case, request_id)
    about(request)
    for_purpose(PURPOSE)
    pending = request.done_on is None
    return RequestPage(
        case,
        people.identity_of(actor, case),
        request,
        staff_by_id([request.recorded_by, request.decided_by, request.done_by]),
        pending and request.decision is None and _may_decide(actor, request),
        pending and not request.destroys and allowed(actor, Permission.REQUEST_RECORD, case),
        copyable(request) and allowed(actor, Permission.PERSON_COPY, case),
        pending
        and request.destroys
        and request.identity_checked
        and request.decision == "granted"
        and allowed(actor, Permission.PERSON_ERASE, case),
    )


def _may_decide(actor: Actor, request: DataRequest) -> bool:
    if request.destroys and request.recorded_by == actor.id:
        return False
    return allowed(actor, Permission.REQUEST_DECIDE, request)


@use_case(permission=Permission.REQUEST_DECIDE, code="request.decided", action="U")
def decide_request(
    actor: Actor, case_id: uuid.UUID, request_id: uuid.UUID, version: int | None, data: Mapping[str, Any]
) -> DataRequest:
    """Decides. On destruction: `Denied` for who recorded it; `InvalidInput` while the identity is not checked."""
    case = queries.case_for(actor, case_id)
    request = rights.request_for(case, request_id)
    authorise(actor, Permission.REQUEST_DECIDE, request)
    about(request)
    for_purpose(PURPOSE)
    if not _may_decide(actor, request):
        raise Denied(_("Somebody else than who recorded this has to decide."))
    if request.decision is not None or request.done_on is not None:
        raise IllegalMove(message=_("This request is decided already."))
    if version is not None and version != request.version:
        raise StaleVersion({}, request.version)
    decision, reason = data["decision"], data.get("reason")
    if decision != "granted" and not reason:
        raise InvalidInput({"reason": [_("Say why. The person is told.")]})
    if request.destroys and decision == "granted" and not request.identity_checked:
        message = _("The identity of the person was not checked. The caseworker records a new request.")
        raise InvalidInput({"decision": [message]})
    request.decision, request.decided_by, request.decided_at = decision, actor.id, clock.now()
    request.reason = reason
    if decision == "refused":
        request.done_on, request.done_by = clock.today(), actor.id
    return request


@use_case(permission=Permission.REQUEST_RECORD, code="request.done", action="U")
def finish_request(actor: Actor, case_id: uuid.UUID, request_id: uuid.UUID) -> DataRequest:
    """Says that what was asked is done and the person was told. Destruction says it by itself."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.REQUEST_RECORD, case)
    request = rights.request_for(case, request_id)
    about(request)
    if request.destroys or request.done_on is not None:
        raise IllegalMove(message=_("This request cannot be marked as done here."))
    request.done_on, request.done_by = clock.today(), actor.id
    return request


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was destroyed, and where the log says so. `event_uid`, `event_hash`: hex of the RFC 6962 leaf hash."""

    disposal: Disposal
    event_uid: str
    event_hash: str
    facts: str


@use_case(permission=Permission.REQUEST_VIEW, code="person.certificate_viewed", action="R")
def view_certificate(actor: Actor, case_id: uuid.UUID) -> Certificate:
    """The certificate of disposal; `IllegalMove` while nothing was destroyed."""
    case = queries.case_or_erased(actor, case_id)
    authorise(actor, Permission.REQUEST_VIEW, case)
    about(case)
    return certificate_of(case.person_id)


def certificate_of(person_id: uuid.UUID) -> Certificate:
    """The certificate about a person; `IllegalMove` while nothing was destroyed."""
    disposal = rights.disposal_of(person_id)
    if disposal is None:
        raise IllegalMove(message=_("Nothing was destroyed here."))
    uid, leaf = rights.event_about(disposal.id, "person.erased") or ("", "")
    return Certificate(disposal, str(uid), leaf, facts_of(disposal).decode())
