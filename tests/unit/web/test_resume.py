"""What was typed before the session ended comes back to the same person only."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from flask import Flask, g, request

from casework.web.resume import FIELD, KEPT_SECONDS, carry, resume_page

OWNER, OTHER = uuid.UUID(int=11), uuid.UUID(int=12)
TYPED = {"note": "uzun <matn>", "form_key": "abc", "new_password": "sir", "csrf_token": "t"}


def carried(app: Flask, owner: uuid.UUID | None = OWNER, **options: object) -> dict[str, str]:
    with app.test_request_context("/cases/new?step=2", method="POST", data=TYPED, **options):
        if owner:
            g.last_staff_id = owner
        return carry(request)


def resumed(app: Flask, fields: dict[str, str], person: uuid.UUID) -> str | None:
    with app.test_request_context("/sign-in?lang=en", method="POST"):
        return resume_page(fields, person)


def test_gives_the_text_back_to_whoever_typed_it(demo: Flask) -> None:
    page = resumed(demo, carried(demo), OWNER)
    assert page is not None
    assert 'action="/cases/new?step=2"' in page
    assert 'name="note" value="uzun &lt;matn&gt;"' in page
    assert 'name="form_key" value="abc"' in page
    assert "sir" not in page


def test_gives_it_to_nobody_else(demo: Flask) -> None:
    assert resumed(demo, carried(demo), OTHER) is None
    assert resumed(demo, carried(demo, owner=None), OTHER) is not None


def test_hides_it_on_the_sign_in_page(demo: Flask) -> None:
    (token,) = carried(demo).values()
    assert "uzun" not in token


@pytest.mark.parametrize("broken", ["", "x", "gAAAAA", "\u0451"])
def test_takes_a_forged_package_for_none(demo: Flask, broken: str) -> None:
    assert resumed(demo, {FIELD: broken}, OWNER) is None
    assert resumed(demo, {}, OWNER) is None


def test_passes_the_package_on_when_the_first_password_was_wrong(demo: Flask) -> None:
    first = carried(demo)
    with demo.test_request_context("/sign-in", method="POST", data=first | {"username": "a"}):
        assert carry(request) == first


def test_forgets_it_when_it_is_older_than_a_session_may_be(
    demo: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    fields, now = carried(demo), time.time()
    monkeypatch.setattr(
        "cryptography.fernet.time.time", lambda: now + timedelta(seconds=KEPT_SECONDS + 1).total_seconds()
    )
    assert resumed(demo, fields, OWNER) is None


def test_keeps_nothing_that_another_site_sent(demo: Flask) -> None:
    assert carried(demo, headers={"Origin": "https://other.example"}) == {}
    assert carried(demo, headers={"Sec-Fetch-Site": "cross-site"}) == {}
    assert carried(demo, headers={"Origin": "http://localhost"}) != {}
