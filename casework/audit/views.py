"""The auditor's pages: the log, one event, the export."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator

from flask import Flask, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from casework.access.actor import current_actor
from casework.access.blueprint import ProtectedBlueprint
from casework.access.permissions import Permission
from casework.access.policy import register
from casework.audit import policy, queries, use_cases, words
from casework.audit.boundary import acting
from casework.audit.schemas import ExportEvents, FilterEvents
from casework.audit.use_cases import Export
from casework.audit.verify import csv_header, csv_lines, csv_row
from casework.core import clock
from casework.web.forms import Form
from casework.web.navigation import NavItem, register_nav

audit = ProtectedBlueprint("audit", __name__, url_prefix="/audit", template_folder="templates")

CHUNK = 500


def init_app(app: Flask) -> None:
    """Opens the auditor's pages."""
    register(policy.RULES)
    register_nav(
        app,
        NavItem("audit.log", _l("Audit log"), Permission.AUDIT_VIEW, order=60),
        NavItem("audit.export_form", _l("Export"), Permission.AUDIT_EXPORT, order=61),
    )
    app.register_blueprint(audit)


@audit.get("", permission=Permission.AUDIT_VIEW)
def log() -> ResponseReturnValue:
    """The log, newest first, narrowed by the filter in the address."""
    schema = FilterEvents()
    asked = MultiDict(
        (name, value) for name, value in request.args.items(multi=True) if name in schema.load_fields
    )
    form = Form(schema, asked)
    before, after = (request.args.get(name, type=int) for name in ("before", "after"))
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
    return render_template("audit/event.html", page=page, words=words, exact=page.event.body.decode())


@audit.get("/export", permission=Permission.AUDIT_EXPORT)
def export_form() -> ResponseReturnValue:
    """Asks what to export, and why."""
    use_cases.prepare_export(current_actor())
    return render_template("audit/export.html", form=Form(ExportEvents(), initial={"format": "jsonl"}))


@audit.post("/export", permission=Permission.AUDIT_EXPORT)
def export() -> ResponseReturnValue:
    """Sends the file. Its beginning is on record before the first byte, its end with count and SHA-256."""
    form = Form(ExportEvents(), request.form)
    begun = form.submit(use_cases.begin_export, current_actor())
    if begun is None:
        return render_template("audit/export.html", form=form), form.status
    name = f"audit-{clock.today().isoformat()}.{begun.format}"
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    kind = "application/jsonl" if begun.format == "jsonl" else "text/csv"
    response = Response(_sent(app, begun), content_type=f"{kind}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _sent(app: Flask, export: Export) -> Iterator[bytes]:
    """The bytes of the file; when the last has gone, the event that says so."""
    digest, count = hashlib.sha256(), 0
    with app.app_context():
        for chunk, number in _chunks(export):
            digest.update(chunk)
            count += number
            yield chunk
        with acting(export.actor, "export"):
            use_cases.end_export(export.actor, count, digest.digest())


def _chunks(export: Export) -> Iterator[tuple[bytes, int]]:
    lines: list[bytes] = []
    rows: list[list[str]] = []
    if export.format == "csv":
        yield csv_header(), 0
    for number, leaf_hash, body in queries.bodies(export.wanted, export.up_to):
        if export.format == "csv":
            rows.append(csv_row(number, leaf_hash, json.loads(body)))
        else:
            lines.append(body + b"\n")
        if len(lines) + len(rows) == CHUNK:
            yield (csv_lines(rows) if rows else b"".join(lines)), CHUNK
            lines, rows = [], []
    if lines or rows:
        yield (csv_lines(rows) if rows else b"".join(lines)), len(lines) + len(rows)
