"""Signing in and out."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from casework.access.actor import SYSTEM, actor_or_none, current_actor
from casework.access.blueprint import PUBLIC
from casework.access.permissions import Permission
from casework.accounts import sessions, sign_in
from casework.accounts.schemas import SignInSchema
from casework.accounts.views.blueprint import bp
from casework.core.errors import TooManyAttempts
from casework.core.unit_of_work import rollback
from casework.web import resume
from casework.web.forms import Form
from casework.web.languages import LANGUAGES
from casework.web.replies import safe_next

NEXT = "_next"
_LOCALES = {language.tag: language.locale for language in LANGUAGES}


def sign_in_page(carried: dict[str, str]) -> str:
    """The empty sign-in page, carrying what was typed elsewhere when the session ended."""
    return _page(Form(SignInSchema()), carried)


def _page(form: Form, carried: dict[str, str]) -> str:
    kept = {name: value for name, value in carried.items() if value}
    return render_template("accounts/sign_in.html", form=form, carried=kept, interrupted=resume.FIELD in kept)


@bp.get("/sign-in", permission=PUBLIC, endpoint="sign_in")
def show_sign_in() -> ResponseReturnValue:
    """The sign-in page; whoever is signed in goes on."""
    wanted = request.args.get("next", "")
    if actor_or_none() is not None:
        return redirect(safe_next(wanted), 303)
    return _page(Form(SignInSchema()), {NEXT: safe_next(wanted, "")})


@bp.post("/sign-in", permission=PUBLIC, endpoint="sign_in_now")
def sign_in_now() -> ResponseReturnValue:
    """Opens a session and goes on to where the person wanted to be, or to what they were writing."""
    form = Form(SignInSchema(), MultiDict(request.form))
    carried = {NEXT: safe_next(request.form.get(NEXT), "")} | resume.carry(request)
    door = sign_in.Door(
        address=request.remote_addr or "",
        old_token=sessions.token_of_request(),
        locale=_LOCALES.get(sessions.wished_language() or ""),
    )
    try:
        token = form.submit(sign_in.sign_in, SYSTEM, door)
    except TooManyAttempts as problem:
        rollback()
        form.add_error("_form", problem.message)
        response = make_response(_page(form, carried), problem.status)
        response.headers["Retry-After"] = str(problem.wait_seconds)
        return response
    if token is None:
        return _page(form, carried), form.status
    actor = sessions.enter(token)
    resumed = resume.resume_page(request.form, actor.id)
    if resumed is not None:
        return resumed
    return redirect(safe_next(request.form.get(NEXT)), 303)


@bp.post("/sign-out", permission=Permission.ACCOUNT_USE, endpoint="sign_out")
def sign_out_now() -> ResponseReturnValue:
    """Ends the session."""
    sign_in.sign_out(current_actor(), sessions.token_of_request())
    sessions.leave()
    flash(_("You have signed out."), "success")
    return redirect(url_for("accounts.sign_in"), 303)
