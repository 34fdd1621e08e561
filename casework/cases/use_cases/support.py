"""Support: recorded, read, corrected, marked as entered in error. Nothing is ever deleted."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import allowed, authorise
from casework.accounts.models import Staff
from casework.accounts.queries import staff_by_id
from casework.audit.trail import about, counted, for_purpose, use_case
from casework.cases import people, queries
from casework.cases.models import Case, ClinicalNote, SupportRecord, SupportVersion
from casework.cases.policy import Intended
from casework.cases.schemas.support import SEALED_NOTE
from casework.cases.timeline import add_to_timeline, moment_on
from casework.cases.use_cases.drafts import drop_draft, typed_of
from casework.cases.use_cases.follow_ups import keep_next_step, refuse_past_step
from casework.core import clock
from casework.core.database import db
from casework.core.errors import IllegalMove, InvalidInput, StaleVersion

NOT_CONTENT = ("reason", *SEALED_NOTE)
DATES = ("happened_on", "next_step_on")


def content_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a version keeps: every answer that was given, dates in ISO 8601, no C4 text."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in data.items()
        if name not in NOT_CONTENT and value not in (None, [], "")
    }


def revived(content: Mapping[str, Any]) -> dict[str, Any]:
    """The answers with dates as dates."""
    return {name: date.fromisoformat(value) if name in DATES else value for name, value in content.items()}


@dataclass(frozen=True, slots=True)
class SupportFormPage:
    """Whom a record is about to be made for, and what a draft of it says."""

    case: Case
    identity: people.Identity
    kind: str
    typed: dict[str, list[str]]


@use_case(permission=Permission.SUPPORT_RECORD, code="support.form_opened", action="R")
def support_form_page(
    actor: Actor, case_id: uuid.UUID, kind: str, draft_id: uuid.UUID | None = None
) -> SupportFormPage:
    """An empty form, or one with what the actor's draft says."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.SUPPORT_RECORD, Intended(case, kind))
    about(case)
    for_purpose("case_management")
    typed = typed_of(actor, draft_id, kind, case.id) if draft_id else {}
    return SupportFormPage(case, people.identity_of(actor, case), kind, typed)


