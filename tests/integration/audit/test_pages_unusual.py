"""Unusual access by its rules, and "who saw this record", on real cases of two offices."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.audit.event import EventDraft, write_many
from casework.audit.unusual import RULES
from casework.core import clock
from casework.core.ids import new_id
from casework.core.unit_of_work import unit_of_work
from tests.services import staff
from tests.services.audit_log import attacker_of
from tests.services.cases import Office, open_case, open_office

pytestmark = pytest.mark.both_engines

NOON = datetime(2026, 11, 20, 7, 30, tzinfo=clock.ZONE).replace(hour=12)


@pytest.fixture
def office(app: Flask) -> Office:
    made = open_office(app)
    staff.add_staff(app, "auditor", "auditor")
    return made


@pytest.fixture
def case(office: Office) -> tuple[uuid.UUID, uuid.UUID, str]:
    """A case: its id, the person's id, the display code."""
    case_id = open_case(office, office.client("caseworker"))
    rows = attacker_of(office.app).asks(
        'SELECT file.id, file.person_id, p.display_code FROM "case" file JOIN person p ON p.id = file.person_id'
    )
    ((_, person_id, code),) = rows
    return case_id, uuid.UUID(str(person_id)), code


def happened(office: Office, who: str | uuid.UUID, at: datetime, *people: uuid.UUID, **more: Any) -> None:
    """An event as somebody's act at that moment leaves it, one for each person, or one without."""
    agent = office.people[who] if isinstance(who, str) else who
    given = {"agent_role": "caseworker", "outcome": "success", "entity_type": "case", **more}
    drafts = [
        EventDraft(
            action="R", category="case", code="case.viewed", agent_id=agent,
            subject_ids=[person] if person else [], **given,
        )
        for person in people or (None,)
    ]  # fmt: skip
    with office.app.app_context(), clock.moved_to(at), unit_of_work():
        write_many(drafts)


def looked_through(office: Office, day: str = "2026-11-20") -> str:
    """The page of one day."""
    answer = office.client("auditor").get(f"/audit/unusual?since={day}&until={day}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def found(office: Office, day: str = "2026-11-20") -> dict[str, str]:
    """The page's sections by rule: each that found something has one."""
    parts = re.split(r'<section aria-labelledby="([a-z_]+)">', looked_through(office, day))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def shown(office: Office) -> set[str]:
    return set(found(office))


def rules_of(page: str) -> list[list[str]]:
    """The cells of the table of rules, its first row left out."""
    table = page.partition("<table")[2].partition("</table>")[0]
    rows = [re.findall(r'cw-table__value">(.*?)</span>', row, re.DOTALL) for row in table.split("</tr>")]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in rows if row]


def test_each_rule_is_a_row_with_its_threshold_and_finds_nothing_on_a_quiet_day(office: Office) -> None:
    page = looked_through(office, "2026-01-10")
    rows = rules_of(page)
    assert [html.unescape(row[0]) for row in rows] == [str(rule.title) for rule in RULES]
    for rule, row in zip(RULES, rows, strict=True):
        assert row[2] == f"{'People' if rule.counts_people else 'Events'}: {rule.threshold}"
        assert row[3] == "0"
    assert "Nothing of this kind" in page
    assert found(office, "2026-01-10") == {}


def test_the_row_of_a_rule_says_how_much_it_found_and_leads_there(office: Office) -> None:
    happened(office, "caseworker", NOON.replace(hour=3), new_id())
    happened(office, "caseworker2", NOON.replace(hour=4), new_id())
    page = looked_through(office)
    assert [row[3] for row in rules_of(page)] == ["0", "0", "2", "0", "0", "0"]
    assert 'href="#night"' in page
    assert 'id="night"' in page


def test_a_look_from_another_office_shows_and_one_from_the_own_does_not(
    office: Office, case: tuple[uuid.UUID, uuid.UUID, str]
) -> None:
    _, person, code = case
    happened(office, "caseworker", NOON, person)
    assert shown(office) == set()
    happened(office, "other_caseworker", NOON, person)
    assert shown(office) == {"outside_place"}
    section = found(office)["outside_place"]
    assert code in section
    assert "other_caseworker" in section
    assert "person=" + code in section


def test_many_people_within_an_hour_show_from_the_threshold_on(office: Office) -> None:
    happened(office, "caseworker", NOON, *(new_id() for _ in range(29)))
    assert shown(office) == set()
    happened(office, "caseworker", NOON + timedelta(minutes=20), new_id())
    assert shown(office) == {"many_people"}
    assert found(office)["many_people"].count("caseworker") == 2  # the link and its address


def test_the_same_number_of_people_over_a_day_is_a_day_of_work(office: Office) -> None:
    for hours in range(4):
        happened(office, "caseworker", NOON + timedelta(hours=hours), *(new_id() for _ in range(20)))
    assert shown(office) == set()


