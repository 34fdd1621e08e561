"""The forms about a person's own data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l

from casework.access.actor import current_actor
from casework.cases.rights import retention
from casework.cases.schemas.consent import NOTE_HINT
from casework.web.fields import FormSchema, checkbox, choice, choices, day, text
from casework.web.languages import LANGUAGES


class RecordRequestSchema(FormSchema):
    """What a person asks."""

    type = choice(_l("What the person asks"), "data_request_type", required=True)
    received_on = day(_l("Received on"), not_future=True, required=True)
    identity_checked = checkbox(
        _l("I have checked that it is this person, or who may speak for them"),
        hint=_l("Without this, no copy is given and nothing is destroyed."),
    )
    asked = text(_l("What the person said about it"), max_length=300, rows=3, hint=NOTE_HINT)


DECISIONS: dict[str, Any] = {
    "granted": _l("Do what was asked"),
    "partly": _l("Do a part of it"),
    "refused": _l("Do not do it"),
}
DECIDED: dict[str, Any] = {
    "granted": _l("To be done"),
    "partly": _l("To be done in part"),
    "refused": _l("Not to be done"),
}


def decision_choices() -> Iterable[tuple[str, Any]]:
    """What can be decided."""
    return list(DECISIONS.items())


def whole_decision_choices() -> Iterable[tuple[str, Any]]:
    """Destruction is of everything, or not at all."""
    return [(key, label) for key, label in DECISIONS.items() if key != "partly"]


class DecideSchema(FormSchema):
    """The decision. Anything but a plain yes has a reason, which the person is told."""

    decision = choice(_l("Decision"), decision_choices, required=True)
    reason = text(
        _l("Reason"),
        max_length=300,
        rows=3,
        hint=_l("Needed when it is refused or done in part only. The person is told."),
    )


class DecideDestructionSchema(DecideSchema):
    """The same for the destruction of data."""

    decision = choice(_l("Decision"), whole_decision_choices, required=True)


class EraseSchema(FormSchema):
    """The last word before a person's data are destroyed."""

    code = text(
        _l("Display code"), max_length=7, width=10, required=True, hint=_l("Type the code of this case.")
    )
    reason = text(_l("Reason"), max_length=300, rows=3, required=True, hint=_l("Do not write names."))


def language_choices() -> Iterable[tuple[str, Any]]:
    """The four languages, each by its own name."""
    return [(language.tag, language.name) for language in LANGUAGES]


class CopySchema(FormSchema):
    """In which language a copy is made."""

    language = choice(_l("Language of the copy"), language_choices, required=True)


def due_choices() -> Iterable[tuple[str, Any]]:
    """The records of the supervisor's office that are past their retention and wait for approval."""
    return [
        (str(each.case_id), each.label) for each in retention.all_due(current_actor()) if not each.approved
    ]


class ApproveRetentionSchema(FormSchema):
    """Which records past their retention may be destroyed."""

    cases = choices(_l("Records to destroy"), due_choices, required=True)
