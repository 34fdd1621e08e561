"""The pages that open a case and correct who it is about."""

from __future__ import annotations

import uuid
from collections.abc import Container
from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.cases.answers import sections_of
from casework.cases.schemas.intake import CorrectPersonSchema, DetailsSchema, OpenCaseSchema
from casework.cases.search.duplicates import Hint, PossibleDuplicate
from casework.cases.use_cases import drafts, intake
from casework.cases.views.blueprint import bp, draft_in_address, kept, posted, typed_into
from casework.web.forms import Form
from casework.web.replies import done


@bp.get("/cases/new", permission=Permission.CASE_OPEN)
def new() -> ResponseReturnValue:
    """An empty form, or a draft of one."""
    draft = draft_in_address()
    typed = intake.intake_form(current_actor(), draft)
    form = Form(_schema(typed), initial=typed or {"script": ["uz-Latn"]})
    return render_template("cases/new.html", form=form, draft=draft)


@bp.post("/cases/new", permission=Permission.CASE_OPEN)
def open_case() -> ResponseReturnValue:
    """Opens the case, or keeps the draft."""
    actor, draft = current_actor(), draft_in_address()
    data, as_draft = posted()
    form = Form(_schema(data), data)
    if as_draft:
        if not kept(form, lambda: drafts.save_case_draft(actor, draft, typed_into(form.schema, data))):
            return render_template("cases/new.html", form=form, draft=draft), form.status
        return done(_("The draft is kept. You find it under My work."), url_for("cases.my_work"))
    opening = _Opening()
    opened = form.submit(opening, actor, draft)
    if opened is None:
        if opening.hints:
            form = _with_tick(form, data)
        return render_template("cases/new.html", form=form, draft=draft, hints=opening.hints), form.status
    if opened.check_number:
        flash(_("The check digit does not match. Please check the document. You can continue."), "note")
    message = _("The case is opened. Its code is %(code)s.", code=opened.display_code)
    return done(message, url_for("cases.show", case_id=opened.id))


TICK = "not_duplicate"


def _schema(typed: Container[str]) -> OpenCaseSchema:
    """The form asks whether it is somebody else only once somebody like this was found."""
    return OpenCaseSchema() if TICK in typed else OpenCaseSchema(exclude=(TICK,))


class _Opening:
    """Opens the case, and keeps what the page says of somebody who is possibly known already."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []
        self.refused = intake.open_case.refused

    def __call__(self, *args: Any) -> intake.Opened:
        try:
            return intake.open_case(*args)
        except PossibleDuplicate as problem:
            self.hints = problem.hints
            raise


def _with_tick(form: Form, data: MultiDict[str, str]) -> Form:
    """The same form with the tick box, and the message at it."""
    asking = Form(OpenCaseSchema(), data)
    for messages in form.errors.values():
        for message in messages:
            asking.add_error(TICK, message)
    return asking


@bp.get("/cases/<uuid:case_id>/person", permission=Permission.CASE_EDIT)
def person(case_id: uuid.UUID) -> ResponseReturnValue:
    """The details, to be corrected."""
    page = intake.person_form(current_actor(), case_id)
    form = Form(CorrectPersonSchema(), initial=page.details, version=page.version)
    return render_template("cases/person.html", page=page, form=form)


@bp.post("/cases/<uuid:case_id>/person", permission=Permission.CASE_EDIT)
def correct_person(case_id: uuid.UUID) -> ResponseReturnValue:
    """Corrects the details."""
    form = Form(CorrectPersonSchema(), request.form)
    if form.submit(intake.correct_person, current_actor(), case_id, form.version) is None:
        page = intake.person_form(current_actor(), case_id)
        return render_template("cases/person.html", page=page, form=form), form.status
    return done(_("The details are corrected."), url_for("cases.show", case_id=case_id))


@bp.get("/cases/<uuid:case_id>/person/history", permission=Permission.CASE_VIEW)
def person_history(case_id: uuid.UUID) -> ResponseReturnValue:
    """Who changed the details, when and why."""
    page = intake.person_history(current_actor(), case_id)
    versions = [(each, sections_of(DetailsSchema(), each.details, each.changed)) for each in page.versions]
    return render_template("cases/person_history.html", page=page, versions=versions)
