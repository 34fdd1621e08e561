"""Signing in and out, sessions, and the throttle."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.accounts.models import SignInAttempt, Staff, StaffSession
from casework.core import clock
from casework.core.database import db
from tests.integration.accounts.conftest import Events
from tests.services.staff import PASSWORD, hidden, post, sign_in

pytestmark = pytest.mark.both_engines
NOON = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


def _sessions(app: Flask) -> list[StaffSession]:
    with app.app_context():
        rows = list(
            db.session.scalars(db.select(StaffSession).order_by(StaffSession.created_at, StaffSession.id))
        )
        db.session.remove()
    return rows


def test_signs_in_and_goes_to_the_page_that_was_wanted(
    client: FlaskClient, admin: uuid.UUID, events: Events
) -> None:
    asked = client.get("/admin/staff?part=ad")
    assert asked.status_code == 302
    carried = hidden(client.get(asked.location))
    answer = client.post(
        "/sign-in",
        data={**carried, "username": "admin", "password": PASSWORD, "_next": "/admin/staff?part=ad"},
    )
    assert (answer.status_code, answer.location) == (303, "/admin/staff?part=ad")
    assert client.get(answer.location).status_code == 200
    last = events()[-2]
    assert (last["code"], last["outcome"], last["agent_id"]) == ("auth.signed_in", "success", str(admin))
    assert last["session_hash"]


@pytest.mark.parametrize("username", ["ADMIN", " admin ", "ａｄｍｉｎ"])
def test_a_user_name_is_the_same_in_any_writing(client: FlaskClient, admin: uuid.UUID, username: str) -> None:
    assert sign_in(client, username).status_code == 303


def test_never_leads_to_another_site(client: FlaskClient, admin: uuid.UUID) -> None:
    answer = post(client, "/sign-in", {"username": "admin", "password": PASSWORD, "_next": "//evil.example/"})
    assert answer.location == "/"


@pytest.mark.parametrize(("username", "password"), [("admin", "wrong"), ("nobody", PASSWORD)])
def test_wrong_name_and_wrong_password_read_the_same(
    client: FlaskClient, admin: uuid.UUID, events: Events, username: str, password: str
) -> None:
    answer = sign_in(client, username, password)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "The user name or the password is not right." in page
    assert password not in page
    last = events()[-1]
    assert (last["code"], last["outcome"], last["agent_id"]) == ("auth.sign_in_failed", "error", None)
    assert "nobody" not in str(last)


def test_a_form_without_a_password_is_a_failed_sign_in_too(client: FlaskClient, events: Events) -> None:
    assert sign_in(client, "admin", "").status_code == 422
    assert events()[-1]["outcome"] == "error"


def test_the_cookie_holds_a_token_and_the_database_only_its_hash(
    app: Flask, client: FlaskClient, admin: uuid.UUID
) -> None:
    sign_in(client, "admin")
    with client.session_transaction() as cookie:
        token = cookie["_user_id"]
        assert str(admin) not in str(dict(cookie))
    assert [row.token_hash for row in _sessions(app)] == [hashlib.sha256(token.encode()).hexdigest()]


def test_signing_in_again_makes_a_new_token_and_ends_the_old_session(
    app: Flask, client: FlaskClient, admin: uuid.UUID
) -> None:
    sign_in(client, "admin")
    with client.session_transaction() as cookie:
        first = cookie["_user_id"]
    carried = hidden(client.get("/account"))
    client.post("/sign-in", data={**carried, "username": "admin", "password": PASSWORD})
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] != first
    revoked = {row.token_hash: row.revoked_at is not None for row in _sessions(app)}
    assert revoked[hashlib.sha256(first.encode()).hexdigest()]
    assert sorted(revoked.values()) == [False, True]


def test_a_token_planted_before_the_sign_in_opens_nothing(client: FlaskClient, admin: uuid.UUID) -> None:
    with client.session_transaction() as cookie:
        cookie["_user_id"] = "planted"
    sign_in(client, "admin")
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] != "planted"


def test_after_signing_out_the_old_cookie_opens_nothing(
    client: FlaskClient, admin: uuid.UUID, events: Events
) -> None:
    sign_in(client, "admin")
    with client.session_transaction() as cookie:
        kept = dict(cookie)
    answer = client.post("/sign-out", data=hidden(client.get("/account")))
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert events()[-1]["code"] == "auth.signed_out"
    with client.session_transaction() as cookie:
        cookie.update(kept)
    assert client.get("/account").status_code == 302


def test_an_idle_session_ends_after_half_an_hour(client: FlaskClient, admin: uuid.UUID) -> None:
    with clock.frozen(NOON):
        sign_in(client, "admin")
    with clock.frozen(NOON + timedelta(minutes=29)):
        assert client.get("/account").status_code == 200
    with clock.frozen(NOON + timedelta(minutes=58)):
        assert client.get("/account").status_code == 200
    with clock.frozen(NOON + timedelta(minutes=89)):
        assert client.get("/account").status_code == 302


def test_a_busy_session_ends_after_twelve_hours(client: FlaskClient, admin: uuid.UUID) -> None:
    moment = NOON
    with clock.frozen(moment):
        sign_in(client, "admin")
    for _page in range(28):
        moment += timedelta(minutes=25)
        with clock.frozen(moment):
            assert client.get("/account").status_code == 200
    with clock.frozen(NOON + timedelta(hours=12, minutes=1)):
        assert client.get("/account").status_code == 302


def test_last_seen_is_written_at_most_once_a_minute(
    app: Flask, client: FlaskClient, admin: uuid.UUID
) -> None:
    with clock.frozen(NOON):
        sign_in(client, "admin")
    with clock.frozen(NOON + timedelta(seconds=59)):
        client.get("/account")
    assert _sessions(app)[0].last_seen_at == NOON
    with clock.frozen(NOON + timedelta(seconds=60)):
        client.get("/account")
    assert _sessions(app)[0].last_seen_at == NOON + timedelta(seconds=60)


def test_the_fifth_failure_makes_a_name_wait_and_longer_each_time(
    client: FlaskClient, admin: uuid.UUID, events: Events
) -> None:
    with clock.frozen(NOON):
        for _attempt in range(5):
            assert sign_in(client, "admin", "wrong").status_code == 422
        answer = sign_in(client, "admin")
        assert answer.status_code == 429
        assert 55 <= int(answer.headers["Retry-After"]) <= 61
        assert 'value="admin"' in answer.get_data(as_text=True)
        assert events()[-1]["outcome_reason"] == "too_many_attempts"
    with clock.frozen(NOON + timedelta(seconds=61)):
        assert sign_in(client, "admin", "wrong").status_code == 422
        assert int(sign_in(client, "admin").headers["Retry-After"]) > 110
    with clock.frozen(NOON + timedelta(minutes=17)):
        assert sign_in(client, "admin").status_code == 303


def test_a_success_begins_the_count_of_a_name_anew(client: FlaskClient, app: Flask, admin: uuid.UUID) -> None:
    for _attempt in range(4):
        sign_in(client, "admin", "wrong")
    assert sign_in(client, "admin").status_code == 303
    other = app.test_client()
    for _attempt in range(4):
        assert sign_in(other, "admin", "wrong").status_code == 422


def test_twenty_failures_make_an_address_wait_whatever_the_name(
    client: FlaskClient, admin: uuid.UUID
) -> None:
    with clock.frozen(NOON):
        for attempt in range(20):
            assert sign_in(client, f"somebody{attempt}", "wrong").status_code == 422
        assert sign_in(client, "admin").status_code == 429


def test_the_throttle_keeps_neither_name_nor_address(app: Flask, client: FlaskClient) -> None:
    sign_in(client, "my-secret-typed-here", "wrong")
    with app.app_context():
        rows = list(db.session.scalars(db.select(SignInAttempt)))
        db.session.remove()
    assert len(rows) == 2
    assert all(len(row.key_hash) == 64 for row in rows)


def test_a_disabled_person_cannot_sign_in_and_reads_the_same_sentence(
    app: Flask, client: FlaskClient, admin: uuid.UUID, worker: uuid.UUID
) -> None:
    theirs = app.test_client()
    assert sign_in(theirs, "worker").status_code == 303
    sign_in(client, "admin")
    post(client, f"/admin/staff/{worker}/disable", {}, opened=f"/admin/staff/{worker}")
    assert theirs.get("/account").status_code == 302
    again = sign_in(theirs, "worker")
    assert again.status_code == 422
    assert "The user name or the password is not right." in again.get_data(as_text=True)


def test_a_hash_of_older_parameters_is_made_anew_at_the_next_sign_in(
    app: Flask, client: FlaskClient, admin: uuid.UUID
) -> None:
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    table = Staff.__table__
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(table.update().values(password_hash=old))
    assert sign_in(client, "admin").status_code == 303
    with app.app_context():
        stored = db.session.scalar(db.select(Staff.password_hash))
        db.session.remove()
    assert stored is not None
    assert stored != old
    assert stored.startswith("$argon2id$")


def test_what_was_typed_when_the_session_ended_is_sent_after_signing_in(
    app: Flask, client: FlaskClient, admin: uuid.UUID, places: dict[str, uuid.UUID]
) -> None:
    with clock.frozen(NOON):
        sign_in(client, "admin")
        carried = hidden(client.get("/admin/staff/new"))
    typed = {"username": "newcomer", "display_name": "Typed for half an hour", "role": "auditor"}
    with clock.frozen(NOON + timedelta(hours=1)):
        answer = client.post("/admin/staff/new", data={**carried, **typed})
        assert answer.status_code == 401
        page = answer.get_data(as_text=True)
        assert "Typed for half an hour" not in page
        resume = page.split('name="_resume" value="')[1].split('"')[0]
        again = client.post(
            "/sign-in", data={**hidden(answer), "username": "admin", "password": PASSWORD, "_resume": resume}
        )
        assert again.status_code == 200
        assert "Typed for half an hour" in again.get_data(as_text=True)
        done = client.post("/admin/staff/new", data={**hidden(again), **typed})
        assert done.status_code == 200
        assert "newcomer" in done.get_data(as_text=True)


def test_a_language_chosen_while_signed_in_is_remembered_with_the_person(
    app: Flask, client: FlaskClient, admin: uuid.UUID
) -> None:
    sign_in(client, "admin")
    client.get("/account?lang=ru")
    elsewhere = app.test_client()
    sign_in(elsewhere, "admin")
    assert 'lang="ru"' in elsewhere.get("/account").get_data(as_text=True)[:400]


def test_a_language_chosen_on_the_sign_in_page_is_kept_for_the_person(
    app: Flask, client: FlaskClient, admin: uuid.UUID
) -> None:
    client.get("/sign-in?lang=uz-Cyrl")
    sign_in(client, "admin")
    assert 'lang="uz-Cyrl"' in client.get("/account").get_data(as_text=True)[:400]


def test_the_language_that_the_last_person_left_behind_is_nobodys_choice(
    app: Flask, client: FlaskClient, admin: uuid.UUID, worker: uuid.UUID
) -> None:
    sign_in(client, "admin")
    page = client.get("/account?lang=ru")
    client.post("/sign-out", data=hidden(page))
    assert 'lang="ru"' in client.get("/sign-in").get_data(as_text=True)[:400]
    sign_in(client, "worker")
    assert 'lang="en"' in client.get("/account").get_data(as_text=True)[:400]
