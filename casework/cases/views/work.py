"""Closing follow-ups and discarding drafts."""

from __future__ import annotations

import uuid

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.cases.schemas.work import CloseFollowUpSchema
from casework.cases.use_cases import drafts, follow_ups
from casework.cases.views.blueprint import bp
from casework.web.forms import Form
from casework.web.replies import done

ONE = "/cases/<uuid:case_id>/follow-ups/<uuid:follow_up_id>"


@bp.post(f"{ONE}/done", permission=Permission.FOLLOW_UP_CLOSE)
def follow_up_done(case_id: uuid.UUID, follow_up_id: uuid.UUID) -> ResponseReturnValue:
    """The step was taken."""
    follow_ups.mark_done(current_actor(), case_id, follow_up_id)
    return done(_("The follow-up is marked as done."), url_for("cases.show", case_id=case_id))


@bp.get(f"{ONE}/not-needed", permission=Permission.FOLLOW_UP_CLOSE)
def follow_up_not_needed_page(case_id: uuid.UUID, follow_up_id: uuid.UUID) -> ResponseReturnValue:
    """Asks why."""
    page = follow_ups.closing_page(current_actor(), case_id, follow_up_id)
    return render_template("cases/follow_up.html", page=page, form=Form(CloseFollowUpSchema()))


@bp.post(f"{ONE}/not-needed", permission=Permission.FOLLOW_UP_CLOSE)
def follow_up_not_needed(case_id: uuid.UUID, follow_up_id: uuid.UUID) -> ResponseReturnValue:
    """Closes it without it being done."""
    actor = current_actor()
    form = Form(CloseFollowUpSchema(), request.form)
    if form.submit(follow_ups.mark_not_needed, actor, case_id, follow_up_id) is None:
        page = follow_ups.closing_page(actor, case_id, follow_up_id)
        return render_template("cases/follow_up.html", page=page, form=form), form.status
    return done(_("The follow-up is closed."), url_for("cases.show", case_id=case_id))


@bp.post("/drafts/<uuid:draft_id>/discard", permission=Permission.WORK_VIEW)
def discard_draft(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Throws a draft away."""
    drafts.discard_draft(current_actor(), draft_id)
    return done(_("The draft is discarded."), url_for("cases.my_work"))
