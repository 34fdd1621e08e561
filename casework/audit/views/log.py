"""The log and one event of it."""

from __future__ import annotations

import uuid

from flask import render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.audit import use_cases, words
from casework.audit.schemas import FilterEvents
from casework.audit.sentence import in_sentences
from casework.audit.views.blueprint import audit
from casework.audit.views.paging import row_numbers
from casework.web.forms import Form


@audit.get("", permission=Permission.AUDIT_VIEW)
def log() -> ResponseReturnValue:
    """The log, newest first, narrowed by the filter in the address."""
    schema = FilterEvents()
    asked = MultiDict(
        (name, value) for name, value in request.args.items(multi=True) if name in schema.load_fields
    )
    form = Form(schema, asked)
    before, after = row_numbers()
    page = form.submit(lambda data: use_cases.list_events(current_actor(), data, before, after))
    if page is None:
        page = use_cases.list_events(current_actor(), {}, None, None)
    narrowed = {name: value for name, value in asked.items() if value}
    return render_template(
        "audit/log.html", form=form, page=page, narrowed=narrowed, words=words
    ), form.status


@audit.get("/events/<uuid:event_uid>", permission=Permission.AUDIT_VIEW)
def event(event_uid: uuid.UUID) -> ResponseReturnValue:
    """One event in plain words, and its exact line."""
    page = use_cases.view_event(current_actor(), event_uid)
    return render_template(
        "audit/event.html",
        page=page,
        words=words,
        sentences=in_sentences(page.event, page.line, page.who, page.people),
        exact=page.event.body.decode(),
    )
