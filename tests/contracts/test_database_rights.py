"""Every table has its line among the rights of PostgreSQL's roles, and the log's tables have no more than intended."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from casework.audit.models import INSERT_ONLY
from casework.commands.database_roles import RIGHTS, SEQUENCES
from casework.core.database import Base
from config.settings import Settings

LOG = [table for table in RIGHTS if table.startswith("audit_")]


def of_the_database(settings: Settings, kind: str) -> set[str]:
    engine = create_engine(settings.database_url)
    wanted = text(
        "SELECT relname FROM pg_class WHERE relkind = :kind AND relnamespace = 'public'::regnamespace"
    )
    with engine.connect() as connection:
        found = set(connection.execute(wanted, {"kind": kind}).scalars())
    engine.dispose()
    return found


def test_every_table_of_the_program_has_its_line() -> None:
    assert set(RIGHTS) == {*Base.metadata.tables, "alembic_version"}, (
        "say in casework/commands/database_roles.py what each role may do with a new table"
    )


@pytest.mark.both_engines
def test_so_has_everything_that_the_migrations_made(settings: Settings) -> None:
    if settings.database_url.startswith("postgresql"):
        assert of_the_database(settings, "r") == set(RIGHTS)
        assert of_the_database(settings, "S") == set(SEQUENCES)
        assert of_the_database(settings, "v") == of_the_database(settings, "m") == set()
    else:
        assert "audit_event" in RIGHTS


def test_the_web_role_adds_to_the_log_and_reads_it_and_no_more() -> None:
    assert {RIGHTS[table][0] for table in LOG} == {"SELECT", "SELECT, INSERT"}
    only_the_worker_adds = {"audit_leaf", "audit_tile", "audit_checkpoint", "audit_state"}
    assert {table for table in LOG if RIGHTS[table][0] == "SELECT"} == only_the_worker_adds


def test_the_worker_role_changes_no_insert_only_table_beyond_what_retention_empties() -> None:
    beyond = {
        table: RIGHTS[table][1]
        for table in (*INSERT_ONLY, "referral_step")
        if RIGHTS[table][1] not in ("SELECT", "SELECT, INSERT")
    }
    assert beyond == {
        "audit_event": "SELECT, INSERT, UPDATE (body, agent_id, agent_role, entity_type, entity_id)",
        "audit_event_subject": "SELECT, INSERT, DELETE",
    }


def test_neither_role_can_both_approve_a_retention_and_carry_it_out() -> None:
    assert "INSERT" in RIGHTS["audit_retention_approval"][0]
    assert "UPDATE" not in RIGHTS["audit_event"][0]
    assert RIGHTS["audit_retention_approval"][1] == "SELECT"
