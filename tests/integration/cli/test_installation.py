"""`casework init` and `casework doctor`: a new home, a second run, and everything that may be wrong with one."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from casework.commands import doctor
from casework.vault.providers import make_file_kek
from config.settings import Settings
from tests.integration.cli.conftest import Run

as_root = os.geteuid() == 0


@pytest.mark.both_engines
def test_prepares_an_installation_and_does_nothing_the_second_time(
    empty_home: Path, empty_database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEWORK_DATABASE_URL", empty_database_url)
    first = run("init")
    assert (first.code, first.err) == (0, "")
    assert "A new key was made" in first.out
    assert "221 regions and districts were added." in first.out
    files = {path: path.read_bytes() for path in (empty_home / "keys").iterdir()}
    second = run("init")
    assert second.out == f"The database is up to date.\nCasework is ready in {empty_home}.\n"
    assert {path: path.read_bytes() for path in (empty_home / "keys").iterdir()} == files
    for path in (empty_home, empty_home / "keys", *files):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_finds_all_well_but_the_missing_administrator(empty_home: Path, run: Run) -> None:
    run("init")
    found = run("doctor", "--json")
    report = json.loads(found.out)
    wrong = [check["check"] for check in report["checks"] if not check["ok"]]
    assert set(wrong) <= {"administrator", "front end", "languages"}
    assert "administrator" in wrong
    assert found.code == 1
    run("user", "add", "boss", "--role", "admin")
    checks = {check["check"]: check["ok"] for check in json.loads(run("doctor", "--json").out)["checks"]}
    assert checks["administrator"]


def test_a_home_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("CASEWORK_HOME", str(blocked / "home"))
    done = run("init")
    assert done.code == 1
    assert done.err == f"The folder {blocked / 'home'} cannot be written: Not a directory.\n"


def test_no_database_yet_is_one_sentence(empty_home: Path, run: Run) -> None:
    empty_home.mkdir()
    done = run("user", "list")
    assert (done.code, done.err) == (1, "There is no database here yet. Run `casework init`.\n")


@pytest.mark.both_engines
@pytest.mark.parametrize("command", [("init",), ("user", "list"), ("serve", "--port", "0"), ("worker",)])
def test_a_newer_database_is_left_alone(installed: Settings, run: Run, command: tuple[str, ...]) -> None:
    engine = create_engine(installed.database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    done = run(*command)
    assert done.code == 1
    assert "is of version 9999, which is newer than this program" in done.err
    assert len(done.err.strip().splitlines()) == 1
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
    engine.dispose()


def test_a_file_that_is_no_database_is_one_sentence(empty_home: Path, run: Run) -> None:
    run("init")
    (empty_home / "casework.db").write_bytes(b"this is a letter, not a database" * 100)
    for name in ("casework.db-wal", "casework.db-shm"):
        (empty_home / name).unlink(missing_ok=True)
    done = run("user", "list")
    assert done.code == 1
    assert done.err == "The database cannot be used: file is not a database.\n"


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("worker",), ("init",)])
def test_a_key_file_that_others_can_read_is_one_sentence(
    installed: Settings, run: Run, command: tuple[str, ...]
) -> None:
    [path] = (installed.home / "keys").glob("kek-*.key")
    path.chmod(0o640)
    done = run(*command)
    assert (done.code, done.err) == (1, f"The key file {path} can be read by others. Run: chmod 600 {path}\n")


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("worker",)])
def test_a_missing_key_is_one_sentence(installed: Settings, run: Run, command: tuple[str, ...]) -> None:
    [path] = (installed.home / "keys").glob("kek-*.key")
    path.unlink()
    done = run(*command)
    assert done.code == 1
    assert done.err.startswith(f"There is no key in {path.parent}.")
    assert len(done.err.strip().splitlines()) == 1


def test_init_makes_no_new_key_where_records_are_sealed(installed: Settings, run: Run) -> None:
    engine = create_engine(installed.database_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO subject_key (subject_id, compartment, dek_version, kek_id, wrapped, created_at) "
                "VALUES ('00', 'CORE', 1, 'kek-lost', x'00', '2026-01-01')"
            )
        )
    engine.dispose()
    for path in (installed.home / "keys").iterdir():
        path.unlink()
    done = run("init")
    assert done.code == 1
    assert "this database holds sealed records" in done.err
    assert list((installed.home / "keys").iterdir()) == []
    make_file_kek(installed.home / "keys")
    lost = next(
        each
        for each in json.loads(run("doctor", "--json").out)["checks"]
        if each["check"] == "keys of the records"
    )
    assert "kek-lost" in lost["found"]


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("CASEWORK_ENV", "staging", "CASEWORK_ENV must be one of"),
        (
            "CASEWORK_ENV",
            "production",
            "Production needs CASEWORK_DATABASE_URL, CASEWORK_SECRET_KEY to be set.",
        ),
        ("CASEWORK_PROXIES", "two", "CASEWORK_PROXIES must be a whole number"),
        ("CASEWORK_DATABASE_URL", "nonsense", "CASEWORK_DATABASE_URL must be"),
        ("CASEWORK_DATABASE_URL", "mysql://somebody:secret@host/x", "CASEWORK_DATABASE_URL must be"),
        ("CASEWORK_DATABASE_URL", "postgresql://host:port/x", "CASEWORK_DATABASE_URL must be"),
        ("CASEWORK_KEK", "magic:", "CASEWORK_KEK names no known key provider"),
    ],
)
def test_a_wrong_setting_is_one_sentence(
    empty_home: Path, run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)
    done = run("init")
    assert done.code == 1
    assert sentence in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize("left", [b"", b"short\n", b"\xff\xfe" * 40])
def test_a_damaged_cookie_secret_is_one_sentence(installed: Settings, run: Run, left: bytes) -> None:
    (installed.home / "keys" / "cookie.secret").write_bytes(left)
    for command in (("init",), ("serve", "--port", "0"), ("user", "list")):
        done = run(*command)
        assert done.code == 1
        assert "cookie.secret is damaged. Remove it" in done.err
        assert len(done.err.strip().splitlines()) == 1


def test_a_database_server_that_does_not_answer_is_one_sentence(
    empty_home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEWORK_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=2")
    done = run("init")
    assert done.code == 1
    assert done.err.startswith("The database cannot be used: ")
    assert len(done.err.strip().splitlines()) == 1


def _finding(name: str) -> doctor.Finding:
    return next(each for each in doctor.examine() if each.name == name)


def test_doctor_says_what_to_do_about_an_open_home_and_a_lost_secret(installed: Settings) -> None:
    installed.home.chmod(0o755)
    assert _finding("home").fix == f"Run: chmod 700 {installed.home}"
    assert not _finding("cookie secret").ok
    [path] = (installed.home / "keys").glob("kek-*.key")
    path.chmod(0o644)
    assert "can be read by others" in _finding("keys").found


def test_doctor_says_that_the_disk_is_full(installed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 2**62)
    assert not _finding("disk").ok


def test_doctor_says_that_the_front_end_is_not_built(
    installed: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "BUILD", tmp_path)
    assert _finding("front end").fix.startswith("Run: make run")


def test_doctor_says_that_catalogs_are_not_compiled(
    installed: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    catalog = tmp_path / "uz" / "LC_MESSAGES" / "messages.po"
    catalog.parent.mkdir(parents=True)
    catalog.touch()
    monkeypatch.setattr(doctor, "catalog_directories", lambda: [tmp_path])
    assert _finding("languages").found == "1 of 1 catalogs are not compiled"


def test_doctor_says_that_a_package_is_too_old(installed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.metadata, "requires", lambda _name: ["flask>=99", "no-such-thing-at-all>=1"])
    found = _finding("packages").found
    assert "flask is" in found
    assert "no-such-thing-at-all is missing" in found


@pytest.mark.both_engines
def test_doctor_looks_at_the_role_and_the_clock_of_the_database(installed: Settings) -> None:
    names = {each.name: each for each in doctor.examine()}
    assert names["database"].ok
    assert names["clock"].ok
    if installed.database_url.startswith("postgresql"):
        assert names["database role"].ok
        assert names["database server"].ok
