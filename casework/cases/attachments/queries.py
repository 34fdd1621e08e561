"""Every question about documents. Whoever asks has the case already."""

from __future__ import annotations

import uuid

from sqlalchemy import delete, func, select

from casework.cases.attachments.models import Attachment
from casework.cases.models import Case
from casework.core.database import db
from casework.core.errors import NotFound

MOST = 100


def attachments_of(case_id: uuid.UUID) -> list[Attachment]:
    """The documents of a case, the newest first."""
    wanted = select(Attachment).where(Attachment.case_id == case_id, Attachment.removed_at.is_(None))
    return list(db.session.scalars(wanted.order_by(Attachment.number.desc()).limit(MOST)))


def attachment_for(case: Case, attachment_id: uuid.UUID) -> Attachment:
    """One document of this case; `NotFound` otherwise, and when it was removed."""
    found: Attachment | None = db.session.scalar(
        select(Attachment).where(
            Attachment.id == attachment_id,
            Attachment.case_id == case.id,
            Attachment.removed_at.is_(None),
        )
    )
    if found is None:
        raise NotFound()
    return found


def next_number(case_id: uuid.UUID) -> int:
    """One more than the highest that was ever used in the case."""
    return (
        db.session.scalar(select(func.max(Attachment.number)).where(Attachment.case_id == case_id)) or 0
    ) + 1


def count_of(case_id: uuid.UUID) -> int:
    """How many documents stand on a case."""
    wanted = select(func.count()).select_from(Attachment)
    return (
        db.session.scalar(wanted.where(Attachment.case_id == case_id, Attachment.removed_at.is_(None))) or 0
    )


def drop_of_person(person_id: uuid.UUID) -> list[uuid.UUID]:
    """Drops the rows of every document of a person; gives the ids of all, removed ones too."""
    ids = list(db.session.scalars(select(Attachment.id).where(Attachment.person_id == person_id)))
    db.session.execute(delete(Attachment).where(Attachment.person_id == person_id))
    return ids


def file_names() -> set[str]:
    """The names of all files that belong to a row."""
    wanted = select(Attachment.id).where(Attachment.removed_at.is_(None))
    return {str(each) for each in db.session.scalars(wanted)}
