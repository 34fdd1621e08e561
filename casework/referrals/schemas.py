"""The shapes of input, one schema per action, with the field names of the data dictionary §3.11."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from marshmallow import ValidationError, validates_schema
from marshmallow.fields import Field

from casework.core.pack import Pack, load_pack
from casework.referrals.workflow import State
from casework.web import fields, typed

NEED_LENGTH = 1000
NOTE_LENGTH = 500
NO_NAMES = _l("Do not write names of other people, beliefs, or security information.")

TEXT_FIELDS = ("need_summary", "community_request")
"""Fields of the minimum dataset that the person writing types in one box; what is written there travels."""

Offer = Callable[[], Sequence[tuple[str, Any]]]


def version() -> Field[Any]:
    """The version that the page showed; the use case refuses another one."""
    return typed.WholeNumber(
        low=1, high=2**31 - 1, required=False, load_default=None, metadata={"widget": "hidden", "label": ""}
    )


def is_personal(pack: Pack, domain: str) -> bool:
    """Whether a referral to this domain may carry anything about a person."""
    return any(pack.dataset_fields[name] > "C1" for name in pack.minimum_dataset(domain))


def tickable(pack: Pack, domain: str) -> tuple[str, ...]:
    """The fields that may be ticked one by one; the display code always travels, a written summary too."""
    return tuple(name for name in pack.minimum_dataset(domain) if name not in TEXT_FIELDS)


class ChooseDomain(fields.FormSchema):
    """The first step of a referral."""

    domain = fields.choice(_l("Which domain should help?"), "domain", required=True)


class ReferralInput(fields.FormSchema):
    """The second step; `referral_input` adds what depends on the domain."""

    @validates_schema(skip_on_field_errors=False)
    def _one_basis(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if "consent_id" not in self.fields:
            return
        consent, basis, note = (
            data.get(name) for name in ("consent_id", "lawful_basis", "lawful_basis_text")
        )
        if consent and basis:
            raise ValidationError(
                {"lawful_basis": [str(_l("Choose a consent or state another lawful basis, not both."))]}
            )
        if basis and not note:
            raise ValidationError(
                {"lawful_basis_text": [str(_l("Say in a sentence why this basis applies."))]}
            )
        if note and not basis:
            raise ValidationError(
                {"lawful_basis": [str(_l("Choose the lawful basis that your text is about."))]}
            )


def referral_input(domain: str, consents: Offer = tuple) -> ReferralInput:
    """The form of one domain: its reasons, its dataset fields; `consents` offers the live ones that fit."""
    pack = load_pack()
    asked: dict[str, Any] = {
        "domain": fields.choice("", "domain", required=True),
        "reason_code": fields.choice(
            _l("Reason"), lambda: pack.referral_reasons(domain).choices(), widget="select", required=True
        ),
        "urgency": fields.choice(_l("Urgency"), _urgencies, required=True),
        "version": version(),
    }
    asked["domain"].metadata["widget"] = "hidden"
    if is_personal(pack, domain):
        asked |= _personal_fields(pack, domain, consents)
    else:
        asked["need_summary"] = fields.text(
            _l("What the community asks for"),
            max_length=NEED_LENGTH,
            rows=6,
            required=True,
            hint=_l(
                "About the community only. Do not write the name of any person, beliefs, or security information."
            ),
        )
    asked["channel"] = fields.choice(_l("How it is sent"), "referral_channel", required=True)
    made: type[ReferralInput] = type("ReferralInput", (ReferralInput,), asked)
    return made()


def _personal_fields(pack: Pack, domain: str, consents: Offer) -> dict[str, Any]:
    ticks = tickable(pack, domain)
    labels = pack.value_set("minimum_dataset_field")
    asked: dict[str, Any] = {
        "need_summary": fields.text(
            _l("Summary of the need"), max_length=NEED_LENGTH, rows=6, required=True, hint=NO_NAMES
        ),
        "minimum_dataset": fields.choices(
            _l("What may be shared"),
            lambda: [(name, labels.label(name)) for name in ticks],
            hint=_l(
                "Tick only what the receiving service needs. The code of the person and the summary always travel."
            ),
            section=_l("What travels"),
        ),
    }
    typed_here: dict[str, Any] = {
        "communication_needs": fields.choice(
            _l("Communication needs"),
            "communication_needs",
            when=("minimum_dataset", "communication_needs"),
            required=True,
        ),
        "caregiver_name": fields.name_part(
            _l("Name of the caregiver"),
            max_length=120,
            when=("minimum_dataset", "caregiver_name"),
            required=True,
        ),
        "document_types": fields.choices(
            _l("Documents concerned"),
            "doc_document",
            when=("minimum_dataset", "document_types"),
            required=True,
        ),
        "level_sought": fields.choice(
            _l("Level of education sought"),
            "edu_level_sought",
            when=("minimum_dataset", "level_sought"),
            required=True,
        ),
        "work_wish": fields.text(
            _l("Wish about work"), max_length=200, when=("minimum_dataset", "work_wish"), required=True
        ),
    }
    asked |= {name: field for name, field in typed_here.items() if name in ticks}
    asked |= {
        "consent_id": fields.reference(
            _l("Consent"),
            consents,
            section=_l("Why it may be shared"),
            hint=_l("A referral needs a consent in force for its purpose, or another lawful basis."),
        ),
        "lawful_basis": fields.choice(_l("Lawful basis without consent"), _bases, widget="select"),
        "lawful_basis_text": fields.text(
            _l("Why this basis applies"),
            max_length=NOTE_LENGTH,
            rows=3,
            hint=_l("The supervisor reads this. It does not travel."),
        ),
    }
    return asked


TYPED_HERE = ("communication_needs", "caregiver_name", "document_types", "level_sought", "work_wish")
"""Dataset fields that are answered on the form; the others come from the person's record."""


