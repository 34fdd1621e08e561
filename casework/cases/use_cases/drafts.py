"""Drafts: an unfinished form is kept exactly as typed, right or wrong, under a key of its own."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from flask_babel import gettext as _

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import authorise
from casework.audit.trail import about, concerns, use_case
from casework.cases import queries
from casework.cases.models import Case, Draft
from casework.cases.policy import Intended
from casework.core import clock
from casework.core.database import db
from casework.core.errors import InvalidInput, NotFound
from casework.vault.keys import destroy_keys

LARGEST = 60_000
"""Characters of everything typed: many times what the fields of a form may hold."""

Typed = Mapping[str, list[str]]


@use_case(permission=Permission.CASE_OPEN, code="draft.saved", action="C")
def save_case_draft(actor: Actor, draft_id: uuid.UUID | None, typed: Typed) -> Draft:
    """Keeps an unfinished form of a new case."""
    return _keep(actor, "case", None, draft_id, typed)


@use_case(permission=Permission.SUPPORT_RECORD, code="draft.saved", action="C")
def save_support_draft(
    actor: Actor, case_id: uuid.UUID, kind: str, draft_id: uuid.UUID | None, typed: Typed
) -> Draft:
    """Keeps an unfinished record of support."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.SUPPORT_RECORD, Intended(case, kind))
    return _keep(actor, kind, case, draft_id, typed)


def _keep(actor: Actor, form: str, case: Case | None, draft_id: uuid.UUID | None, typed: Typed) -> Draft:
    content = {name: values for name, values in typed.items() if any(value.strip() for value in values)}
    if len(json.dumps(content)) > LARGEST:
        raise InvalidInput({"_form": [_("This is too long to be kept.")]})
    draft = queries.draft_or_none(actor, draft_id) if draft_id else None
    if draft is None:
        draft = Draft(
            staff_id=actor.id,
            case_id=case.id if case else None,
            form=form,
            created_at=clock.now(),
            updated_at=clock.now(),
        )
        db.session.add(draft)
    elif draft.form != form or draft.case_id != (case.id if case else None):
        raise NotFound()
    draft.updated_at = clock.now()
    draft.content = content
    about(draft)
    if case is not None:
        concerns(case.person_id)
    return draft


@use_case(permission=Permission.WORK_VIEW, code="draft.discarded", action="D")
def discard_draft(actor: Actor, draft_id: uuid.UUID) -> None:
    """Throws one of the actor's own drafts away."""
    draft = queries.draft_for(actor, draft_id)
    authorise(actor, Permission.WORK_VIEW, draft)
    about(draft)
    _drop(draft)


def typed_of(
    actor: Actor, draft_id: uuid.UUID, form: str, case_id: uuid.UUID | None = None
) -> dict[str, list[str]]:
    """What was typed into one of the actor's own drafts of this form; `NotFound` otherwise."""
    draft = queries.draft_for(actor, draft_id)
    if draft.form != form or draft.case_id != case_id:
        raise NotFound()
    authorise(actor, Permission.WORK_VIEW, draft)
    content: dict[str, list[str]] = draft.content.reveal() if draft.content is not None else {}
    return content


def drop_draft(actor: Actor, draft_id: uuid.UUID | None, form: str, case_id: uuid.UUID | None = None) -> None:
    """The form was sent: its draft has served. One that is gone already does no harm, another form's stays."""
    draft = queries.draft_or_none(actor, draft_id) if draft_id else None
    if draft is not None and draft.form == form and draft.case_id == case_id:
        _drop(draft)


def _drop(draft: Draft) -> None:
    """The row, and the key that older copies of it would open with."""
    db.session.delete(draft)
    destroy_keys(draft.id)
