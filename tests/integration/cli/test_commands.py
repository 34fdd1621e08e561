"""Commands for staff and places, and how they refuse: one plain sentence on stderr, a non-zero exit, nothing changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from config.settings import Settings
from tests.integration.cli.conftest import Run
from tests.services.staff import TREE

both_engines = pytest.mark.both_engines


def _codes(settings: Settings) -> list[str]:
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        codes = [row[0] for row in connection.execute(text("SELECT code FROM audit_event ORDER BY id"))]
    engine.dispose()
    return codes


@both_engines
def test_adds_lists_resets_and_disables_staff_and_each_leaves_an_event(
    installed: Settings, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "places.csv"
    file.write_text(TREE)
    assert run("places", "import", str(file)).code == 0
    added = json.loads(
        run("user", "add", "Dilnoza", "--role", "caseworker", "--place", "1703202", "--json").out
    )
    assert (added["username"], added["role"]) == ("dilnoza", "caseworker")
    assert len(added["password"]) == 19
    [row] = json.loads(run("user", "list", "--json").out)["users"]
    assert (row["username"], row["place"], row["active"]) == ("dilnoza", "1703202", True)
    again = json.loads(run("user", "reset", "dilnoza", "--json").out)
    assert again["password"] != added["password"]
    assert run("user", "disable", "dilnoza").code == 0
    assert "disabled" in run("user", "list").out
    assert _codes(installed) == [
        "place.imported", "staff.added", "staff.listed", "staff.password_reset", "staff.disabled", "staff.listed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("user", "add", "x1", "--role", "police"), "'police' is not one of"),
        (("user", "add", "x1"), "Missing option '--role'"),
        (("user", "add", "имя", "--role", "admin"), "small Latin letters"),
        (("user", "add", "x1", "--role", "supervisor"), "Choose the office of this person."),
        (
            ("user", "add", "x1", "--role", "supervisor", "--place", "999"),
            "There is no place with the code 999.",
        ),
        (("user", "add", "x1", "--role", "domain_officer", "--domain", "police"), "Choose the office"),
        (("user", "disable", "nobody"), "There is nobody with the user name nobody."),
        (("user", "reset", "nobody"), "There is nobody with the user name nobody."),
        (("nonsense",), "No such command 'nonsense'."),
        (("serve", "--port", "70000"), "is not in the range"),
        (("places", "import", "not-there.csv"), "The file not-there.csv cannot be read"),
    ],
)
def test_refuses_in_one_sentence(
    installed: Settings, run: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    done = run(*arguments)
    assert done.code != 0
    assert sentence in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert done.out == ""
    assert json.loads(run("user", "list", "--json").out)["users"] == []


@pytest.mark.parametrize("name", ["init", "serve", "worker", "user", "places", "doctor"])
def test_every_command_helps(run: Run, name: str) -> None:
    done = run(name, "--help")
    assert done.code == 0
    assert done.out.startswith("Usage: casework")


@both_engines
def test_places_import_counts_and_repeats(installed: Settings, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_text(TREE)
    trial = json.loads(run("places", "import", str(file), "--dry-run", "--json").out)
    assert (trial["added"], trial["dry_run"]) == (9, True)
    first = json.loads(run("places", "import", str(file), "--json").out)
    assert (first["added"], first["changed"], first["closed"]) == (9, 0, 0)
    assert (
        "0 were added, 0 changed, 0 closed, 0 opened again, 9 stay" in run("places", "import", str(file)).out
    )


def test_places_import_tells_each_wrong_row(installed: Settings, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_text(TREE + "14,999,mahalla,Nomi,,\n15,1703202,village,Nomi,,\n")
    done = run("places", "import", str(file))
    assert done.code == 1
    assert done.err.splitlines() == [
        "line 11: parent_code 999 is neither in the file nor stored",
        "line 12: level 'village' is not one of country, region, district, mahalla",
        f"{file}: 2 rows are wrong; nothing was changed.",
    ]
    errors = json.loads(run("places", "import", str(file), "--json").out)["errors"]
    assert [error["line"] for error in errors] == [11, 12]


def test_places_import_refuses_what_is_no_register(installed: Settings, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "photo.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    done = run("places", "import", str(file))
    assert (done.code, done.err) == (1, f"The file {file} is not a CSV file.\n")
    assert (
        run("places", "import", str(tmp_path)).err == f"The file {tmp_path} cannot be read: Is a directory.\n"
    )


def test_a_group_without_a_command_shows_what_it_has_line_by_line(run: Run) -> None:
    shown = run("audit")
    assert shown.code == 2
    assert [line for line in shown.err.splitlines() if line.strip().startswith("verify ")]
