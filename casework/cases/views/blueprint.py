"""The room's one blueprint, and what its pages share in reading a request and naming things."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flask import request
from marshmallow import Schema
from werkzeug.datastructures import MultiDict

from casework.access.actor import actor_or_none
from casework.access.blueprint import ProtectedBlueprint
from casework.access.permissions import Permission
from casework.access.policy import role_has
from casework.cases.answers import one_line
from casework.cases.happenings import TITLES
from casework.cases.schemas.support import support_form
from casework.cases.schemas.work import KIND_LABELS
from casework.core.errors import InvalidInput
from casework.core.pack import load_pack
from casework.web.forms import Form

bp = ProtectedBlueprint("cases", "casework.cases", template_folder="templates")

KIND = "<any(psychosocial, education, employment):kind>"

IN_ONE_LINE = (
    "contact_type",
    "service_type",
    "enrolment_status",
    "attendance_band",
    "labour_status",
    "service",
    "progress",
    "outcome",
)
"""The answers that the timeline shows of a record."""


def draft_in_address() -> uuid.UUID | None:
    """The draft that the address names, if it names one."""
    try:
        return uuid.UUID(request.args.get("draft", ""))
    except ValueError:
        return None


def posted() -> tuple[MultiDict[str, str], bool]:
    """What was sent, without the button, and whether the button was the one that keeps a draft."""
    form = MultiDict(request.form.items(multi=True))
    action = form.poplist("action")
    return form, action[:1] == ["draft"]


def typed_into(schema: Schema, form: MultiDict[str, str]) -> dict[str, list[str]]:
    """Everything typed into the fields of this form, right or wrong."""
    return {name: form.getlist(name) for name in schema.load_fields if name in form}


def kept(form: Form, keep: Callable[[], object]) -> bool:
    """Whether the draft was kept; if not, the form says why and has lost nothing."""
    try:
        keep()
    except InvalidInput as problem:
        for name, messages in problem.errors.items():
            for message in messages:
                form.add_error(name, message)
        return False
    return True


def _label(value_set: str, key: str | None) -> str:
    return load_pack().value_set(value_set).label(key) if key else ""


def _happening(kind: str) -> str:
    return str(TITLES[kind])


def _support_line(kind: str, answers: Mapping[str, Any]) -> str:
    return one_line(support_form(kind, None).record(), answers, IN_ONE_LINE)


def _can(permission: str) -> bool:
    actor = actor_or_none()
    return actor is not None and role_has(actor.role, Permission(permission))


@bp.context_processor
def _names() -> dict[str, Any]:
    """What the templates of this room call: values and kinds in words, and what the reader's role may do."""
    return {
        "value_label": _label,
        "kind_labels": KIND_LABELS,
        "happening": _happening,
        "support_line": _support_line,
        "can": _can,
    }
