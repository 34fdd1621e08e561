"""The spine: wrapped keys, the audit log with its triggers, forms already posted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from casework.core.columns import UTCDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSERT_ONLY = ("audit_event", "audit_leaf", "audit_checkpoint", "audit_event_subject")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "subject_key",
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("compartment", sa.String(8), nullable=False),
        sa.Column("dek_version", sa.Integer, nullable=False),
        sa.Column("kek_id", sa.String(64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary),
        sa.Column("commitment", sa.LargeBinary),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("destroyed_at", UTCDateTime),
        sa.PrimaryKeyConstraint("subject_id", "compartment", "dek_version", name="pk_subject_key"),
    )
    op.create_index("ix_subject_key_kek_id", "subject_key", ["kek_id"])

    op.create_table(
        "audit_event",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("event_uid", sa.Uuid, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("recorded", UTCDateTime, nullable=False),
        sa.Column("writer_id", sa.Uuid, nullable=False),
        sa.Column("writer_seq", sa.BigInteger, nullable=False),
        sa.Column("action", sa.String(1), nullable=False),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("agent_id", sa.Uuid),
        sa.Column("agent_role", sa.String(32)),
        sa.Column("entity_type", sa.String(32)),
        sa.Column("entity_id", sa.Uuid),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
        sa.UniqueConstraint("event_uid", name="uq_audit_event_event_uid"),
    )
    op.create_index("ix_audit_event_recorded", "audit_event", ["recorded"])
    for column in ("agent_id", "code", "outcome", "entity_id"):
        op.create_index(f"ix_audit_event_{column}_id", "audit_event", [column, "id"])
    op.create_table(
        "audit_pending",
        sa.Column("event_uid", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("event_uid", name="pk_audit_pending"),
    )
    op.create_table(
        "audit_leaf",
        sa.Column("idx", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("event_uid", sa.Uuid, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("idx", name="pk_audit_leaf"),
        sa.UniqueConstraint("event_uid", name="uq_audit_leaf_event_uid"),
    )
    op.create_table(
        "audit_tile",
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "n", name="pk_audit_tile"),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("signed_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_audit_checkpoint"),
    )
    op.create_table(
        "audit_event_subject",
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("event_uid", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("subject_id", "event_uid", name="pk_audit_event_subject"),
    )
    op.create_index("ix_audit_event_subject_event_uid", "audit_event_subject", ["event_uid"])
    op.create_table(
        "audit_state",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("frontier", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_state"),
    )
    op.execute("INSERT INTO audit_state (id, size, frontier) VALUES (1, 0, '')")
    refuse_changes()

    op.create_table(
        "form_post",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("staff_id", sa.Uuid, nullable=False),
        sa.Column("form_key", sa.Uuid, nullable=False),
        sa.Column("endpoint", sa.String(120), nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_form_post"),
        sa.UniqueConstraint("staff_id", "form_key", name="uq_form_post_staff_id_form_key"),
    )
    op.create_index("ix_form_post_created_at", "form_post", ["created_at"])


def refuse_changes() -> None:
    """Insert-only tables: UPDATE, DELETE and TRUNCATE raise, whoever asks through SQL."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION casework_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION 'the audit log is insert-only'; END $$"
        )
        for table in INSERT_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION casework_insert_only()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION casework_insert_only()"
            )
        return
    for table in INSERT_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is insert-only'); END"
            )


def downgrade() -> None:
    for table in ("form_post", "audit_state", "audit_event_subject", "audit_checkpoint", "audit_tile"):
        op.drop_table(table)
    for table in ("audit_leaf", "audit_pending", "audit_event", "subject_key"):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION casework_insert_only()")
