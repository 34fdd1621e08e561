"""What an auditor may ask the log for."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from casework.audit import words
from casework.web import fields
from casework.web.fields import FormSchema


def _outcomes() -> list[tuple[str, object]]:
    return list(words.OUTCOMES.items())


FORMATS = [
    ("pack", _l("Pack: the events with all that is needed to check them, as one archive file")),
    ("jsonl", _l("JSON Lines: the exact events")),
    ("csv", _l("CSV: for a spreadsheet")),
]


class FilterEvents(FormSchema):
    """Narrows the list; everything may be left empty."""

    since = fields.day(_l("From"))
    until = fields.day(_l("Up to and including"))
    who = fields.text(_l("Who (sign-in name)"), max_length=80, width=20)
    person = fields.text(
        _l("Whose record (display code)"), max_length=40, width=20, hint=_l("For example, QX-4F7K")
    )
    code = fields.choice(_l("What happened"), words.known, widget="select")
    outcome = fields.choice(_l("Outcome"), _outcomes, widget="select")


class UnusualDays(FormSchema):
    """The days that are looked through for unusual access."""

    since = fields.day(_l("From"), required=True)
    until = fields.day(_l("Up to and including"), required=True)


class ExportEvents(FormSchema):
    """An export: which days, which format, and why."""

    since = fields.day(_l("From"), not_future=True)
    until = fields.day(_l("Up to and including"))
    format = fields.choice(_l("Format"), FORMATS, required=True)
    reason = fields.text(
        _l("Why is the log exported?"),
        max_length=300,
        rows=3,
        required=True,
        hint=_l("The reason is kept as a fingerprint only. Do not write names of people."),
    )


class NothingToType(FormSchema):
    """A form of one button."""
