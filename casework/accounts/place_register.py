"""Brings the stored tree of places to what a register says: adds, changes, closes and opens again, deletes nothing.

A file covers the units directly inside every unit that it names as a parent. A stored unit that the file covers
but does not name has vanished: it closes, and so does what is inside it. What it does not cover stays as it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import bindparam, insert, update

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.accounts import queries
from casework.accounts.models import Place
from casework.accounts.place_file import RegisterRow, RowError
from casework.accounts.spelling import is_current, search_forms
from casework.audit.trail import counted, use_case
from casework.core import clock
from casework.core.database import db
from casework.core.errors import InvalidInput
from casework.core.ids import new_id

MOST_ERRORS = 1000
CHUNK = 2000

Progress = Callable[[int, int], None]

_places = Place.__table__
_COMPARED = (
    "parent_id",
    "level",
    "name_uz",
    "name_ru",
    "name_en",
    "region_id",
    "district_id",
    "search_name",
    "closed_on",
)


class RegisterErrors(InvalidInput):
    """Rows of the file are wrong, so nothing was changed. `rows` says which and why."""

    code = "wrong_rows"

    def __init__(self, rows: Sequence[RowError]) -> None:
        super().__init__({"_form": [str(row) for row in rows]})
        self.rows = list(rows)


@dataclass
class Outcome:
    """What an import did, or would do: numbers of units."""

    rows: int = 0
    added: int = 0
    changed: int = 0
    closed: int = 0
    reopened: int = 0
    unchanged: int = 0

    @property
    def changes(self) -> int:
        """How many stored units are different afterwards."""
        return self.added + self.changed + self.closed + self.reopened


@dataclass
class _Plan:
    outcome: Outcome
    new: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)


def _nothing(_done: int, _of: int) -> None: ...


@use_case(permission=Permission.PLACE_MANAGE, code="place.imported", action="U")
def import_places(
    _actor: Actor,
    rows: Iterable[RegisterRow | RowError],
    levels: Sequence[str],
    progress: Progress = _nothing,
) -> Outcome:
    """Takes the register over; `RegisterErrors`, and no change, when a row of it is wrong."""
    plan = _plan(rows, levels)
    total = len(plan.new) + len(plan.changed)
    done = 0
    for begin in range(0, len(plan.new), CHUNK):
        chunk = plan.new[begin : begin + CHUNK]
        db.session.execute(insert(_places), chunk)
        done += len(chunk)
        progress(done, total)
    wanted = update(_places).where(_places.c.id == bindparam("row_id"))
    wanted = wanted.values({name: bindparam(name) for name in _COMPARED})
    for begin in range(0, len(plan.changed), CHUNK):
        chunk = [
            {"row_id": row["id"], **{name: row[name] for name in _COMPARED}}
            for row in plan.changed[begin : begin + CHUNK]
        ]
        db.session.connection().execute(wanted, chunk)
        done += len(chunk)
        progress(done, total)
    counted(plan.outcome.changes)
    return plan.outcome


@use_case(permission=Permission.PLACE_MANAGE, code="place.import_checked", action="R")
def check_places(_actor: Actor, rows: Iterable[RegisterRow | RowError], levels: Sequence[str]) -> Outcome:
    """What `import_places` would do; changes nothing."""
    plan = _plan(rows, levels)
    counted(plan.outcome.changes)
    return plan.outcome


def _plan(rows: Iterable[RegisterRow | RowError], levels: Sequence[str]) -> _Plan:
    stored = {row.code: dict(row._mapping) for row in queries.all_places()}
    given, errors = _gather(rows)
    errors += _wrong_places_in_the_tree(given, stored, levels)
    if errors:
        raise RegisterErrors(sorted(errors, key=lambda error: error.line)[:MOST_ERRORS])
    outcome = Outcome(rows=len(given))
    after = _merged(given, stored)
    _close_what_vanished(given, stored, after)
    _say_where_each_is(after, levels)
    plan = _Plan(outcome)
    for code in sorted(
        after, key=lambda code: levels.index(after[code]["level"])
    ):  # a parent stands before what is in it
        row, before = after[code], stored.get(code)
        if before is None:
            outcome.added += 1
            plan.new.append(row)
        elif any(row[name] != before[name] for name in _COMPARED):
            plan.changed.append(row)
            if row["closed_on"] and not before["closed_on"]:
                outcome.closed += 1
            elif before["closed_on"] and not row["closed_on"]:
                outcome.reopened += 1
            else:
                outcome.changed += 1
        else:
            outcome.unchanged += 1
    return plan


def _gather(rows: Iterable[RegisterRow | RowError]) -> tuple[dict[str, RegisterRow], list[RowError]]:
    given: dict[str, RegisterRow] = {}
    errors: list[RowError] = []
    for row in rows:
        if isinstance(row, RowError):
            errors.append(row)
        elif row.code in given:
            errors.append(
                RowError(row.line, f"code {row.code} stands in line {given[row.code].line} already")
            )
        else:
            given[row.code] = row
    return given, errors


def _wrong_places_in_the_tree(
    given: dict[str, RegisterRow], stored: dict[str, dict[str, Any]], levels: Sequence[str]
) -> list[RowError]:
    errors = []
    top = next((code for code, row in stored.items() if row["parent_id"] is None), None)
    for row in given.values():
        if row.code in stored and stored[row.code]["level"] != row.level:
            errors.append(
                RowError(
                    row.line, f"{row.code} is a {stored[row.code]['level']}, it cannot become a {row.level}"
                )
            )
            continue
        if not row.parent_code:
            top = top or row.code
            if row.code != top:
                errors.append(RowError(row.line, f"{row.code} is another country than {top}"))
            continue
        parent = (
            given[row.parent_code].level
            if row.parent_code in given
            else stored.get(row.parent_code, {}).get("level")
        )
        if parent is None:
            errors.append(
                RowError(row.line, f"parent_code {row.parent_code} is neither in the file nor stored")
            )
        elif levels.index(parent) != levels.index(row.level) - 1:
            errors.append(RowError(row.line, f"a {row.level} cannot be inside a {parent}"))
    return errors


def _merged(given: dict[str, RegisterRow], stored: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    after = {code: dict(row) for code, row in stored.items()}
    for code in given:
        after.setdefault(code, {"id": new_id(), "code": code})
    for code, row in given.items():
        names = {"name_uz": row.name_uz, "name_ru": row.name_ru, "name_en": row.name_en}
        known = stored.get(code)
        same = known is not None and all(known[name] == value for name, value in names.items())
        after[code] |= {
            **names,
            "parent_id": after[row.parent_code]["id"] if row.parent_code else None,
            "level": row.level,
            "search_name": known["search_name"]
            if known and same and is_current(known["search_name"])
            else search_forms(names.values()),
            "closed_on": None,
        }
    return after


def _close_what_vanished(
    given: dict[str, RegisterRow], stored: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]
) -> None:
    covered = {after[row.parent_code]["id"] for row in given.values() if row.parent_code}
    inside: dict[uuid.UUID, list[str]] = {}
    for code, row in after.items():
        if row["parent_id"] is not None:
            inside.setdefault(row["parent_id"], []).append(code)
    gone = [code for code, row in stored.items() if row["parent_id"] in covered and code not in given]
    today: date = clock.today()
    while gone:
        code = gone.pop()
        row = after[code]
        if code in given:  # it moved, or is named in its own right
            continue
        row["closed_on"] = row["closed_on"] or today
        gone.extend(inside.get(row["id"], ()))


def _say_where_each_is(after: dict[str, dict[str, Any]], levels: Sequence[str]) -> None:
    by_id = {row["id"]: row for row in after.values()}
    for code in sorted(after, key=lambda code: levels.index(after[code]["level"])):
        row = after[code]
        above = by_id.get(row["parent_id"]) or {}
        row["region_id"] = row["id"] if row["level"] == "region" else above.get("region_id")
        row["district_id"] = row["id"] if row["level"] == "district" else above.get("district_id")
