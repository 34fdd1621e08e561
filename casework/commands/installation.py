"""`casework init`: brings an installation to where it can serve. Each step leaves alone what is there already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect, text

from casework.accounts.commands import import_pack_places
from casework.audit.identity import LogProblem, make_identity
from casework.commands.behaviour import inside
from casework.core.schema import head, migrate, refuse_newer, version_of
from casework.vault.index_keys import FileIndexKeys, home_of_index_keys, make_index_key
from casework.vault.providers import KeyProblem, make_file_kek, open_provider
from config.settings import Settings, SettingsProblem, from_environment, keep_secret, prepare_home


def initialise(settings: Settings) -> Iterator[str]:
    """Home, keys, cookie secret, database, places; tells each step in a sentence."""
    from casework.app import create_app

    prepare_home(settings.home)
    if settings.home.stat().st_uid == os.getuid():
        settings.home.chmod(0o700)
    engine = create_engine(settings.database_url)
    try:
        before = _version(engine)
        yield from _keys(settings, engine)
        yield from _index_key(settings)
        keep_secret(settings.home)
        yield from _log_identity(settings)
        migrate(engine)
    finally:
        engine.dispose()
    yield "The database is up to date." if before == head() else f"The database is now of version {head()}."
    app = create_app(from_environment())
    with inside(app):
        done = import_pack_places()
    if done is not None:
        yield f"{done.added} regions and districts were added."
    yield f"Casework is ready in {settings.home}."


def _index_key(settings: Settings) -> Iterator[str]:
    """The key of the indexes of numbers, beside the others, once. A lost one is replaced, and the search is made anew."""
    home = home_of_index_keys(settings.kek, settings.home)
    if not isinstance(home, FileIndexKeys):
        return
    try:
        made = make_index_key(home.folder)
    except OSError as problem:
        raise KeyProblem(f"No index key can be written to {home.folder}: {problem.strerror}.") from problem
    if made:
        yield f"A new index key was made: {made}. The worker brings the search up to date under it."


def _log_identity(settings: Settings) -> Iterator[str]:
    """The name and key of the audit log, once."""
    try:
        origin = make_identity(settings.home, settings.deployment)
    except LogProblem as problem:
        raise SettingsProblem(str(problem)) from problem
    if origin:
        key = settings.home / "log" / "verifier.key"
        yield f"The audit log is called {origin}. Hand out its public key, {key}, to those who will check it."


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        refuse_newer(connection)
        return version_of(connection)


def _keys(settings: Settings, engine: Engine) -> Iterator[str]:
    """A first key for a new installation. Where records are sealed, a missing key must come back from its backup."""
    scheme, _, rest = settings.kek.partition(":")
    folder = Path(rest.removeprefix("//"))
    if scheme == "file" and not list(folder.glob("kek-*.key")) and not (folder / "current").exists():
        if _has_sealed_records(engine):
            raise KeyProblem(
                f"There is no key in {folder}, but this database holds sealed records. "
                "Put the key files back from your key backup; nothing was changed."
            )
        try:
            yield f"A new key was made: {make_file_kek(folder)}. Keep a copy of {folder} apart from the database."
        except OSError as problem:
            raise KeyProblem(f"No key can be written to {folder}: {problem.strerror}.") from problem
    open_provider(settings.kek, production=settings.production).health()


def _has_sealed_records(engine: Engine) -> bool:
    if not inspect(engine).has_table("subject_key"):
        return False
    with engine.connect() as connection:
        return connection.execute(text("SELECT 1 FROM subject_key LIMIT 1")).first() is not None
