"""The list: filters, pages by key, and the same number of queries at any size."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from werkzeug.datastructures import MultiDict

from casework.audit.boundary import acting
from casework.cases.schemas.intake import OpenCaseSchema
from casework.cases.use_cases import intake
from casework.core import clock
from casework.core.database import db
from casework.web.forms import Form
from tests.services import staff
from tests.services.cases import SUPPORT, Office, case_form, open_case

pytestmark = pytest.mark.both_engines
CODE = re.compile(r"\b[A-Z]{2}-[A-Z0-9]{4}\b")


def many_cases(office: Office, number: int) -> None:
    actor = office.actor("caseworker")
    for each in range(number):
        with clock.frozen(clock.now() - timedelta(minutes=each)), office.app.test_request_context():
            data = Form(OpenCaseSchema(), MultiDict(case_form(office))).load()
        with (
            clock.frozen(clock.now() - timedelta(minutes=each)),
            office.app.app_context(),
            acting(actor, "test"),
        ):
            intake.open_case(actor, None, data)


@contextmanager
def counting(office: Office) -> Iterator[list[str]]:
    """Every statement that the database is asked."""
    with office.app.app_context():
        engine = db.engine
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def codes(page: str) -> list[str]:
    return list(dict.fromkeys(CODE.findall(page.split("</form>")[-1])))


def test_pages_follow_each_other_without_a_gap_or_a_repeat(office: Office) -> None:
    many_cases(office, 30)
    client = office.client("caseworker")
    first = client.get("/cases").get_data(as_text=True)
    following = re.search(r'href="(/cases\?after=[^"]+)"', first)
    assert following is not None
    second = client.get(following[1]).get_data(as_text=True)
    assert len(codes(first)) == 25
    assert len(codes(second)) == 5
    assert not set(codes(first)) & set(codes(second))
    assert "Next page" not in second
    assert client.get("/cases?after=nonsense").status_code == 200


def test_no_page_asks_more_when_there_is_more(office: Office) -> None:
    client = office.client("caseworker")
    case_id = open_case(office, client)
    staff.post(client, f"/cases/{case_id}/support/psychosocial/new", SUPPORT["psychosocial"])

    def statements() -> dict[str, int]:
        found = {}
        for path in ("/", "/cases", f"/cases/{case_id}"):
            client.get(path)
            with counting(office) as seen:
                client.get(path)
            found[path] = len(seen)
        return found

    before = statements()
    many_cases(office, 28)
    for _each in range(6):
        staff.post(client, f"/cases/{case_id}/support/psychosocial/new", SUPPORT["psychosocial"])
    assert statements() == before


def test_filters_narrow_the_list(office: Office) -> None:
    client = office.client("caseworker")
    late = open_case(office, client)
    other = open_case(office, client, needs_level="high")
    step = {"next_step": "Uchrashuv", "next_step_on": "22.11.2026"}
    staff.post(client, f"/cases/{late}/support/education/new", SUPPORT["education"] | step)

    def found(query: str) -> list[uuid.UUID]:
        page = client.get(f"/cases?{query}").get_data(as_text=True)
        return [uuid.UUID(each) for each in dict.fromkeys(re.findall(r"/cases/([0-9a-f-]{36})", page))]

    assert set(found("")) == {late, other}
    assert found("needs_level=high") == [other]
    assert found("support_kind=education") == [late]
    assert found("support_kind=employment") == []
    assert found("overdue_only=yes") == []
    assert set(found("status=assessment")) == {late, other}
    assert found("status=closed") == []
    [code] = codes(client.get("/cases?needs_level=high").get_data(as_text=True))
    assert found(f"code={code.lower()}") == [other]
    assert found(f"code={code[:4]}") == [other]
    with clock.frozen(clock.now() + timedelta(minutes=20)):
        assert found("overdue_only=yes") == []
    with clock.frozen(clock.now() + timedelta(days=1)):
        client = office.client("caseworker")
        assert found("overdue_only=yes") == [late]
        assert "Overdue" in client.get("/cases").get_data(as_text=True)
        assert "Overdue" in client.get("/").get_data(as_text=True)
