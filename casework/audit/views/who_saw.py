"""Who saw this record: for the supervisor, and on paper for the person."""

from __future__ import annotations

import uuid

from flask import render_template
from flask.typing import ResponseReturnValue

from casework.access.actor import current_actor
from casework.access.blueprint import ProtectedBlueprint
from casework.access.permissions import Permission
from casework.audit import use_cases, words
from casework.audit.sentence import purpose_in_words, role_in_words
from casework.audit.views.paging import row_numbers
from casework.core import clock

record = ProtectedBlueprint("record", "casework.audit")


@record.get("/cases/<uuid:case_id>/who-saw", permission=Permission.CASE_WHO_SAW)
def who_saw(case_id: uuid.UUID) -> ResponseReturnValue:
    """Every event about this person, a hundred to a page: when, who, what in plain words, what for."""
    before, after = row_numbers()
    page = use_cases.who_saw(current_actor(), case_id, before, after)
    return render_template(
        "audit/who_saw.html",
        page=page,
        words=words,
        role_in_words=role_in_words,
        purpose_in_words=purpose_in_words,
        today=clock.today(),
    )
