"""The suite's own ground: every test stands on a fresh installation that the migrations made."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from casework.core import schema
from config.settings import Settings
from tests.services import databases


@pytest.mark.both_engines
def test_a_test_starts_from_the_newest_schema(settings: Settings) -> None:
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        assert schema.version_of(connection) == schema.head()
    engine.dispose()


@pytest.mark.both_engines
@pytest.mark.parametrize("_round", [1, 2])
def test_what_one_test_writes_the_next_one_does_not_see(settings: Settings, _round: int) -> None:
    engine = create_engine(settings.database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE written_by_a_test (id INTEGER)"))
    engine.dispose()


@pytest.mark.both_engines
def test_each_installation_has_keys_that_nobody_else_reads(settings: Settings) -> None:
    keys = [path for path in (settings.home / "keys").iterdir() if path.suffix == ".key"]

    assert keys
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys)


def test_the_products_role_on_postgresql_cannot_step_around_row_level_security() -> None:
    with databases.cluster().superuser() as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = 'casework_app'"
        ).fetchone()

    assert row == (False, False, False)
