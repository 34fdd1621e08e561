"""Pages for documents: always a download under a neutral name, never shown in the browser."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, cast

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from casework.access.actor import Actor, current_actor
from casework.access.permissions import Permission
from casework.cases.attachments import use_cases
from casework.cases.attachments.schemas import AddAttachmentSchema
from casework.cases.views.blueprint import bp
from casework.vault.files import SealedSpool
from casework.web.forms import Form
from casework.web.replies import done

ALL = "/cases/<uuid:case_id>/documents"
ONE = f"{ALL}/<uuid:attachment_id>"


class _Adding:
    """The use case with the file that came beside the form."""

    refused = use_cases.add_attachment.refused

    def __init__(self, case_id: uuid.UUID, spool: SealedSpool | None) -> None:
        self._case_id, self._spool = case_id, spool

    def __call__(self, actor: Actor, data: Mapping[str, Any]) -> object:
        return use_cases.add_attachment(actor, self._case_id, self._spool, data)


@bp.get(f"{ALL}/new", permission=Permission.ATTACHMENT_ADD)
def new_attachment(case_id: uuid.UUID) -> ResponseReturnValue:
    """The form for a document."""
    page = use_cases.add_page(current_actor(), case_id)
    return render_template("cases/attachment_new.html", page=page, form=Form(AddAttachmentSchema()), wrong="")


@bp.post(f"{ALL}/new", permission=Permission.ATTACHMENT_ADD)
def add_attachment(case_id: uuid.UUID) -> ResponseReturnValue:
    """Keeps the document."""
    form = Form(AddAttachmentSchema(), request.form)
    sent = request.files.get("file")
    spool = cast("SealedSpool", sent.stream) if sent is not None else None
    try:
        added = form.submit(_Adding(case_id, spool), current_actor())
    finally:
        if spool is not None:
            spool.close()
    if added is None:
        page = use_cases.add_page(current_actor(), case_id)
        wrong = " ".join(form.errors.pop("_form", []))  # the file is no field of the schema
        return render_template("cases/attachment_new.html", page=page, form=form, wrong=wrong), 422
    return done(_("The document is kept."), url_for("cases.show", case_id=case_id))


@bp.get(ONE, permission=Permission.ATTACHMENT_VIEW)
def attachment(case_id: uuid.UUID, attachment_id: uuid.UUID) -> ResponseReturnValue:
    """The document."""
    found = use_cases.download(current_actor(), case_id, attachment_id)
    response = Response(found.blocks, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{found.name}"'
    response.headers["Content-Length"] = str(found.size)
    return response


@bp.post(f"{ONE}/remove", permission=Permission.ATTACHMENT_REMOVE)
def remove_attachment(case_id: uuid.UUID, attachment_id: uuid.UUID) -> ResponseReturnValue:
    """Removes it."""
    use_cases.remove(current_actor(), case_id, attachment_id)
    return done(_("The document is removed."), url_for("cases.show", case_id=case_id))
