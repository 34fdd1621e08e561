"""PostgreSQL repeats the row visibility: each transaction says who acts, and row-level security policies read it.

`casework.role` is `system` for commands and jobs of the installation itself. SQLite has no such thing; there
`queries.visible_to` stands alone.
"""

from __future__ import annotations

from sqlalchemy import text

from casework.access.actor import Actor
from casework.core.database import db

_BIND = text(
    "SELECT set_config('casework.actor', :actor, true), set_config('casework.role', :role, true), "
    "set_config('casework.place', :place, true), set_config('casework.domain', :domain, true)"
)


def bind_actor(actor: Actor | None) -> None:
    """Tells the open transaction who acts; it forgets when it ends. None: nobody, so no protected row shows."""
    if db.session.get_bind().dialect.name != "postgresql":
        return
    db.session.execute(
        _BIND,
        {
            "actor": str(actor.id) if actor else "",
            "role": (actor.role.value if actor.role else "system") if actor else "",
            "place": str(actor.place_id or "") if actor else "",
            "domain": (actor.domain or "") if actor else "",
        },
    )
