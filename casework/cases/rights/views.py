"""Pages about a person's own data, and about what is past its retention."""

from __future__ import annotations

import uuid

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.cases.rights import copying, disposing, retention, use_cases
from casework.cases.rights.certificate import as_text, in_four_languages
from casework.cases.rights.schemas import (
    DECIDED,
    ApproveRetentionSchema,
    CopySchema,
    DecideDestructionSchema,
    DecideSchema,
    EraseSchema,
    RecordRequestSchema,
)
from casework.cases.views.blueprint import bp
from casework.core import clock
from casework.web.forms import Form
from casework.web.languages import current_language
from casework.web.replies import done

ALL = "/cases/<uuid:case_id>/requests"
ONE = f"{ALL}/<uuid:request_id>"


@bp.get(ALL, permission=Permission.REQUEST_VIEW)
def requests(case_id: uuid.UUID) -> ResponseReturnValue:
    """What a person has asked about their data."""
    page = use_cases.list_requests(current_actor(), case_id)
    form = Form(RecordRequestSchema(), initial={"received_on": clock.today()})
    return render_template("cases/rights_list.html", page=page, form=form, decided=DECIDED)


@bp.post(ALL, permission=Permission.REQUEST_RECORD)
def record_request(case_id: uuid.UUID) -> ResponseReturnValue:
    """Records a request."""
    form = Form(RecordRequestSchema(), request.form)
    made = form.submit(use_cases.record_request, current_actor(), case_id)
    if made is None:
        page = use_cases.list_requests(current_actor(), case_id)
        return render_template("cases/rights_list.html", page=page, form=form, decided=DECIDED), form.status
    where = url_for("cases.show_request", case_id=case_id, request_id=made.id)
    return done(_("The request is recorded."), where)


def _decision_form(page: use_cases.RequestPage, *, posted: bool) -> Form:
    schema = DecideDestructionSchema() if page.request.destroys else DecideSchema()
    return Form(schema, request.form if posted else None, version=page.request.version)


@bp.get(ONE, permission=Permission.REQUEST_VIEW)
def show_request(case_id: uuid.UUID, request_id: uuid.UUID) -> ResponseReturnValue:
    """One request."""
    page = use_cases.view_request(current_actor(), case_id, request_id)
    form = _decision_form(page, posted=False)
    return render_template("cases/rights_request.html", page=page, form=form, decided=DECIDED)


@bp.post(ONE, permission=Permission.REQUEST_DECIDE)
def decide_request(case_id: uuid.UUID, request_id: uuid.UUID) -> ResponseReturnValue:
    """Decides on it."""
    form = Form(DecideSchema(), request.form)
    if form.submit(use_cases.decide_request, current_actor(), case_id, request_id, form.version) is None:
        page = use_cases.view_request(current_actor(), case_id, request_id)
        return render_template(
            "cases/rights_request.html", page=page, form=form, decided=DECIDED
        ), form.status
    where = url_for("cases.show_request", case_id=case_id, request_id=request_id)
    return done(_("The decision is recorded."), where)


@bp.post(f"{ONE}/done", permission=Permission.REQUEST_RECORD)
def finish_request(case_id: uuid.UUID, request_id: uuid.UUID) -> ResponseReturnValue:
    """It is done."""
    use_cases.finish_request(current_actor(), case_id, request_id)
    return done(_("The request is marked as done."), url_for("cases.requests", case_id=case_id))


@bp.get(f"{ONE}/copy", permission=Permission.PERSON_COPY)
def copy_page(case_id: uuid.UUID, request_id: uuid.UUID) -> ResponseReturnValue:
    """Asks in which language."""
    page = use_cases.copy_page(current_actor(), case_id, request_id)
    form = Form(CopySchema(), initial={"language": current_language().tag})
    return render_template("cases/rights_give.html", page=page, form=form)


@bp.post(f"{ONE}/copy", permission=Permission.PERSON_COPY)
def give_copy(case_id: uuid.UUID, request_id: uuid.UUID) -> ResponseReturnValue:
    """The copy, as a download."""
    form = Form(CopySchema(), request.form)
    copy = form.submit(copying.give_copy, current_actor(), case_id, request_id)
    if copy is None:
        page = use_cases.copy_page(current_actor(), case_id, request_id)
        return render_template("cases/rights_give.html", page=page, form=form), form.status
    return download(copy.content, copy.name, "application/zip")


@bp.get(f"{ONE}/erase", permission=Permission.PERSON_ERASE)
def erase_page(case_id: uuid.UUID, request_id: uuid.UUID) -> ResponseReturnValue:
    """Asks for the last word."""
    page = use_cases.erase_page(current_actor(), case_id, request_id)
    return render_template("cases/rights_erase.html", page=page, form=Form(EraseSchema()))


@bp.post(f"{ONE}/erase", permission=Permission.PERSON_ERASE)
def erase(case_id: uuid.UUID, request_id: uuid.UUID) -> ResponseReturnValue:
    """Destroys the person's data."""
    form = Form(EraseSchema(), request.form)
    if form.submit(disposing.erase_from_page, current_actor(), case_id, request_id) is None:
        page = use_cases.erase_page(current_actor(), case_id, request_id)
        return render_template("cases/rights_erase.html", page=page, form=form), form.status
    return done(_("The data are destroyed."), url_for("cases.certificate", case_id=case_id))


@bp.get("/cases/<uuid:case_id>/certificate", permission=Permission.REQUEST_VIEW)
def certificate(case_id: uuid.UUID) -> ResponseReturnValue:
    """The certificate of disposal, to be printed."""
    found = use_cases.view_certificate(current_actor(), case_id)
    return render_template(
        "cases/rights_certificate.html", certificate=found, versions=in_four_languages(found), case_id=case_id
    )


@bp.get("/cases/<uuid:case_id>/certificate.txt", permission=Permission.REQUEST_VIEW)
def certificate_text(case_id: uuid.UUID) -> ResponseReturnValue:
    """The same as a text file."""
    found = use_cases.view_certificate(current_actor(), case_id)
    return download(
        as_text(found).encode(), f"{found.disposal.display_code}.txt", "text/plain; charset=utf-8"
    )


def download(content: bytes, name: str, content_type: str) -> Response:
    """A file to keep, never shown in the browser."""
    response = Response(content, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@bp.get("/retention", permission=Permission.RETENTION_APPROVE)
def retention_due() -> ResponseReturnValue:
    """Which records of the office are past their retention."""
    found = retention.list_due(current_actor())
    return render_template("cases/rights_retention.html", due=found, form=Form(ApproveRetentionSchema()))


@bp.post("/retention", permission=Permission.RETENTION_APPROVE)
def approve_retention() -> ResponseReturnValue:
    """Approves what was ticked."""
    form = Form(ApproveRetentionSchema(), request.form)
    if form.submit(retention.approve, current_actor()) is None:
        found = retention.list_due(current_actor())
        return render_template("cases/rights_retention.html", due=found, form=form), form.status
    return done(_("Approved. The administrator runs the destruction."), url_for("cases.retention_due"))
