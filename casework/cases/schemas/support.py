"""The three support forms, field by field as in the data dictionary (§3.10, §4.1, §4.3, §4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, validates_schema
from marshmallow.fields import Field

from casework.access.roles import Role
from casework.cases.schemas.consent import NOTE_HINT
from casework.web.fields import FormSchema, choice, choices, day, text, whole_number, yes_no

NOTE_LENGTH = 1000


def _note() -> Field[Any]:
    return text(_l("Note"), max_length=NOTE_LENGTH, rows=5, hint=NOTE_HINT, section=_l("Note and next step"))


def _next_step() -> Field[Any]:
    return text(_l("Next step"), max_length=200)


def _next_step_on() -> Field[Any]:
    return day(
        _l("Day of the next step"),
        hint=_l("For example, 01.12.2026. It will stand in your work as a follow-up."),
    )


class ContactSchema(FormSchema):
    """What every record of support says: when, how, how long."""

    happened_on = day(_l("When did it happen?"), not_future=True, required=True, section=_l("Contact"))
    contact_type = choice(_l("Kind of contact"), "contact_type", required=True)
    duration_band = choice(_l("How long it took"), "duration_band", widget="select")

    @validates_schema
    def _a_day_has_a_step(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if data.get("next_step_on") and not data.get("next_step"):
            raise ValidationError({"next_step": [str(_l("Say what is to be done on that day."))]})

    @validates_schema
    def _says_something(self, data: dict[str, Any], **_kwargs: Any) -> None:
        about_contact = {"happened_on", "contact_type", "duration_band", "employer_told", "reason"}
        if not any(value not in (None, [], "") for name, value in data.items() if name not in about_contact):
            raise ValidationError([str(_l("Write at least one thing about the support."))])


class PsychosocialSchema(ContactSchema):
    """§4.1, what a caseworker records: no clinical text."""

    wellbeing_self_report = choice(
        _l("Wellbeing, in the person’s own view"),
        "psy_wellbeing_self_report",
        section=_l("Psychosocial support"),
    )
    support_needed = choices(_l("Support needed"), "psy_support_needed")
    screening_done = choice(_l("Screening"), "psy_screening_done", widget="select")
    screening_result = choice(
        _l("Result of the screening"),
        "psy_screening_result",
        hint=_l("Only the band. Scores stay in the clinic."),
    )
    service_type = choice(_l("Service"), "psy_service_type", widget="select")
    mhpss_layer = choice(_l("Layer of support"), "psy_mhpss_layer", widget="select")
    session_count = whole_number(_l("Number of sessions so far"), low=0, high=500)
    attendance = choice(_l("Attendance"), "psy_attendance", inline=True)
    progress = choice(_l("Change since last time"), "psy_progress")
    crisis_plan = choice(_l("Crisis plan"), "psy_crisis_plan")
    referral_reason = choice(_l("Reason to refer"), "psy_referral_reason", widget="select")
    outcome = choice(_l("Outcome"), "psy_outcome", widget="select")
    note = _note()
    next_step = _next_step()
    next_step_on = _next_step_on()


class ClinicalSchema(PsychosocialSchema):
    """§4.1 with what only the psychologist writes and reads (C4)."""

    clinical_note = text(
        _l("Clinical note"),
        max_length=4000,
        rows=8,
        section=_l("Sealed note"),
        hint=_l("Only you and the psychologist of your office who has this case can open it."),
    )
    crisis_plan_text = text(_l("Text of the crisis plan"), max_length=2000, rows=5)


class EducationSchema(ContactSchema):
    """§4.3."""

    level_sought = choice(
        _l("Level of education sought"), "edu_level_sought", widget="select", section=_l("Education")
    )
    enrolment_status = choice(_l("Enrolment"), "edu_enrolment_status", widget="select")
    placement_basis = choice(_l("Placed by"), "edu_placement_basis")
    years_missed = choice(_l("Years of school missed"), "edu_years_missed", widget="select")
    language_support = choice(_l("Language support"), "edu_language_support", widget="select")
    catch_up = choice(_l("Catch-up lessons"), "edu_catch_up")
    attendance_band = choice(_l("Attendance"), "edu_attendance_band", widget="select")
    inclusion_support = choice(_l("Inclusion support"), "edu_inclusion_support", widget="select")
    bullying_reported = choice(_l("Was bullying reported?"), "edu_bullying_reported", widget="select")
    barrier = choices(_l("What stands in the way"), "edu_barrier")
    school_told = choice(
        _l("What the school was told"),
        "edu_school_told",
        hint=_l("The school never receives the history of the family."),
    )
    referral_reason = choice(_l("Reason to refer"), "edu_referral_reason", widget="select")
    outcome = choice(_l("Outcome"), "edu_outcome", widget="select")
    note = _note()
    next_step = _next_step()
    next_step_on = _next_step_on()


class EmploymentSchema(ContactSchema):
    """§4.4."""

    labour_status = choice(
        _l("Work now"), "emp_labour_status", widget="select", section=_l("Employment support")
    )
    education_level = choice(_l("Education completed"), "emp_education_level", widget="select")
    skills = choices(_l("Skills"), "emp_skills")
    work_history_gap = yes_no(_l("Is there a gap in the work history?"))
    work_wish = text(_l("What work the person wants"), max_length=300, rows=3, hint=NOTE_HINT)
    barriers = choices(_l("What stands in the way"), "emp_barriers")
    service = choices(_l("Services given"), "emp_service")
    training_name = text(_l("Name of the training"), max_length=120, section=_l("Training"))
    training_status = choice(_l("Training"), "emp_training_status", inline=True)
    training_certificate = yes_no(_l("Is there a certificate?"))
    job_form = choice(_l("Form of the work"), "emp_job_form", widget="select", section=_l("Work"))
    job_time = choice(_l("Working time"), "emp_job_time", widget="select")
    job_still_3 = yes_no(_l("Still working at 3 months?"))
    job_still_6 = yes_no(_l("Still working at 6 months?"))
    job_still_12 = yes_no(_l("Still working at 12 months?"))
    income_enough = choice(
        _l("Is the income enough, in the person’s own view?"), "emp_income_enough", widget="select"
    )
    employer_told = choice(
        _l("What the employer was told"),
        "emp_employer_told",
        hint=_l("The employer never receives the history of the family."),
    )
    referral_reason = choice(_l("Reason to refer"), "emp_referral_reason", widget="select")
    outcome = choice(_l("Outcome"), "emp_outcome", widget="select")
    note = _note()
    next_step = _next_step()
    next_step_on = _next_step_on()


def _reason() -> Field[Any]:
    return text(
        _l("Why is this corrected?"),
        max_length=300,
        rows=3,
        required=True,
        section=_l("Reason for the change"),
    )


class CorrectPsychosocialSchema(PsychosocialSchema):
    reason = _reason()


class CorrectClinicalSchema(ClinicalSchema):
    reason = _reason()


class CorrectEducationSchema(EducationSchema):
    reason = _reason()


class CorrectEmploymentSchema(EmploymentSchema):
    reason = _reason()


@dataclass(frozen=True, slots=True)
class SupportForm:
    """The schemas of one kind, for recording and for correcting."""

    record: type[ContactSchema]
    correct: type[ContactSchema]


SUPPORT_FORMS = {
    "psychosocial": SupportForm(PsychosocialSchema, CorrectPsychosocialSchema),
    "education": SupportForm(EducationSchema, CorrectEducationSchema),
    "employment": SupportForm(EmploymentSchema, CorrectEmploymentSchema),
}
CLINICAL_FORM = SupportForm(ClinicalSchema, CorrectClinicalSchema)

SEALED_NOTE = ("clinical_note", "crisis_plan_text")
"""Fields of class C4: never in a version's content, always under the record's own key."""


def support_form(kind: str, role: Role | None) -> SupportForm:
    """The form of a kind as this role fills it in. KeyError for a kind that does not exist."""
    return CLINICAL_FORM if (kind, role) == ("psychosocial", Role.PSYCHOLOGIST) else SUPPORT_FORMS[kind]
