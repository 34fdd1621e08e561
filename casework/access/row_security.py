"""PostgreSQL repeats the row visibility: each transaction says who acts, and row-level security policies read it.

`casework.role` is `system` for commands and jobs of the installation itself. SQLite has no such thing; there
`queries.visible_to` stands alone.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session

from casework.access.actor import Actor, actor_or_none
from casework.core.database import db

_BIND = text(
    "SELECT set_config('casework.actor', :actor, true), set_config('casework.role', :role, true), "
    "set_config('casework.place', :place, true), set_config('casework.domain', :domain, true)"
)


def bind_actor(actor: Actor | None) -> None:
    """Tells the open transaction who acts; it forgets when it ends. None: nobody, so no protected row shows."""
    if db.session.get_bind().dialect.name != "postgresql":
        return
    db.session.execute(_BIND, _told(actor))


def _told(actor: Actor | None) -> dict[str, str]:
    return {
        "actor": str(actor.id) if actor else "",
        "role": (actor.role.value if actor.role else "system") if actor else "",
        "place": str(actor.place_id or "") if actor else "",
        "domain": (actor.domain or "") if actor else "",
    }


@event.listens_for(Session, "after_begin")
def _bind_known_actor(_session: Session, _transaction: Any, connection: Connection) -> None:
    """A transaction that begins when the actor is known (a form shown again, a command) is told at once."""
    actor = actor_or_none()
    if actor is not None and connection.dialect.name == "postgresql":
        connection.execute(_BIND, _told(actor))
