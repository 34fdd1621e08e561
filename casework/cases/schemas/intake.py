"""Opening a case and correcting who it is about (data dictionary §3.1 to §3.6)."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, validates_schema

from casework.cases.schemas.consent import ASSENT_HINT, FORMS_HINT, basis_fields, consent_choices
from casework.web.fields import (
    FormSchema,
    PartialDate,
    checkbox,
    choice,
    choices,
    day,
    identifier,
    name_part,
    phone,
    place,
    text,
    yes_no,
)

COARSENESS = {"day": 0, "month": 1, "year": 2, "estimated": 3}
"""A precision may be said to be coarser than what was typed, never finer."""


def messages(**found: Any) -> ValidationError:
    """One message at each of these fields."""
    return ValidationError({name: [str(message)] for name, message in found.items()})


class DetailsSchema(FormSchema):
    """Who somebody is and how to reach them safely."""

    surname = name_part(_l("Surname"), required=True, script_from="script", section=_l("Who this is about"))
    given_name = name_part(_l("Given name"), required=True, script_from="script")
    patronymic = name_part(
        _l("Patronymic"), script_from="script", hint=_l("As in the document, or leave it empty.")
    )
    script = choice(_l("The name is written in"), "name_script", widget="select", required=True)
    birth_date = day(_l("Date of birth"), not_future=True, allow_partial=True, required=True)
    birth_date_precision = choice(
        _l("How exact is this date"),
        "birth_date_precision",
        widget="select",
        hint=_l("Only needed when the date is estimated or less exact than written."),
    )
    sex = choice(_l("Sex"), "sex", required=True, inline=True)
    languages = choices(_l("Languages the person speaks"), "language", section=_l("Language and contact"))
    interpreter_needed = yes_no(_l("Is an interpreter needed?"))
    preferred_contact = choice(_l("How does the person want to be contacted?"), "preferred_contact")
    phone = phone(_l("Phone"), hint=_l("For example, +998 90 123 45 67"))
    phone_owner = choice(_l("Whose phone is it?"), "phone_owner")
    safe_to_call = yes_no(
        _l("Is it safe to call?"), hint=_l("Ask before the first call: who else may answer or hear?")
    )
    safe_hours = text(
        _l("Safe hours"), max_length=100, hint=_l("For example, working days from 10:00 to 13:00"), width=30
    )
    place_id = place(_l("Place of residence"), required=True, hint=_l("Choose a mahalla of your district."))

    @validates_schema
    def _precision_is_not_finer_than_typed(self, data: dict[str, Any], **_kwargs: Any) -> None:
        said, born = data.get("birth_date_precision"), data.get("birth_date")
        if said and isinstance(born, PartialDate) and COARSENESS[said] < COARSENESS[born.precision]:
            raise messages(birth_date=_l("Write the date as exactly as you say it is known."))

    @validates_schema
    def _a_phone_comes_with_its_safety(self, data: dict[str, Any], **_kwargs: Any) -> None:
        found: dict[str, Any] = {}
        if data.get("phone"):
            if not data.get("phone_owner"):
                found["phone_owner"] = _l("Say whose phone it is.")
            if data.get("safe_to_call") is None:
                found["safe_to_call"] = _l(
                    "Say whether it is safe to call. Nobody calls before this is known."
                )
        elif data.get("preferred_contact") == "phone":
            found["phone"] = _l("The person wants to be called: write the phone number.")
        if found:
            raise messages(**found)


class OpenCaseSchema(DetailsSchema):
    """A new case: the person, a number if there is one, the consent."""

    identifier_type = choice(
        _l("Document or number"),
        "identifier_type",
        widget="select",
        hint=_l("Leave it empty when there is none yet. A child may have no number."),
        section=_l("Document"),
    )
    identifier_value = identifier(_l("Its number"))
    case_type = choice(_l("This case is for"), "case_type", required=True, inline=True, section=_l("Case"))
    needs_level = choice(
        _l("Needs level"),
        "needs_level",
        hint=_l("How much support is needed now. You choose it, and it can be changed at any time."),
        inline=True,
    )
    consent_status = choice(
        _l("Consent to case management"),
        consent_choices,
        required=True,
        section=_l("Consent"),
        hint=_l("You may say no. You will still get help."),
    )
    consent_given_on = day(_l("Given on"), not_future=True, required=True, when=("consent_status", "active"))
    consent_form = choice(
        _l("Form of the consent"),
        "consent_form",
        required=True,
        hint=FORMS_HINT,
        when=("consent_status", "active"),
    )
    consent_given_by = choice(
        _l("Who gave it"), "consent_given_by", required=True, when=("consent_status", "active")
    )
    consent_language = choice(
        _l("Language in which it was explained"),
        "language",
        widget="select",
        required=True,
        when=("consent_status", "active"),
    )
    child_assent = choice(
        _l("The child’s own agreement"), "child_assent", hint=ASSENT_HINT, when=("consent_status", "active")
    )
    legal_basis, legal_basis_reason = basis_fields(required=True)
    not_duplicate = checkbox(_l("This is somebody else"), section=_l("Possibly known already"))

    @validates_schema
    def _a_number_has_a_type(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if data.get("identifier_value") and not data.get("identifier_type"):
            raise messages(identifier_type=_l("Say what kind of document or number this is."))
        if data.get("identifier_type") and not data.get("identifier_value"):
            raise messages(identifier_value=_l("Write the number, or choose no document."))


class CorrectPersonSchema(DetailsSchema):
    """Details corrected: the earlier ones stay readable, with the reason."""

    reason = text(
        _l("Why is this changed?"), max_length=300, rows=3, required=True, section=_l("Reason for the change")
    )


class NeedsLevelSchema(FormSchema):
    """The level of support needed now, chosen by a person."""

    needs_level = choice(_l("Needs level"), "needs_level", required=True)
