"""A person is found under any spelling, by number and by code, among the rows that the searcher may see and nowhere else."""

from __future__ import annotations

import logging
import re
import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from casework.access.actor import SYSTEM
from casework.access.blueprint import PUBLIC
from casework.audit.boundary import acting
from casework.audit.trail import ACCESS_DENIED, Declaration, UseCase
from casework.cases.search import throttle
from casework.cases.search.indexing import forget_person
from casework.cases.search.warmth import warm
from casework.core import clock
from casework.core.database import db
from casework.vault.keys import destroy_keys
from tests.contracts.test_query_counts import counted
from tests.integration.cases.conftest import Events
from tests.services import staff
from tests.services.cases import CANARY, Office, case_form, open_case

pytestmark = pytest.mark.both_engines

SEARCH = "/search"
SHOHRUH = {
    "surname": "Rahmonov",
    "given_name": "Shohruh",
    "patronymic": "Oʻktam oʻgʻli",
    "birth_date": "05.03.1985",
}


def found(client: FlaskClient, query: str) -> str:
    """The page with what was found."""
    answer = staff.post(client, SEARCH, {"query": query})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.get_data(as_text=True)


def hits(page: str) -> list[tuple[str, str]]:
    """(name, reason) of each hit."""
    lists = page.split('<ul class="cw-work">')
    if len(lists) == 1:
        return []
    rows = re.findall(
        r'cw-work__link govuk-link" href="[^"]+">([^<]*)</a>\s*<p class="cw-work__meta">(.*?)</p>',
        lists[1],
        re.S,
    )
    return [(name, re.findall(r"<span>([^<]*)</span>", meta)[-1]) for name, meta in rows]


VARIANTS = [
    ("Rahmonov Shohruh", "Same name"),
    ("Shohruh Rahmonov", "Same name in another order"),
    ("Раҳмонов Шоҳруҳ", "Same name in the other script"),
    ("Рахмонов Шохрух", "Same name in the other script"),
    ("Rakhmonov Shokhrukh", "Same name in another spelling"),
    ("Rahmonov Shohruh O'ktam o'g'li", "Same name"),
    ("Рахмонов Шохрух Ўктам ўғли", "Same name in the other script"),
    ("Rahmonov Shohrux", "Same name in another spelling"),
    ("Rahmonov Shohrh 1985", "Close spelling, same birth year"),
    ("Rahmonov", "A part of the person’s name"),
]


@pytest.mark.parametrize(("query", "reason"), VARIANTS)
def test_every_spelling_finds_the_person_and_says_why(office: Office, query: str, reason: str) -> None:
    client = office.client("caseworker")
    open_case(office, client)
    case_id = open_case(office, client, **SHOHRUH)
    page = found(client, query)
    assert hits(page)[0] == ("Rahmonov Shohruh Oʻktam oʻgʻli", reason)
    assert f"/cases/{case_id}" in page
    assert "18 years and over" in page


def numbers(office: Office, client: FlaskClient) -> uuid.UUID:
    with_number = {"identifier_type": "passport", "identifier_value": "AA 1234567", "phone": "90 123 45 67"}
    safe = {"phone_owner": "self", "safe_to_call": "yes"}
    return open_case(office, client, **SHOHRUH, **with_number, **safe)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("AA1234567", "Same number"),
        ("аа 123-45-67", "Same number"),
        ("+998901234567", "Same phone"),
        ("90 123 45 67", "Same phone"),
    ],
)
def test_numbers_and_phones_are_found_however_they_are_written(
    office: Office, query: str, reason: str
) -> None:
    client = office.client("caseworker")
    numbers(office, client)
    assert hits(found(client, query)) == [("Rahmonov Shohruh Oʻktam oʻgʻli", reason)]
    assert hits(found(client, "AA7654321")) == []


def test_a_display_code_is_found_and_a_foreign_one_is_not(office: Office) -> None:
    client = office.client("caseworker")
    open_case(office, client, **SHOHRUH)
    code = re.findall(r'cw-code">([^<]+)<', found(client, "Rahmonov"))[0]
    assert [reason for _name, reason in hits(found(client, code.lower().replace("-", " ")))] == ["This code"]
    assert hits(found(office.client("other_caseworker"), code)) == []


