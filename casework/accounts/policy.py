"""Who may do what with accounts and places. Administrators manage staff and places; they have no rule for any case."""

from __future__ import annotations

from casework.access.permissions import Permission
from casework.access.policy import Rule
from casework.access.roles import Role

WHO_CHOOSES_PLACES = (
    Role.CASEWORKER,
    Role.SUPERVISOR,
    Role.PSYCHOLOGIST,
    Role.DOMAIN_OFFICER,
    Role.ADMIN,
)

RULES = (
    *(Rule(Permission.ACCOUNT_USE, role) for role in Role),
    *(Rule(Permission.PLACE_CHOOSE, role) for role in WHO_CHOOSES_PLACES),
    Rule(Permission.STAFF_MANAGE, Role.ADMIN),
    Rule(Permission.PLACE_MANAGE, Role.ADMIN),
)
