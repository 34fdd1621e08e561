"""What the commands `user …` and `places …` do. Each acts as the installation itself and leaves its event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from casework.access.actor import SYSTEM
from casework.accounts import place_register, queries, staffing
from casework.accounts.models import Staff
from casework.accounts.place_file import RowError, read_register
from casework.accounts.sign_in import normal_username
from casework.audit.boundary import acting
from casework.core.errors import InvalidInput
from casework.core.pack import load_pack
from casework.core.unit_of_work import unit_of_work

SHOWN_ERRORS = 20


def add_user(
    username: str, role: str, name: str | None, place: str | None, domain: str | None
) -> dict[str, Any]:
    """Adds somebody; what to tell them."""
    place_id = None
    with acting(SYSTEM, "cli:user add"):
        if place is not None:
            found = queries.place_with_code(place)
            if found is None:
                staffing.add_staff.refused("invalid_input")
                raise InvalidInput({"place": [f"There is no place with the code {place}."]})
            place_id = found.id
        data = {
            "username": username,
            "display_name": name or username,
            "role": role,
            "domain": domain,
            "place": place_id,
        }
        staff, password = staffing.add_staff(SYSTEM, data)
        return {"username": staff.username, "role": staff.role, "password": password}


def list_users() -> list[dict[str, Any]]:
    """Everybody, by user name."""
    rows: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        with acting(SYSTEM, "cli:user list"):
            page = staffing.list_staff(SYSTEM, after)
            rows += [_row(staff, page.places) for staff in page.staff]
            after = page.next_after
    return rows


def _row(staff: Staff, places: dict[Any, Any]) -> dict[str, Any]:
    place = places.get(staff.place_id)
    return {
        "username": staff.username,
        "name": staff.display_name,
        "role": staff.role,
        "domain": staff.domain,
        "place": place.code if place else None,
        "active": staff.active,
    }


def disable_user(username: str) -> None:
    """Shuts somebody out at once."""
    with acting(SYSTEM, "cli:user disable"):
        staffing.disable_staff(SYSTEM, _staff_named(username, staffing.disable_staff).id)


def reset_user(username: str) -> dict[str, Any]:
    """A new one-time password."""
    with acting(SYSTEM, "cli:user reset"):
        staff, password = staffing.reset_password(SYSTEM, _staff_named(username, staffing.reset_password).id)
        return {"username": staff.username, "password": password}


def _staff_named(username: str, verb: Any) -> Staff:
    staff = queries.staff_named(normal_username(username))
    if staff is None:
        verb.refused("not_visible")
        raise InvalidInput({"username": [f"There is nobody with the user name {username}."]})
    return staff


def import_register(path: Path, *, dry_run: bool, advance: Any = None) -> place_register.Outcome:
    """Takes a register over, or says what that would do. `WrongFile`, or `RegisterErrors` with each wrong row."""
    levels = load_pack().admin_levels
    with acting(SYSTEM, "cli:places import"):
        rows = read_register(path, levels)
        if dry_run:
            return place_register.check_places(SYSTEM, rows, levels)
        return place_register.import_places(SYSTEM, rows, levels, *([advance] if advance else []))


def import_pack_places() -> place_register.Outcome | None:
    """The regions and districts of the country pack, into an installation that has no places yet; None elsewhere."""
    with unit_of_work(write=False):
        there = queries.has_places()
    if there:
        return None
    return import_register(load_pack().places_csv, dry_run=False)


def say_errors(errors: list[RowError]) -> str:
    """The wrong rows as text: the first ones, and how many more."""
    lines = [str(error) for error in errors[:SHOWN_ERRORS]]
    if len(errors) > SHOWN_ERRORS:
        lines.append(f"… and {len(errors) - SHOWN_ERRORS} more")
    return "\n".join(lines)
