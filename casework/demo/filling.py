"""Fills a home with the synthetic caseload, in one transaction: all of it stands, or nothing of it."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from casework.access.actor import SYSTEM, Actor, acting_as
from casework.access.permissions import Permission
from casework.audit.boundary import recorded
from casework.audit.trail import committed_to, counted, use_case
from casework.core import clock
from casework.core.database import db
from casework.core.errors import Conflict
from casework.core.unit_of_work import unit_of_work
from casework.demo import queries, staff
from casework.demo.families import LONGEST, TEAMS_IN_WAVE, Person, caseload
from casework.demo.life import Life
from casework.demo.referring import refer
from casework.demo.sheaf import SOURCE, Sheaf
from casework.demo.work import go_on

CASES_AT_ONCE = 100
"""Cases whose rows are stored together; more at once is no faster and takes more memory."""

STAFF_SINCE = timedelta(days=LONGEST + 10)

Progress = Callable[[str, int, int], None]


def _nothing(_what: str, _done: int, _of: int) -> None: ...


def fill(cases: int, seed: int | None, progress: Progress = _nothing) -> int:
    """Brings the home to `cases` synthetic cases and gives how many were added; what is there stays.

    `seed` None: the one that the home was filled with, else 1. `Conflict` for another seed than that.
    """
    with acting_as(SYSTEM), unit_of_work():
        held = queries.held()
        seed = _agreed_seed(held, seed)
        if held.cases >= cases:
            return 0
        now = clock.now()
        wanted = list(caseload(seed, cases, clock.today(), queries.codes_in_use()))
        with clock.moved_to(now - STAFF_SINCE):
            needed = 1 + max(person.family.team for person in wanted)
            teams = staff.Hiring(seed).teams(max(needed, TEAMS_IN_WAVE))  # whoever is printed is there
        with recorded(SYSTEM, SOURCE), _no_search_for_cycles():
            fill_caseload(SYSTEM, wanted[held.cases :], teams, seed, cases, progress)
    db.session.remove()
    return cases - held.cases


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Rows and events hold no cycles; looking for some among so many takes a quarter of the time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _agreed_seed(held: queries.Held, seed: int | None) -> int:
    if held.seed is None:
        return 1 if seed is None else seed
    if seed is None:
        seed = next((each for each in range(1000) if _digest(each).hex() == held.seed), None)
    if seed is None or _digest(seed).hex() != held.seed:
        raise Conflict(
            "This home holds a synthetic caseload of another seed. Use that seed, or an empty home."
        )
    return seed


def _digest(seed: int) -> bytes:
    """What stands in the log for a seed."""
    return hashlib.sha256(f"synthetic caseload {seed}".encode()).digest()


@use_case(permission=Permission.STAFF_MANAGE, code=queries.FILLED, action="C")
def fill_caseload(
    _actor: Actor,
    wanted: list[Person],
    teams: list[staff.Team],
    seed: int,
    cases: int,
    progress: Progress,
) -> None:
    """Stores these people's cases with what happened in them, and the events that say so, in the order of their time."""
    now, sheaf = clock.now(), Sheaf()
    for done, person in enumerate(wanted, start=1):
        life = Life(person, teams[person.family.team], sheaf, now, seed)
        go_on(life)
        refer(life)
        life.finish()
        if done % CASES_AT_ONCE == 0 or done == len(wanted):
            sheaf.store()
            progress("cases", done, len(wanted))
    of = len(sheaf.acts)
    for written in sheaf.record():
        progress("events", written, of)
    counted(cases)
    committed_to(_digest(seed))


def sign_in_again() -> int:
    """Sees to it that the printed sign-ins work; gives how many had to be set again."""
    with acting_as(SYSTEM), unit_of_work():
        changed = staff.changed_sign_ins()
        if changed:
            with recorded(SYSTEM, SOURCE):
                staff.reset_sign_ins(SYSTEM, changed)
        number = len(changed)
    db.session.remove()
    return number
