"""Every error becomes one calm page, or problem details (RFC 9457) for the JSON API, in this one place.

A page says what happened and what to do. It never shows the text of an exception. Its short reference code stands
in the log beside the request id, without any content.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from typing import Any

from flask import (
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from casework.access.actor import actor_or_none
from casework.core.errors import (
    Conflict,
    DomainError,
    IllegalMove,
    InvalidInput,
    NotSignedIn,
    TooManyAttempts,
    Unavailable,
)
from casework.vault.providers import KeyProblem
from casework.web import resume

log = logging.getLogger("casework.web")

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

TITLES: dict[int, Any] = {
    400: _l("This could not be read"),
    401: _l("Please sign in"),
    403: _l("This is not open to you"),
    404: _l("Nothing is here"),
    405: _l("This page cannot do that"),
    409: _l("Something changed meanwhile"),
    413: _l("This is too large"),
    422: _l("Something needs to be corrected"),
    429: _l("Please wait a little"),
    500: _l("Something went wrong here"),
    503: _l("The service is busy"),
}
ADVICE: dict[int, Any] = {
    400: _l("Go back, check what you sent and try again."),
    401: _l("Sign in to go on."),
    403: _l(
        "Your role does not allow this. If you need it for your work, ask your supervisor or the administrator."
    ),
    404: _l("The address may be wrong, or it leads to something that is not yours to open."),
    405: _l("Go back and use the buttons of the page."),
    409: _l("Go back, load the page again and look at what is there now."),
    413: _l("Send less at once, or a smaller file."),
    422: _l("Go back and check what you wrote."),
    429: _l("There were too many attempts. Wait a few minutes and try again."),
    500: _l(
        "Nothing was stored. Try again in a few minutes. If it happens again, tell the administrator this code."
    ),
    503: _l("Nothing was stored and nothing was lost. Try again in a minute."),
}


def init_app(app: Flask) -> None:
    """Registers the handlers of all errors."""
    app.log_exception = _log_without_content  # type: ignore[method-assign]
    app.register_error_handler(NotSignedIn, _not_signed_in)
    app.register_error_handler(CSRFError, _forged_or_outdated)
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(PoolTimeout, _busy)
    app.register_error_handler(IntegrityError, _crossed)
    app.register_error_handler(KeyProblem, _key_missing)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def new_reference() -> str:
    """A short code that a person can read out, like 7KMQ-42XD."""
    code = "".join(secrets.choice(_ALPHABET) for _place in range(8))
    return f"{code[:4]}-{code[4:]}"


def error_response(
    status: int,
    *,
    code: str = "",
    message: Any = None,
    lines: list[str] | None = None,
    written: list[tuple[str, str]] | None = None,
    reference: str | None = None,
) -> Response:
    """The page (or problem details) of a status, with a reference code that the log knows too."""
    if reference is None:
        reference = new_reference()
        _note(status, code, reference)
    title = str(TITLES.get(status, TITLES[500 if status >= 500 else 400]))
    advice = str(ADVICE.get(status, ADVICE[500 if status >= 500 else 400]))
    if _wants_json():
        problem = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "code": code or f"status_{status}",
        }
        problem |= {"detail": str(message or advice), "reference": reference}
        response = jsonify(problem)
        response.mimetype = "application/problem+json"
    else:
        page = render_template(
            "error.html",
            status=status,
            title=title,
            message=message,
            advice=advice,
            lines=lines or [],
            written=written or [],
            reference=reference,
        )
        response = make_response(page)
    response.status_code = status
    return response


def _wants_json() -> bool:
    return request.path.startswith("/api/")


def _note(status: int, code: str, reference: str, where: str = "") -> None:
    level = logging.ERROR if status >= 500 else logging.INFO
    route = request.url_rule.rule if request.url_rule else "unknown"
    log.log(
        level,
        "%s %s answered %s %s reference=%s request=%s%s",
        request.method,
        route,
        status,
        code,
        reference,
        g.get("request_id", "-"),
        where,
    )


def _not_signed_in(problem: NotSignedIn) -> ResponseReturnValue:
    if _wants_json() or "accounts.sign_in" not in current_app.view_functions:
        return error_response(401, code=problem.code)
    if request.method in ("GET", "HEAD"):
        return redirect(url_for("accounts.sign_in", next=request.full_path.removesuffix("?")), 302)
    fields = resume.carry(request)
    page = resume.sign_in_page(fields)
    if page is None:
        return redirect(url_for("accounts.sign_in"), 303)
    response = make_response(page)
    response.status_code = 401
    return response


def _forged_or_outdated(_problem: CSRFError) -> ResponseReturnValue:
    """A form without its token. If the session ended, sign in first; a page of ours may send again what was typed."""
    if resume.is_sign_in(request) and (page := resume.sign_in_page(resume.carry(request))) is not None:
        _note(400, "csrf", new_reference())
        return page, 400
    if actor_or_none() is None:
        return _not_signed_in(NotSignedIn())
    if not resume.sent_from_here(request) or _wants_json():
        return error_response(400, code="csrf")
    _note(400, "csrf", new_reference())
    return resume.resend_page(request.full_path.removesuffix("?"), resume.typed_fields(request), "token"), 400


def _domain_error(problem: DomainError) -> ResponseReturnValue:
    response = _offer_to_send_again(problem) or _page_of(problem)
    if isinstance(problem, TooManyAttempts):
        response.headers["Retry-After"] = str(problem.wait_seconds)
    elif isinstance(problem, Unavailable):
        response.headers["Retry-After"] = "5"
    return response


def _offer_to_send_again(problem: DomainError) -> Response | None:
    """What was typed, with a button to send it again, where that may go well the next time."""
    passing = isinstance(problem, Unavailable) or problem.message is Conflict.default
    if not passing or _wants_json():
        return None
    typed = resume.typed_here(request)
    if not typed:
        return None
    _note(problem.status, problem.code, new_reference())
    path = request.full_path.removesuffix("?")
    response = make_response(resume.resend_page(path, typed, "again", problem.message))
    response.status_code = problem.status
    return response


def _page_of(problem: DomainError) -> Response:
    lines: list[str] = []
    written: list[tuple[str, str]] = []
    if isinstance(problem, InvalidInput):
        lines = [str(message) for messages in problem.errors.values() for message in messages]
    if isinstance(problem, IllegalMove) and problem.possible:
        lines = [_("What is possible now:"), *(str(step) for step in problem.possible)]
    if isinstance(problem, Conflict):  # the step is gone, what was written for it is not
        written = resume.written(resume.typed_here(request))
    return error_response(
        problem.status, code=problem.code, message=problem.message, lines=lines, written=written
    )


def _busy(_problem: Exception) -> ResponseReturnValue:
    """The database cannot answer now."""
    return _domain_error(Unavailable())


def _crossed(problem: IntegrityError) -> ResponseReturnValue:
    """Two people wrote what only one of them could. The log says where, so that a mistake of the program is seen too."""
    _note(409, type(problem).__name__, "-", _where(problem))
    return _domain_error(Conflict())


def _key_missing(problem: KeyProblem) -> ResponseReturnValue:
    """A key is missing or wrong. The page says that it does not work now; the log says which key and what to do."""
    log.error("%s", problem)
    return _domain_error(Unavailable())


def _http_error(problem: HTTPException) -> ResponseReturnValue:
    status = problem.code or 500
    original = getattr(problem, "original_exception", None)
    if isinstance(original, DomainError):  # raised after the view, where Flask wraps it
        return _domain_error(original)
    if isinstance(original, OperationalError | PoolTimeout):
        return _busy(original)
    if problem.response is not None:
        return problem.response
    if status < 400:
        return problem.get_response()
    response = error_response(status)
    if isinstance(problem, MethodNotAllowed) and problem.valid_methods:
        response.headers["Allow"] = ", ".join(problem.valid_methods)
    return response


def _where(problem: BaseException | None) -> str:
    """Where it happened and nothing else: the text of an exception may hold what a person wrote."""
    frames = traceback.extract_tb(problem.__traceback__)[-12:] if problem else []
    return "".join(f"\n  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)


def _log_without_content(exc_info: Any) -> None:
    """In place of Flask's own, which logs the text of what was raised while a response was being finished."""
    _note(500, exc_info[0].__name__ if exc_info[0] else "", "-", _where(exc_info[1]))


def _unexpected(problem: Exception) -> ResponseReturnValue:
    propagate = current_app.config["PROPAGATE_EXCEPTIONS"]
    if propagate or (propagate is None and current_app.testing):
        raise problem
    reference = new_reference()
    _note(500, type(problem).__name__, reference, _where(problem))
    try:
        return error_response(500, reference=reference)
    except Exception:  # the page itself cannot be made: a plain one always can
        return Response(f"Something went wrong here. Code: {reference}\n", 500, mimetype="text/plain")
