"""What this room holds of a person beside what is sealed under the person's own keys, and how it goes."""

from __future__ import annotations

import uuid

from casework.cases import queries
from casework.cases.erasure import register_eraser
from casework.cases.rights import queries as rights
from casework.cases.search.indexing import forget_person
from casework.core import clock
from casework.core.database import db
from casework.vault.keys import destroy_keys


def _drafts(person_id: uuid.UUID) -> dict[str, int]:
    dropped = rights.drop_drafts(person_id)
    for draft_id in dropped:
        destroy_keys(draft_id)
    return {"drafts": len(dropped)}


def _notes(person_id: uuid.UUID) -> dict[str, int]:
    return {"notes": sum(destroy_keys(record_id) for record_id in rights.record_ids(person_id))}


def _index(person_id: uuid.UUID) -> None:
    forget_person(person_id)


def _work(person_id: uuid.UUID) -> None:
    """Nothing waits for anybody any more, and no consent is in force."""
    now, today = clock.now(), clock.today()
    for step in rights.open_follow_ups_of(person_id):
        step.status, step.closed_at = "not_needed", now
    for case in rights.cases_of(person_id):
        case.next_follow_up_on = None
        case.version += 1
    for consent in queries.consents_of(person_id):
        if consent.status == "active":
            consent.status, consent.withdrawn_on = "withdrawn", today
    db.session.flush()


def register_holdings() -> None:
    """Called when the app is composed."""
    for eraser in (_drafts, _notes, _index, _work):
        register_eraser(eraser)
