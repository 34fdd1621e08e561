"""What a home holds of a synthetic caseload already."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import exists, select

from casework.accounts.models import Staff
from casework.audit.models import AuditEvent
from casework.cases.models import Person
from casework.core.database import db

FILLED = "demo.filled"


@dataclass(frozen=True, slots=True)
class Held:
    """How many synthetic cases there are, and the fingerprint of their seed (None without any)."""

    cases: int = 0
    seed: str | None = None


def held() -> Held:
    """What the audit log says was filled in: the newest such event counts them all."""
    wanted = select(AuditEvent.body).where(AuditEvent.code == FILLED, AuditEvent.outcome == "success")
    body = db.session.scalar(wanted.order_by(AuditEvent.id.desc()).limit(1))
    if body is None:
        return Held()
    said = json.loads(body)
    return Held(said["result_count"], said["detail_commitment"])


def codes_in_use() -> set[str]:
    """Every display code that is somebody's."""
    return set(db.session.scalars(select(Person.display_code)))


def is_empty() -> bool:
    """Whether nobody works here and nobody is helped here yet."""
    return not db.session.scalar(
        select(exists().where(Staff.id.is_not(None)) | exists().where(Person.id.is_not(None)))
    )
