"""Keeps a person's search document and digests in step with the person, in the unit of work that changes them."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import delete, insert

from casework.access.actor import Actor
from casework.access.blueprint import PUBLIC
from casework.audit.trail import concerns, counted, use_case
from casework.cases.search import queries
from casework.cases.search.models import ExactIndex, SearchChange, SearchDocument
from casework.core import clock
from casework.core.database import db
from casework.core.errors import Denied
from casework.vault import names
from casework.vault.documents import document_of, unsealed
from casework.vault.exact import Digest, current_key_id, digest_now
from casework.vault.grant import SealedError

PHONE = "phone"
BATCH = 200
CHANGES_KEPT = timedelta(hours=2)
"""Longer than any transaction lasts, and than a process goes without looking (`documents.FEED_LASTS`)."""

_exact = ExactIndex.__table__


def keep_in_step(person_id: uuid.UUID) -> None:
    """Makes the document and the digests anew from what is stored of the person, in this transaction.

    `SealedError` when the person's keys were destroyed.
    """
    db.session.flush()
    found = queries.sealed_person(person_id)
    if found is None:
        return
    full_names = []
    for name_id, *parts in found.names:
        fields = ("person_name.surname", "person_name.given_name", "person_name.patronymic")
        opened = [
            unsealed(part, field, name_id, person_id) for part, field in zip(parts, fields, strict=True)
        ]
        full_names.append(" ".join(filter(None, opened)))
    born = unsealed(found.birth_date, "person.birth_date", person_id, person_id)
    row = queries.document_row(person_id)
    if row is None:
        row = SearchDocument(id=person_id)
        db.session.add(row)
    row.version, row.updated_at = names.VERSION, clock.now()
    row.document = document_of(person_id, full_names, born)
    numbers = {
        (
            unsealed(kind, "identifier.type", each, person_id),
            unsealed(value, "identifier.value", each, person_id),
        )
        for each, kind, value in found.identifiers
    }
    numbers.add((PHONE, unsealed(found.phone, "person.phone", person_id, person_id)))
    _write_digests(person_id, {digest_now(kind, value) for kind, value in numbers if kind and value})
    db.session.flush()


def _write_digests(person_id: uuid.UUID, wanted: set[Digest]) -> None:
    stored = queries.exact_rows(person_id)
    for gone in stored - wanted:
        db.session.execute(
            delete(_exact).where(
                _exact.c.person_id == person_id, _exact.c.kind == gone.kind, _exact.c.digest == gone.digest
            )
        )
    for new in wanted - stored:
        db.session.execute(
            insert(_exact).values(person_id=person_id, kind=new.kind, digest=new.digest, key_id=new.key_id)
        )


def forget_person(person_id: uuid.UUID) -> None:
    """Drops a person's document and digests, in this transaction; each process drops what it holds by itself."""
    db.session.execute(delete(_exact).where(_exact.c.person_id == person_id))
    db.session.execute(
        delete(SearchDocument.__table__).where(SearchDocument.__table__.c.person_id == person_id)
    )


@use_case(permission=PUBLIC, code="search.reindexed", action="U")
def reindex_batch(
    actor: Actor, after: uuid.UUID | None, limit: int = BATCH
) -> tuple[uuid.UUID | None, int, int]:
    """Makes the next documents and digests that are missing, or of older rules or another key.

    Gives where to go on (None: the end), how many were made, and how many cannot be opened and stay as they are.
    """
    if not actor.is_system:
        raise Denied()
    wanted = queries.persons_behind(current_key_id(), after, limit)
    made = []
    for person_id in wanted:
        try:
            keep_in_step(person_id)
        except SealedError:
            db.session.expunge_all()
            continue
        made.append(person_id)
    concerns(*made)
    counted(len(made))
    return (wanted[-1] if len(wanted) == limit else None), len(made), len(wanted) - len(made)


def forget_changes() -> int:
    """Drops what every process has long read from the feed; gives how many rows."""
    feed = SearchChange.__table__
    gone = db.session.execute(delete(feed).where(feed.c.at < clock.now() - CHANGES_KEPT))
    return int(gone.rowcount)  # type: ignore[attr-defined]
