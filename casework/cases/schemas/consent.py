"""Recording and withdrawing consent, one purpose at a time (data dictionary §3.5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l

from casework.web.fields import FormSchema, choice, day, text

ASSENT_HINT = _l("Only for a person under 18. Under 6 the child is told; from 6 on the child is asked.")
FORMS_HINT = _l("The consent paper stays in the office. It is not photographed.")
NOTE_HINT = _l("Do not write names of other people, beliefs or security information.")


def consent_choices() -> Iterable[tuple[str, Any]]:
    """What was answered. What became of it later (withdrawn, expired) is never typed."""
    return [("active", _l("Given")), ("refused", _l("Not given"))]


def basis_choices() -> Iterable[tuple[str, Any]]:
    """What may stand in place of consent."""
    from casework.core.pack import load_pack

    return [each for each in load_pack().value_set("legal_basis").choices() if each[0] != "consent"]


def basis_fields(*, required: bool) -> tuple[Any, Any]:
    """The lawful basis that is stated when there is no consent, and why."""
    return (
        choice(
            _l("Lawful basis without consent"),
            basis_choices,
            required=required,
            when=("consent_status", "refused"),
        ),
        text(
            _l("Why this basis applies"),
            max_length=300,
            rows=3,
            required=required,
            when=("consent_status", "refused"),
            hint=NOTE_HINT,
        ),
    )


class RecordConsentSchema(FormSchema):
    """One purpose and what was answered."""

    purpose = choice(_l("Purpose"), "consent_purpose", widget="select", required=True)
    consent_status = choice(_l("Answer"), consent_choices, required=True)
    given_on = day(_l("Given on"), not_future=True, required=True, when=("consent_status", "active"))
    form = choice(
        _l("Form of the consent"),
        "consent_form",
        required=True,
        hint=FORMS_HINT,
        when=("consent_status", "active"),
    )
    given_by = choice(_l("Who gave it"), "consent_given_by", required=True, when=("consent_status", "active"))
    language = choice(
        _l("Language in which it was explained"),
        "language",
        widget="select",
        required=True,
        when=("consent_status", "active"),
    )
    child_assent = choice(
        _l("The child’s own agreement"), "child_assent", hint=ASSENT_HINT, when=("consent_status", "active")
    )
    legal_basis, legal_basis_reason = basis_fields(required=False)


class WithdrawConsentSchema(FormSchema):
    """Consent taken back: from today, and whoever received anything is told."""

    withdrawn_why = text(
        _l("What the person said about it"),
        max_length=300,
        rows=3,
        hint=_l("The person need not give a reason."),
    )
