"""Persons and their consents. Whoever asks has the case already."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date

from sqlalchemy import select

from casework.cases.models import Case, Consent, Person, PersonIdentifier, PersonName, PersonVersion
from casework.core import clock
from casework.core.database import db
from casework.core.errors import NotFound


def names_of(person_id: uuid.UUID) -> list[PersonName]:
    """Every written form of the name, the shown one first."""
    wanted = select(PersonName).where(PersonName.person_id == person_id)
    return list(db.session.scalars(wanted.order_by(PersonName.position)))


def identifiers_of(person_id: uuid.UUID) -> list[PersonIdentifier]:
    """Documents and numbers, in the order recorded."""
    wanted = select(PersonIdentifier).where(PersonIdentifier.person_id == person_id)
    return list(db.session.scalars(wanted.order_by(PersonIdentifier.recorded_at, PersonIdentifier.id)))


def person_versions(person_id: uuid.UUID) -> list[PersonVersion]:
    """The details after each change, the newest first."""
    wanted = select(PersonVersion).where(PersonVersion.person_id == person_id)
    return list(db.session.scalars(wanted.order_by(PersonVersion.number.desc()).limit(100)))


def display_codes(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The codes of these persons; unknown ids are left out. For the audit pages: it opens nothing."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    found = db.session.execute(select(Person.id, Person.display_code).where(Person.id.in_(wanted)))
    return {row[0]: row[1] for row in found}


def person_with_code(code: str) -> uuid.UUID | None:
    """Whose code this is; None when nobody's. Any case of letters."""
    return db.session.scalar(select(Person.id).where(Person.display_code == code.strip().upper()))


def consents_of(person_id: uuid.UUID) -> list[Consent]:
    """Every consent and lawful basis of a person, the newest first."""
    wanted = select(Consent).where(Consent.person_id == person_id)
    return list(db.session.scalars(wanted.order_by(Consent.recorded_at.desc(), Consent.id.desc()).limit(200)))


def live_consents(person_id: uuid.UUID, purposes: Iterable[str] | None = None) -> list[Consent]:
    """Consents in force today, for any of these purposes if given; those that last longest first."""
    wanted = select(Consent).where(
        Consent.person_id == person_id, Consent.status == "active", Consent.expires_on >= clock.today()
    )
    if purposes is not None:
        wanted = wanted.where(Consent.purpose.in_(list(purposes)))
    return list(db.session.scalars(wanted.order_by(Consent.expires_on.desc(), Consent.id)))


def consent_for(case: Case, consent_id: uuid.UUID) -> Consent:
    """One consent of the person of this case; `NotFound` otherwise."""
    found: Consent | None = db.session.scalar(
        select(Consent).where(Consent.id == consent_id, Consent.person_id == case.person_id)
    )
    if found is None:
        raise NotFound()
    return found


def consents_past(day: date, limit: int = 500) -> list[Consent]:
    """Consents still marked as in force whose last day was before `day`."""
    wanted = select(Consent).where(Consent.status == "active", Consent.expires_on < day)
    return list(db.session.scalars(wanted.order_by(Consent.expires_on, Consent.id).limit(limit)))


def has_consents_past(day: date) -> bool:
    """Whether there is any such consent."""
    return bool(consents_past(day, limit=1))
