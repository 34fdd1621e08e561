"""The database: one declarative base, one session per request, the same behaviour on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, MetaData, Uuid, event, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped

from casework.core.columns import plain
from casework.core.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

BUSY_TIMEOUT_MS = 10_000


class Base(DeclarativeBase):
    """Tables whose rows carry a key of their own; most use `Model`."""

    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


class Model(db.Model):  # type: ignore[name-defined,misc]
    """A row with a UUIDv7 made here, before the database sees it: sealed fields bind to it."""

    __abstract__ = True

    id: Mapped[uuid.UUID] = plain("C1", Uuid, primary_key=True, sort_order=-100)

    def __init__(self, **values: Any) -> None:
        self.id = values.pop("id", None) or new_id()
        unknown = [name for name in values if not hasattr(type(self), name)]
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(unknown)}")
        mapped = set(inspect(type(self)).attrs.keys())
        for name in sorted(
            values, key=lambda name: name not in mapped
        ):  # sealed fields last: they bind to the rest
            setattr(self, name, values[name])


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: object) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "temp_store=MEMORY",
        "cache_size=-16000",
        "trusted_schema=OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the write lock at once, so that it never fails half-way; a reader takes none."""
    if connection.dialect.name != "sqlite":
        return
    mode = "IMMEDIATE" if connection.get_execution_options().get("casework_write") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {mode}")
