"""My work, the caseload, the case page, and who has a case."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import allowed, authorise, role_has
from casework.access.roles import Role
from casework.accounts.models import Staff
from casework.accounts.queries import staff_by_id
from casework.audit.trail import about, concerns, counted, for_purpose, searched, use_case
from casework.cases import panels, people, queries
from casework.cases.models import Case, CaseAssignment, Consent, Draft, FollowUp
from casework.cases.policy import Intended, kinds_of
from casework.cases.queries import CaseFilter, CaseRow, Cursor
from casework.cases.timeline import TimelineItem, add_to_timeline, kinds_shown_to, loaded
from casework.core import clock
from casework.core.database import db
from casework.core.errors import InvalidInput, StaleVersion

SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class WorkPage:
    """What waits for somebody: overdue, due soon, unfinished, and what other rooms add."""

    overdue: list[FollowUp]
    due: list[FollowUp]
    drafts: list[Draft]
    codes: dict[uuid.UUID, str]
    panels: list[panels.Shown]
    has_cases: bool


@use_case(permission=Permission.WORK_VIEW, code="work.viewed", action="R")
def my_work(actor: Actor) -> WorkPage:
    """The actor's own list of work: codes and days, no names."""
    today = clock.today()
    waiting = queries.follow_ups_until(actor, today + SOON) if kinds_of(actor) else []
    drafts = queries.drafts_of(actor) if kinds_of(actor) else []
    codes = queries.codes_of_cases(each.case_id for each in drafts)
    concerns(*(each.person_id for each in waiting))
    counted(len(waiting) + len(drafts))
    return WorkPage(
        [each for each in waiting if each.due_on < today],
        [each for each in waiting if each.due_on >= today],
        drafts,
        codes,
        panels.work_panels(actor),
        role_has(actor.role, Permission.CASE_LIST),
    )


@dataclass(frozen=True, slots=True)
class CaseloadPage:
    """One page of the list, and where the next one begins."""

    rows: list[CaseRow]
    following: Cursor | None


@use_case(permission=Permission.CASE_LIST, code="case.listed", action="R")
def list_cases(actor: Actor, after: Cursor | None, data: Mapping[str, Any]) -> CaseloadPage:
    """The cases within the actor's scope, narrowed by the filters; each person on the page is in the event."""
    code = (data.get("code") or "").strip().upper() or None
    wanted = CaseFilter(
        status=data.get("status"),
        needs_level=data.get("needs_level"),
        overdue_only=bool(data.get("overdue_only")),
        code=code,
        support_kind=data.get("support_kind"),
    )
    if wanted.support_kind and wanted.support_kind not in kinds_of(actor):
        raise InvalidInput({"support_kind": [_("Your role does not see this kind of support.")]})
    rows, following = queries.caseload(actor, wanted, after)
    if code:
        searched(code)
    counted(len(rows))
    concerns(*(row.person_id for row in rows))
    return CaseloadPage(rows, following)


@dataclass(frozen=True, slots=True)
class CasePage:
    """Everything the case page shows. `may` says which buttons there are."""

    case: Case
    identity: people.Identity
    details: dict[str, Any] | None
    numbers: list[people.NumberLine]
    worker: Staff | None
    consents: list[Consent]
    follow_ups: list[FollowUp]
    counts: dict[str, int]
    items: list[TimelineItem]
    following: Cursor | None
    staff: dict[uuid.UUID, Staff]
    panels: list[panels.Shown]
    may: dict[str, bool]


@dataclass(frozen=True, slots=True)
class ErasedPage:
    """All that is left of a case whose person's data were destroyed."""

    case: Case
    erased_at: datetime


