"""Why a person was found, in words; and the audit codes of the search."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

REASONS: dict[str, Any] = {
    "same_code": _l("This code"),
    "same_number": _l("Same number"),
    "same_phone": _l("Same phone"),
    "same_name": _l("Same name"),
    "same_name_other_order": _l("Same name in another order"),
    "same_name_other_script": _l("Same name in the other script"),
    "same_name_spelling": _l("Same name in another spelling"),
    "close_spelling": _l("Close spelling"),
    "close_spelling_same_birth_year": _l("Close spelling, same birth year"),
    "partial_name": _l("A part of the person’s name"),
}

EVENTS: dict[str, Any] = {
    "person.search_opened": _l("The search was opened"),
    "person.searched": _l("Somebody was searched for"),
    "search.reindexed": _l("Search documents were made anew"),
    "keys.index_rotation_begun": _l("A new index key was made, and numbers began to be indexed under it"),
    "keys.index_rotated": _l("All numbers were indexed under the current index key"),
}
