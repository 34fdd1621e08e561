"""What the audit room compares the log with: who answers for whom, and who had which case (`audit.directory.RELATIONS`)."""

from __future__ import annotations

from sqlalchemy import SelectBase, select

from casework.cases.models import Case, CaseAssignment


def offices_of_persons() -> SelectBase:
    """The offices that answer for a person."""
    return select(Case.person_id, Case.office_id.label("place_id"))


def assignments() -> SelectBase:
    """Every assignment that was ever given, without its reason."""
    return select(
        CaseAssignment.person_id,
        CaseAssignment.case_id,
        CaseAssignment.staff_id,
        CaseAssignment.started_at,
        CaseAssignment.ended_at,
    )