@use_case(permission=Permission.CASE_VIEW, code="case.viewed", action="R")
def view_case(actor: Actor, case_id: uuid.UUID, after: Cursor | None = None) -> CasePage | ErasedPage:
    """One case: who it is about, consent, next steps, and a page of what happened. The number of queries is fixed."""
    case = queries.case_or_erased(actor, case_id)
    authorise(actor, Permission.CASE_VIEW, case)
    about(case)
    for_purpose("case_management")
    if case.person.erased_at is not None:
        return ErasedPage(case, case.person.erased_at)
    identity = people.identity_of(actor, case)
    detailed = people.sees_details(actor)
    details = people.details_of(case.person, None) if detailed else None
    numbers = people.number_lines(queries.identifiers_of(case.person_id)) if detailed else []
    entries, following = queries.timeline_page(case.id, kinds_shown_to(actor), after)
    items = loaded(entries)
    staff = staff_by_id([case.worker_id, *(entry.actor_id for entry in entries)])
    may = {
        "edit": allowed(actor, Permission.CASE_EDIT, case),
        "consent": allowed(actor, Permission.CONSENT_RECORD, case),
        "reassign": allowed(actor, Permission.CASE_REASSIGN, case),
        "follow_up": role_has(actor.role, Permission.FOLLOW_UP_CLOSE),
        "history": detailed,
    }
    for kind in kinds_of(actor)[1:]:
        may[kind] = allowed(actor, Permission.SUPPORT_RECORD, Intended(case, kind))
    return CasePage(
        case,
        identity,
        details,
        numbers,
        staff.get(case.worker_id),
        queries.live_consents(case.person_id),
        queries.open_follow_ups(actor, case.id),
        queries.support_counts(case.id, kinds_of(actor)),
        items,
        following,
        staff,
        panels.case_panels(actor, case),
        may,
    )


@dataclass(frozen=True, slots=True)
class SmallPage:
    """A case and who it is about, for a page with one small form."""

    case: Case
    identity: people.Identity


@use_case(permission=Permission.CASE_EDIT, code="case.needs_level_opened", action="R")
def needs_level_page(actor: Actor, case_id: uuid.UUID) -> SmallPage:
    """The level now."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.CASE_EDIT, case)
    about(case)
    return SmallPage(case, people.identity_of(actor, case))


@use_case(permission=Permission.CASE_EDIT, code="case.needs_level_set", action="U")
def set_needs_level(actor: Actor, case_id: uuid.UUID, version: int | None, data: Mapping[str, Any]) -> Case:
    """Sets the level that a person chose. `StaleVersion` when the case changed meanwhile."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.CASE_EDIT, case)
    about(case)
    if version != case.version:
        raise StaleVersion({"needs_level": case.needs_level}, case.version)
    case.needs_level = data["needs_level"]
    case.version += 1
    add_to_timeline(case, f"needs_level_{case.needs_level}", case.id)
    return case


@use_case(permission=Permission.CASE_REASSIGN, code="case.reassign_opened", action="R")
def reassign_page(actor: Actor, case_id: uuid.UUID) -> SmallPage:
    """Who has the case now."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.CASE_REASSIGN, case)
    about(case)
    return SmallPage(case, people.identity_of(actor, case))


@use_case(permission=Permission.CASE_REASSIGN, code="case.reassigned", action="U")
def reassign(actor: Actor, case_id: uuid.UUID, version: int | None, data: Mapping[str, Any]) -> Case:
    """Gives the case to somebody of the same office: a caseworker takes it over, a psychologist joins or replaces one.

    Access of whoever had it ends with the assignment. `InvalidInput` for anybody outside the office, `StaleVersion` when
    the case changed meanwhile.
    """
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.CASE_REASSIGN, case)
    about(case)
    if version != case.version:
        raise StaleVersion({"staff_id": case.worker_id}, case.version)
    chosen = {each.id: each for each in queries.workers_of(case.office_id)}.get(data["staff_id"])
    if chosen is None:
        raise InvalidInput({"staff_id": [_("Choose somebody of your office from the list.")]})
    if case.assigned_to(chosen.id):
        raise InvalidInput({"staff_id": [_("This case is theirs already.")]})
    now = clock.now()
    for held in case.assignments:
        if held.role == chosen.role:
            held.ended_at = now
    given = CaseAssignment(
        case_id=case.id,
        person_id=case.person_id,
        office_id=case.office_id,
        staff_id=chosen.id,
        role=chosen.role,
        started_at=now,
        reason=data["reason"],
    )
    db.session.add(given)
    if chosen.role == Role.CASEWORKER:
        case.worker_id = chosen.id
    case.version += 1
    add_to_timeline(case, "reassigned", given.id)
    return case
