"""Sessions: the browser holds a random token in its signed cookie, the database its hash, who it is, and until when.

Flask-Login keeps the token in the cookie and asks `_load` whose it is; that is once a request, before anything else.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, current_app, g, has_request_context, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user
from sqlalchemy import delete, update

from casework.access.actor import Actor, actor_or_none, set_actor
from casework.access.blueprint import PUBLIC, permission_of
from casework.access.roles import Role
from casework.access.row_security import bind_actor
from casework.accounts import queries
from casework.accounts.models import Staff, StaffSession
from casework.audit import boundary
from casework.audit.trail import ACCESS_DENIED, Declaration, current_trail
from casework.core import clock
from casework.core.database import db
from config.settings import Settings

TOUCHED_EVERY = timedelta(minutes=1)
STILL_OPEN = ("accounts.password", "accounts.change_password", "accounts.sign_out")
"""What somebody may do before they have replaced a password that an administrator made."""

_sessions = StaffSession.__table__
_staff = Staff.__table__


class Person(UserMixin):  # type: ignore[misc]  # the library has no types
    """Whoever is signed in, for Flask-Login."""

    def __init__(self, token: str, live: queries.LiveSession) -> None:
        self.token = token
        self.live = live
        self.actor = actor_of(live, hash_of_token(token))

    def get_id(self) -> str:
        return self.token


def hash_of_token(token: str) -> str:
    """What the database knows of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def actor_of(live: queries.LiveSession, token_hash: str) -> Actor:
    """The actor of a session. The audit log names the session by the first half of its hash."""
    return Actor(
        id=live.staff_id,
        role=Role(live.role),
        place_id=live.place_id,
        domain=live.domain,
        session_hash=token_hash[:32],
        display_name=live.display_name,
        locale=live.locale,
    )


def limits() -> tuple[timedelta, timedelta]:
    """How long a session may be idle, and how long it may last in all."""
    settings: Settings = current_app.extensions["casework_settings"]
    return settings.idle, settings.absolute


def oldest_live() -> tuple[datetime, datetime]:
    """A session lives when it was last seen, and made, no earlier than these."""
    idle, absolute = limits()
    return clock.now() - idle, clock.now() - absolute


def is_live(live: queries.LiveSession) -> bool:
    """Whether the session still opens the door."""
    seen, made = oldest_live()
    return live.active and live.revoked_at is None and live.last_seen_at >= seen and live.created_at >= made


def start(staff: Staff) -> str:
    """A new session in the present transaction; gives its token, which is kept nowhere. Call inside a use case."""
    token, now = secrets.token_urlsafe(32), clock.now()
    row = StaffSession(token_hash=hash_of_token(token), staff_id=staff.id, created_at=now, last_seen_at=now)
    db.session.add(row)
    return token


def revoke_token(token: str) -> None:
    """Ends the session of a token, if it has one."""
    _revoke(_sessions.c.token_hash == hash_of_token(token))


def revoke_all(staff_id: uuid.UUID, but: str | None = None) -> int:
    """Ends every session of somebody, but the one whose token hash begins so; gives how many."""
    wanted = _sessions.c.staff_id == staff_id
    if but:
        wanted &= ~_sessions.c.token_hash.startswith(but, autoescape=True)
    return _revoke(wanted)


def _revoke(which: Any) -> int:
    ended = db.session.execute(
        update(_sessions).where(which, _sessions.c.revoked_at.is_(None)).values(revoked_at=clock.now())
    )
    return int(ended.rowcount)  # type: ignore[attr-defined]


def forget_before(moment: datetime) -> int:
    """Drops sessions made before that moment; gives how many."""
    dropped = db.session.execute(delete(_sessions).where(_sessions.c.created_at < moment))
    return int(dropped.rowcount)  # type: ignore[attr-defined]


def enter(token: str) -> Actor:
    """After a sign-in: a cookie with the new token and nothing of the old session; says who acts from now on."""
    live = queries.session_by_token(hash_of_token(token))
    if live is None:
        raise RuntimeError("the session was to be opened in this transaction")
    session.clear()
    person = Person(token, live)
    login_user(person)
    set_actor(person.actor)
    bind_actor(person.actor)
    return person.actor


def leave() -> None:
    """After a sign-out: the cookie holds nothing but the language of the sign-in page, marked as nobody's wish."""
    language = session.get("lang")
    session.clear()
    if language:
        session["lang"] = session["lang_left"] = language


def wished_language() -> str | None:
    """The language that this browser's person chose, not one that the last person left behind."""
    language: str | None = session.get("lang")
    return language if language != session.get("lang_left") else None


def token_of_request() -> str | None:
    """The token in the request's cookie."""
    token = session.get("_user_id")
    return token if isinstance(token, str) else None


def init_app(app: Flask) -> None:
    """Puts the loader right behind the boundary, before anything that asks who acts."""
    manager = LoginManager()
    manager.session_protection = None  # the token is the protection; addresses of phones change
    manager.user_loader(_load)
    manager.init_app(app, add_context_processor=False)
    app.before_request_funcs.setdefault(None, []).insert(1, _say_who_acts)
    app.before_request(_ask_for_own_password)
    if _touch not in boundary.in_every_transaction:
        boundary.in_every_transaction.append(_touch)


def _load(token: str) -> Person | None:
    live = queries.session_by_token(hash_of_token(token))
    if live is None:
        return None
    g.last_staff_id = live.staff_id
    return Person(token, live) if is_live(live) else None


def _say_who_acts() -> None:
    if request.endpoint == "web.static":
        return
    person = current_user._get_current_object()
    if not isinstance(person, Person):
        session.pop("_user_id", None)
        return
    g.person = person
    set_actor(person.actor)
    bind_actor(person.actor)


_ASKED = Declaration(PUBLIC, "auth.password_change_asked", "R", ACCESS_DENIED)


def _ask_for_own_password() -> ResponseReturnValue | None:
    """A password that an administrator made opens nothing but the page to replace it."""
    person: Person | None = g.get("person")
    if person is None or not person.live.must_change_password:
        return None
    permission = permission_of(current_app._get_current_object(), request.endpoint)  # type: ignore[attr-defined]
    if permission is None or permission is PUBLIC or request.endpoint in STILL_OPEN:
        return None
    current_trail().enter(_ASKED)
    return redirect(url_for("accounts.password"), 303)


def keep_locale(actor: Actor, locale: str) -> None:
    """Remembers the language with the person; it is written with the request's event."""
    g.locale_to_keep = (actor.id, locale)


def _touch() -> None:
    """Rides on the event's transaction: when the session was seen (once a minute), and a newly chosen language."""
    if not has_request_context() or actor_or_none() is None:
        return
    person: Person | None = g.get("person")
    now = clock.now()
    if person is not None and now - person.live.last_seen_at >= TOUCHED_EVERY:
        db.session.execute(
            update(_sessions).where(_sessions.c.id == person.live.session_id).values(last_seen_at=now)
        )
    if kept := g.get("locale_to_keep"):
        db.session.execute(update(_staff).where(_staff.c.id == kept[0]).values(locale=kept[1]))
