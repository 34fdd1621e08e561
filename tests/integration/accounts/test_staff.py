"""What an administrator does with staff, and what people do with their own account."""

from __future__ import annotations

import re
import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.accounts.models import Staff
from casework.core.database import db
from tests.integration.accounts.conftest import Events
from tests.services.staff import PASSWORD, add_staff, hidden, post, sign_in

pytestmark = pytest.mark.both_engines
OWN = "a sentence of my very own"


def _staff(app: Flask, username: str) -> Staff:
    with app.app_context():
        found = db.session.scalar(db.select(Staff).where(Staff.username == username))
        db.session.remove()
    assert found is not None
    return found


def _one_time_password(page: str) -> str:
    found = re.search(r'id="one-time-password">([^<]+)<', page)
    assert found is not None
    return found[1]


def test_adds_somebody_and_shows_their_password_once(
    app: Flask, client: FlaskClient, admin: uuid.UUID, places: dict[str, uuid.UUID], events: Events
) -> None:
    sign_in(client, "admin")
    data = {
        "username": "dilnoza",
        "display_name": "Dilnoza",
        "role": "caseworker",
        "place": str(places["1703202"]),
    }
    answer = post(client, "/admin/staff/new", data)
    password = _one_time_password(answer.get_data(as_text=True))
    assert answer.headers["Cache-Control"] == "no-store"
    assert events()[-1]["code"] == "staff.added"
    assert password not in str(events())
    again = client.get(f"/admin/staff/{_staff(app, 'dilnoza').id}")
    assert password not in again.get_data(as_text=True)

    theirs = app.test_client()
    sign_in(theirs, "dilnoza", password)
    led = theirs.get("/account")
    assert (led.status_code, led.location) == (303, "/account/password")
    chosen = {"current_password": password, "new_password": OWN, "repeated_password": OWN}
    assert post(theirs, "/account/password", chosen).status_code == 303
    assert theirs.get("/account").status_code == 200
    assert sign_in(app.test_client(), "dilnoza", OWN).status_code == 303


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"username": "x"}, "username"),
        ({"username": "имя"}, "username"),
        ({"username": "admin"}, "username"),
        ({"username": ""}, "username"),
        ({"role": "police"}, "role"),
        ({"role": "supervisor"}, "place"),
        ({"role": "domain_officer"}, "domain"),
        ({"role": "caseworker", "place": str(uuid.uuid4())}, "place"),
        ({"role": "caseworker", "place": "no-id"}, "place"),
        ({"display_name": "x" * 121}, "display_name"),
        ({"display_name": "a\u0007b"}, "display_name"),
    ],
)
def test_refuses_wrong_input_at_its_field_and_keeps_what_was_typed(
    app: Flask, client: FlaskClient, admin: uuid.UUID, changed: dict[str, str], field: str
) -> None:
    sign_in(client, "admin")
    data = {"username": "newcomer", "display_name": "Typed name", "role": "auditor"} | changed
    answer = post(client, "/admin/staff/new", data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'href="#{field}"' in page
    if "display_name" not in changed:
        assert "Typed name" in page
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(Staff)) == 1
        db.session.remove()


def test_a_caseworker_has_a_district_not_a_region_or_a_mahalla(
    client: FlaskClient, admin: uuid.UUID, places: dict[str, uuid.UUID]
) -> None:
    sign_in(client, "admin")
    for code in ("1703", "11"):
        data = {"username": "newcomer", "display_name": "N", "role": "caseworker", "place": str(places[code])}
        assert post(client, "/admin/staff/new", data).status_code == 422


def test_the_place_is_found_inside_the_form_without_losing_what_was_typed(
    client: FlaskClient, admin: uuid.UUID, places: dict[str, uuid.UUID]
) -> None:
    sign_in(client, "admin")
    typed = {"username": "newcomer", "display_name": "Typed name", "role": "caseworker"}
    answer = post(client, "/admin/staff/new", {**typed, "_place_part": "oltinko'l", "_step": "place:find"})
    page = answer.get_data(as_text=True)
    assert str(places["1703202"]) in page
    assert "Typed name" in page
    assert "error-summary" not in page


