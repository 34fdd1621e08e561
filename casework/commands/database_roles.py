"""Who may do what in PostgreSQL: one table, from which the SQL is printed and by which `casework doctor` judges.

Three roles. The owner owns the tables and is used by `casework init` only. The web role serves pages: to the audit log it
adds and reads. The worker role gives events their place, and does the jobs and the other commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql

Part = Literal["web", "worker"]
PARTS: tuple[Part, ...] = ("web", "worker")

READ = "SELECT"
ADD = "SELECT, INSERT"
CHANGE = "SELECT, INSERT, UPDATE"
ALL = "SELECT, INSERT, UPDATE, DELETE"

# An approved retention run empties exactly these; the trigger asks for the approval (migration 0006).
EMPTY = "SELECT, INSERT, UPDATE (body, agent_id, agent_role, entity_type, entity_id)"

RIGHTS: dict[str, tuple[str, str]] = {
    # table: what the web role may do, what the worker role may do
    "alembic_version": (READ, READ),
    # The log: whoever acts adds events; only the worker gives them their place and says how far the tree reaches.
    "audit_event": (ADD, EMPTY),
    "audit_event_subject": (ADD, "SELECT, INSERT, DELETE"),
    "audit_pending": (ADD, "SELECT, INSERT, DELETE"),
    "audit_leaf": (READ, ADD),
    "audit_tile": (READ, ALL),
    "audit_checkpoint": (READ, ADD),
    "audit_state": (READ, ALL),
    # Asked and approved by people, done by the worker: neither role can do both.
    "audit_retention_request": (ADD, READ),
    "audit_retention_approval": (ADD, READ),
    # What auditors ask for in the page, and the worker does.
    "audit_export_job": (ADD, CHANGE),
    "audit_verification": (ADD, CHANGE),
    # Keys: destroying one empties its row. To seal under one holds its row, for which PostgreSQL asks for UPDATE.
    "subject_key": (CHANGE, CHANGE),
    # Staff and places. The register comes by command.
    "place": (READ, CHANGE),
    "staff": (CHANGE, CHANGE),
    "staff_session": (CHANGE, ALL),
    "sign_in_attempt": (ALL, ALL),
    "form_post": (ADD, ALL),
    # Cases. The worker seals every field anew when keys are renewed, so it changes also what nobody edits.
    "person": (CHANGE, CHANGE),
    "person_name": (CHANGE, CHANGE),
    "person_version": (ADD, CHANGE),
    "person_identifier": (CHANGE, CHANGE),
    "consent": (CHANGE, CHANGE),
    "case": (CHANGE, CHANGE),
    "case_assignment": (CHANGE, CHANGE),
    "support_record": (CHANGE, CHANGE),
    "support_version": (ADD, CHANGE),
    "clinical_note": (ADD, CHANGE),
    "follow_up": (CHANGE, CHANGE),
    "timeline_entry": (CHANGE, CHANGE),
    "draft": (ALL, ALL),
    "attachment": (ALL, ALL),
    "data_request": (CHANGE, CHANGE),
    "retention_approval": (ADD, CHANGE),
    "disposal": (ADD, CHANGE),
    # Search. Its feed is written by triggers with the rights of whoever changed something.
    "search_document": (ALL, ALL),
    "exact_index": (ALL, ALL),
    "search_change": (ADD, "SELECT, INSERT, DELETE"),
    "search_count": (CHANGE, CHANGE),
    # Referrals. The course of one is insert-only for everybody.
    "referral": (CHANGE, CHANGE),
    "referral_step": (ADD, ADD),
}

SEQUENCES = ("audit_event_id_seq", "search_change_id_seq")
REWRITES_KEYS = "casework_rewrite_keys()"

_quote = postgresql.dialect().identifier_preparer.quote  # type: ignore[no-untyped-call]


def as_sql(web: str, worker: str) -> str:
    """What the owner of the database gives these two roles, and takes from everybody else. Can be run again at any time,
    also while Casework runs: it is one transaction."""
    return "\n".join(_statements(_quote(web), _quote(worker))) + "\n"


def _statements(web: str, worker: str) -> Iterator[str]:
    both = f"{web}, {worker}"
    tables = ", ".join(map(_quote, RIGHTS))
    sequences = ", ".join(SEQUENCES)
    yield "-- The rights of Casework's two roles. Run this as the owner of the database, after every `casework init`."
    yield "BEGIN;"
    # A temporary table would stand before the real one wherever a function names a table without its schema.
    yield (
        "DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;"
    )
    yield f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {both};"
    yield f"GRANT USAGE ON SCHEMA public TO {both};"
    yield f"REVOKE ALL ON {tables} FROM PUBLIC, {both};"
    yield f"REVOKE ALL ON SEQUENCE {sequences} FROM PUBLIC, {both};"
    yield f"GRANT USAGE ON SEQUENCE {sequences} TO {both};"
    for table, (of_web, of_worker) in RIGHTS.items():
        yield f"GRANT {of_web} ON {_quote(table)} TO {web};"
        yield f"GRANT {of_worker} ON {_quote(table)} TO {worker};"
    yield f"GRANT EXECUTE ON FUNCTION {REWRITES_KEYS} TO {worker};"
    # From version 17 on VACUUM can be given away; before, the server's own rounds do it.
    yield (
        "DO $$ BEGIN IF current_setting('server_version_num')::int >= 170000 THEN "
        f"GRANT MAINTAIN ON subject_key, draft, search_document, exact_index, attachment TO {worker}; END IF; END $$;"
    )
    yield "COMMIT;"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the connected role stands to the tables: may it act as their owner, what does it lack, what has it too much."""

    role: str
    superuser: bool
    owns: bool
    missing: list[str]
    too_much: list[str]


_ASKED = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


def standing(connection: Connection, part: Part) -> Standing:
    """Compares what the connected role may do with what its part needs. One query, whatever the size of the tables."""
    may = ", ".join(f"has_table_privilege(c.oid, '{right}')" for right in _ASKED)
    rows = connection.execute(
        text(
            f"SELECT c.relname, pg_has_role(c.relowner, 'MEMBER'), has_any_column_privilege(c.oid, 'UPDATE'), {may} "  # noqa: S608
            "FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
        )
    ).all()
    found = {row[0]: row for row in rows}
    missing, too_much = [], []
    for table, rights in RIGHTS.items():
        _table, _owns, some_columns, *each = found.get(table, (table, False, *[False] * (len(_ASKED) + 1)))
        wanted = rights[PARTS.index(part)]
        for right, given in zip(_ASKED, each, strict=True):
            needed = right in wanted.split(", ")
            if (needed and not given) or (f"{right} (" in wanted and not some_columns):
                missing.append(f"{right} {table}")
            elif given and not needed:
                too_much.append(f"{right} {table}")
    role, superuser = connection.execute(
        text("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
    ).one()
    owns = any(found[table][1] for table in RIGHTS if table in found)
    return Standing(str(role), bool(superuser), owns, missing, too_much)
