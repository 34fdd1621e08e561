"""The schema's version: brings a database to this program's, and refuses one that a newer program made."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

ROOT = Path(__file__).resolve().parents[2]


class SchemaProblem(Exception):
    """The database does not fit this program. The text says how, and what to do."""


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, found beside the program."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def migrate(engine: Engine) -> None:
    """Brings the database to this program's version, if it is not there. `SchemaProblem` when it is newer."""
    with engine.begin() as connection:
        refuse_newer(connection)
        command.upgrade(alembic_config(connection), "head")


def version_of(connection: Connection) -> str | None:
    """The database's version, None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """This program's version."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def refuse_newer(connection: Connection) -> None:
    """`SchemaProblem` when the database was made by a newer program."""
    version = version_of(connection)
    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if version is not None and version not in known:
        raise SchemaProblem(
            f"The database is of version {version}, which is newer than this program ({head()}). "
            "Install the newer program; nothing was changed."
        )


def refuse_other(connection: Connection) -> None:
    """`SchemaProblem` unless the database is of exactly this program's version."""
    refuse_newer(connection)
    version = version_of(connection)
    if version != head():
        raise SchemaProblem(
            "The database is empty or of an older version. Run `casework init`; it brings it up to date."
            if version
            else "There is no database here yet. Run `casework init`."
        )
