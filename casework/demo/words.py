"""The audit codes of the synthetic caseload in plain words. Nothing serves this room, so the app registers them."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

DEMO_EVENTS: dict[str, Any] = {
    "demo.filled": _l("A synthetic caseload was filled in"),
    "demo.sign_ins_reset": _l("Sign-ins of the synthetic staff were set again"),
}
