"""`casework doctor`: looks at everything that this installation needs, and says what to do about what is wrong."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from casework.audit.identity import Identity, LogProblem
from casework.core import clock
from casework.core.schema import SchemaProblem, head, refuse_other, version_of
from casework.vault.providers import KeyProblem, open_provider
from casework.web.assets import BUILD
from casework.web.catalogs import PO, catalog_directories
from config.settings import Settings, SettingsProblem, from_environment

OLDEST_PYTHON = (3, 11)
OLDEST_POSTGRESQL = 150000
LEAST_FREE_BYTES = 1024**3
CLOCKS_APART = timedelta(seconds=10)
BUILT_AFTER = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Finding:
    """One check: what was found, and if it is wrong what to do."""

    name: str
    ok: bool
    found: str
    fix: str = ""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {"check": self.name, "ok": self.ok, "found": self.found, "fix": self.fix or None}


class _Wrong(Exception):
    def __init__(self, found: str, fix: str) -> None:
        super().__init__(found)
        self.found, self.fix = found, fix


def examine() -> list[Finding]:
    """Every check, in the order in which things depend on each other."""
    findings = [_check("python", _python), _check("packages", _packages)]
    try:
        settings = from_environment()
    except SettingsProblem as problem:
        return [
            *findings,
            Finding(
                "settings", False, str(problem), "Set the environment variables as docs/operations.md says."
            ),
        ]
    findings.append(Finding("settings", True, f"{settings.environment}, home {settings.home}"))
    findings += [
        _check("home", lambda: _home(settings)),
        _check("disk", lambda: _disk(settings)),
        _check("keys", lambda: _keys(settings)),
        _check("cookie secret", lambda: _cookie_secret(settings)),
        _check("front end", _front_end),
        _check("languages", _languages),
        *_database(settings),
    ]
    return findings


def _check(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except _Wrong as wrong:
        return Finding(name, False, wrong.found, wrong.fix)


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        raise _Wrong(version, "Install Python 3.11 or newer.")
    return version


def _packages() -> str:
    wrong, count = [], 0
    for line in metadata.requires("casework") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            installed = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} is {installed}, needed is {requirement.specifier}")
    if wrong:
        raise _Wrong(
            "; ".join(wrong),
            "Install the locked packages again: make run, or pip install -r requirements.lock.",
        )
    return f"{count} packages fit"


def _home(settings: Settings) -> str:
    home = settings.home
    if not home.is_dir():
        raise _Wrong(f"{home} is not there", "Run: casework init")
    if not os.access(home, os.W_OK | os.X_OK):
        raise _Wrong(
            f"{home} cannot be written", f"Give it to the user that runs Casework: chown -R USER {home}"
        )
    if home.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise _Wrong(f"{home} is open to others", f"Run: chmod 700 {home}")
    return f"{home} can be written, by its owner only"


def _disk(settings: Settings) -> str:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    said = f"{free / 1024**3:.1f} GiB free"
    if free < LEAST_FREE_BYTES:
        raise _Wrong(said, "Make room: with a full disk nothing can be stored.")
    return said


def _keys(settings: Settings) -> str:
    try:
        at_hand = open_provider(settings.kek, production=settings.production).health()
    except KeyProblem as problem:
        raise _Wrong(
            str(problem), "Run: casework init, or put the key files back from your key backup."
        ) from problem
    return f"{len(at_hand)} at hand: {', '.join(at_hand)}"


def _cookie_secret(settings: Settings) -> str:
    if os.environ.get("CASEWORK_SECRET_KEY"):
        return "from CASEWORK_SECRET_KEY"
    path = settings.home / "keys" / "cookie.secret"
    if not path.exists():
        raise _Wrong(f"{path} is not there, so everybody is signed out at each restart", "Run: casework init")
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise _Wrong(f"{path} can be read by others", f"Run: chmod 600 {path}")
    return str(path)


def _front_end() -> str:
    try:
        names = json.loads((BUILD / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise _Wrong(
            "the style sheet and the script are not built", "Run: make run (it builds them)"
        ) from problem
    missing = [name for name in names.values() if not (BUILD / name).is_file()]
    if missing:
        raise _Wrong(
            f"{', '.join(missing)} is not there", "Build the front end again: make clean, then make run"
        )
    return ", ".join(names.values())


def _languages() -> str:
    catalogs = [path for folder in catalog_directories() for path in folder.glob(f"*/{PO}")]
    stale = []
    for path in catalogs:
        compiled = path.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < path.stat().st_mtime:
            stale.append(path)
    if stale:
        raise _Wrong(
            f"{len(stale)} of {len(catalogs)} catalogs are not compiled",
            "Run: python -m casework.web.catalogs compile",
        )
    return f"{len(catalogs)} catalogs are compiled"


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.database_url.startswith("sqlite") and not _is_there(settings.database_url):
        yield Finding("database", False, "there is no database here yet", "Run: casework init")
        return
    engine = create_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            yield _check("database", lambda: _version(connection))
            if connection.dialect.name == "postgresql":
                yield _check("database role", lambda: _role(connection))
                yield _check("database server", lambda: _server(connection))
            yield _check("clock", lambda: _clock(connection))
            if version_of(connection) == head():
                yield _check("keys of the records", lambda: _keys_of_records(settings, connection))
                yield _check("administrator", lambda: _administrator(connection))
                yield _check("audit log", lambda: _audit_log(settings, connection))
    except SQLAlchemyError as problem:
        cause = str(getattr(problem, "orig", None) or problem).strip().splitlines()
        said = cause[0] if cause else type(problem).__name__
        yield Finding(
            "database",
            False,
            f"it cannot be used: {said}",
            "Check CASEWORK_DATABASE_URL and that the server runs.",
        )
    finally:
        engine.dispose()


def _is_there(url: str) -> bool:
    path = url.removeprefix("sqlite:///")
    return path in ("", ":memory:") or Path(path).exists()


def _version(connection: Connection) -> str:
    try:
        refuse_other(connection)
    except SchemaProblem as problem:
        raise _Wrong(str(problem), "Run: casework init, or install the program that fits.") from problem
    return f"{connection.dialect.name}, version {head()}"


def _role(connection: Connection) -> str:
    wanted = "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    name, is_superuser, bypasses = connection.execute(text(wanted)).one()
    if is_superuser or bypasses:
        raise _Wrong(
            f"{name} is a superuser or bypasses row-level security",
            f"Run as the database's administrator: ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS",
        )
    return f"{name}, not a superuser"


def _server(connection: Connection) -> str:
    number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    said = f"PostgreSQL {number // 10000}.{number % 10000}"
    if number < OLDEST_POSTGRESQL:
        raise _Wrong(said, "Use PostgreSQL 15 or newer.")
    return said


def _clock(connection: Connection) -> str:
    now = clock.now()
    if now < BUILT_AFTER:
        raise _Wrong(
            f"it says {now:%Y-%m-%d}, which has passed",
            "Set the machine's clock, and let it follow a time server.",
        )
    if connection.dialect.name == "postgresql":
        apart = abs(connection.execute(text("SELECT clock_timestamp()")).scalar_one() - now)
        if apart > CLOCKS_APART:
            raise _Wrong(
                f"this machine and the database's are {apart.total_seconds():.0f} s apart",
                "Let both follow a time server.",
            )
    return f"{now:%Y-%m-%d %H:%M} UTC"


def _keys_of_records(settings: Settings, connection: Connection) -> str:
    if not inspect(connection).has_table("subject_key"):
        return "no records yet"
    used = {
        row[0]
        for row in connection.execute(
            text("SELECT DISTINCT kek_id FROM subject_key WHERE wrapped IS NOT NULL")
        )
    }
    try:
        at_hand = set(open_provider(settings.kek, production=settings.production).health())
    except KeyProblem:
        at_hand = set()
    if lost := sorted(used - at_hand):
        raise _Wrong(
            f"records are sealed under {', '.join(lost)}, which is missing",
            "Put the key files back from your key backup.",
        )
    return f"{len(used)} in use, all at hand"


def _administrator(connection: Connection) -> str:
    count = connection.execute(
        text("SELECT count(*) FROM staff WHERE role = 'admin' AND active")
    ).scalar_one()
    if not count:
        raise _Wrong("nobody can administrate", "Run: casework user add NAME --role admin")
    return f"{count} can sign in"


def _audit_log(settings: Settings, connection: Connection) -> str:
    """Its keys fit, and what it signed last is not ahead of the database."""
    identity = Identity(settings.home / "log")
    try:
        verifier, last = identity.verifier(), identity.last_checkpoint()
        if identity.signer().verifier != verifier:
            raise LogProblem("Its signing key and its public key do not belong together.")
    except LogProblem as problem:
        raise _Wrong(
            str(problem),
            'See docs/audit-log.md, "A log that refuses to sign". On a new installation: casework init',
        ) from problem
    size = connection.execute(text("SELECT size FROM audit_state")).scalar_one()
    if last is not None and last.size > size:
        raise _Wrong(
            f"{last.size} events were signed, but the database holds {size}: it is older than its log",
            'See docs/audit-log.md, "A log that refuses to sign".',
        )
    return f"{verifier.name}, {size} events, {last.size if last else 0} of them signed"