@use_case(permission=Permission.SUPPORT_RECORD, code="support.recorded", action="C")
def record_support(
    actor: Actor, case_id: uuid.UUID, kind: str, draft_id: uuid.UUID | None, data: Mapping[str, Any]
) -> SupportRecord:
    """Records support; its next step with a day becomes a follow-up. `InvalidInput` when that day has passed."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.SUPPORT_RECORD, Intended(case, kind))
    for_purpose("case_management")
    refuse_past_step(data, None)
    record = SupportRecord(
        case_id=case.id,
        case=case,
        person_id=case.person_id,
        kind=kind,
        state="recorded",
        happened_on=data["happened_on"],
        author_id=actor.id,
        created_at=clock.now(),
        version=1,
    )
    about(record)
    db.session.add(record)
    _keep_version(actor, record, data)
    add_to_timeline(case, f"support_{kind}", record.id, on=record.happened_on)
    keep_next_step(actor, record, data)
    drop_draft(actor, draft_id, kind, case.id)
    return record


def _keep_version(
    actor: Actor, record: SupportRecord, data: Mapping[str, Any], *, note_before: bool = False
) -> None:
    """The version that `record.version` counts, and the sealed note if the form had one."""
    now = clock.now()
    db.session.add(
        SupportVersion(
            record_id=record.id,
            case_id=record.case_id,
            person_id=record.person_id,
            kind=record.kind,
            number=record.version,
            at=now,
            author_id=actor.id,
            content=content_of(data),
            reason=data.get("reason"),
        )
    )
    texts = {name: data.get(name) for name in SEALED_NOTE}
    if any(texts.values()) or (note_before and SEALED_NOTE[0] in data):
        db.session.add(
            ClinicalNote(
                record_id=record.id,
                case_id=record.case_id,
                number=record.version,
                author_id=actor.id,
                at=now,
                **texts,
            )
        )


@dataclass(frozen=True, slots=True)
class SupportPage:
    """One record as it stands: its answers opened, its sealed note only for the clinical pair."""

    case: Case
    identity: people.Identity
    record: SupportRecord
    answers: dict[str, Any]
    note: dict[str, Any] | None
    has_note: bool
    staff: dict[uuid.UUID, Staff]
    may_correct: bool


@use_case(permission=Permission.CASE_VIEW, code="support.viewed", action="R")
def view_support(actor: Actor, case_id: uuid.UUID, kind: str, record_id: uuid.UUID) -> SupportPage:
    """One record of support."""
    record = queries.record_for(actor, case_id, kind, record_id)
    authorise(actor, Permission.CASE_VIEW, record)
    about(record)
    for_purpose("case_management")
    return _page(actor, record)


@use_case(permission=Permission.SUPPORT_CORRECT, code="support.correction_opened", action="R")
def correction_page(actor: Actor, case_id: uuid.UUID, kind: str, record_id: uuid.UUID) -> SupportPage:
    """The record, opened for correcting. `IllegalMove` when it was entered in error."""
    record = _correctable(actor, case_id, kind, record_id)
    about(record)
    for_purpose("case_management")
    return _page(actor, record)


def _correctable(actor: Actor, case_id: uuid.UUID, kind: str, record_id: uuid.UUID) -> SupportRecord:
    record = queries.record_for(actor, case_id, kind, record_id)
    authorise(actor, Permission.SUPPORT_CORRECT, record)
    if record.in_error:
        raise IllegalMove(message=_("This record was entered in error. It stays as it is."))
    return record


def _page(actor: Actor, record: SupportRecord) -> SupportPage:
    version = queries.current_version(record)
    has_note, note = _note(record)
    return SupportPage(
        record.case,
        people.identity_of(actor, record.case),
        record,
        revived(people.reveal(version.content) or {}),
        note,
        has_note,
        staff_by_id([record.author_id, record.error_by, version.author_id]),
        not record.in_error and allowed(actor, Permission.SUPPORT_CORRECT, record),
    )


def _note(record: SupportRecord) -> tuple[bool, dict[str, Any] | None]:
    """Whether there is a sealed note, and its newest texts if the actor belongs to the clinical pair."""
    if record.kind != "psychosocial":
        return False, None
    notes = queries.notes_of(record.id)
    if not notes:
        return False, None
    newest = notes[max(notes)]
    secrets = {name: getattr(newest, name) for name in SEALED_NOTE}
    present = {name: secret for name, secret in secrets.items() if secret is not None}
    if not all(secret.granted for secret in present.values()):
        return True, None
    return bool(present), {name: people.reveal(secret) for name, secret in secrets.items()}


@use_case(permission=Permission.SUPPORT_CORRECT, code="support.corrected", action="U")
def correct_support(
    actor: Actor,
    case_id: uuid.UUID,
    kind: str,
    record_id: uuid.UUID,
    version: int | None,
    data: Mapping[str, Any],
) -> SupportRecord:
    """Adds a version with its reason; the earlier ones stay readable.

    `StaleVersion` when somebody saved meanwhile, `InvalidInput` when nothing differs.
    """
    record = _correctable(actor, case_id, kind, record_id)
    about(record)
    for_purpose("case_management")
    saved = revived(people.reveal(queries.current_version(record).content) or {})
    had_note, note = _note(record)
    shown = saved | ({name: text for name, text in (note or {}).items() if name in data})
    if version != record.version:
        raise StaleVersion(shown, record.version)
    refuse_past_step(data, saved.get("next_step_on"))
    given = {name: value for name, value in data.items() if name != "reason" and value not in (None, [], "")}
    if given == {name: value for name, value in shown.items() if value is not None}:
        raise InvalidInput({"_form": [_("Nothing was changed.")]})
    record.version += 1
    record.happened_on = data["happened_on"]
    _keep_version(actor, record, data, note_before=had_note)
    for entry in queries.entries_about(record.id):
        if entry.kind == f"support_{kind}":
            entry.at = moment_on(record.happened_on)
    add_to_timeline(record.case, f"support_{kind}_corrected", record.id)
    keep_next_step(actor, record, data)
    return record


@use_case(permission=Permission.SUPPORT_CORRECT, code="support.entered_in_error", action="U")
def mark_in_error(
    actor: Actor, case_id: uuid.UUID, kind: str, record_id: uuid.UUID, data: Mapping[str, Any]
) -> SupportRecord:
    """Strikes a record from what counts, with a reason; it stays readable. Its open follow-up is no longer needed."""
    record = _correctable(actor, case_id, kind, record_id)
    about(record)
    for_purpose("case_management")
    record.state = "entered_in_error"
    record.error_at = clock.now()
    record.error_by = actor.id
    record.error_reason = data["error_reason"]
    for entry in queries.entries_about(record.id):
        entry.struck = True
    keep_next_step(actor, record, {})
    add_to_timeline(record.case, f"support_{kind}_in_error", record.id)
    return record


@dataclass(frozen=True, slots=True)
class KeptSupport:
    """What a form said after one change, with what differs from the version before."""

    number: int
    at: Any
    author_id: uuid.UUID
    reason: str
    answers: dict[str, Any]
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class SupportHistory:
    """Every version of a record, the newest first."""

    case: Case
    identity: people.Identity
    record: SupportRecord
    versions: list[KeptSupport]
    staff: dict[uuid.UUID, Staff]


@use_case(permission=Permission.SUPPORT_HISTORY, code="support.history_viewed", action="R")
def support_history(actor: Actor, case_id: uuid.UUID, kind: str, record_id: uuid.UUID) -> SupportHistory:
    """Who corrected a record, when and why, and what it said before."""
    record = queries.record_for(actor, case_id, kind, record_id)
    authorise(actor, Permission.SUPPORT_HISTORY, record)
    about(record)
    for_purpose("case_management")
    rows = queries.versions_of(record.id)
    opened = [revived(people.reveal(each.content) or {}) for each in rows]
    versions = [
        KeptSupport(
            row.number,
            row.at,
            row.author_id,
            people.reveal(row.reason) or "",
            answers,
            differing(answers, older),
        )
        for row, answers, older in zip(rows, opened, [*opened[1:], {}], strict=False)
    ]
    counted(len(versions))
    staff = staff_by_id([*(each.author_id for each in rows), record.error_by])
    return SupportHistory(record.case, people.identity_of(actor, record.case), record, versions, staff)


def differing(answers: Mapping[str, Any], older: Mapping[str, Any]) -> frozenset[str]:
    """The names of the answers that changed from one version to the next; none for the first."""
    return frozenset(each for each in {*answers, *older} if older and answers.get(each) != older.get(each))
