"""Documents of older rules and digests under an old key are made anew, in portions that can be stopped and gone on with."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from casework.access.actor import SYSTEM, acting_as
from casework.cases.search.jobs import Reindexed, count_behind, reindex
from casework.cli import cli
from casework.commands import search as search_commands
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work
from casework.vault import names
from casework.vault.exact import current_key_id
from casework.vault.index_keys import FileIndexKeys, make_index_key
from casework.vault.keys import destroy_keys
from casework.vault.names import spelling
from tests.integration.cases.conftest import Events
from tests.services import staff
from tests.services.cases import Office, open_case

pytestmark = pytest.mark.both_engines

PEOPLE = ["Rahmonov", "Karimov", "Yusupov", "Aliyev", "Nazarov"]


@pytest.fixture
def caseload(office: Office) -> Office:
    """Five persons with a passport each."""
    client = office.client("caseworker")
    for number, surname in enumerate(PEOPLE):
        passport = {"identifier_type": "passport", "identifier_value": f"AA123456{number}"}
        open_case(office, client, surname=surname, **passport)
    return office


Result = TypeVar("Result")


def inside(office: Office, act: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    """Does something as a command would: in an application context of its own."""
    with office.app.app_context():
        try:
            return act(*args, **kwargs)
        finally:
            db.session.remove()


def command(office: Office, *words: str) -> Any:
    return inside(office, CliRunner().invoke, cli, list(words))


def write(office: Office, statement: str) -> None:
    def act() -> None:
        with acting_as(SYSTEM), unit_of_work():
            db.session.execute(text(statement))

    inside(office, act)


def rows(office: Office, statement: str) -> list[tuple[Any, ...]]:
    def act() -> list[tuple[Any, ...]]:
        with acting_as(SYSTEM), unit_of_work(write=False):
            return [tuple(row) for row in db.session.execute(text(statement))]

    return inside(office, act)


def finds(office: Office, query: str) -> int:
    page = staff.post(office.client("caseworker"), "/search", {"query": query}).get_data(as_text=True)
    return page.count("cw-work__link")


def test_missing_documents_are_made_in_portions_and_each_is_an_event(
    caseload: Office, events: Events
) -> None:
    write(caseload, "DELETE FROM search_document")
    assert finds(caseload, "Рахмонов") == 0
    assert inside(caseload, count_behind) == 5
    seen: list[tuple[int, int]] = []
    assert inside(caseload, reindex, "test", lambda done, of: seen.append((done, of)), batch=2) == Reindexed(
        5, 0
    )
    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert finds(caseload, "Рахмонов") == 1
    made = [each for each in events() if each["code"] == "search.reindexed"]
    assert [each["result_count"] for each in made] == [2, 2, 1]
    assert len({person for each in made for person in each["subject_ids"]}) == 5
    before = len(events())
    assert inside(caseload, reindex, "test") == Reindexed(0, 0)
    assert len(events()) == before, "nothing to do leaves no event"


def test_a_stopped_run_goes_on_where_it_was(caseload: Office) -> None:
    write(caseload, "DELETE FROM search_document")

    def stop(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inside(caseload, reindex, "test", stop, batch=2)
    assert inside(caseload, count_behind) == 3
    assert inside(caseload, reindex, "test", batch=2) == Reindexed(3, 0)


def test_documents_of_older_rules_are_found_meanwhile_and_made_anew(
    caseload: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from casework.vault.names import document

    newer = names.VERSION + 1
    for module in (names, spelling, document):
        monkeypatch.setattr(module, "VERSION", newer)
    assert inside(caseload, count_behind) == 5
    assert finds(caseload, "Рахмонов") == 1, "before it is made anew"
    assert inside(caseload, reindex, "test") == Reindexed(5, 0)
    assert inside(caseload, count_behind) == 0
    assert finds(caseload, "Рахмонов") == 1


def test_an_erased_person_is_not_waited_for_and_a_damaged_one_is_counted(caseload: Office) -> None:
    people = [row[0] for row in rows(caseload, "SELECT person_id FROM search_document")]
    write(caseload, "DELETE FROM search_document")
    erased = uuid.UUID(str(people[0]))

    def erase() -> None:
        with acting_as(SYSTEM), unit_of_work():
            destroy_keys(erased)

    inside(caseload, erase)
    assert inside(caseload, count_behind) == 4
    damaged = uuid.UUID(str(people[1]))
    shown = (
        damaged.hex if caseload.app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite") else str(damaged)
    )
    source = "(SELECT surname FROM person_name WHERE person_id <> '" + shown + "' LIMIT 1)"
    write(caseload, f"UPDATE person_name SET surname = {source} WHERE person_id = '{shown}'")
    assert inside(caseload, reindex, "test", batch=2) == Reindexed(3, 1)


def test_the_command_tells_what_it_did(caseload: Office) -> None:
    write(caseload, "DELETE FROM search_document")
    assert '"behind": 5' in command(caseload, "search", "status", "--json").stdout
    done = command(caseload, "search", "reindex", "--batch", "3")
    assert (done.exit_code, done.stdout) == (0, "5 persons were indexed anew.\n")
    assert "Persons to index anew: 0." in command(caseload, "search", "status").stdout


def test_the_index_key_is_rotated_and_numbers_are_found_throughout(
    caseload: Office, events: Events, home: Path
) -> None:
    before = set(rows(caseload, "SELECT digest, key_id FROM exact_index"))
    old = inside(caseload, current_key_id)
    stopped = RuntimeError("stopped")

    def stop(_done: int, _of: int) -> None:
        raise stopped

    with pytest.raises(RuntimeError, match="stopped"):
        inside(caseload, search_commands.rotate_index, stop, batch=2)
    new = inside(caseload, current_key_id)
    assert new != old
    assert len(FileIndexKeys(home / "keys").at_hand()) == 2
    for number in range(5):
        assert finds(caseload, f"AA123456{number}") == 1, "under the old key or the new one"
    done = command(caseload, "keys", "rotate-index", "--batch", "2")
    assert done.exit_code == 0, done.output
    assert "The numbers of 3 persons" in done.stdout
    assert [key.id for key in FileIndexKeys(home / "keys").at_hand()] == [new]
    after = set(rows(caseload, "SELECT digest, key_id FROM exact_index"))
    assert {key for _digest, key in after} == {new}
    assert {digest for digest, _key in after}.isdisjoint({digest for digest, _key in before})
    assert len(after) == 5
    for number in range(5):
        assert finds(caseload, f"AA123456{number}") == 1
    codes = [each["code"] for each in events()]
    assert codes.count("keys.index_rotation_begun") == 2
    assert codes.count("keys.index_rotated") == 1


def test_a_lost_index_key_is_replaced_and_the_numbers_are_indexed_anew(caseload: Office, home: Path) -> None:
    (home / "keys" / "index.key").unlink()
    refused = command(caseload, "search", "reindex")
    assert refused.exit_code == 1
    assert "casework init" in refused.stderr
    assert make_index_key(home / "keys") is not None
    assert finds(caseload, "AA1234561") == 0
    assert inside(caseload, reindex, "test") == Reindexed(5, 0)
    assert finds(caseload, "AA1234561") == 1
