"""Slows down guessing at the sign-in page: per user name and per address, in the database, so for every server at once.

A name waits from its fifth failure on, an address from its twentieth: a minute, then twice as long each time, up to
a quarter of an hour. A quarter of an hour without a failure, or for a name a success, begins anew.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Literal

from flask import current_app
from sqlalchemy import case, delete, text
from sqlalchemy.dialects import postgresql, sqlite

from casework.accounts import queries
from casework.accounts.models import SignInAttempt
from casework.core import clock
from casework.core.database import db
from casework.core.errors import TooManyAttempts
from casework.core.ids import new_id

Kind = Literal["name", "address"]

FREE: dict[Kind, int] = {"name": 5, "address": 20}
WINDOW = timedelta(minutes=15)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=15)

_attempts = SignInAttempt.__table__


def key_of(kind: Kind, what: str) -> str:
    """The keyed hash that stands for a typed name or an address: what was typed may be somebody's password."""
    secret = str(current_app.secret_key).encode()
    return hmac.new(secret, f"cw/sign-in/{kind}/{what}".encode(), hashlib.sha256).hexdigest()


def wait_after(failures: int, kind: Kind) -> timedelta:
    """How long the next attempt waits after so many failures in a row."""
    beyond = failures - FREE[kind]
    if beyond < 0:
        return timedelta(0)
    return min(FIRST_WAIT * (1 << min(beyond, 10)), LONGEST_WAIT)


def refuse_if_too_many(keys: dict[Kind, str]) -> None:
    """`TooManyAttempts` while one of the keys has to wait."""
    _one_at_a_time(keys["name"])
    waits = [_wait_of(kind, key) for kind, key in keys.items()]
    longest = max(waits, default=timedelta(0))
    if longest > timedelta(0):
        raise TooManyAttempts(int(longest.total_seconds()) + 1)


def note_failure(keys: dict[Kind, str]) -> None:
    """Counts one failure under each key, in the present transaction."""
    now = clock.now()
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for key in sorted(keys.values()):
        row = {"id": new_id(), "key_hash": key, "failures": 1, "last_failed_at": now}
        again = case((_attempts.c.last_failed_at < now - WINDOW, 1), else_=_attempts.c.failures + 1)
        db.session.execute(
            insert(_attempts)
            .values(row)
            .on_conflict_do_update(
                index_elements=["key_hash"], set_={"failures": again, "last_failed_at": now}
            )
        )


def forget(key: str) -> None:
    """A success under this key: its count begins anew."""
    db.session.execute(delete(_attempts).where(_attempts.c.key_hash == key))


def forget_before(moment: datetime) -> int:
    """Drops counts without a failure since that moment; gives how many."""
    dropped = db.session.execute(delete(_attempts).where(_attempts.c.last_failed_at < moment))
    return int(dropped.rowcount)  # type: ignore[attr-defined]


def _wait_of(kind: Kind, key: str) -> timedelta:
    found = queries.failures_of(key)
    if found is None:
        return timedelta(0)
    failures, last = found
    if clock.now() - last > WINDOW:
        return timedelta(0)
    return last + wait_after(failures, kind) - clock.now()


def _one_at_a_time(key: str) -> None:
    """Attempts under one name queue up: a thousand at once are not all the first. SQLite has one writer anyway."""
    if db.session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(bytes.fromhex(key[:16]), "big", signed=True)
        db.session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
