"""Signing in and out, and one's own account."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from casework.access.actor import Actor
from casework.access.blueprint import PUBLIC
from casework.access.permissions import Permission
from casework.accounts import passwords, queries, sessions, throttle
from casework.accounts.models import Staff, StaffSession
from casework.audit.trail import about, counted, use_case, when_refused
from casework.core import clock
from casework.core.errors import InvalidInput

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


class WrongCredentials(InvalidInput):
    """User name and password do not belong together; which of them is wrong stays unsaid."""

    code = "wrong_credentials"

    def __init__(self) -> None:
        super().__init__({"_form": [_l("The user name or the password is not right.")]})


@dataclass(frozen=True)
class Door:
    """Where somebody signs in: the address, the token that the browser still holds, the language chosen there."""

    address: str
    old_token: str | None = None
    locale: str | None = None


def normal_username(typed: str) -> str:
    """A user name as it is stored and compared."""
    return unicodedata.normalize("NFKC", typed).strip().casefold()


def is_username(name: str) -> bool:
    """Whether a normal user name may be given to somebody."""
    return _USERNAME.fullmatch(name) is not None


@use_case(permission=PUBLIC, code="auth.signed_in", action="E", refused_code="auth.sign_in_failed")
def sign_in(_actor: Actor, door: Door, data: Mapping[str, Any]) -> str:
    """Opens a new session and gives its token. `WrongCredentials`, or `TooManyAttempts` after many failures.

    An unknown name, a wrong password and a disabled person take as long and read the same.
    """
    username = normal_username(data["username"])
    keys: dict[throttle.Kind, str] = {
        "name": throttle.key_of("name", username),
        "address": throttle.key_of("address", door.address),
    }
    throttle.refuse_if_too_many(keys)
    staff = queries.staff_named(username)
    if staff is not None:
        about(staff)
    right = passwords.verify(staff.password_hash if staff else None, data["password"])
    if staff is None or not right or not staff.active:
        when_refused(lambda: throttle.note_failure(keys))
        raise WrongCredentials()
    throttle.forget(keys["name"])
    if passwords.is_outdated(staff.password_hash):
        staff.password_hash = passwords.hash_of(data["password"])
    if door.locale is not None:
        staff.locale = door.locale
    if door.old_token:
        sessions.revoke_token(door.old_token)
    return sessions.start(staff)


@use_case(permission=Permission.ACCOUNT_USE, code="auth.signed_out", action="E")
def sign_out(_actor: Actor, token: str | None) -> None:
    """Ends the present session for good: its token opens nothing any more."""
    if token:
        sessions.revoke_token(token)


@dataclass(frozen=True)
class Account:
    """One's own account as its page shows it."""

    staff: Staff
    sessions: list[StaffSession]
    present: uuid.UUID | None


@use_case(permission=Permission.ACCOUNT_USE, code="account.viewed", action="R")
def view_account(actor: Actor) -> Account:
    """One's own account and open sessions."""
    staff = queries.staff_for(actor.id)
    about(staff)
    found = queries.open_sessions(staff.id, *sessions.oldest_live())
    counted(len(found))
    here = next((each.id for each in found if each.token_hash.startswith(actor.session_hash or "-")), None)
    return Account(staff, found, here)


@use_case(permission=Permission.ACCOUNT_USE, code="account.password_page_viewed", action="R")
def view_password_page(actor: Actor) -> Staff:
    """Whose password is about to change."""
    staff = queries.staff_for(actor.id)
    about(staff)
    return staff


@use_case(permission=Permission.ACCOUNT_USE, code="account.password_changed", action="U")
def change_password(actor: Actor, data: Mapping[str, Any]) -> None:
    """Replaces one's own password and ends one's other sessions. Guessing is slowed down like a sign-in."""
    staff = queries.staff_for(actor.id)
    about(staff)
    keys: dict[throttle.Kind, str] = {"name": throttle.key_of("name", staff.username)}
    throttle.refuse_if_too_many(keys)
    if not passwords.verify(staff.password_hash, data["current_password"]):
        when_refused(lambda: throttle.note_failure(keys))
        raise InvalidInput({"current_password": [_l("This is not your present password.")]})
    if complaint := passwords.complaint(data["new_password"], staff.username):
        raise InvalidInput({"new_password": [complaint]})
    if data["new_password"] == data["current_password"]:
        raise InvalidInput({"new_password": [_l("Choose a password that you have not now.")]})
    if data["new_password"] != data["repeated_password"]:
        raise InvalidInput({"repeated_password": [_l("The two new passwords are not the same.")]})
    staff.password_hash = passwords.hash_of(data["new_password"])
    staff.password_changed_at = clock.now()
    staff.must_change_password = False
    sessions.revoke_all(staff.id, but=actor.session_hash)


@use_case(permission=Permission.ACCOUNT_USE, code="account.language_changed", action="U")
def choose_language(actor: Actor, data: Mapping[str, Any]) -> None:
    """One's own language, on every device."""
    staff = queries.staff_for(actor.id)
    about(staff)
    staff.locale = data["locale"]


@use_case(permission=Permission.ACCOUNT_USE, code="account.session_ended", action="U")
def end_session(actor: Actor, session_id: uuid.UUID) -> None:
    """Ends one of one's own sessions; anybody else's is not there."""
    found = queries.session_of(actor.id, session_id)
    about(found)
    if found.revoked_at is None:
        found.revoked_at = clock.now()


@use_case(permission=Permission.ACCOUNT_USE, code="account.other_sessions_ended", action="U")
def end_other_sessions(actor: Actor) -> None:
    """Ends all of one's own sessions but the present one."""
    about(queries.staff_for(actor.id))
    counted(sessions.revoke_all(actor.id, but=actor.session_hash))