def test_nobody_of_another_office_is_found_or_counted(office: Office, events: Events) -> None:
    numbers(office, office.client("caseworker"))
    for name, seen in (
        ("caseworker", 1), ("supervisor", 1), ("caseworker2", 0), ("other_caseworker", 0), ("other_supervisor", 0),
        ("psychologist", 0),
    ):  # fmt: skip
        client = office.client(name)
        for query in ("Rahmonov Shohruh", "Рахмонов", *(["AA1234567"] if name != "psychologist" else [])):
            page = found(client, query)
            assert f"Found: {seen}" in page, (name, query)
            last = events()[-1]
            assert (last["code"], last["outcome"], last["result_count"]) == (
                "person.searched",
                "success",
                seen,
            )
            assert len(last["subject_ids"]) == seen


def test_a_psychologist_finds_an_assigned_person_by_name_only(office: Office) -> None:
    case_id = numbers(office, office.client("caseworker"))
    given = {"staff_id": str(office.people["psychologist"]), "reason": "Yordam"}
    assert staff.post(office.client("supervisor"), f"/cases/{case_id}/reassign", given).status_code == 303
    client = office.client("psychologist")
    page = found(client, "Рахмонов 1985")
    assert len(hits(page)) == 1
    assert "18 years" not in page
    assert hits(found(client, "Rahmonov Shohrh 1985"))[0][1] == "Close spelling", "the year would be told"
    answer = staff.post(client, SEARCH, {"query": "90 123 45 67"})
    assert answer.status_code == 422, "numbers are not for the psychologist"


def test_who_loses_the_case_finds_nobody_any_more_and_who_gets_it_does(office: Office) -> None:
    caseworker, other = office.client("caseworker"), office.client("caseworker2")
    case_id = open_case(office, caseworker, **SHOHRUH)
    assert len(hits(found(caseworker, "Rahmonov"))) == 1
    assert hits(found(other, "Rahmonov")) == []
    given = {"staff_id": str(office.people["caseworker2"]), "reason": "Taʼtil"}
    assert staff.post(office.client("supervisor"), f"/cases/{case_id}/reassign", given).status_code == 303
    assert hits(found(caseworker, "Rahmonov")) == []
    assert len(hits(found(other, "Rahmonov"))) == 1


def test_a_corrected_name_is_found_and_the_old_one_is_not(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client, **SHOHRUH)
    assert len(hits(found(client, "Rahmonov"))) == 1
    path = f"/cases/{case_id}/person"
    page = client.get(path).get_data(as_text=True)
    details = {"surname": "Yoʻldoshev", "given_name": "Shohruh", "script": "uz-Latn", "birth_date": "05.03.1985",
               "birth_date_precision": "day", "sex": "female", "place_id": str(office.places["11"]),
               "reason": "Tuzatish"}  # fmt: skip
    assert "Rahmonov" in page
    assert staff.post(client, path, details).status_code == 303
    assert [name for name, _ in hits(found(client, "Йулдошев Шохрух"))] == ["Yoʻldoshev Shohruh"]
    assert hits(found(client, "Rahmonov")) == []


def in_use_case(office: Office, act: Any) -> None:
    def verb(_actor: Any) -> None:
        act()

    with office.app.app_context(), acting(SYSTEM, "test"):
        UseCase(verb, Declaration(PUBLIC, "test.erased", "D", ACCESS_DENIED))(SYSTEM)


def person_of(office: Office, events: Events) -> uuid.UUID:
    opened = next(each for each in reversed(events()) if each["code"] == "case.opened")
    return uuid.UUID(opened["subject_ids"][0])


def test_an_erased_person_is_gone_from_the_search_and_from_memory(office: Office, events: Events) -> None:
    client = office.client("caseworker")
    numbers(office, client)
    person_id = person_of(office, events)
    assert len(hits(found(client, "Rahmonov"))) == 1
    with office.app.app_context():
        assert len(warm()) == 1

    def erase() -> None:
        forget_person(person_id)
        destroy_keys(person_id)

    in_use_case(office, erase)
    for query in ("Rahmonov Shohruh", "AA1234567", "+998901234567"):
        assert hits(found(client, query)) == []
    with office.app.app_context():
        assert len(warm()) == 0
        for table in ("search_document", "exact_index"):
            assert db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0
        db.session.remove()


def test_destroyed_keys_alone_already_take_a_warm_person_out_of_the_results(
    office: Office, events: Events
) -> None:
    client = office.client("caseworker")
    open_case(office, client, **SHOHRUH)
    assert len(hits(found(client, "Rahmonov"))) == 1
    in_use_case(office, lambda: destroy_keys(person_of(office, events)))
    assert hits(found(client, "Rahmonov")) == []


