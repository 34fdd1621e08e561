"""What happens in a case, as the timeline shows it: one table of kinds."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from casework.access.roles import Role
from casework.cases import people, queries
from casework.cases.models import SUPPORT_KINDS
from casework.cases.timeline import register_timeline_kind
from casework.cases.use_cases.support import revived
from casework.core.pack import load_pack

NOT_CLINICAL = frozenset({Role.PSYCHOLOGIST})
"""Education, employment and the details of the person are not for the psychologist."""


@dataclass(frozen=True, slots=True)
class RecordLine:
    """A record of support on the timeline."""

    id: uuid.UUID
    kind: str
    in_error: bool
    corrected: bool
    answers: dict[str, Any]


def record_lines(ids: list[uuid.UUID]) -> Mapping[uuid.UUID, RecordLine]:
    """Records with what they say now, opened."""
    return {
        record_id: RecordLine(
            record_id,
            found.record.kind,
            found.record.in_error,
            found.record.version > 1,
            revived(people.reveal(found.version.content) or {}),
        )
        for record_id, found in queries.records_by_id(ids).items()
    }


def nothing(_ids: list[uuid.UUID]) -> Mapping[uuid.UUID, Any]:
    """A kind that says all by itself."""
    return {}


def assignment_lines(ids: list[uuid.UUID]) -> Mapping[uuid.UUID, Any]:
    """Whom a case was given to, by name, and why."""
    found = queries.assignments_by_id(ids)
    staff = queries.staff_of_assignments(found.values())
    return {each: (staff.get(row.staff_id), row) for each, row in found.items()}


Loader = Callable[[list[uuid.UUID]], Mapping[uuid.UUID, Any]]

TITLES: dict[str, Any] = {
    "case_opened": _l("Case opened"),
    "person_corrected": _l("Details corrected"),
    "consent_recorded": _l("Consent recorded"),
    "consent_withdrawn": _l("Consent withdrawn"),
    "reassigned": _l("Case given to somebody else"),
    "support_psychosocial": _l("Psychosocial support"),
    "support_education": _l("Education"),
    "support_employment": _l("Employment support"),
    "support_psychosocial_corrected": _l("Psychosocial support corrected"),
    "support_education_corrected": _l("Education corrected"),
    "support_employment_corrected": _l("Employment support corrected"),
    "support_psychosocial_in_error": _l("Psychosocial support marked as entered in error"),
    "support_education_in_error": _l("Education marked as entered in error"),
    "support_employment_in_error": _l("Employment support marked as entered in error"),
    "needs_level": _l("Needs level set"),
    "follow_up_done": _l("Follow-up done"),
    "follow_up_not_needed": _l("Follow-up no longer needed"),
}

KINDS: tuple[tuple[str, Loader, str, frozenset[Role]], ...] = (
    ("case_opened", nothing, "plain", frozenset()),
    ("person_corrected", queries.versions_by_id, "person", NOT_CLINICAL),
    ("consent_recorded", queries.consents_by_id, "consent", frozenset()),
    ("consent_withdrawn", queries.consents_by_id, "consent", frozenset()),
    ("reassigned", assignment_lines, "assignment", frozenset()),
)


def register_kinds() -> None:
    """Called when the app is composed."""
    for kind, load, template, hidden in KINDS:
        register_timeline_kind(kind, load, f"cases/timeline/{template}.html", hidden_from=hidden)
    for level in load_pack().value_set("needs_level"):
        register_timeline_kind(f"needs_level_{level}", nothing, "cases/timeline/needs_level.html")
    for support in SUPPORT_KINDS:
        hidden = frozenset() if support == "psychosocial" else NOT_CLINICAL
        register_timeline_kind(
            f"support_{support}", record_lines, "cases/timeline/support.html", hidden_from=hidden
        )
        for after in ("corrected", "in_error"):
            register_timeline_kind(
                f"support_{support}_{after}",
                record_lines,
                "cases/timeline/support_changed.html",
                hidden_from=hidden,
            )
    for kind in ("case", *SUPPORT_KINDS):
        hidden = NOT_CLINICAL if kind in ("education", "employment") else frozenset()
        register_timeline_kind(
            f"follow_up_{kind}", queries.follow_ups_by_id, "cases/timeline/follow_up.html", hidden_from=hidden
        )