def _bases() -> list[tuple[str, Any]]:
    return [(key, label) for key, label in load_pack().value_set("legal_basis").choices() if key != "consent"]


def _urgencies() -> list[tuple[str, Any]]:
    pack = load_pack()
    offered = []
    for name, label in pack.value_set("urgency").choices():
        limit = pack.urgency[name]
        if limit.hours is not None:
            within = ngettext("within %(num)s hour", "within %(num)s hours", limit.hours)
        else:
            days = limit.working_days or 0
            within = ngettext("within %(num)s working day", "within %(num)s working days", days)
        offered.append((name, f"{label} ({within})"))
    return offered


class Step(fields.FormSchema):
    """An action that asks nothing but the version that was seen."""

    version = version()


class ReturnInput(Step):
    """A supervisor gives a referral back."""

    return_reason = fields.choice(_l("Why is it returned?"), "return_reason", required=True)
    text = fields.text(
        _l("What should change"),
        max_length=NOTE_LENGTH,
        rows=3,
        required=True,
        hint=_l("The recipient never sees this."),
    )


class AskInput(Step):
    """A recipient asks for information."""

    text = fields.text(
        _l("Your question"),
        max_length=NOTE_LENGTH,
        rows=3,
        required=True,
        hint=_l("Ask only for what the service needs."),
    )


class InformInput(Step):
    """The sender answers."""

    text = fields.text(
        _l("Your answer"),
        max_length=NEED_LENGTH,
        rows=4,
        required=True,
        hint=_l(
            "The recipient sees this. Share only what is needed. No names of other people, no beliefs, no security information."
        ),
    )


class DeclineInput(Step):
    """A recipient declines, for a reason of the list; having returned is none of them (data dictionary §3.11)."""

    decline_reason = fields.choice(_l("Reason"), "decline_reason", required=True)
    text = fields.text(_l("Explanation"), max_length=NOTE_LENGTH, rows=3, hint=NO_NAMES)


class WithdrawInput(Step):
    """The person does not want it any more."""

    text = fields.text(
        _l("Note for the own office"),
        max_length=NOTE_LENGTH,
        rows=3,
        hint=_l("The recipient never sees this."),
    )


class EndInput(Step):
    """A service ends: how, and a short report. `end_input` adds the outcomes of the section."""

    outcome = fields.choice(_l("Outcome"), "referral_outcome", widget="select", required=True)


def end_input(outcomes: Offer) -> EndInput:
    """The closing form, with the outcomes of the section that the reason belongs to."""
    asked: dict[str, Any] = {
        "service_outcome": fields.choice(_l("Result of the service"), outcomes, widget="select"),
        "service_report": fields.text(
            _l("Short report of the service"),
            max_length=NEED_LENGTH,
            rows=5,
            required=True,
            hint=_l(
                "What was done and what comes next. No diagnosis, names of other people, beliefs, or security information."
            ),
        ),
    }
    made: type[EndInput] = type("EndInput", (EndInput,), asked)
    return made()


class ListFilter(fields.FormSchema):
    """The filter above a list; `list_filter` adds the statuses that the list can hold."""


def list_filter(shown: Iterable[State]) -> ListFilter:
    """The filter of a list that holds these states."""
    labels = load_pack().value_set("referral_status")
    offered = frozenset(shown)
    asked = {
        "status": fields.choice(
            _l("Status"),
            lambda: [(key, label) for key, label in labels.choices() if State(key) in offered],
            widget="select",
        )
    }
    made: type[ListFilter] = type("ListFilter", (ListFilter,), asked)
    return made()
