"""The unit of work: the only place of the whole product that commits.

A web request is settled by the audit boundary, a command or job by `unit_of_work()`; both end here, so that
what happened and the event that says so are one transaction. Effects outside the database wait until after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import OperationalError

from casework.core.database import db
from casework.core.errors import Unavailable

_EFFECTS = "casework_effects"
_BEFORE = "casework_before_commit"


def begin(*, write: bool) -> None:
    """Opens the transaction. A writing one takes SQLite's write lock now; `Unavailable` when it cannot be had."""
    session = db.session()
    if session.in_transaction():
        raise RuntimeError("a unit of work is open already")
    try:
        session.connection(execution_options={"casework_write": write})
    except OperationalError as problem:
        session.rollback()
        raise Unavailable() from problem


def commit() -> None:
    """Ends the unit of work: all of it stands, then its effects go out."""
    session = db.session()
    for hook in session.info.pop(_BEFORE, []):
        hook()
    try:
        session.commit()
    except OperationalError as problem:
        session.rollback()
        raise Unavailable() from problem
    for effect in session.info.pop(_EFFECTS, []):
        effect()


def rollback() -> None:
    """Ends the unit of work: nothing of it stands, no effect goes out."""
    session = db.session()
    session.info.pop(_EFFECTS, None)
    session.info.pop(_BEFORE, None)
    session.rollback()


def after_commit(effect: Callable[[], Any]) -> None:
    """Does `effect` once, after the commit; never when the unit of work is rolled back."""
    db.session().info.setdefault(_EFFECTS, []).append(effect)


def before_commit(hook: Callable[[], Any]) -> None:
    """Does `hook` as the last thing inside the transaction."""
    db.session().info.setdefault(_BEFORE, []).append(hook)


@contextmanager
def unit_of_work(*, write: bool = True) -> Iterator[None]:
    """One transaction for a command, a job or a test: returning commits, raising rolls back."""
    begin(write=write)
    try:
        yield
        commit()
    except BaseException:
        rollback()
        raise
