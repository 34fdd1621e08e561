"""`casework serve` as a process: it answers, refuses a port in use, and ends with everything it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from casework.commands import serving
from config.settings import Settings
from tests.integration.cli.conftest import Run

READY = "Casework is at http://127.0.0.1:"


@contextmanager
def served(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`casework serve` in a session of its own, ready, and its port."""
    environment = {
        **os.environ,
        "CASEWORK_HOME": str(settings.home),
        "CASEWORK_DATABASE_URL": settings.database_url,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "casework.cli", "serve", "--port", "0", "--workers", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith(READY)
        yield process, int(said.removeprefix(READY).split()[0])
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)


def test_answers_and_ends_with_all_it_started_on_ctrl_c(installed: Settings) -> None:
    with served(installed) as (process, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in") as page:
            assert page.status == 200
            assert page.headers["Server"] == "casework", "which program serves is nobody's business"
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
        assert process.wait(30) == 0
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_what_it_started_ends_even_when_it_is_killed(installed: Settings) -> None:
    with served(installed) as (process, _port):
        children = _children(process.pid)
        assert len(children) == 2
        pipes = [os.pidfd_open(child) for child in children]
        process.kill()
        for pipe in pipes:
            _wait_for_end(pipe)
            os.close(pipe)


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_for_end(pidfd: int) -> None:
    import select

    assert select.select([pidfd], [], [], 30)[0], "a process outlived its parent"


def test_a_port_in_use_is_one_sentence(installed: Settings, run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run("serve", "--port", str(port))
    assert done.code == 1
    assert done.err == f"Port {port} is in use. Stop the other program, or choose another port: --port.\n"


def test_an_address_of_another_machine_is_one_sentence(installed: Settings, run: Run) -> None:
    done = run("serve", "--host", "192.0.2.1", "--port", "0")
    assert done.code == 1
    assert done.err == "Port 0 cannot be opened: Cannot assign requested address.\n"
    assert (
        run("serve", "--host", "no such host", "--port", "0").err
        == "no such host is no address of this machine.\n"
    )


def test_the_printed_address_is_one_that_a_browser_takes() -> None:
    with serving.listening("127.0.0.1", 0) as listener:
        assert serving.address_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
