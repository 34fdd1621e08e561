"""`casework keys …` from the outside: as an administrator types it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from casework.cli import cli
from casework.vault import keys
from casework.vault.providers import make_file_kek
from casework.vault.sealed import SealedJSON
from config.settings import Settings
from tests.integration.vault.conftest import Records


@pytest.fixture(autouse=True)
def _environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEWORK_ENV", "testing")
    monkeypatch.setenv("CASEWORK_HOME", str(settings.home))
    monkeypatch.setenv("CASEWORK_DATABASE_URL", settings.database_url)


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["keys", *arguments], input=answer)


def said(*arguments: str) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_from_a_fresh_installation_to_a_destroyed_key(settings: Settings, records: Records) -> None:
    people = {records.person(surname): surname for surname in ("One", "Two", "Three")}
    before = said("status")
    (first,) = before["keks"]
    assert (first["state"], first["data_keys"], before["to_rewrap"]) == ("current", 3, 0)
    assert said("rotate", "--dry-run") == {"dry_run": True, "would_rewrap": 3}
    assert said("rotate", "--older-than", "90") == {"rotated": False}
    assert said("status")["keks"] == before["keks"]

    rotated = said("rotate", "--batch", "2")
    assert (rotated["new"], rotated["rewrapped"], rotated["pending"]) == (True, 3, 0)
    refused = run("retire", rotated["kek_id"])
    assert refused.exit_code == 1
    assert "still needed: 3 data keys" in refused.stderr
    assert said("retire", first["kek_id"]) == {"retired": first["kek_id"]}
    assert {kek["state"] for kek in said("status")["keks"]} == {"current", "retired"}
    kept = run("retire", first["kek_id"], "--destroy", answer="n\n")
    assert kept.exit_code == 1
    assert (settings.home / "keys" / "retired" / f"{first['kek_id']}.key").exists()
    assert run("retire", first["kek_id"], "--destroy", answer="y\n").exit_code == 0
    assert not (settings.home / "keys" / "retired" / f"{first['kek_id']}.key").exists()

    assert said("renew", "--all", "--dry-run")["would_renew"] == 3
    assert said("renew", "--compartment", "PSY")["new_versions"] == 0
    one = next(iter(people))
    assert said("renew", "--subject", str(one))["resealed"] == 1
    assert said("renew", "--all") == {
        "new_versions": 3,
        "resealed": 3,
        "destroyed": 3,
        "damaged": 0,
        "insert_only": 0,
    }
    keys.cache.clear()
    assert {person: records.surname(person) for person in people} == people


def test_a_rotation_that_was_begun_is_ended_before_another_begins(
    settings: Settings, records: Records
) -> None:
    records.person("One")
    begun = make_file_kek(settings.home / "keys")
    assert "Pending: 1 data keys" in run("status").stdout
    assert said("rotate") == {"kek_id": begun, "new": False, "rewrapped": 1, "pending": 0}


def test_nobody_of_that_code(records: Records) -> None:
    refused = run("renew", "--subject", "QX-0000")
    assert refused.exit_code == 1
    assert "nobody with the code QX-0000" in refused.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("what", ["missing", "wrong", "unreadable", "open to others", "no key"])
def test_start_up_says_which_key_and_what_to_do_and_writes_nothing(
    what: str, settings: Settings, records: Records
) -> None:
    """In a process of its own, as a service manager starts it."""
    records.person("One")
    folder = settings.home / "keys"
    (path,) = folder.glob("kek-*.key")
    if what == "missing":
        path.rename(settings.home / "elsewhere")
        make_file_kek(folder)
    elif what == "wrong":
        path.write_bytes(b"A" * 43 + b"=\n")
    elif what == "unreadable":
        path.unlink()
        path.mkdir()
    elif what == "open to others":
        path.chmod(0o644)
    else:
        path.write_text("not a key\n")
    before = {each: each.stat().st_mtime_ns for each in folder.rglob("*")}
    done = subprocess.run(
        [sys.executable, "-m", "casework.cli", "serve", "--port", str(free_port())],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).resolve().parents[3],
        env={**os.environ, "CASEWORK_SECRET_KEY": "x" * 40},
    )
    assert done.returncode == 1
    assert path.stem in done.stderr
    assert "Traceback" not in done.stderr
    assert {each: each.stat().st_mtime_ns for each in folder.rglob("*")} == before
    assert "1 data keys of 1 people and things need it (CORE 1)" in done.stderr
    if what == "missing":
        assert f"Put its file {path.stem}.key back" in done.stderr


def test_the_app_refuses_sealed_values_in_its_json(app: Flask) -> None:
    assert isinstance(app.json, SealedJSON)


def test_a_command_without_what_it_needs_is_refused() -> None:
    assert run("retire").exit_code == 2
