"""The one field of the search."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from casework.web.fields import FormSchema, text

LONGEST = 120


class SearchSchema(FormSchema):
    """Any spelling of a name, or a number, phone or code."""

    query = text(
        _l("Name, number, phone or code"),
        max_length=LONGEST,
        required=True,
        hint=_l(
            "Any spelling, in Latin or Cyrillic letters, in any order, with or without the patronymic. "
            "A year of birth may stand beside the name."
        ),
    )
