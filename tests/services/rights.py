"""A case with everything in it, and a request to destroy it: for tests of erasure, copies and retention."""

from __future__ import annotations

import io
import uuid
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import EnvironBuilder, TestResponse

from tests.services import staff
from tests.services.cases import CANARY, SUPPORT, Office, open_case

REASON = {"decision": "granted"}


def a_picture(size: tuple[int, int] = (40, 30), kind: str = "JPEG", **more: Any) -> bytes:
    """A small picture."""
    made = io.BytesIO()
    Image.new("RGB", size, (10, 120, 200)).save(made, kind, **more)
    return made.getvalue()


def upload(
    client: FlaskClient,
    case_id: uuid.UUID,
    content: bytes,
    name: str = "scan.jpg",
    description: str = "Paper",
) -> TestResponse:
    """Sends a document through the page."""
    path = f"/cases/{case_id}/documents/new"
    carried = staff.hidden(client.get(path))
    sent = {**carried, "description": description, "file": (io.BytesIO(content), name)}
    builder = EnvironBuilder(path, method="POST", data=sent, content_type="multipart/form-data")
    environ = builder.get_environ()
    builder.close()
    try:
        return client.open(environ)
    finally:
        environ["wsgi.input"].close()  # a large body is a temporary file of the test client


def full_case(office: Office, client: FlaskClient) -> uuid.UUID:
    """A case of the canary with support, a draft, a phone, a number and a document."""
    case_id = open_case(
        office,
        client,
        phone="+998901234567",
        phone_owner="self",
        safe_to_call="yes",
        identifier_type="national_id",
        identifier_value="30503901234567",
    )
    form = f"/cases/{case_id}/support/psychosocial/new"
    note = {"note": f"{CANARY} {CANARY}", "next_step": CANARY}
    for action in ("save", "draft"):
        answer = staff.post(client, form, {**SUPPORT["psychosocial"], **note, "action": action})
        assert answer.status_code == 303, answer.get_data(as_text=True)
    sent = upload(client, case_id, f"Text of {CANARY}".encode() * 10_000, "t.txt", f"Letter of {CANARY}")
    assert sent.status_code == 303, sent.get_data(as_text=True)
    return case_id


def record(client: FlaskClient, case_id: uuid.UUID, kind: str, **more: Any) -> uuid.UUID:
    """Records a request with the identity checked; its id."""
    typed = {"type": kind, "received_on": "20.11.2026", "identity_checked": "yes", "asked": CANARY} | more
    answer = staff.post(
        client, f"/cases/{case_id}/requests", {k: v for k, v in typed.items() if v is not None}
    )
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return uuid.UUID(answer.location.rstrip("/").rsplit("/", 1)[1])


def approve(client: FlaskClient, case_id: uuid.UUID, request_id: uuid.UUID) -> None:
    """Decides to do what was asked."""
    answer = staff.post(client, f"/cases/{case_id}/requests/{request_id}", REASON)
    assert answer.status_code == 303, answer.get_data(as_text=True)


def code_of(app: Flask, case_id: uuid.UUID) -> str:
    """The display code of a case."""
    from casework.access.actor import SYSTEM, acting_as
    from casework.access.row_security import bind_actor
    from casework.cases.models import Case
    from casework.core.database import db

    with app.app_context(), acting_as(SYSTEM):
        bind_actor(SYSTEM)
        code = db.session.get_one(Case, case_id).display_code
        db.session.remove()
    return code
