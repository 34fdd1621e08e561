"""The small forms: filters of the caseload, follow-ups, who has the case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l

from casework.access.actor import current_actor
from casework.access.roles import Role
from casework.cases import queries
from casework.cases.schemas.consent import NOTE_HINT
from casework.web.fields import FormSchema, checkbox, choice, reference, text

KIND_LABELS: dict[str, Any] = {
    "case": _l("Case"),
    "psychosocial": _l("Psychosocial support"),
    "education": _l("Education"),
    "employment": _l("Employment support"),
}


def kind_choices() -> Iterable[tuple[str, Any]]:
    """The three kinds of support."""
    return [(kind, label) for kind, label in KIND_LABELS.items() if kind != "case"]


class CaseloadSchema(FormSchema):
    """What the caseload is narrowed to. Nothing that is personal: it stands in the address."""

    status = choice(_l("Stage now"), "case_status", widget="select")
    needs_level = choice(_l("Needs level"), "needs_level", widget="select")
    support_kind = choice(_l("Kind of support"), kind_choices, widget="select")
    code = text(_l("Display code"), max_length=7, hint=_l("The whole code or its beginning"), width=10)
    overdue_only = checkbox(_l("Overdue only"))


class CloseFollowUpSchema(FormSchema):
    """Why a next step is no longer needed."""

    closed_reason = text(
        _l("Why is it no longer needed?"), max_length=300, rows=3, required=True, hint=NOTE_HINT
    )


class EnteredInErrorSchema(FormSchema):
    """Why a record should not count."""

    error_reason = text(
        _l("What is wrong with this record?"), max_length=300, rows=3, required=True, hint=NOTE_HINT
    )


def worker_choices() -> Iterable[tuple[str, Any]]:
    """The caseworkers and psychologists of the supervisor's office."""
    staff = queries.workers_of(current_actor().place_id)
    return [(str(each.id), f"{each.display_name}, {Role(each.role).label}") for each in staff]


class ReassignSchema(FormSchema):
    """Who has the case from now on. A psychologist joins, a caseworker takes over."""

    staff_id = reference(_l("Give the case to"), worker_choices, required=True)
    reason = text(_l("Reason"), max_length=300, rows=3, required=True, hint=NOTE_HINT)
