"""`casework serve`: one process watches two others, the web server and the worker, and ends with them.

    serve (this file's `run`) ── web: gunicorn with its threads, on a socket that is already open
                              └─ worker: the jobs

The socket is opened first, so a port in use is one sentence and not a stream of retries. With two roles in PostgreSQL only
the worker is given the address of its own.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app

from casework.audit.event import forget_writer
from casework.commands.behaviour import Refusal
from casework.commands.database_roles import Part, standing
from casework.commands.key_changes import end_pending_renewal
from casework.core import jobs
from casework.core.database import db
from casework.vault.providers import KeyProblem, open_provider
from casework.vault.rotation import refuse_missing, what_needs_keys
from config.settings import WORKER_DATABASE_URL, Settings, from_environment

THREADS = 4
PATIENCE = 20.0
"""Seconds: how long processes may take to end what they are doing."""
READY_WITHIN = 60.0
RESTART_AFTER = 2.0

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens. `Refusal` when the port is in use or may not be opened."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as problem:
        raise Refusal(f"{host} is no address of this machine.") from problem
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(512)
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                raise Refusal(
                    f"Port {port} is in use. Stop the other program, or choose another port: --port."
                ) from problem
            raise Refusal(f"Port {port} cannot be opened: {problem.strerror}.") from problem
        yield listener


def require_keys() -> None:
    """`KeyProblem` when the keys of the present app do not work."""
    settings: Settings = current_app.extensions["casework_settings"]
    try:
        open_provider(settings.kek, production=settings.production).health()
    except KeyProblem as problem:
        raise KeyProblem(f"{problem} {what_needs_keys()}".rstrip()) from problem
    refuse_missing()


def require_rights(part: Part) -> None:
    """`Refusal` when the role that the present app connects with lacks what this part of the product needs."""
    with db.engine.connect() as connection:
        if connection.dialect.name != "postgresql":
            return
        found = standing(connection, part)
    if found.missing:
        raise Refusal(
            f"The database role {found.role} lacks what the {part} process needs ({found.missing[0]}, "
            f"{len(found.missing)} in all). Give the roles their rights, as after every update: "
            'docs/audit-log.md, "PostgreSQL: roles of their own".'
        )


def run(listener: socket.socket, workers: int, *, jobs_too: bool = True) -> int:
    """Serves until a signal, or until the web server ends by itself; gives the exit code, 0 after a signal."""
    keep_to_itself()
    stopping = threading.Event()
    before = {
        each: signal.signal(each, lambda *_signal: stopping.set()) for each in (signal.SIGINT, signal.SIGTERM)
    }
    handle = listener.fileno()
    web = _start("web", str(handle), str(workers), keep=handle)
    worker = _start("worker") if jobs_too else None
    try:
        if _answers(listener, web, stopping):
            click.echo(f"Casework is at {address_of(listener)} (Ctrl-C stops it).")
        while not stopping.wait(0.5):
            if web.poll() is not None:
                return web.returncode or 1
            if worker is not None and worker.poll() is not None:
                stopping.wait(RESTART_AFTER)
                worker = _start("worker")
        return 0
    finally:
        _stop(*filter(None, (web, worker)))
        for each, handler in before.items():
            signal.signal(each, handler)


def address_of(listener: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def _start(*what: str, keep: int | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "casework.commands.serving", *what]
    # The way to the database as the worker is the worker's only.
    kept = {
        name: value
        for name, value in os.environ.items()
        if what[0] == "worker" or name != WORKER_DATABASE_URL
    }
    return subprocess.Popen(command, pass_fds=() if keep is None else (keep,), env=kept)  # noqa: S603 -- our own program


def _answers(listener: socket.socket, web: subprocess.Popen[bytes], stopping: threading.Event) -> bool:
    """Waits until the first page can be had; False when the web server ended or somebody said stop."""
    give_up = time.monotonic() + READY_WITHIN
    while time.monotonic() < give_up and web.poll() is None:
        with suppress(OSError):
            with suppress(urllib.error.HTTPError):  # any answer will do
                urllib.request.urlopen(f"{address_of(listener)}/healthz", timeout=2).close()  # noqa: S310 -- our own
            return True
        if stopping.wait(0.1):
            break
    return False


def _stop(*processes: subprocess.Popen[bytes]) -> None:
    for each in processes:
        if each.poll() is None:
            each.terminate()
    give_up = time.monotonic() + PATIENCE
    for each in processes:
        try:
            each.wait(max(give_up - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()


def run_jobs(app: Flask) -> None:
    """The worker: does jobs until a signal."""
    keep_to_itself()
    jobs.register("end a renewal of data keys", timedelta(hours=1), end_pending_renewal)
    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_signal: stopped.set())
    jobs.run_until(app, stopped)


def run_web(handle: int, workers: int) -> None:
    """The web server on a socket that the parent opened. Returns never: gunicorn ends the process."""
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
    from gunicorn.http import wsgi  # type: ignore[import-untyped]

    wsgi.SERVER = "casework"  # which program serves, and of what make, is nobody's business

    class Server(BaseApplication):  # type: ignore[misc]  # the library has no types
        def load_config(self) -> None:
            for name, value in _gunicorn_settings(handle, workers).items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            from casework.app import create_app

            return create_app()

    Server().run()


def _gunicorn_settings(handle: int, workers: int) -> dict[str, Any]:
    memory = Path("/dev/shm")  # noqa: S108 -- heartbeats only; a disk that is busy must not look like a stuck worker
    return {
        "bind": [f"fd://{handle}"],
        "workers": workers,
        "worker_class": "gthread",
        "threads": THREADS,
        "timeout": 60,
        "graceful_timeout": int(PATIENCE) - 5,
        "keepalive": 5,
        "loglevel": "warning",
        "accesslog": None,  # the audit log says who looked at what; addresses belong in no other file
        "worker_tmp_dir": str(memory) if os.access(memory, os.W_OK) else None,
        "control_socket_disable": True,
        "limit_request_line": 4094,
        "post_fork": lambda _server, _worker: forget_writer(),
    }


def keep_to_itself() -> None:
    """Other processes of the same user, the web server's above all, see neither memory nor environment of this one."""
    _prctl(_PR_SET_DUMPABLE, 0)


def _die_with_parent() -> None:
    """When `serve` is killed, what it started ends too."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    with suppress(OSError, AttributeError):  # Linux only
        ctypes.CDLL(None, use_errno=True).prctl(option, value)


def _main(what: list[str]) -> None:
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches everybody; the parent says when to stop
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if what[0] == "web":
        run_web(int(what[1]), int(what[2]))
    else:
        from casework.app import create_app

        run_jobs(create_app(from_environment().for_worker()))


if __name__ == "__main__":
    _main(sys.argv[1:])
