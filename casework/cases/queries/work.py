"""Drafts, the timeline, and who can be given a case."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import select

from casework.access.actor import Actor
from casework.access.roles import Role
from casework.accounts.models import Staff
from casework.accounts.queries import staff_by_id
from casework.cases.models import Case, CaseAssignment, Consent, Draft, Person, PersonVersion, TimelineEntry
from casework.cases.queries.scope import MOST_WORK, PAGE, Cursor
from casework.core.database import db
from casework.core.errors import NotFound


def drafts_of(actor: Actor) -> list[Draft]:
    """The actor's unfinished forms, the newest first."""
    wanted = select(Draft).where(Draft.staff_id == actor.id)
    return list(
        db.session.scalars(wanted.order_by(Draft.updated_at.desc(), Draft.id.desc()).limit(MOST_WORK))
    )


def draft_or_none(actor: Actor, draft_id: uuid.UUID) -> Draft | None:
    """One of the actor's own drafts."""
    return db.session.scalar(select(Draft).where(Draft.id == draft_id, Draft.staff_id == actor.id))


def draft_for(actor: Actor, draft_id: uuid.UUID) -> Draft:
    """One of the actor's own drafts; `NotFound` for anybody else's."""
    found = draft_or_none(actor, draft_id)
    if found is None:
        raise NotFound()
    return found


def codes_of_cases(ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """The display codes of the persons of these cases."""
    wanted = {each for each in ids if each is not None}
    if not wanted:
        return {}
    rows = (
        select(Case.id, Person.display_code)
        .join(Person, Person.id == Case.person_id)
        .where(Case.id.in_(wanted))
    )
    return {row[0]: row[1] for row in db.session.execute(rows)}


def timeline_page(
    case_id: uuid.UUID, kinds: Sequence[str], after: Cursor | None
) -> tuple[list[TimelineEntry], Cursor | None]:
    """A page of what happened, newest first, and where the next page begins."""
    wanted = (
        select(TimelineEntry)
        .where(TimelineEntry.case_id == case_id, TimelineEntry.kind.in_(kinds))
        .order_by(TimelineEntry.at.desc(), TimelineEntry.id.desc())
        .limit(PAGE + 1)
    )
    if after is not None:
        wanted = wanted.where(after.before(TimelineEntry.at, TimelineEntry.id))
    found = list(db.session.scalars(wanted))
    last = found[PAGE - 1] if len(found) > PAGE else None
    return found[:PAGE], Cursor(last.at, last.id) if last else None


def entries_about(ref_id: uuid.UUID) -> list[TimelineEntry]:
    """The timeline's entries about one row."""
    return list(db.session.scalars(select(TimelineEntry).where(TimelineEntry.ref_id == ref_id)))


def consents_by_id(ids: list[uuid.UUID]) -> dict[uuid.UUID, Consent]:
    """Consents for the timeline."""
    return {each.id: each for each in db.session.scalars(select(Consent).where(Consent.id.in_(ids)))}


def versions_by_id(ids: list[uuid.UUID]) -> dict[uuid.UUID, PersonVersion]:
    """Versions of details for the timeline."""
    return {
        each.id: each for each in db.session.scalars(select(PersonVersion).where(PersonVersion.id.in_(ids)))
    }


def assignments_by_id(ids: list[uuid.UUID]) -> dict[uuid.UUID, CaseAssignment]:
    """Assignments for the timeline."""
    return {
        each.id: each for each in db.session.scalars(select(CaseAssignment).where(CaseAssignment.id.in_(ids)))
    }


def staff_of_assignments(assignments: Iterable[CaseAssignment]) -> dict[uuid.UUID, Staff]:
    """Whom these assignments name, by id."""
    return staff_by_id(each.staff_id for each in assignments)


def workers_of(office_id: uuid.UUID | None) -> list[Staff]:
    """The active caseworkers and psychologists of an office, by name."""
    roles = [Role.CASEWORKER.value, Role.PSYCHOLOGIST.value]
    wanted = select(Staff).where(Staff.place_id == office_id, Staff.role.in_(roles), Staff.active)
    return list(db.session.scalars(wanted.order_by(Staff.display_name, Staff.id)))
