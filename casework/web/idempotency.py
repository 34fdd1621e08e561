"""The same form sent twice does its work once: the second post lands on the first one's result.

Every rendered form carries a fresh `form_key`. The audit boundary asks `replayed` before a post and calls `remember` in
the transaction of its work; of two posts at the same moment the second waits. A unique constraint stands behind it.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import cast

from sqlalchemy import Table, Text, UniqueConstraint, Uuid, delete, insert, select, text
from sqlalchemy.orm import Mapped

from casework.core import clock
from casework.core.columns import UTCDateTime, key, plain
from casework.core.database import Model, db
from casework.core.ids import new_id
from casework.core.unit_of_work import before_commit


class FormPost(Model):
    """One form that was sent and done: whose, which, and where the person was led afterwards. No content."""

    __tablename__ = "form_post"
    __table_args__ = (UniqueConstraint("staff_id", "form_key"),)

    staff_id: Mapped[uuid.UUID] = plain("C1", Uuid, nullable=False)
    form_key: Mapped[uuid.UUID] = plain("C1", Uuid, nullable=False)
    endpoint: Mapped[str] = plain("C0", key(120), nullable=False)
    location: Mapped[str] = plain("C1", Text, nullable=False)
    created_at: Mapped[datetime] = plain("C1", UTCDateTime, nullable=False, index=True)


# Written as a plain table: it is no change of anybody's record, so no use case stands behind it.
_table = cast(Table, FormPost.__table__)


def _as_key(form_key: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(form_key)
    except ValueError:
        return None


def replayed(actor_id: uuid.UUID, form_key: str) -> str | None:
    """Where the first post of this form led; None when there was none, or the key is not one of ours."""
    if (form := _as_key(form_key)) is None:
        return None
    _one_at_a_time(form)
    wanted = select(FormPost.location).where(FormPost.staff_id == actor_id, FormPost.form_key == form)
    return db.session.scalar(wanted)


def _one_at_a_time(form: uuid.UUID) -> None:
    """A twin waits until the first post has ended, and then lands on its result. SQLite has one writer anyway."""
    if db.session.get_bind().dialect.name == "postgresql":
        number = form.int & (2**63 - 1)
        db.session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def remember(actor_id: uuid.UUID, form_key: str, endpoint: str, location: str) -> None:
    """Makes this the last write of the present transaction; a concurrent twin raises IntegrityError at its commit."""
    if (form := _as_key(form_key)) is None:
        return
    row = {
        "id": new_id(),
        "staff_id": actor_id,
        "form_key": form,
        "endpoint": endpoint[:120],
        "location": location,
        "created_at": clock.now(),
    }
    before_commit(lambda: db.session.execute(insert(_table).values(row)))


def forget_before(moment: datetime) -> int:
    """Drops the keys of forms sent before that moment, in the present transaction; gives their number."""
    return db.session.execute(delete(_table).where(_table.c.created_at < moment)).rowcount  # type: ignore[attr-defined,no-any-return]
