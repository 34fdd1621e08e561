"""What an administrator does: adds staff, changes roles and offices, disables, resets passwords."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.roles import Role
from casework.accounts import passwords, queries, sessions
from casework.accounts.models import Place, Staff
from casework.accounts.sign_in import is_username, normal_username
from casework.audit.trail import about, counted, searched, use_case
from casework.core import clock
from casework.core.database import db
from casework.core.errors import Conflict, InvalidInput, StaleVersion
from casework.core.pack import load_pack

NEEDS_OFFICE = frozenset({Role.CASEWORKER, Role.SUPERVISOR, Role.PSYCHOLOGIST, Role.DOMAIN_OFFICER})
OFFICE_LEVELS: Mapping[Role, tuple[str, ...]] = {
    Role.CASEWORKER: ("district",),
    Role.SUPERVISOR: ("district",),
    Role.PSYCHOLOGIST: ("district",),
    Role.DOMAIN_OFFICER: ("region", "district"),
}


@dataclass(frozen=True)
class Listed:
    """A page of staff with their offices by id."""

    staff: list[Staff]
    places: dict[uuid.UUID, Place]
    next_after: str | None


@use_case(permission=Permission.STAFF_MANAGE, code="staff.listed", action="R")
def list_staff(_actor: Actor, after: str = "", part: str = "") -> Listed:
    """A page of everybody who works here, by user name."""
    found, next_after = queries.staff_page(after, part)
    if part:
        searched(part)
    counted(len(found))
    return Listed(found, queries.places_by_id(staff.place_id for staff in found), next_after)


@dataclass(frozen=True)
class Viewed:
    """One member of staff as the administrator sees them."""

    staff: Staff
    place: Place | None
    open_sessions: int


@use_case(permission=Permission.STAFF_MANAGE, code="staff.viewed", action="R")
def view_staff(_actor: Actor, staff_id: uuid.UUID) -> Viewed:
    """One member of staff; `NotFound` for an unknown id."""
    staff = queries.staff_for(staff_id)
    about(staff)
    live = queries.open_sessions(staff.id, *sessions.oldest_live())
    return Viewed(staff, queries.place_or_none(staff.place_id), len(live))


@use_case(permission=Permission.STAFF_MANAGE, code="staff.form_opened", action="R")
def open_staff_form(_actor: Actor) -> None:
    """The empty form for somebody new."""


@use_case(permission=Permission.STAFF_MANAGE, code="staff.added", action="C")
def add_staff(_actor: Actor, data: Mapping[str, Any]) -> tuple[Staff, str]:
    """Adds somebody with a password for one sign-in; gives both. `InvalidInput` at the field that is wrong.

    `data`: username, display_name, role, domain (or None), place (id or None); optionally `locale`, and `password`
    (with its `password_hash`, where many share one), which is then kept: a synthetic caseload.
    """
    username = normal_username(data["username"])
    if not is_username(username):
        raise InvalidInput(
            {"username": [_l("Use 2 to 64 small Latin letters, digits, points, hyphens or underscores.")]}
        )
    if queries.staff_named(username) is not None:
        raise InvalidInput({"username": [_l("Somebody has this user name already.")]})
    role, place, domain = _position(data)
    password = data.get("password") or passwords.one_time_password()
    staff = Staff(
        username=username,
        password_hash=data.get("password_hash") or passwords.hash_of(password),
        password_changed_at=clock.now(),
        must_change_password=not data.get("password"),
        display_name=data["display_name"],
        role=role.value,
        place_id=place.id if place else None,
        domain=domain,
        locale=data.get("locale") or load_pack().default_locale,
        active=True,
        created_at=clock.now(),
    )
    db.session.add(staff)
    about(staff)
    return staff, password


@use_case(permission=Permission.STAFF_MANAGE, code="staff.changed", action="U")
def change_staff(actor: Actor, staff_id: uuid.UUID, version: int | None, data: Mapping[str, Any]) -> Staff:
    """Changes name, role, domain and office. `StaleVersion` when somebody else did so meanwhile."""
    staff = queries.staff_for(staff_id)
    about(staff)
    if version != staff.version:
        theirs = {name: getattr(staff, name) for name in ("display_name", "role", "domain")}
        raise StaleVersion({**theirs, "place": staff.place_id}, staff.version)
    role, place, domain = _position(data)
    if staff.role == Role.ADMIN.value and role is not Role.ADMIN:
        _keep_an_administrator(actor, staff)
    staff.display_name = data["display_name"]
    staff.role, staff.domain = role.value, domain
    staff.place_id = place.id if place else None
    return staff


@use_case(permission=Permission.STAFF_MANAGE, code="staff.disabled", action="U")
def disable_staff(actor: Actor, staff_id: uuid.UUID) -> Staff:
    """Shuts somebody out, at once: all their sessions end."""
    staff = queries.staff_for(staff_id)
    about(staff)
    if staff.role == Role.ADMIN.value:
        _keep_an_administrator(actor, staff)
    elif staff.id == actor.id:
        raise Conflict(_l("Nobody can disable their own account."))
    staff.active = False
    sessions.revoke_all(staff.id)
    return staff


@use_case(permission=Permission.STAFF_MANAGE, code="staff.enabled", action="U")
def enable_staff(_actor: Actor, staff_id: uuid.UUID) -> Staff:
    """Lets somebody in again."""
    staff = queries.staff_for(staff_id)
    about(staff)
    staff.active = True
    return staff


@use_case(permission=Permission.STAFF_MANAGE, code="staff.password_reset", action="U")
def reset_password(_actor: Actor, staff_id: uuid.UUID) -> tuple[Staff, str]:
    """A password for one sign-in, shown once; ends all sessions of the person."""
    staff = queries.staff_for(staff_id)
    about(staff)
    password = passwords.one_time_password()
    staff.password_hash = passwords.hash_of(password)
    staff.password_changed_at = clock.now()
    staff.must_change_password = True
    sessions.revoke_all(staff.id)
    return staff, password


@use_case(permission=Permission.STAFF_MANAGE, code="staff.sessions_ended", action="U")
def end_sessions(_actor: Actor, staff_id: uuid.UUID) -> Staff:
    """Ends all sessions of somebody."""
    staff = queries.staff_for(staff_id)
    about(staff)
    counted(sessions.revoke_all(staff.id))
    return staff


def _position(data: Mapping[str, Any]) -> tuple[Role, Place | None, str | None]:
    """Role, office and domain that fit together, or `InvalidInput`."""
    role = Role(data["role"])
    place_id: uuid.UUID | None = data.get("place")
    place = queries.place_or_none(place_id)
    if place_id is not None and (place is None or place.closed_on is not None):
        raise InvalidInput({"place": [_l("This place is not in the register. Choose another one.")]})
    if role in NEEDS_OFFICE:
        if place is None:
            raise InvalidInput({"place": [_l("Choose the office of this person.")]})
        if place.level not in OFFICE_LEVELS[role]:
            raise InvalidInput(
                {"place": [_l("An office is a district, or for a domain officer also a region.")]}
            )
    domain: str | None = data.get("domain") if role is Role.DOMAIN_OFFICER else None
    if role is Role.DOMAIN_OFFICER and domain not in load_pack().domains:
        raise InvalidInput({"domain": [_l("Choose the domain of this person.")]})
    return role, place, domain


def _keep_an_administrator(actor: Actor, staff: Staff) -> None:
    if staff.id == actor.id:
        raise Conflict(
            _l("Nobody can take the administrator role from themselves. Ask another administrator.")
        )
    if staff.active and queries.active_admins() <= 1:
        raise Conflict(_l("This is the last administrator. Add another one first."))
