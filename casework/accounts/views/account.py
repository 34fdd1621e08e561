"""One's own account."""

from __future__ import annotations

import uuid

from flask import render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.accounts import places, sign_in
from casework.accounts.schemas import ChangePasswordSchema, LanguageSchema
from casework.accounts.views.blueprint import bp
from casework.core.pack import load_pack
from casework.web.forms import Form
from casework.web.languages import LANGUAGES
from casework.web.replies import done

_TAGS = {language.locale: language.tag for language in LANGUAGES}


@bp.get("/account", permission=Permission.ACCOUNT_USE)
def account() -> ResponseReturnValue:
    """Who one is here, in which language, and where one is signed in."""
    return _account_page(None), 200


def _account_page(form: Form | None) -> str:
    found = sign_in.view_account(current_actor())
    staff = found.staff
    domain = load_pack().value_set("domain").label(staff.domain) if staff.domain else None
    return render_template(
        "accounts/account.html",
        staff=staff,
        role=current_actor().role,
        domain=domain,
        office=[step.name for step in places.REGISTER.path(staff.place_id)] if staff.place_id else [],
        form=form or Form(LanguageSchema(), initial={"locale": staff.locale}),
        sessions=found.sessions,
        present=found.present,
    )


@bp.post("/account/language", permission=Permission.ACCOUNT_USE)
def change_language() -> ResponseReturnValue:
    """Stores one's language."""
    form = Form(LanguageSchema(), request.form)
    form.submit(sign_in.choose_language, current_actor())
    if form.errors:
        return _account_page(form), form.status
    locale = request.form["locale"]
    session["lang"] = _TAGS[locale]
    with force_locale(locale):
        return done(_("Your language is stored."), url_for("accounts.account"))


@bp.get("/account/password", permission=Permission.ACCOUNT_USE)
def password() -> ResponseReturnValue:
    """The page for one's own password."""
    staff = sign_in.view_password_page(current_actor())
    return render_template(
        "accounts/password.html", form=Form(ChangePasswordSchema()), forced=staff.must_change_password
    )


@bp.post("/account/password", permission=Permission.ACCOUNT_USE)
def change_password() -> ResponseReturnValue:
    """Replaces one's own password."""
    form = Form(ChangePasswordSchema(), request.form)
    form.submit(sign_in.change_password, current_actor())
    if form.errors:
        return render_template("accounts/password.html", form=form, forced=False), form.status
    return done(_("Your password is changed. Your other sessions have ended."), url_for("accounts.account"))


@bp.post("/account/sessions/<uuid:session_id>/end", permission=Permission.ACCOUNT_USE)
def end_own_session(session_id: uuid.UUID) -> ResponseReturnValue:
    """Ends one of one's own sessions."""
    sign_in.end_session(current_actor(), session_id)
    return done(_("The session has ended."), url_for("accounts.account"))


@bp.post("/account/sessions/end-others", permission=Permission.ACCOUNT_USE)
def end_other_sessions() -> ResponseReturnValue:
    """Ends all of one's own sessions but this one."""
    sign_in.end_other_sessions(current_actor())
    return done(_("Your other sessions have ended."), url_for("accounts.account"))
