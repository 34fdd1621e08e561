"""Runs the migrations on a connection that the product gives, or prints their SQL for the linter."""

from __future__ import annotations

import importlib

from alembic import context
from sqlalchemy import create_engine

from casework.core.database import Base

for room in (
    "vault.keys",
    "audit.models",
    "web.idempotency",
    "accounts.models",
    "cases.models",
    "referrals.models",
):
    importlib.import_module(f"casework.{room}")

target_metadata = Base.metadata
config = context.config


def give_up_rather_than_wait() -> None:
    """On a PostgreSQL in use, a migration that cannot have its lock fails instead of making everybody queue."""
    if context.get_context().dialect.name == "postgresql":
        reach = "" if context.is_offline_mode() else "LOCAL "  # a given connection goes back as it came
        context.execute(f"SET {reach}lock_timeout = '10s'")
        context.execute(f"SET {reach}statement_timeout = '15min'")


def run_offline() -> None:
    context.configure(
        dialect_name=config.attributes.get("dialect", "postgresql"),
        target_metadata=target_metadata,
        literal_binds=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        give_up_rather_than_wait()
        context.run_migrations()


def run_online() -> None:
    connection = config.attributes.get("connection")
    if connection is not None:
        context.configure(
            connection=connection, target_metadata=target_metadata, transaction_per_migration=False
        )
        with context.begin_transaction():
            give_up_rather_than_wait()
            context.run_migrations()
        return
    from config.settings import from_environment

    with create_engine(from_environment().database_url).begin() as own:
        context.configure(connection=own, target_metadata=target_metadata)
        with context.begin_transaction():
            give_up_rather_than_wait()
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
