"""What the database itself refuses to the web role and to the worker role, whatever program speaks for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, RaiseException

from casework.audit.models import INSERT_ONLY
from casework.commands.database_roles import as_sql
from tests.services import database_roles
from tests.services.database_roles import OWNER, WEB, WORKER, Roles

# A column of each table that a statement may name.
COLUMN = {
    "audit_event": "leaf_hash",
    "audit_event_subject": "event_uid",
    "audit_pending": "event_uid",
    "audit_leaf": "leaf_hash",
    "audit_tile": "hashes",
    "audit_checkpoint": "note",
    "audit_state": "size",
    "audit_retention_request": "up_to",
    "audit_retention_approval": "approved_by",
    "referral_step": "reason_code",
}
DERIVED = ("audit_leaf", "audit_tile", "audit_checkpoint", "audit_state")
EMPTIED = "body = '', agent_id = NULL, agent_role = NULL, entity_type = NULL, entity_id = NULL"


def rewriting(*tables: str) -> list[str]:
    return [
        statement
        for table in tables
        for statement in (
            f"UPDATE {table} SET {COLUMN[table]} = {COLUMN[table]}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        )
    ]


BOTH = [
    *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in INSERT_ONLY),
    *(f"DROP TRIGGER {table}_insert_only ON {table}" for table in INSERT_ONLY),
    "ALTER TABLE audit_event OWNER TO CURRENT_USER",
    "DROP TABLE audit_event",
    'ALTER TABLE "case" DISABLE ROW LEVEL SECURITY',
    'ALTER TABLE "case" NO FORCE ROW LEVEL SECURITY',
    'DROP POLICY case_read ON "case"',
    "CREATE TABLE public.mine (id integer)",
    "CREATE TEMPORARY TABLE audit_retention_approval (request_id uuid, approved_by uuid)",
    "CREATE OR REPLACE FUNCTION casework_insert_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    "CREATE SCHEMA mine",
    "SET session_replication_role = replica",
    f"SET ROLE {OWNER}",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    f"GRANT {OWNER} TO CURRENT_USER",
    "SELECT setval('audit_event_id_seq', 1)",
    "UPDATE alembic_version SET version_num = '0001'",
    "DELETE FROM subject_key",
    "TRUNCATE subject_key",
    'DELETE FROM "case"',
    *rewriting("referral_step"),
]
WEB_MAY_NOT = [
    *BOTH,
    *rewriting(*INSERT_ONLY, *DERIVED, "audit_pending"),
    *(f"INSERT INTO {table} SELECT * FROM {table} WHERE false" for table in DERIVED),
    f"UPDATE audit_event SET {EMPTIED}",
    "SELECT * FROM audit_state FOR UPDATE",
    "SELECT casework_rewrite_keys()",
    "DELETE FROM audit_export_job",
    "UPDATE audit_verification SET ok = true",
    "INSERT INTO place SELECT * FROM place WHERE false",
]
WORKER_MAY_NOT = [
    *BOTH,
    *rewriting("audit_leaf", "audit_checkpoint", "audit_retention_request", "audit_retention_approval"),
    *rewriting("audit_event"),
    "UPDATE audit_event SET code = 'x'",
    "UPDATE audit_event SET recorded = now()",
    "UPDATE audit_event_subject SET subject_id = event_uid",
    "UPDATE audit_pending SET event_uid = event_uid",
    "TRUNCATE audit_pending",
    "TRUNCATE audit_tile",
    "INSERT INTO audit_retention_request SELECT * FROM audit_retention_request WHERE false",
    "INSERT INTO audit_retention_approval SELECT * FROM audit_retention_approval WHERE false",
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roles]:
    """One installation for all statements: none of them changes anything."""
    with database_roles.installation(tmp_path_factory.mktemp("roles") / "home") as installed:
        yield installed


@pytest.mark.parametrize(
    ("role", "statement"),
    [*((WEB, each) for each in WEB_MAY_NOT), *((WORKER, each) for each in WORKER_MAY_NOT)],
)
def test_the_database_refuses(shared: Roles, role: str, statement: str) -> None:
    with shared.connection(role) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(statement.encode())


def test_every_refused_statement_is_one_that_the_database_understands(shared: Roles) -> None:
    """Said by the administrator, each one does something or is stopped by a trigger: no refusal comes from a slip here."""
    for statement in {*WEB_MAY_NOT, *WORKER_MAY_NOT}:
        with (
            shared.cluster.superuser(shared.database) as connection,
            suppress(RaiseException),
            connection.transaction(force_rollback=True),
        ):
            connection.execute(statement.replace("CURRENT_USER", WEB).encode())


def test_the_worker_empties_an_event_only_with_an_approval_even_with_a_table_of_its_own_in_front(
    shared: Roles,
) -> None:
    with shared.connection(WORKER) as connection:
        concerned = "SELECT gen_random_uuid(), event_uid FROM audit_event LIMIT 1"
        connection.execute(f"INSERT INTO audit_event_subject {concerned}".encode())
        with pytest.raises(RaiseException, match="insert-only"):
            connection.execute(f"UPDATE audit_event SET {EMPTIED}".encode())
        with pytest.raises(RaiseException, match="insert-only"):
            connection.execute("DELETE FROM audit_event_subject")
    with shared.cluster.superuser() as administrator:
        administrator.execute(f"GRANT TEMPORARY ON DATABASE {shared.database} TO {WORKER}".encode())
    try:
        with shared.connection(WORKER) as connection:
            forged = (
                "CREATE TEMPORARY TABLE audit_retention_request AS SELECT gen_random_uuid() id, "
                "gen_random_uuid() requested_by, 1000000 up_to, now() + '1 day' cutoff",
                "CREATE TEMPORARY TABLE audit_retention_approval AS SELECT id request_id, "
                "gen_random_uuid() approved_by FROM audit_retention_request",
                "CREATE TEMPORARY TABLE audit_leaf AS SELECT event_uid, 0 idx FROM audit_event",
            )
            for statement in forged:
                connection.execute(statement.encode())
            with pytest.raises(RaiseException, match="insert-only"):
                connection.execute(f"UPDATE audit_event SET {EMPTIED}".encode())
    finally:
        with shared.cluster.superuser() as administrator:
            administrator.execute(f"REVOKE TEMPORARY ON DATABASE {shared.database} FROM {WORKER}".encode())


@pytest.mark.parametrize("role", [OWNER, WEB, WORKER])
def test_row_level_security_holds_for_every_role_the_owner_too(roles: Roles, role: str) -> None:
    with roles.connection(role) as connection:
        row = "gen_random_uuid(), gen_random_uuid()"
        with pytest.raises(InsufficientPrivilege, match="row-level security"):
            connection.execute(f"INSERT INTO person (id, created_by) VALUES ({row})".encode())
        flags = connection.execute(
            "SELECT bool_or(rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname = current_user"
        )
        assert flags.fetchall() == [(False,)]


def test_the_sql_can_be_repeated_takes_back_what_was_too_much_and_takes_any_name(roles: Roles) -> None:
    odd = 'night-shift "two"'
    with roles.cluster.superuser(roles.database) as administrator:
        administrator.execute(f"GRANT ALL ON audit_event, audit_pending TO {WEB}".encode())
        administrator.execute(b"GRANT UPDATE (code) ON audit_event TO PUBLIC")
        administrator.execute('CREATE ROLE "night-shift ""two"""')
    try:
        with roles.connection(OWNER) as owner:
            for _time in range(2):
                owner.execute(as_sql(WEB, WORKER).encode())
            owner.execute(as_sql(odd, WORKER).encode())
            rights = owner.execute(
                "SELECT has_table_privilege(%(web)s, 'audit_event', 'DELETE'), "
                "has_any_column_privilege(%(web)s, 'audit_event', 'UPDATE'), "
                "has_table_privilege(%(odd)s, 'audit_event', 'INSERT'), "
                "has_table_privilege(%(odd)s, 'audit_event', 'UPDATE')",
                {"web": WEB, "odd": odd},
            )
            assert rights.fetchall() == [(False, False, True, False)]
    finally:
        with roles.cluster.superuser(roles.database) as administrator:
            administrator.execute('DROP OWNED BY "night-shift ""two"""')
            administrator.execute('DROP ROLE "night-shift ""two"""')


def test_a_role_that_is_not_there_stops_the_sql_and_changes_nothing(roles: Roles) -> None:
    with roles.connection(OWNER) as owner:
        with pytest.raises(psycopg.errors.UndefinedObject):
            owner.execute(as_sql(WEB, "nobody_at_all").encode())
        owner.rollback()
        still = owner.execute("SELECT has_table_privilege('casework_web', 'audit_event', 'INSERT')")
        assert still.fetchall() == [(True,)]
