"""How often one member of staff may search: a count in the database, so for every server at once.

A suggestion while typing counts as a search. The count of a request is written with its event; those that run at the
same moment may together pass the limit by as many as there are threads.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask import g, has_request_context
from sqlalchemy import case
from sqlalchemy.dialects import postgresql, sqlite

from casework.access.actor import Actor
from casework.audit import boundary
from casework.cases.search import queries
from casework.cases.search.models import SearchCount
from casework.core import clock
from casework.core.database import db
from casework.core.errors import TooManyAttempts

MOST = 120
WINDOW = timedelta(minutes=10)

_counts = SearchCount.__table__
_KEY = "casework_searched_by"


def refuse_if_too_many(actor: Actor) -> None:
    """`TooManyAttempts` when the actor has searched `MOST` times within the window; else this one will be counted.

    Commands and jobs of the installation are not counted.
    """
    if not has_request_context() or actor.is_system:
        return
    found = queries.searches_of(actor.id)
    if found is not None and found[1] >= MOST:
        left = found[0] + WINDOW - clock.now()
        if left > timedelta(0):
            raise TooManyAttempts(int(left.total_seconds()) + 1)
    setattr(g, _KEY, actor.id)


def _count() -> None:
    """Rides on the transaction of the request's event."""
    staff_id: uuid.UUID | None = g.pop(_KEY, None)
    if staff_id is None:
        return
    now = clock.now()
    over = _counts.c.began_at <= now - WINDOW
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.session.execute(
        insert(_counts)
        .values(staff_id=staff_id, began_at=now, number=1)
        .on_conflict_do_update(
            index_elements=["staff_id"],
            set_={
                "number": case((over, 1), else_=_counts.c.number + 1),
                "began_at": case((over, now), else_=_counts.c.began_at),
            },
        )
    )


def init_app() -> None:
    """Called when the app is composed."""
    if _count not in boundary.in_every_transaction:
        boundary.in_every_transaction.append(_count)
