"""Every error is one calm page with a code, and its text stays inside."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable

import pytest
from flask import Flask, Response, abort
from sqlalchemy.exc import IntegrityError, OperationalError

from casework.core import errors as domain
from casework.web.resume import FIELD, register_sign_in_page
from tests.unit.web.demo import WORKER, make_demo

CANARY = "Kanareyka Qushova"
REFERENCE = re.compile(r"\b[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}\b")

PROBLEMS: dict[str, tuple[Exception, int]] = {
    "denied": (domain.Denied(), 403),
    "not-found": (domain.NotFound(), 404),
    "invalid": (domain.InvalidInput({"x": ["Write more."]}), 422),
    "stale": (domain.StaleVersion({"x": CANARY}, 2), 409),
    "move": (domain.IllegalMove(["Accept", "Decline"]), 409),
    "attempts": (domain.TooManyAttempts(300), 429),
    "unavailable": (domain.Unavailable(), 503),
    "database": (OperationalError(f"INSERT {CANARY}", {"name": CANARY}, Exception(CANARY)), 503),
    "unexpected": (KeyError(CANARY), 500),
}


@pytest.fixture
def failing() -> Flask:
    app = make_demo(WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    app.config["MAX_CONTENT_LENGTH"] = 1000

    @app.get("/fail/<name>")
    @app.get("/api/v1/fail/<name>", endpoint="api")
    def fail(name: str) -> str:
        raise PROBLEMS[name][0]

    @app.get("/abort/<int:status>")
    def stop(status: int) -> str:
        abort(status)

    return app


@pytest.mark.parametrize("name", PROBLEMS)
def test_answers_with_the_status_and_a_code_and_tells_no_content(
    failing: Flask, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = failing.test_client().get(f"/fail/{name}?lang=en")
    assert answer.status_code == PROBLEMS[name][1]
    assert CANARY not in answer.text
    assert CANARY not in caplog.text
    reference = REFERENCE.search(answer.text)
    assert reference is not None
    assert reference[0] in caplog.text


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503])
def test_has_a_page_for_every_http_error(failing: Flask, status: int) -> None:
    answer = failing.test_client().get(f"/abort/{status}?lang=en")
    assert answer.status_code == status
    assert REFERENCE.search(answer.text)
    assert "<h1" in answer.text


@pytest.mark.parametrize(("name", "status"), [("move", 409), ("unexpected", 500)])
def test_answers_calmly_when_finishing_the_response_fails(
    failing: Flask, name: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [PROBLEMS[name][0]]

    @failing.after_request
    def fail_once(response: Response) -> Response:
        if broken:
            raise broken.pop()
        return response

    answer = failing.test_client().get("/panels")
    assert answer.status_code == status
    assert CANARY not in answer.text + caplog.text


def test_says_what_is_possible_instead(failing: Flask) -> None:
    text = failing.test_client().get("/fail/move?lang=en").text
    assert "Accept" in text
    assert "Decline" in text


def test_says_when_to_come_back(failing: Flask) -> None:
    client = failing.test_client()
    assert client.get("/fail/attempts").headers["Retry-After"] == "300"
    assert client.get("/fail/unavailable").headers["Retry-After"] == "5"


def test_says_which_methods_a_page_has(failing: Flask) -> None:
    answer = failing.test_client().post("/panels")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_refuses_a_form_that_is_too_large_with_a_page(failing: Flask) -> None:
    answer = failing.test_client().post("/?lang=en", data={"note": "x" * 2000})
    assert answer.status_code == 413
    assert "too large" in answer.text


def test_answers_the_api_with_problem_details(failing: Flask) -> None:
    answer = failing.test_client().get("/api/v1/fail/move?lang=en")
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == 409
    assert answer.get_json()["code"] == "illegal_move"


def test_still_answers_when_the_page_of_the_error_fails_too(
    failing: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casework.web.errors.render_template", lambda *_a, **_k: 1 / 0)
    answer = failing.test_client().get("/fail/unexpected")
    assert answer.status_code == 500
    assert REFERENCE.search(answer.text)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_sends_a_stranger_to_sign_in_and_back() -> None:
    app = make_demo()
    app.add_url_rule("/sign-in", "accounts.sign_in", lambda: "sign in")

    @app.get("/cases/<uuid:case_id>")
    def case(case_id: uuid.UUID) -> str:
        raise domain.NotSignedIn()

    case_id = uuid.UUID(int=4)
    answer = app.test_client().get(f"/cases/{case_id}?tab=plan")
    assert (answer.status_code, answer.location) == (302, f"/sign-in?next=/cases/{case_id}?tab%3Dplan")


def test_keeps_the_typed_text_of_a_form_whose_token_is_outdated() -> None:
    client = make_demo(actor=WORKER).test_client()
    client.get("/")
    answer = client.post(
        "/?lang=en", data={"given_name": "Namuna", "note": "<b>long</b>", "pin": "x", "csrf_token": "old"}
    )
    assert answer.status_code == 400
    assert "What you wrote is kept" in answer.text
    assert 'name="note" value="&lt;b&gt;long&lt;/b&gt;"' in answer.text
    token = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
    assert token is not None
    again = client.post("/", data={"given_name": "1", "note": "<b>long</b>", "csrf_token": token[1]})
    assert again.status_code == 422


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://other.example"}])
def test_shows_nothing_of_a_form_that_another_site_sent(headers: dict[str, str]) -> None:
    client = make_demo(actor=WORKER).test_client()
    client.get("/")
    answer = client.post("/", data={"note": "planted"}, headers=headers)
    assert answer.status_code == 400
    assert "planted" not in answer.text


def test_carries_typed_text_through_the_sign_in_page_when_the_session_is_gone() -> None:
    app = make_demo()
    app.add_url_rule("/sign-in", "accounts.sign_in", lambda: "sign in")
    register_sign_in_page(app, lambda fields: f"sign in here {sorted(fields)}")
    answer = app.test_client().post("/", data={"note": "long text"})
    assert answer.status_code == 401
    assert FIELD in answer.text
    assert "long text" not in answer.text


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (domain.Unavailable(), 503),
        (OperationalError("UPDATE", {}, Exception()), 503),
        (domain.Conflict(), 409),
        (IntegrityError("INSERT", {}, Exception()), 409),
    ],
)
def test_gives_back_what_was_typed_when_it_could_not_be_stored_now(problem: Exception, status: int) -> None:
    app = make_demo(actor=WORKER, WTF_CSRF_ENABLED=False)
    app.add_url_rule("/busy", "busy", _raising(problem), methods=["POST"])
    answer = app.test_client().post(
        "/busy?lang=en",
        data={"note": "long text", "version": "3", "new_password": "open sesame", "_step": ""},
    )
    assert answer.status_code == status
    assert 'name="note" value="long text"' in answer.text
    assert 'name="version" value="3"' in answer.text
    assert "open sesame" not in answer.text
    assert str(domain.Unavailable.default if status == 503 else domain.Conflict.default) in answer.text


def test_gives_nothing_back_of_a_form_that_another_site_sent_to_a_busy_service() -> None:
    app = make_demo(actor=WORKER, WTF_CSRF_ENABLED=False)
    app.add_url_rule("/busy", "busy", _raising(domain.Unavailable()), methods=["POST"])
    answer = app.test_client().post(
        "/busy", data={"note": "planted"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 503
    assert "planted" not in answer.text


def test_shows_what_was_typed_for_a_step_that_is_gone_but_no_button_to_send_it_again() -> None:
    app = make_demo(actor=WORKER, WTF_CSRF_ENABLED=False)
    app.add_url_rule("/gone", "gone", _raising(domain.IllegalMove(["Accept"])), methods=["POST"])
    answer = app.test_client().post("/gone?lang=en", data={"text": "my question"})
    assert answer.status_code == 409
    assert "my question" in answer.text
    assert "Accept" in answer.text
    assert 'name="text"' not in answer.text


def _raising(problem: Exception) -> Callable[[], str]:
    def view() -> str:
        raise problem

    return view
