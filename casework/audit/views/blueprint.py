"""The auditor's blueprint."""

from __future__ import annotations

from casework.access.blueprint import ProtectedBlueprint

audit = ProtectedBlueprint("audit", "casework.audit", url_prefix="/audit", template_folder="templates")
