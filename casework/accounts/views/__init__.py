"""The pages of this room. Each parses, calls one use case and renders."""

from __future__ import annotations

from casework.accounts.views import account, places, sign_in, staff
from casework.accounts.views.blueprint import bp

__all__ = ["account", "bp", "places", "sign_in", "staff"]