def test_what_was_searched_stands_in_no_log_address_or_event(
    office: Office, events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = office.client("caseworker")
    open_case(office, client)
    page = found(client, CANARY)
    assert re.findall(rf'(?:href|action)="[^"]*{CANARY}', page) == []
    assert CANARY not in caplog.text
    assert CANARY not in str(events())
    first, again = (events()[-1]["query_hash"], None)
    found(client, CANARY.upper())
    again = events()[-1]["query_hash"]
    assert first == again, "the same search has the same fingerprint"
    assert re.fullmatch(r"[0-9a-f]{32}", first)
    answer = client.get(f"{SEARCH}?query={CANARY}")
    assert f'value="{CANARY}' not in answer.get_data(as_text=True), "what an address says is not searched"
    assert events()[-1]["code"] == "person.search_opened"
    with office.app.app_context():
        for table in ("search_document", "exact_index", "search_change", "search_count"):
            for row in db.session.execute(text(f"SELECT * FROM {table}")):
                assert CANARY.encode() not in b" ".join(
                    v if isinstance(v, bytes) else str(v).encode() for v in row
                )
        db.session.remove()


def test_an_event_lists_what_was_opened_for_the_hits(office: Office, events: Events) -> None:
    client = office.client("caseworker")
    open_case(office, client, **SHOHRUH)
    found(client, "Rahmonov")
    found(client, "Rahmonov")
    for event in events()[-1], events()[-3]:
        assert event["code"] == "person.searched"
        assert "search_document.document" in event["fields_accessed"], "warm or cold"
        assert event["compartments"] == ["CORE"]
        assert event["purpose"] == "case_management"


@pytest.mark.parametrize("query", ["", " ", "x", "1", "--", "12"])
def test_too_little_to_search_for_is_said_in_a_sentence(office: Office, query: str, events: Events) -> None:
    answer = staff.post(office.client("caseworker"), SEARCH, {"query": query})
    assert answer.status_code == 422
    assert 'href="#query"' in answer.get_data(as_text=True)
    assert events()[-1]["outcome"] == "error"


def suggest(client: FlaskClient, query: str, token: str) -> Any:
    return client.post(f"{SEARCH}/suggest", data={"query": query}, headers={"X-CSRFToken": token})


def test_suggestions_are_the_same_search_with_one_event_each(office: Office, events: Events) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client, **SHOHRUH)
    token = staff.hidden(client.get(SEARCH))["csrf_token"]
    before = len(events())
    answer = suggest(client, "Шохр", token)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    [hit] = answer.get_json()["hits"]
    assert hit["href"] == f"/cases/{case_id}"
    assert hit["name"] == "Rahmonov Shohruh Oʻktam oʻgʻli"
    assert [each["code"] for each in events()[before:]] == ["person.searched"]
    assert suggest(office.client("other_caseworker"), "Шохр", token).status_code == 400, (
        "another session's token"
    )


def test_too_many_searches_have_to_wait(
    office: Office, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MOST", 3)
    client = office.client("caseworker")
    token = staff.hidden(client.get(SEARCH))["csrf_token"]
    assert suggest(client, "Rahm", token).status_code == 200
    for _again in range(2):
        assert len(hits(found(client, "Rahmonov"))) == 0
    refused = staff.post(client, SEARCH, {"query": "Rahmonov"})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert events()[-1]["outcome_reason"] == "too_many_attempts"
    assert suggest(client, "Rahm", token).status_code == 429
    found(office.client("supervisor"), "Rahmonov")
    with clock.frozen(clock.now() + throttle.WINDOW):
        found(client, "Rahmonov")


def test_a_warm_search_asks_the_database_as_often_for_many_hits_as_for_one(office: Office) -> None:
    client = office.client("caseworker")
    given = ("Anvar", "Botir", "Davron", "Elyor", "Farrux", "Gʻayrat")
    for name in given:
        open_case(office, client, surname="Rahmonov", given_name=name, patronymic=None)
    open_case(office, client, surname="Yusupov", given_name="Zafar", patronymic=None)
    counts = {}
    for query in ("Yusupov", "Rahmonov"):
        found(client, query)
        carried = staff.hidden(client.get(SEARCH))
        with counted(office.app) as statements:
            client.post(SEARCH, data={**carried, "query": query})
        counts[query] = len(statements)
    assert len(hits(found(client, "Rahmonov"))) == len(given)
    assert counts["Yusupov"] == counts["Rahmonov"]


def test_the_check_for_duplicates_counts_as_a_search(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST", 2)
    client = office.client("caseworker")
    typed = case_form(office, not_duplicate=None)
    assert staff.post(client, "/cases/new", typed).status_code == 303
    assert staff.post(client, "/cases/new", typed).status_code == 422
    assert staff.post(client, "/cases/new", typed).status_code == 429
    assert staff.post(client, SEARCH, {"query": "Rahmonov"}).status_code == 429
