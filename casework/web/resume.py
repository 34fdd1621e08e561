"""Nothing typed is lost when a session ends: the typed fields travel through the sign-in page and are sent again.

They travel encrypted and signed inside one hidden field, so that whoever sits down at the sign-in page reads none of
them, and only the person who typed them gets them back.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, Request, current_app, g, render_template
from werkzeug.exceptions import HTTPException

from casework.access.actor import actor_or_none
from casework.web.replies import safe_next

FIELD = "_resume"
KEPT_SECONDS = 12 * 3600
"""As long as a session may last at most."""

SignInPage = Callable[[dict[str, str]], Any]
_KEY = "casework.sign_in_page"


def register_sign_in_page(app: Flask, show: SignInPage) -> None:
    """Registers what renders the sign-in page with the given hidden fields inside its form."""
    app.extensions[_KEY] = show


def sign_in_page(fields: dict[str, str]) -> Any | None:
    """The registered sign-in page carrying these fields; None when no room has registered one."""
    show: SignInPage | None = current_app.extensions.get(_KEY)
    return show(fields) if show is not None else None


def sent_from_here(request: Request) -> bool:
    """Whether the browser says that a page of ours sent this. Only then is anything that was sent shown or kept."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    if origin := request.headers.get("Origin"):
        return urlsplit(origin).netloc == request.host
    if referrer := request.referrer:
        return urlsplit(referrer).netloc == request.host
    return True


def is_sign_in(request: Request) -> bool:
    """Whether this is the sign-in form itself: what is typed there is never kept."""
    return (request.endpoint or "").startswith("accounts.sign_in")


def typed_fields(request: Request) -> list[tuple[str, str]]:
    """What was typed, in order; no password, no token."""
    skipped = {"csrf_token", FIELD}
    return [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in skipped and "password" not in name
    ]


def typed_here(request: Request) -> list[tuple[str, str]]:
    """What a form of ours brought and a page may give back; nothing when it holds no more than unseen fields."""
    if request.method != "POST" or is_sign_in(request) or not sent_from_here(request):
        return []
    try:
        fields = typed_fields(request)
    except HTTPException:  # too large, or no form at all
        return []
    return fields if written(fields) else []


def written(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of these fields what a person wrote or chose."""
    return [
        (name, value)
        for name, value in fields
        if name not in ("form_key", "version") and not name.startswith("_") and value.strip()
    ]


def carry(request: Request) -> dict[str, str]:
    """Hidden fields for the sign-in form: what was typed before, or what the sign-in form itself already carries."""
    if carried := request.form.get(FIELD):
        return {FIELD: carried} if _opened(carried) else {}
    if request.method != "POST" or is_sign_in(request) or not sent_from_here(request):
        return {}
    typed = typed_fields(request)
    owner = g.get("last_staff_id")
    path = request.full_path.removesuffix("?")
    sealed = {"path": path, "fields": typed, "owner": str(owner) if owner else ""}
    return {FIELD: _cipher().encrypt(json.dumps(sealed).encode()).decode()} if typed else {}


def resume_page(fields: Mapping[str, str], staff_id: uuid.UUID | None = None) -> str | None:
    """After a sign-in: the page that sends the typed fields again; None when there are none, or another typed them.

    `fields` is the posted sign-in form, `staff_id` who has just signed in (else the actor of the request).
    """
    opened = _opened(fields.get(FIELD, ""))
    if opened is None:
        return None
    actor = actor_or_none()
    person = staff_id or (actor.id if actor else None)
    if opened["owner"] and opened["owner"] != str(person):
        return None
    return resend_page(opened["path"], opened["fields"], "resume")


def resend_page(path: str, fields: Iterable[Iterable[str]], reason: str, message: Any = None) -> str:
    """The page that shows what was typed and sends it again with a fresh token.

    `reason` is "resume", "token", or "again" with a `message` that says why it did not go well.
    """
    pairs = [(name, value) for name, value in fields]
    return render_template(
        "resend.html",
        path=safe_next(path),
        fields=pairs,
        written=written(pairs),
        reason=reason,
        message=message,
    )


def _opened(carried: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(_cipher().decrypt(carried.encode(), ttl=KEPT_SECONDS))
    except (InvalidToken, ValueError):
        return None
    return found


def _cipher() -> Fernet:
    secret = current_app.secret_key or ""
    secret_bytes = secret.encode() if isinstance(secret, str) else secret
    key = HKDF(SHA256(), 32, salt=None, info=b"casework/resume/v1").derive(secret_bytes)
    return Fernet(base64.urlsafe_b64encode(key))
