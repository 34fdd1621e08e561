"""PostgreSQL for roles that do not own the tables: triggers that cannot be led astray, traces that go without an owner."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# What a temporary table of the same name would otherwise stand before: an approval that nobody gave.
LOOKING = ("casework_insert_only", "casework_audit_event_retention", "casework_audit_event_subject_retention")
REWRITING = "casework_rewrite_keys"

# Only the owner may run VACUUM before version 17. So the server itself does it, at its next round, after any change.
LEAVING_TRACES = ("subject_key", "draft", "search_document", "exact_index", "attachment")


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    # What VACUUM FULL does to the table, for whoever may call this: the old versions of destroyed keys go.
    op.execute(
        f"CREATE FUNCTION {REWRITING}() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ "
        "BEGIN CLUSTER subject_key USING pk_subject_key; END $$"
    )
    op.execute(f"REVOKE ALL ON FUNCTION {REWRITING}() FROM PUBLIC")
    names = ", ".join(f"'{name}'" for name in (*LOOKING, REWRITING))
    op.execute(
        f"DO $$ DECLARE name text; BEGIN FOREACH name IN ARRAY ARRAY[{names}] LOOP "
        "EXECUTE format('ALTER FUNCTION %I() SET search_path = %I, pg_temp', name, current_schema()); "
        "END LOOP; END $$"
    )
    for table in LEAVING_TRACES:
        op.execute(
            f"ALTER TABLE {table} SET (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0)"
        )


def downgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for table in LEAVING_TRACES:
        op.execute(f"ALTER TABLE {table} RESET (autovacuum_vacuum_threshold, autovacuum_vacuum_scale_factor)")
    for name in LOOKING:
        op.execute(f"ALTER FUNCTION {name}() RESET search_path")
    op.execute(f"DROP FUNCTION {REWRITING}()")
