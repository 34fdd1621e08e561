"""Audit: who asked for and who approved that details past their retention go, and the one way past the triggers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from casework.core.columns import UTCDateTime

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("audit_retention_request", "audit_retention_approval")
KEPT = (
    "id", "event_uid", "leaf_hash", "recorded", "writer_id", "writer_seq", "action", "category", "code", "outcome",
)  # fmt: skip
EMPTIED = ("agent_id", "agent_role", "entity_type", "entity_id")

# Somebody else than who asked has approved, and the event stands before what was asked for.
APPROVED = (
    "EXISTS (SELECT 1 FROM audit_retention_request r JOIN audit_retention_approval a ON a.request_id = r.id "
    "JOIN audit_leaf l ON l.event_uid = OLD.event_uid "
    "WHERE a.approved_by <> r.requested_by AND l.idx < r.up_to AND OLD.recorded < r.cutoff)"
)
ONLY_EMPTIES = " AND ".join(
    [
        "length(NEW.body) = 0",
        *(f"NEW.{name} = OLD.{name}" for name in KEPT),
        *(f"NEW.{name} IS NULL" for name in EMPTIED),
    ]
)
ITS_EVENT_IS_EMPTY = (
    "EXISTS (SELECT 1 FROM audit_event e WHERE e.event_uid = OLD.event_uid AND length(e.body) = 0)"
)


def upgrade() -> None:
    op.create_table(
        "audit_retention_request",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("up_to", sa.BigInteger, nullable=False),
        sa.Column("cutoff", UTCDateTime, nullable=False),
        sa.Column("requested_by", sa.Uuid, nullable=False),
        sa.Column("requested_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_retention_request"),
    )
    op.create_table(
        "audit_retention_approval",
        sa.Column("request_id", sa.Uuid, nullable=False),
        sa.Column("approved_by", sa.Uuid, nullable=False),
        sa.Column("approved_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="pk_audit_retention_approval"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["audit_retention_request.id"], name="fk_audit_retention_approval_request_id"
        ),
    )
    if op.get_context().dialect.name == "postgresql":
        on_postgresql()
    else:
        on_sqlite()


def on_postgresql() -> None:
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION casework_insert_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION casework_insert_only()"
        )
    for name, verb, allowed, answer in (
        ("audit_event", "UPDATE", f"{ONLY_EMPTIES} AND {APPROVED}", "NEW"),
        ("audit_event_subject", "DELETE", ITS_EVENT_IS_EMPTY, "OLD"),
    ):
        # One function for each verb: a trigger that deletes has no NEW row, one that updates must keep its own.
        op.execute(
            f"CREATE FUNCTION casework_{name}_retention() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN IF TG_OP = '{verb}' THEN IF {allowed} THEN RETURN {answer}; END IF; END IF; "
            "RAISE EXCEPTION 'the audit log is insert-only'; END $$"
        )
        op.execute(f"DROP TRIGGER {name}_insert_only ON {name}")
        op.execute(
            f"CREATE TRIGGER {name}_insert_only BEFORE UPDATE OR DELETE ON {name} "
            f"FOR EACH ROW EXECUTE FUNCTION casework_{name}_retention()"
        )


def on_sqlite() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'the audit log is insert-only'); END"
    for table in TABLES:
        for verb in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {refuse}")
    op.execute("DROP TRIGGER audit_event_no_update")
    op.execute(
        "CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event "
        f"WHEN NOT ({ONLY_EMPTIES} AND {APPROVED}) {refuse}"
    )
    op.execute("DROP TRIGGER audit_event_subject_no_delete")
    op.execute(
        "CREATE TRIGGER audit_event_subject_no_delete BEFORE DELETE ON audit_event_subject "
        f"WHEN NOT ({ITS_EVENT_IS_EMPTY}) {refuse}"
    )


def downgrade() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'the audit log is insert-only'); END"
    if op.get_context().dialect.name == "postgresql":
        for name in ("audit_event", "audit_event_subject"):
            op.execute(f"DROP TRIGGER {name}_insert_only ON {name}")
            op.execute(
                f"CREATE TRIGGER {name}_insert_only BEFORE UPDATE OR DELETE ON {name} "
                "FOR EACH ROW EXECUTE FUNCTION casework_insert_only()"
            )
            op.execute(f"DROP FUNCTION casework_{name}_retention()")
    else:
        op.execute("DROP TRIGGER audit_event_no_update")
        op.execute(f"CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event {refuse}")
        op.execute("DROP TRIGGER audit_event_subject_no_delete")
        op.execute(
            f"CREATE TRIGGER audit_event_subject_no_delete BEFORE DELETE ON audit_event_subject {refuse}"
        )
    for table in reversed(TABLES):
        op.drop_table(table)
