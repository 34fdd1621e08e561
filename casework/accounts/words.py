"""The audit codes of this room in plain words, and how the log names staff: by sign-in name, to a person by their name."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from flask_babel import lazy_gettext as _l

from casework.accounts import queries
from casework.audit import directory, words

WORDS = {
    "auth.signed_in": _l("Somebody signed in"),
    "auth.sign_in_failed": _l("A sign-in failed"),
    "auth.signed_out": _l("Somebody signed out"),
    "auth.password_change_asked": _l("A one-time password had to be replaced first"),
    "auth.leftovers_dropped": _l("Old sessions and counters were dropped"),
    "account.viewed": _l("The own account was looked at"),
    "account.password_page_viewed": _l("The page for the own password was opened"),
    "account.password_changed": _l("The own password was changed"),
    "account.language_changed": _l("The own language was changed"),
    "account.session_ended": _l("A session of one’s own was ended"),
    "account.other_sessions_ended": _l("All other sessions of one’s own were ended"),
    "staff.listed": _l("The list of staff was looked at"),
    "staff.viewed": _l("A member of staff was looked at"),
    "staff.form_opened": _l("The form for a new member of staff was opened"),
    "staff.added": _l("A member of staff was added"),
    "staff.changed": _l("A member of staff was changed"),
    "staff.disabled": _l("A member of staff was disabled"),
    "staff.enabled": _l("A member of staff was enabled again"),
    "staff.password_reset": _l("A password was reset"),
    "staff.sessions_ended": _l("All sessions of a member of staff were ended"),
    "place.listed": _l("The tree of places was looked at"),
    "place.searched": _l("A place was searched for"),
    "place.imported": _l("The register of places was imported"),
    "place.import_checked": _l("A register of places was checked"),
}


def _labels(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    return {staff_id: staff.username for staff_id, staff in queries.staff_by_id(ids).items()}


def _names(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    return {staff_id: staff.display_name for staff_id, staff in queries.staff_by_id(ids).items()}


def _lookup(text: str) -> uuid.UUID | None:
    staff = queries.staff_named(text.strip().casefold())
    return staff.id if staff is not None else None


def register() -> None:
    """Called when the app is composed."""
    words.register(WORDS)
    directory.register("staff", directory.Resolver(_labels, _lookup))
    directory.register("colleague", directory.Resolver(_names, _lookup))
    directory.register_relation("office_of_staff", queries.offices_of_staff)
