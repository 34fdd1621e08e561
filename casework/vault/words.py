"""The audit codes of key management in plain words. The audit room stands above this one, so the app registers them."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

KEY_EVENTS: dict[str, Any] = {
    "keys.rotation_begun": _l("A new key was made, and data keys began to be wrapped under it"),
    "keys.rotated": _l("All data keys were wrapped under the current key"),
    "keys.renewal_begun": _l("Data keys began to be renewed"),
    "keys.renewed": _l("Records were sealed again under renewed data keys"),
    "keys.retired": _l("A key was put aside"),
    "keys.destroyed": _l("A key that had been put aside was destroyed"),
}
