"""What an operator types: the document's commands, `serve` with both addresses, `worker`, and what `doctor` says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from casework.audit.identity import Identity
from casework.commands.database_checks import look_at_database
from casework.commands.findings import Finding
from config.settings import DATABASE_URL, WORKER_DATABASE_URL, Settings, SettingsProblem, from_environment
from tests.integration.roles.conftest import Done
from tests.services import database_roles
from tests.services.database_roles import OWNER, WEB, WORKER, Roles

Run = Callable[..., Done]
ROOT = Path(__file__).parents[3]


def environment(roles: Roles) -> dict[str, str]:
    return {
        **os.environ,
        "CASEWORK_HOME": str(roles.settings.home),
        DATABASE_URL: roles.settings.database_url,
        WORKER_DATABASE_URL: roles.settings.worker_database_url,
    }


@contextmanager
def served(roles: Roles, *options: str) -> Iterator[tuple[int, str]]:
    """`casework serve`, ready: its process, and where it answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "casework.cli", "serve", "--port", "0", "--workers", "1", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(roles), cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("Casework is at "), process.stderr and process.stderr.read()
        yield process.pid, said.split()[3]
        process.terminate()
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)


def processes_below(pid: int) -> dict[int, str]:
    """What a process started, and what those started: command line by number."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found[int(child)] = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        found |= processes_below(int(child))
    return found


def test_only_the_worker_knows_its_own_way_to_the_database(roles: Roles) -> None:
    with served(roles) as (pid, address):
        with urllib.request.urlopen(f"{address}/sign-in") as page:
            assert page.status == 200
        known = {
            command.split("casework.commands.serving ")[1].split()[0]: WORKER_DATABASE_URL.encode()
            in Path(f"/proc/{child}/environ").read_bytes()
            for child, command in sorted(processes_below(pid).items(), reverse=True)
        }
        assert known == {"web": False, "worker": True}
        identity = Identity(roles.settings.home / "log")
        sessions = "SELECT pg_sleep(0.1), usename FROM pg_stat_activity WHERE datname = %s"
        give_up = time.monotonic() + 60
        names: set[object] = set()
        while not (names >= {WEB, WORKER} and identity.last_note()) and time.monotonic() < give_up:
            with roles.cluster.superuser() as connection:
                names = {row[1] for row in connection.execute(sessions, [roles.database]).fetchall()}
        assert names == {WEB, WORKER}
        assert identity.last_note(), "the worker has signed"


def test_serves_pages_only_on_a_machine_that_has_no_signing_key(roles: Roles, run: Run) -> None:
    assert run("audit", "checkpoint").code == 0  # nothing waits any more, however old the template is
    (roles.settings.home / "log" / "signing.key").unlink()
    alone = replace(roles, settings=replace(roles.settings, worker_database_url=""))
    with served(alone, "--web-only") as (pid, address):
        assert [command.split()[3] for command in processes_below(pid).values()] == ["web", "web"]
        for path in ("/sign-in", "/readyz", "/metrics"):
            with urllib.request.urlopen(f"{address}{path}") as page:
                assert page.status == 200, path
    found = {each.name: each for each in look_at_database(alone.settings)}
    assert found["audit log"].ok
    assert not {each.name: each for each in look_at_database(roles.settings)}["audit log"].ok


def test_what_has_the_workers_way_cannot_be_looked_into() -> None:
    asked = "import ctypes; from casework.commands.serving import keep_to_itself as k; k(); print(ctypes.CDLL(None).prctl(3))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "0\n"


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("worker",)])
def test_does_not_start_as_a_role_that_lacks_a_right_and_says_so(
    roles: Roles, run: Run, command: tuple[str, ...]
) -> None:
    with roles.connection(OWNER) as owner:
        owner.execute(f"REVOKE DELETE ON audit_pending FROM {WORKER}".encode())
    done = run(*command)
    assert done.code == 1
    assert done.err.startswith(
        "The database role casework_worker lacks what the worker process needs (DELETE audit_pending, 1 in all)."
    )
    assert len(done.err.strip().splitlines()) == 1


def test_does_not_give_the_worker_the_web_role(
    roles: Roles, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WORKER_DATABASE_URL)
    assert (
        "The database role casework_web lacks what the worker process needs"
        in run("serve", "--port", "0").err
    )


def test_prints_the_sql_for_roles_of_any_name(run: Run) -> None:
    printed = run("database", "roles", "--web", "pages", "--worker", "Jobs")
    assert printed.code == 0
    assert "GRANT SELECT, INSERT ON audit_event TO pages;\n" in printed.out
    assert 'GRANT SELECT, INSERT, DELETE ON audit_pending TO "Jobs";\n' in printed.out
    assert "PASSWORD" not in printed.out.upper()


def test_the_document_tells_what_serve_needs(roles: Roles) -> None:
    start = database_roles.documented("sh")[1]
    assert start.count("postgresql://") == 2
    settled = subprocess.run(
        ["bash", "-euc", start.replace("casework serve", "env").replace("casework doctor", ":")],
        env=database_roles.environment_of(roles.settings.home, roles.cluster),
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert f"{DATABASE_URL}=postgresql://{WEB}@/casework\n" in settled
    assert f"{WORKER_DATABASE_URL}=postgresql://{WORKER}@/casework\n" in settled


# doctor


def rights_of(settings: Settings) -> dict[str, Finding]:
    return {each.name: each for each in look_at_database(settings) if "rights" in each.name}


def in_production(settings: Settings) -> Settings:
    return replace(settings, environment="production")


def test_doctor_finds_each_role_as_it_should_be(roles: Roles) -> None:
    found = rights_of(in_production(roles.settings))
    assert {name: each.level for name, each in found.items()} == {
        "database rights": "ok",
        "worker's database rights": "ok",
    }
    alone = rights_of(in_production(roles.settings.for_worker()))
    assert alone["database rights"].level == "ok", "a machine that does only the jobs"


def test_doctor_warns_in_production_of_one_role_for_everything(roles: Roles) -> None:
    one = replace(roles.settings, database_url=roles.url(OWNER), worker_database_url="")
    found = rights_of(in_production(one))["database rights"]
    assert (found.level, found.ok) == ("warning", True)
    assert found.found == (
        "casework_owner owns the tables, so it can switch off the triggers that guard the audit log"
    )
    assert "PostgreSQL: roles of their own" in found.fix
    assert rights_of(one)["database rights"].level == "note"


def test_doctor_names_a_superuser(roles: Roles) -> None:
    boss = replace(roles.settings, database_url=roles.url("postgres"))
    found = {each.name: each for each in look_at_database(boss)}
    assert found["database rights"].found.startswith("postgres is a superuser")
    assert not found["database role"].ok


def test_doctor_says_what_a_role_may_too_much_and_too_little(roles: Roles) -> None:
    with roles.connection(OWNER) as owner:
        for table in ("audit_event", "audit_leaf"):
            owner.execute(f"GRANT UPDATE, DELETE ON {table} TO {WEB}".encode())
        owner.execute(f"REVOKE SELECT ON search_change FROM {WORKER}".encode())
        owner.execute(
            f"REVOKE UPDATE (body, agent_id, agent_role, entity_type, entity_id) ON audit_event FROM {WORKER}".encode()
        )
    found = rights_of(in_production(roles.settings))
    web, worker = found["database rights"], found["worker's database rights"]
    assert (web.level, worker.level) == ("warning", "wrong")
    assert web.found == (
        "casework_web may do more than the web process needs: UPDATE audit_event, DELETE audit_event, "
        "UPDATE audit_leaf, DELETE audit_leaf"
    )
    assert (
        worker.found
        == "casework_worker lacks what the worker process needs: UPDATE audit_event, SELECT search_change"
    )
    assert web.fix.startswith("Run as the owner: casework database roles | psql")


def test_doctor_says_what_to_do_when_a_role_was_given_nothing_yet(roles: Roles) -> None:
    with roles.connection(OWNER) as owner:
        owner.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {WEB}, {WORKER}".encode())
    found = list(look_at_database(roles.settings))
    assert {each.found.split(": ")[0] for each in found if not each.ok} == {"it cannot be used"}
    assert all(
        each.fix.startswith("Run as the owner: casework database roles") for each in found if not each.ok
    )


def test_doctor_says_how_bad_each_thing_is(roles: Roles, run: Run) -> None:
    with roles.connection(OWNER) as owner:
        owner.execute(f"GRANT DELETE ON audit_event TO {WEB}".encode())
    said = run("doctor").out
    assert "note   database rights: casework_web may do more than the web process needs" in said
    assert "ok     worker's database rights: casework_worker may do" in said


@pytest.mark.parametrize(
    ("path", "check"), [("log/signing.key", "audit log"), ("keys/index.key", "index key")]
)
def test_doctor_says_when_others_can_read_a_key(roles: Roles, run: Run, path: str, check: str) -> None:
    file = roles.settings.home / path
    file.chmod(0o640)
    assert f"WRONG  {check}: " in (said := run("doctor").out)
    assert f"chmod 600 {file}" in said
    file.unlink()
    assert f"WRONG  {check}: " in run("doctor").out


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", "postgresql://casework_worker@/casework"),
        ("postgresql://casework_web@/casework", "sqlite:///casework.db"),
        ("postgresql://casework_web@/casework", "mysql://somebody@host/x"),
    ],
)
def test_a_wrong_second_address_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: str, second: str
) -> None:
    monkeypatch.setenv("CASEWORK_HOME", str(tmp_path))
    monkeypatch.setenv(DATABASE_URL, first)
    monkeypatch.setenv(WORKER_DATABASE_URL, second)
    with pytest.raises(SettingsProblem, match=WORKER_DATABASE_URL):
        from_environment()