def test_changes_a_role_and_what_the_person_may_do_at_once(
    app: Flask, client: FlaskClient, admin: uuid.UUID, worker: uuid.UUID
) -> None:
    theirs = app.test_client()
    sign_in(theirs, "worker")
    assert theirs.get("/admin/staff").status_code == 403
    sign_in(client, "admin")
    changed = {"display_name": "Worker", "role": "admin"}
    assert post(client, f"/admin/staff/{worker}", changed).status_code == 303
    assert theirs.get("/admin/staff").status_code == 200


def test_the_second_of_two_administrators_sees_both_texts(
    app: Flask, client: FlaskClient, admin: uuid.UUID, worker: uuid.UUID, places: dict[str, uuid.UUID]
) -> None:
    sign_in(client, "admin")
    first = hidden(client.get(f"/admin/staff/{worker}"))
    data = {"role": "caseworker", "place": str(places["1703202"])}
    post(client, f"/admin/staff/{worker}", {**data, "display_name": "Saved first"})
    answer = client.post(f"/admin/staff/{worker}", data={**first, **data, "display_name": "Written second"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Saved first" in page
    assert "Written second" in page
    assert _staff(app, "worker").display_name == "Saved first"


def test_nobody_disables_the_last_administrator_or_themselves(client: FlaskClient, admin: uuid.UUID) -> None:
    sign_in(client, "admin")
    assert (
        post(client, f"/admin/staff/{admin}/disable", {}, opened=f"/admin/staff/{admin}").status_code == 409
    )
    changed = {"display_name": "Admin", "role": "auditor"}
    assert post(client, f"/admin/staff/{admin}", changed).status_code == 409


def test_a_reset_password_ends_the_sessions_and_is_for_one_sign_in(
    app: Flask, client: FlaskClient, admin: uuid.UUID, worker: uuid.UUID
) -> None:
    theirs = app.test_client()
    sign_in(theirs, "worker")
    sign_in(client, "admin")
    answer = post(client, f"/admin/staff/{worker}/reset-password", {}, opened=f"/admin/staff/{worker}")
    password = _one_time_password(answer.get_data(as_text=True))
    assert theirs.get("/account").status_code == 302
    assert sign_in(theirs, "worker", PASSWORD).status_code == 422
    assert sign_in(theirs, "worker", password).status_code == 303
    assert theirs.get("/account").location == "/account/password"


def test_lets_a_disabled_person_in_again(
    app: Flask, client: FlaskClient, admin: uuid.UUID, worker: uuid.UUID
) -> None:
    sign_in(client, "admin")
    post(client, f"/admin/staff/{worker}/disable", {}, opened=f"/admin/staff/{worker}")
    assert not _staff(app, "worker").active
    assert "Let in again" in client.get(f"/admin/staff/{worker}").get_data(as_text=True)
    post(client, f"/admin/staff/{worker}/enable", {}, opened=f"/admin/staff/{worker}")
    assert sign_in(app.test_client(), "worker").status_code == 303


def test_an_unknown_id_is_not_found_and_on_record(
    client: FlaskClient, admin: uuid.UUID, events: Events
) -> None:
    sign_in(client, "admin")
    assert client.get(f"/admin/staff/{uuid.uuid4()}").status_code == 404
    assert (events()[-1]["code"], events()[-1]["outcome"]) == ("access.denied", "denied")


def test_the_list_pages_by_user_name(app: Flask, client: FlaskClient, admin: uuid.UUID) -> None:
    for number in range(51):
        add_staff(app, f"auditor{number:02}", "auditor")
    sign_in(client, "admin")
    first = client.get("/admin/staff").get_data(as_text=True)
    assert "auditor48" in first
    assert "auditor49" not in first
    following = re.search(r'href="(/admin/staff\?after=[^"]+)"', first)
    assert following is not None
    assert "auditor50" in client.get(following[1]).get_data(as_text=True)
    assert "auditor07" in client.get("/admin/staff?part=07").get_data(as_text=True)


@pytest.mark.parametrize(
    "path", ["/account", "/account/password", "/admin/staff", "/admin/staff/new", "/places/choose"]
)
@pytest.mark.parametrize("lang", ["uz", "uz-Cyrl", "ru", "en"])
def test_every_page_opens_in_every_language(
    client: FlaskClient, admin: uuid.UUID, path: str, lang: str
) -> None:
    sign_in(client, "admin")
    answer = client.get(f"{path}?lang={lang}")
    assert answer.status_code == 200
    assert f'lang="{lang}"' in answer.get_data(as_text=True)


def test_a_new_password_needs_the_present_one_and_length(client: FlaskClient, admin: uuid.UUID) -> None:
    sign_in(client, "admin")
    wrong = {"current_password": "wrong", "new_password": OWN, "repeated_password": OWN}
    assert "This is not your present password." in post(client, "/account/password", wrong).get_data(
        as_text=True
    )
    short = {"current_password": PASSWORD, "new_password": "short", "repeated_password": "short"}
    assert post(client, "/account/password", short).status_code == 422
    other = {"current_password": PASSWORD, "new_password": OWN, "repeated_password": OWN + "!"}
    assert post(client, "/account/password", other).status_code == 422
    assert "short" not in post(client, "/account/password", short).get_data(as_text=True).split("<main")[1]


def test_a_new_password_ends_the_other_sessions_only(
    app: Flask, client: FlaskClient, admin: uuid.UUID
) -> None:
    elsewhere = app.test_client()
    sign_in(elsewhere, "admin")
    sign_in(client, "admin")
    chosen = {"current_password": PASSWORD, "new_password": OWN, "repeated_password": OWN}
    assert post(client, "/account/password", chosen).status_code == 303
    assert client.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302


def test_ends_one_of_ones_own_sessions_and_nobody_elses(
    app: Flask, client: FlaskClient, admin: uuid.UUID, worker: uuid.UUID
) -> None:
    elsewhere, theirs = app.test_client(), app.test_client()
    sign_in(elsewhere, "admin")
    sign_in(theirs, "worker")
    sign_in(client, "admin")
    page = client.get("/account").get_data(as_text=True)
    ends = re.findall(r'action="(/account/sessions/[0-9a-f-]{36}/end)"', page)
    assert len(ends) == 1
    assert post(theirs, ends[0], {}, opened="/account").status_code == 404
    assert elsewhere.get("/account").status_code == 200
    assert post(client, ends[0], {}, opened="/account").status_code == 303
    assert elsewhere.get("/account").status_code == 302


def test_ends_all_other_sessions(app: Flask, client: FlaskClient, admin: uuid.UUID) -> None:
    elsewhere = app.test_client()
    sign_in(elsewhere, "admin")
    sign_in(client, "admin")
    post(client, "/account/sessions/end-others", {}, opened="/account")
    assert elsewhere.get("/account").status_code == 302
    assert client.get("/account").status_code == 200


def test_stores_ones_language(app: Flask, client: FlaskClient, admin: uuid.UUID) -> None:
    sign_in(client, "admin")
    assert post(client, "/account/language", {"locale": "uz_Cyrl"}, opened="/account").status_code == 303
    assert _staff(app, "admin").locale == "uz_Cyrl"
    assert 'lang="uz-Cyrl"' in client.get("/account").get_data(as_text=True)[:400]
    assert post(client, "/account/language", {"locale": "xx"}, opened="/account").status_code == 422


def test_every_answer_leaves_exactly_one_event(client: FlaskClient, admin: uuid.UUID, events: Events) -> None:
    sign_in(client, "admin")
    for path in ("/account", "/admin/staff", f"/admin/staff/{admin}", "/places/choose", "/places/find?q=an"):
        before = len(events())
        assert client.get(path).status_code == 200
        assert len(events()) == before + 1


@pytest.mark.parametrize("asked", ["part=%00", "part=a%00b", "after=%00", "part=%FF", "after=%F0%9F%99%82"])
def test_the_list_of_staff_bears_any_address(client: FlaskClient, admin: uuid.UUID, asked: str) -> None:
    sign_in(client, "admin")
    assert client.get(f"/admin/staff?{asked}").status_code == 200


def test_a_change_that_says_no_version_overwrites_nothing(
    app: Flask, client: FlaskClient, admin: uuid.UUID, places: dict[str, uuid.UUID]
) -> None:
    someone = add_staff(app, "dilnoza", "caseworker", place=places["1703202"])
    sign_in(client, "admin")
    carried = hidden(client.get(f"/admin/staff/{someone}"))
    carried.pop("version")
    data = {"display_name": "Other", "role": "caseworker", "place": str(places["1703202"])}
    answer = client.post(f"/admin/staff/{someone}", data=carried | data)
    assert answer.status_code == 409
    assert _staff(app, "dilnoza").display_name != "Other"