@pytest.mark.parametrize(
    ("hour", "minute", "night"), [(21, 59, False), (22, 0, True), (3, 0, True), (5, 59, True), (6, 0, False)]
)
def test_night_is_from_ten_to_six_local_time(office: Office, hour: int, minute: int, night: bool) -> None:
    happened(office, "caseworker", NOON.replace(hour=hour, minute=minute), new_id())
    assert shown(office) == ({"night"} if night else set())


def test_reading_and_trying_after_handing_over_shows(
    office: Office, case: tuple[uuid.UUID, uuid.UUID, str]
) -> None:
    case_id, person, code = case
    supervisor = office.client("supervisor")
    data = {"staff_id": str(office.people["caseworker2"]), "reason": "Leave."}
    assert staff.post(supervisor, f"/cases/{case_id}/reassign", data).status_code == 303
    today = clock.today().isoformat()

    def after() -> str:
        return found(office, today).get("after_hand_over", "")

    assert after() == ""
    assert office.client("caseworker2").get(f"/cases/{case_id}").status_code == 200
    assert after() == ""
    assert office.client("caseworker").get(f"/cases/{case_id}").status_code == 404
    assert code in after()
    happened(office, "caseworker", clock.now(), person)
    section = after()
    assert section.count("<tr") == 2
    assert re.search(r'cw-table__value">\s*2\s*<', section)


def test_emergency_access_and_repeated_refusals_show(office: Office) -> None:
    happened(office, "psychologist", NOON, new_id(), break_glass=True)
    for minutes in range(4):
        happened(office, "caseworker", NOON + timedelta(minutes=minutes), outcome="denied")
    assert shown(office) == {"break_glass"}
    happened(office, "caseworker", NOON + timedelta(minutes=9), outcome="denied")
    assert shown(office) == {"break_glass", "denials"}


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("2026-11-20", "2026-11-19", "lies before"),
        ("2026-09-01", "2026-11-19", "At most 31 days"),
        ("nonsense", "2026-11-19", "Please correct this"),
    ],
)
def test_days_that_cannot_be_looked_through_are_said_at_the_field(
    office: Office, since: str, until: str, said: str
) -> None:
    answer = office.client("auditor").get(f"/audit/unusual?since={since}&until={until}")
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)


def test_more_findings_mean_no_more_queries(
    office: Office, count_statements: Callable[[FlaskClient, str], int]
) -> None:
    client = office.client("auditor")
    pages = ("/audit/unusual?since=2026-11-20&until=2026-11-20", "/audit", "/audit/checkpoint")
    for page in pages:
        client.get(page)
    happened(office, "caseworker", NOON.replace(hour=2), new_id())
    few = [count_statements(client, page) for page in pages]
    for hour in (1, 3, 12):
        at = NOON.replace(hour=hour)
        happened(office, "caseworker", at, *(new_id() for _ in range(40)))
        happened(office, new_id(), at, *(new_id() for _ in range(40)))
        for _ in range(6):
            happened(office, "caseworker2", at, outcome="denied")
    assert [count_statements(client, page) for page in pages] == few
    assert max(few) <= 20


@pytest.fixture
def count_statements(app: Flask) -> Callable[[FlaskClient, str], int]:
    from tests.contracts.test_query_counts import counted

    def count(client: FlaskClient, path: str) -> int:
        with counted(app) as statements:
            assert client.get(path).status_code == 200
        return len([each for each in statements if not each.startswith("BEGIN")])

    return count


def test_a_supervisor_sees_who_saw_a_record_by_name_and_others_do_not(
    office: Office, case: tuple[uuid.UUID, uuid.UUID, str]
) -> None:
    case_id, _person, code = case
    assert office.client("caseworker").get(f"/cases/{case_id}").status_code == 200
    supervisor = office.client("supervisor")
    assert f'href="/cases/{case_id}/who-saw"' in supervisor.get(f"/cases/{case_id}").get_data(as_text=True)
    page = supervisor.get(f"/cases/{case_id}/who-saw").get_data(as_text=True)
    assert code in page
    for said in (
        "Test caseworker",
        "Caseworker",
        "A case was opened",
        "A case was looked at",
        "Test supervisor",
    ):
        assert said in page
    assert "Case management" in page or "case_management" not in page
    assert office.client("caseworker").get(f"/cases/{case_id}/who-saw").status_code == 403
    assert office.client("other_supervisor").get(f"/cases/{case_id}/who-saw").status_code == 404
    assert office.client("auditor").get(f"/cases/{case_id}/who-saw").status_code == 403
    ((noted,),) = attacker_of(office.app).asks(
        "SELECT count(*) FROM audit_event WHERE code = 'case.who_saw_viewed' AND outcome = 'success'"
    )
    assert noted == 1


def test_an_auditor_sees_the_same_by_display_code(
    office: Office, case: tuple[uuid.UUID, uuid.UUID, str]
) -> None:
    page = office.client("auditor").get(f"/audit?person={case[2].lower()}").get_data(as_text=True)
    assert "A case was opened" in page
    assert "caseworker" in page
