"""Domain errors: what can go wrong in the product's own words. The web room maps each to a page in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l


class DomainError(Exception):
    """Something a person did cannot be done.

    `status` is the HTTP status that says it best, `code` a stable word for logs and the audit trail,
    `message` a (lazy, translated) sentence for the person.
    """

    status = 400
    code = "error"
    default: Any = _l("This could not be done.")

    def __init__(self, message: Any = None) -> None:
        super().__init__()
        self.message = message if message is not None else self.default

    def __str__(self) -> str:
        return str(self.message)


class NotSignedIn(DomainError):
    """No live session: the person signs in and comes back."""

    status, code = 401, "not_signed_in"
    default = _l("Please sign in.")


class Denied(DomainError):
    """The actor's role or scope does not allow this."""

    status, code = 403, "denied"
    default = _l("Your role does not allow this.")


class NotFound(DomainError):
    """Nothing there, or nothing that this actor may know of: the two look the same on purpose."""

    status, code = 404, "not_found"
    default = _l("There is nothing here that you can open.")


class InvalidInput(DomainError):
    """Input that a person can mend. `errors` maps a field name to its messages; `_form` is the whole form."""

    status, code = 422, "invalid_input"
    default = _l("Please check the marked fields.")

    def __init__(self, errors: Mapping[str, Sequence[Any]], message: Any = None) -> None:
        super().__init__(message)
        self.errors: dict[str, list[Any]] = {name: list(found) for name, found in errors.items()}


class Conflict(DomainError):
    """The row moved on meanwhile."""

    status, code = 409, "conflict"
    default = _l("Somebody changed this at the same moment. Please look at it again.")


class StaleVersion(Conflict):
    """Somebody saved first. `theirs` holds the saved values by field name, `version` the version to build on."""

    code = "stale_version"
    default = _l("Somebody saved this while you were writing. Both texts are shown: yours is not saved yet.")

    def __init__(self, theirs: Mapping[str, Any], version: int, message: Any = None) -> None:
        super().__init__(message)
        self.theirs = dict(theirs)
        self.version = version


class IllegalMove(Conflict):
    """A step that the state table does not have from here. `possible` names the steps it has."""

    code = "illegal_move"
    default = _l("This step is not possible now.")

    def __init__(self, possible: Sequence[Any] = (), message: Any = None) -> None:
        super().__init__(message)
        self.possible = list(possible)


class TooManyAttempts(DomainError):
    """Slowed down on purpose. `wait_seconds` says for how long."""

    status, code = 429, "too_many_attempts"
    default = _l("Too many attempts. Please wait a few minutes and try again.")

    def __init__(self, wait_seconds: int, message: Any = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class Unavailable(DomainError):
    """The installation cannot do this now (database busy, key missing). Nothing was changed."""

    status, code = 503, "unavailable"
    default = _l("The service is busy. Nothing was lost; please try again in a minute.")
