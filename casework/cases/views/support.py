"""The pages of the three support forms."""

from __future__ import annotations

import uuid
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.cases.answers import OUT_OF_SIGHT, sections_of
from casework.cases.schemas.support import support_form
from casework.cases.schemas.work import EnteredInErrorSchema
from casework.cases.use_cases import drafts, support
from casework.cases.views.blueprint import KIND, bp, draft_in_address, kept, posted, typed_into
from casework.core import clock
from casework.web.forms import Form
from casework.web.replies import done

BASE = f"/cases/<uuid:case_id>/support/{KIND}"
ONE = f"{BASE}/<uuid:record_id>"


@bp.get(f"{BASE}/new", permission=Permission.SUPPORT_RECORD)
def new_support(case_id: uuid.UUID, kind: str) -> ResponseReturnValue:
    """An empty form, or a draft of one."""
    actor, draft = current_actor(), draft_in_address()
    page = support.support_form_page(actor, case_id, kind, draft)
    fixed = {"employer_told": ["nothing"]} if kind == "employment" else {}
    initial: dict[str, Any] = dict(page.typed) or {"happened_on": clock.today(), **fixed}
    form = Form(support_form(kind, actor.role).record(), initial=initial)
    return render_template("cases/support_new.html", page=page, form=form, kind=kind, draft=draft)


@bp.post(f"{BASE}/new", permission=Permission.SUPPORT_RECORD)
def record_support(case_id: uuid.UUID, kind: str) -> ResponseReturnValue:
    """Records the support, or keeps the draft."""
    actor, draft = current_actor(), draft_in_address()
    data, as_draft = posted()
    form = Form(support_form(kind, actor.role).record(), data)
    if as_draft:
        typed = typed_into(form.schema, data)
        if kept(form, lambda: drafts.save_support_draft(actor, case_id, kind, draft, typed)):
            message = _("The draft is kept. You find it under My work.")
            return done(message, url_for("cases.show", case_id=case_id))
    if as_draft or form.submit(support.record_support, actor, case_id, kind, draft) is None:
        page = support.support_form_page(actor, case_id, kind)
        return render_template(
            "cases/support_new.html", page=page, form=form, kind=kind, draft=draft
        ), form.status
    return done(_("The support is recorded."), url_for("cases.show", case_id=case_id))


@bp.get(ONE, permission=Permission.CASE_VIEW)
def show_support(case_id: uuid.UUID, kind: str, record_id: uuid.UUID) -> ResponseReturnValue:
    """One record."""
    page = support.view_support(current_actor(), case_id, kind, record_id)
    sections = sections_of(support_form(kind, None).record(), page.answers, without=OUT_OF_SIGHT)
    return render_template("cases/support_show.html", page=page, sections=sections, kind=kind)


@bp.get(f"{ONE}/correct", permission=Permission.SUPPORT_CORRECT)
def correct_support_page(case_id: uuid.UUID, kind: str, record_id: uuid.UUID) -> ResponseReturnValue:
    """The record, to be corrected."""
    actor = current_actor()
    page = support.correction_page(actor, case_id, kind, record_id)
    form = Form(
        support_form(kind, actor.role).correct(),
        initial=page.answers | (page.note or {}),
        version=page.record.version,
    )
    return render_template("cases/support_correct.html", page=page, form=form, kind=kind)


@bp.post(f"{ONE}/correct", permission=Permission.SUPPORT_CORRECT)
def correct_support(case_id: uuid.UUID, kind: str, record_id: uuid.UUID) -> ResponseReturnValue:
    """Adds the corrected version."""
    actor = current_actor()
    form = Form(support_form(kind, actor.role).correct(), request.form)
    if form.submit(support.correct_support, actor, case_id, kind, record_id, form.version) is None:
        page = support.correction_page(actor, case_id, kind, record_id)
        return render_template("cases/support_correct.html", page=page, form=form, kind=kind), form.status
    where = url_for("cases.show_support", case_id=case_id, kind=kind, record_id=record_id)
    return done(_("The record is corrected. The earlier version stays readable."), where)


@bp.get(f"{ONE}/history", permission=Permission.SUPPORT_HISTORY)
def support_history(case_id: uuid.UUID, kind: str, record_id: uuid.UUID) -> ResponseReturnValue:
    """Every version."""
    page = support.support_history(current_actor(), case_id, kind, record_id)
    schema = support_form(kind, None).record()
    versions = [(each, sections_of(schema, each.answers, each.changed)) for each in page.versions]
    return render_template("cases/support_history.html", page=page, versions=versions, kind=kind)


@bp.get(f"{ONE}/entered-in-error", permission=Permission.SUPPORT_CORRECT)
def in_error_page(case_id: uuid.UUID, kind: str, record_id: uuid.UUID) -> ResponseReturnValue:
    """Asks what is wrong with the record."""
    page = support.correction_page(current_actor(), case_id, kind, record_id)
    return render_template(
        "cases/support_in_error.html", page=page, form=Form(EnteredInErrorSchema()), kind=kind
    )


@bp.post(f"{ONE}/entered-in-error", permission=Permission.SUPPORT_CORRECT)
def mark_in_error(case_id: uuid.UUID, kind: str, record_id: uuid.UUID) -> ResponseReturnValue:
    """Strikes the record from what counts."""
    actor = current_actor()
    form = Form(EnteredInErrorSchema(), request.form)
    if form.submit(support.mark_in_error, actor, case_id, kind, record_id) is None:
        page = support.correction_page(actor, case_id, kind, record_id)
        return render_template("cases/support_in_error.html", page=page, form=form, kind=kind), form.status
    return done(_("The record is marked as entered in error."), url_for("cases.show", case_id=case_id))
