"""The room's one blueprint, for the files that add pages to it."""

from __future__ import annotations

from casework.access.blueprint import ProtectedBlueprint

bp = ProtectedBlueprint("accounts", "casework.accounts", template_folder="templates")
