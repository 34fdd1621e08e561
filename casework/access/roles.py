"""The roles of the people who work here. There is no police or security role, and none can be added by data."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l


class Role(StrEnum):
    """What somebody is here to do."""

    CASEWORKER = "caseworker"
    SUPERVISOR = "supervisor"
    DOMAIN_OFFICER = "domain_officer"
    PSYCHOLOGIST = "psychologist"
    AUDITOR = "auditor"
    ADMIN = "admin"
    COUNCIL_SECRETARIAT = "council_secretariat"
    COUNCIL_MEMBER = "council_member"

    @property
    def label(self) -> Any:
        """The role's name in the reader's language."""
        return _LABELS[self]


_LABELS: dict[Role, Any] = {
    Role.CASEWORKER: _l("Caseworker"),
    Role.SUPERVISOR: _l("Supervisor"),
    Role.DOMAIN_OFFICER: _l("Domain officer"),
    Role.PSYCHOLOGIST: _l("Psychologist"),
    Role.AUDITOR: _l("Auditor"),
    Role.ADMIN: _l("Administrator"),
    Role.COUNCIL_SECRETARIAT: _l("Council secretariat"),
    Role.COUNCIL_MEMBER: _l("Council member"),
}
