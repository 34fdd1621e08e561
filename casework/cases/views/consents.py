"""The pages about consent."""

from __future__ import annotations

import uuid

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.cases.schemas.consent import RecordConsentSchema, WithdrawConsentSchema
from casework.cases.use_cases import consent
from casework.cases.views.blueprint import bp
from casework.web.forms import Form
from casework.web.replies import done


@bp.get("/cases/<uuid:case_id>/consents", permission=Permission.CASE_VIEW)
def consents(case_id: uuid.UUID) -> ResponseReturnValue:
    """Every consent, and the form for one more."""
    page = consent.list_consents(current_actor(), case_id)
    return render_template("cases/consents.html", page=page, form=Form(RecordConsentSchema()))


@bp.post("/cases/<uuid:case_id>/consents", permission=Permission.CONSENT_RECORD)
def record_consent(case_id: uuid.UUID) -> ResponseReturnValue:
    """Records one answer."""
    form = Form(RecordConsentSchema(), request.form)
    if form.submit(consent.record_consent, current_actor(), case_id) is None:
        page = consent.list_consents(current_actor(), case_id)
        return render_template("cases/consents.html", page=page, form=form), form.status
    return done(_("The answer is recorded."), url_for("cases.consents", case_id=case_id))


@bp.get("/cases/<uuid:case_id>/consents/<uuid:consent_id>/withdraw", permission=Permission.CONSENT_RECORD)
def withdrawal(case_id: uuid.UUID, consent_id: uuid.UUID) -> ResponseReturnValue:
    """Asks for the last word."""
    page = consent.withdrawal_form(current_actor(), case_id, consent_id)
    return render_template("cases/withdraw.html", page=page, form=Form(WithdrawConsentSchema()))


@bp.post("/cases/<uuid:case_id>/consents/<uuid:consent_id>/withdraw", permission=Permission.CONSENT_RECORD)
def withdraw(case_id: uuid.UUID, consent_id: uuid.UUID) -> ResponseReturnValue:
    """Takes the consent back from today on."""
    form = Form(WithdrawConsentSchema(), request.form)
    if form.submit(consent.withdraw_consent, current_actor(), case_id, consent_id) is None:
        page = consent.withdrawal_form(current_actor(), case_id, consent_id)
        return render_template("cases/withdraw.html", page=page, form=form), form.status
    return done(_("The consent is withdrawn from today."), url_for("cases.consents", case_id=case_id))
