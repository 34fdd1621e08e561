"""The checks of `casework doctor` that ask the database: its version, its roles and their rights, keys, the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from casework.audit.identity import Identity, LogProblem
from casework.commands.database_roles import Part, standing
from casework.commands.findings import Finding, Loose, Wrong, check
from casework.core import clock
from casework.core.schema import SchemaProblem, head, refuse_other, version_of
from casework.vault.providers import KeyProblem, open_provider
from config.settings import DATABASE_URL, WORKER_DATABASE_URL, Settings

OLDEST_POSTGRESQL = 150000
CLOCKS_APART = timedelta(seconds=10)
BUILT_AFTER = datetime(2026, 1, 1, tzinfo=UTC)
SHOWN = 4
ROLES = 'docs/audit-log.md, "PostgreSQL: roles of their own".'
GIVE_RIGHTS = f"Run as the owner: casework database roles | psql … See {ROLES}"


def look_at_database(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the database, with each role that uses it, and with the log in it."""
    if settings.database_url.startswith("sqlite") and not _is_there(settings.database_url):
        yield Finding("database", "wrong", "there is no database here yet", "Run: casework init")
        return
    yield from _asked(settings.database_url, "database", DATABASE_URL, lambda it: _look(settings, it))
    if settings.worker_database_url:
        yield from _asked(
            settings.worker_database_url,
            "worker's database",
            WORKER_DATABASE_URL,
            lambda it: _look_as_worker(settings, it),
        )


def _asked(
    url: str, name: str, variable: str, look: Callable[[Connection], Iterator[Finding]]
) -> Iterator[Finding]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            yield from look(connection)
    except SQLAlchemyError as problem:
        cause = str(getattr(problem, "orig", None) or problem).strip().splitlines()
        said = cause[0] if cause else type(problem).__name__
        refused = isinstance(getattr(problem, "orig", None), InsufficientPrivilege)
        fix = GIVE_RIGHTS if refused else f"Check {variable} and that the server runs."
        yield Finding(name, "wrong", f"it cannot be used: {said}", fix)
    finally:
        engine.dispose()


def _look(settings: Settings, connection: Connection) -> Iterator[Finding]:
    yield check("database", lambda: _version(connection))
    ready = version_of(connection) == head()
    if connection.dialect.name == "postgresql":
        yield check("database role", lambda: _role(connection))
        if ready:
            yield check("database rights", lambda: _rights(settings, connection, "web"))
        yield check("database server", lambda: _server(connection))
    yield check("clock", lambda: _clock(connection))
    if ready:
        yield check("keys of the records", lambda: _keys_of_records(settings, connection))
        yield check("administrator", lambda: _administrator(connection))
        yield check("audit log", lambda: _audit_log(settings, connection))


def _look_as_worker(settings: Settings, connection: Connection) -> Iterator[Finding]:
    yield check("worker's database role", lambda: _role(connection))
    if version_of(connection) == head():
        yield check("worker's database rights", lambda: _rights(settings, connection, "worker"))


def _is_there(url: str) -> bool:
    path = url.removeprefix("sqlite:///")
    return path in ("", ":memory:") or Path(path).exists()


def _version(connection: Connection) -> str:
    try:
        refuse_other(connection)
    except SchemaProblem as problem:
        raise Wrong(str(problem), "Run: casework init, or install the program that fits.") from problem
    return f"{connection.dialect.name}, version {head()}"


def _role(connection: Connection) -> str:
    wanted = "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    name, is_superuser, bypasses = connection.execute(text(wanted)).one()
    if is_superuser or bypasses:
        raise Wrong(
            f"{name} is a superuser or bypasses row-level security",
            f"Run as the database's administrator: ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS",
        )
    return f"{name}, not a superuser"


def _rights(settings: Settings, connection: Connection, part: Part) -> str:
    """What a role may do to the tables, those of the audit log above all."""
    found = standing(connection, part)
    if found.superuser or found.owns:
        raise Loose(
            settings,
            f"{found.role} {'is a superuser' if found.superuser else 'owns the tables'}, "
            "so it can switch off the triggers that guard the audit log",
            "Let the owner be a role that only casework init uses: " + ROLES,
        )
    if part == "web" and not settings.worker_database_url:
        alone = standing(connection, "worker")
        if not alone.missing and not alone.too_much:
            return f"{found.role} may do what the worker process needs, and no more"
    if found.missing:
        raise Wrong(
            f"{found.role} lacks what the {part} process needs: {_some(found.missing)}",
            GIVE_RIGHTS,
        )
    if found.too_much:
        raise Loose(
            settings,
            f"{found.role} may do more than the {part} process needs: {_some(found.too_much)}",
            GIVE_RIGHTS,
        )
    return f"{found.role} may do what the {part} process needs, and no more"


def _some(rights: list[str]) -> str:
    more = len(rights) - SHOWN
    return ", ".join(rights[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _server(connection: Connection) -> str:
    number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    said = f"PostgreSQL {number // 10000}.{number % 10000}"
    if number < OLDEST_POSTGRESQL:
        raise Wrong(said, "Use PostgreSQL 15 or newer.")
    return said


def _clock(connection: Connection) -> str:
    now = clock.now()
    if now < BUILT_AFTER:
        raise Wrong(
            f"it says {now:%Y-%m-%d}, which has passed",
            "Set the machine's clock, and let it follow a time server.",
        )
    if connection.dialect.name == "postgresql":
        apart = abs(connection.execute(text("SELECT clock_timestamp()")).scalar_one() - now)
        if apart > CLOCKS_APART:
            raise Wrong(
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
        raise Wrong(
            f"records are sealed under {', '.join(lost)}, which is missing",
            "Put the key files back from your key backup.",
        )
    return f"{len(used)} in use, all at hand"


def _administrator(connection: Connection) -> str:
    count = connection.execute(
        text("SELECT count(*) FROM staff WHERE role = 'admin' AND active")
    ).scalar_one()
    if not count:
        raise Wrong("nobody can administrate", "Run: casework user add NAME --role admin")
    return f"{count} can sign in"


def _audit_log(settings: Settings, connection: Connection) -> str:
    """Its keys fit, and what it signed last is not ahead of the database."""
    identity = Identity(settings.home / "log")
    try:
        verifier, last = identity.verifier(), identity.last_checkpoint()
        if _signs(settings, connection) and identity.signer().verifier != verifier:
            raise LogProblem("Its signing key and its public key do not belong together.")
    except LogProblem as problem:
        raise Wrong(
            str(problem),
            'See docs/audit-log.md, "A log that refuses to sign". On a new installation: casework init',
        ) from problem
    size = connection.execute(text("SELECT size FROM audit_state")).scalar_one()
    if last is not None and last.size > size:
        raise Wrong(
            f"{last.size} events were signed, but the database holds {size}: it is older than its log",
            'See docs/audit-log.md, "A log that refuses to sign".',
        )
    return f"{verifier.name}, {size} events, {last.size if last else 0} of them signed"


def _signs(settings: Settings, connection: Connection) -> bool:
    """Whether the worker works from here: a machine that only serves pages needs no signing key."""
    if connection.dialect.name != "postgresql" or settings.worker_database_url:
        return True
    may = text("SELECT has_table_privilege('audit_state', 'UPDATE')")
    return bool(connection.execute(may).scalar_one())
