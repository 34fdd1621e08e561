"""Unusual access, the signed state of the log, and what becomes of old events."""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.audit import retention, use_cases, verifications
from casework.audit.schemas import NothingToType, UnusualDays
from casework.audit.views.blueprint import audit
from casework.core import clock
from casework.web.forms import Form
from casework.web.replies import done

FIRST_SPAN = timedelta(days=6)
"""Before anybody chooses: today and the six days before."""


@audit.get("/unusual", permission=Permission.AUDIT_VIEW)
def unusual_access() -> ResponseReturnValue:
    """What the rules found in some days, the last seven when none are named."""
    schema = UnusualDays()
    last_days = {"since": clock.today() - FIRST_SPAN, "until": clock.today()}
    asked = MultiDict((name, request.args[name]) for name in schema.load_fields if request.args.get(name))
    if not asked:
        form = Form(schema, initial=last_days)
        return render_template(
            "audit/unusual.html", form=form, page=use_cases.view_unusual(current_actor(), last_days)
        )
    form = Form(schema, asked)
    page = form.submit(use_cases.view_unusual, current_actor())
    return render_template("audit/unusual.html", form=form, page=page), form.status


@audit.get("/checkpoint", permission=Permission.AUDIT_VIEW)
def checkpoint() -> ResponseReturnValue:
    """What proves the log, and how to check it."""
    page = use_cases.view_checkpoint(current_actor())
    waited = int(page.health.oldest_pending.total_seconds())
    return render_template(
        "audit/checkpoint.html", page=page, waited=waited, break_in_words=verifications.in_words
    )


@audit.post("/checkpoint/verify", permission=Permission.AUDIT_VIEW)
def verify_now() -> ResponseReturnValue:
    """Asks the worker to verify the log."""
    verifications.ask_verification(current_actor())
    return done(_("The verification was asked for. Look at this page again."), url_for("audit.checkpoint"))


@audit.get("/retention", permission=Permission.AUDIT_RETAIN)
def retention_page() -> ResponseReturnValue:
    """What could be dropped of old events, and what was asked."""
    return _retention(Form(NothingToType()))


@audit.post("/retention", permission=Permission.AUDIT_RETAIN)
def ask_retention() -> ResponseReturnValue:
    """Asks that it be dropped."""
    form = Form(NothingToType(), request.form)
    if form.submit(lambda _data: retention.request_retention(current_actor())) is None:
        return _retention(form)
    return done(_("It was asked. Somebody else has to approve it."), url_for("audit.retention_page"))


@audit.post("/retention/<uuid:retention_id>/approve", permission=Permission.AUDIT_RETAIN)
def approve_retention(retention_id: uuid.UUID) -> ResponseReturnValue:
    """Approves what somebody else asked."""
    form = Form(NothingToType(), request.form)

    def approve(_data: object) -> bool:
        retention.approve_retention(current_actor(), retention_id)
        return True

    if not form.submit(approve):
        return _retention(form)
    return done(_("It is approved."), url_for("audit.retention_page"))


def _retention(form: Form) -> ResponseReturnValue:
    page = use_cases.view_retention(current_actor())
    return render_template("audit/retention.html", form=form, page=page), form.status
