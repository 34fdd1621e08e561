"""`casework demo`: what it prints, that it can be repeated, and where it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from casework.access.roles import Role
from casework.accounts import passwords
from casework.cli import main
from casework.core.pack import load_pack
from config.settings import Settings

both_engines = pytest.mark.both_engines


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    """Runs `casework …` in an initialised installation."""
    monkeypatch.setenv("CASEWORK_HOME", str(settings.home))
    monkeypatch.setenv("CASEWORK_DATABASE_URL", settings.database_url)

    def call(*arguments: str) -> Done:
        capfd.readouterr()
        code = main(list(arguments))
        return Done(code, *capfd.readouterr())

    assert call("init").code == 0
    return call


def _users(done: Done) -> list[dict[str, str]]:
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert list(found) == ["users"]
    users: list[dict[str, str]] = found["users"]
    return users


@both_engines
def test_prints_at_least_one_sign_in_of_each_role_and_nothing_else(run: Any) -> None:
    users = _users(run("demo", "--cases", "12", "--json"))
    assert {each["role"] for each in users} == {role.value for role in Role}
    for each in users:
        keys = ["role", "username", "password"] + (["domain"] if each["role"] == "domain_officer" else [])
        assert list(each) == keys
        assert passwords.complaint(each["password"], each["username"]) is None
    first = [
        each for place, each in enumerate(users) if each["role"] not in {u["role"] for u in users[:place]}
    ]
    assert len(first) == len(Role)
    assert {each["domain"] for each in users if "domain" in each} == set(load_pack().domains)
    listed = {row["username"] for row in json.loads(run("user", "list", "--json").out)["users"]}
    assert {each["username"] for each in users} <= listed


def test_repeated_it_adds_nothing_and_prints_the_same_sign_ins(run: Any) -> None:
    users = _users(run("demo", "--cases", "12", "--json"))
    assert _users(run("demo", "--json")) == users
    again = run("demo")
    assert "The 12 synthetic cases stay as they are." in again.out
    assert users[0]["password"] in again.out
    assert "/sign-in" in again.out


def test_repeated_it_lets_in_again_whoever_was_shut_out_or_has_another_password(run: Any) -> None:
    users = _users(run("demo", "--cases", "5", "--json"))
    assert run("user", "reset", "caseworker1").code == 0
    assert run("user", "disable", "auditor1").code == 0
    assert _users(run("demo", "--json")) == users
    rows = {row["username"]: row for row in json.loads(run("user", "list", "--json").out)["users"]}
    assert rows["auditor1"]["active"]


def test_two_homes_have_two_passwords(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = _users(run("demo", "--cases", "3", "--json"))
    monkeypatch.setenv("CASEWORK_HOME", str(tmp_path / "there"))
    monkeypatch.delenv("CASEWORK_DATABASE_URL")
    assert run("init").code == 0
    there = _users(run("demo", "--cases", "3", "--json"))
    assert [each["username"] for each in here] == [each["username"] for each in there]
    assert here[0]["password"] != there[0]["password"]


def test_a_larger_number_adds_the_missing_cases(run: Any) -> None:
    assert "5 synthetic cases were added" in run("demo", "--cases", "5").out
    assert "7 synthetic cases were added" in run("demo", "--cases", "12").out
    assert "The 12 synthetic cases stay" in run("demo", "--cases", "3").out


def test_another_seed_is_refused_in_one_sentence(run: Any) -> None:
    assert run("demo", "--cases", "3").code == 0
    done = run("demo", "--cases", "3", "--seed", "2")
    assert (done.code, done.out) == (1, "")
    assert done.err.strip() == (
        "This home holds a synthetic caseload of another seed. Use that seed, or an empty home."
    )


@pytest.mark.parametrize("wrong", [("--cases", "0"), ("--cases", "many"), ("--seed", "-1")])
def test_a_wrong_number_is_refused(run: Any, wrong: tuple[str, str]) -> None:
    done = run("demo", *wrong)
    assert done.code == 2
    assert wrong[0] in done.err


def test_progress_is_told_line_by_line_where_there_is_no_terminal(run: Any) -> None:
    done = run("demo", "--cases", "120")
    assert "events: 2" in done.err
    assert "\r" not in done.err


def test_production_is_refused_but_for_an_empty_home_and_a_plain_yes(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEWORK_ENV", "production")
    monkeypatch.setenv("CASEWORK_SECRET_KEY", "x" * 40)
    refused = run("demo", "--cases", "3")
    assert refused.code == 1
    assert "--yes-this-is-a-demo" in refused.err
    assert run("demo", "--cases", "3", "--yes-this-is-a-demo").code == 0
    assert run("demo", "--cases", "3", "--yes-this-is-a-demo").code == 0


def test_production_with_people_in_it_is_refused_even_with_a_yes(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("user", "add", "someone", "--role", "admin").code == 0
    monkeypatch.setenv("CASEWORK_ENV", "production")
    monkeypatch.setenv("CASEWORK_SECRET_KEY", "x" * 40)
    assert run("demo", "--cases", "3", "--yes-this-is-a-demo").code == 1


def test_without_init_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    monkeypatch.setenv("CASEWORK_HOME", str(tmp_path / "nowhere"))
    monkeypatch.delenv("CASEWORK_DATABASE_URL")
    done = run("demo")
    assert done.code == 1
    assert len(done.err.strip().splitlines()) == 1
