"""Who may look through the log. It holds no content, so no compartment is opened."""

from __future__ import annotations

from casework.access.permissions import Permission
from casework.access.policy import Rule
from casework.access.roles import Role

RULES = [
    Rule(Permission.AUDIT_VIEW, Role.AUDITOR),
    Rule(Permission.AUDIT_EXPORT, Role.AUDITOR),
    Rule(Permission.AUDIT_RETAIN, Role.AUDITOR),
    Rule(Permission.AUDIT_RETAIN, Role.ADMIN),
]
