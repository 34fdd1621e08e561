"""Exports: asking for one, seeing how far it is, fetching it."""

from __future__ import annotations

import uuid

from flask import render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.audit import use_cases
from casework.audit.export_jobs import KEPT, PROBLEMS
from casework.audit.schemas import FORMATS, ExportEvents
from casework.audit.views.blueprint import audit
from casework.core import clock
from casework.web.forms import Form
from casework.web.replies import done


@audit.get("/export", permission=Permission.AUDIT_EXPORT)
def export_form() -> ResponseReturnValue:
    """Asks what to export, and why; below, one's own exports."""
    form = Form(ExportEvents(), initial={"format": "pack"})
    return _page(form), 200


@audit.post("/export", permission=Permission.AUDIT_EXPORT)
def export() -> ResponseReturnValue:
    """Asks for the export; the worker writes it."""
    form = Form(ExportEvents(), request.form)
    job = form.submit(use_cases.ask_export, current_actor())
    if job is None:
        return _page(form), form.status
    return done(_("The export was asked for."), url_for("audit.export_state", job_id=job.id))


def _page(form: Form) -> str:
    jobs = use_cases.prepare_export(current_actor())
    return render_template("audit/export.html", form=form, jobs=jobs, formats=dict(FORMATS), states=_states())


@audit.get("/exports/<uuid:job_id>", permission=Permission.AUDIT_EXPORT)
def export_state(job_id: uuid.UUID) -> ResponseReturnValue:
    """How far an export is; when it is done, count, SHA-256 and the file."""
    job = use_cases.view_export(current_actor(), job_id)
    return render_template(
        "audit/export_state.html",
        job=job,
        formats=dict(FORMATS),
        states=_states(),
        problems=PROBLEMS,
        kept_until=job.finished_at + KEPT if job.finished_at else None,
        waits_long=job.state == "waiting" and (clock.now() - job.requested_at).total_seconds() > 60,
    )


@audit.get("/exports/<uuid:job_id>/file", permission=Permission.AUDIT_EXPORT)
def export_file(job_id: uuid.UUID) -> ResponseReturnValue:
    """The file, for whoever asked for it, for a day."""
    path, name = use_cases.download_export(current_actor(), job_id)
    return send_file(path, "application/octet-stream", as_attachment=True, download_name=name)


def _states() -> dict[str, str]:
    return {
        "waiting": _("Waiting"),
        "running": _("Being written"),
        "done": _("Ready"),
        "failed": _("Failed"),
        "dropped": _("Removed after a day"),
    }
