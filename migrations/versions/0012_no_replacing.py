"""Audit on SQLite: `INSERT OR REPLACE` removes a row without asking the triggers that refuse to delete, so it is refused."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# What must not be there yet, for a row to come in.
TAKEN = {
    "audit_event": ("event_uid = NEW.event_uid", "id = NEW.id"),
    "audit_leaf": ("idx = NEW.idx", "event_uid = NEW.event_uid"),
    "audit_checkpoint": ("size = NEW.size",),
    "audit_event_subject": ("subject_id = NEW.subject_id AND event_uid = NEW.event_uid",),
    "audit_retention_request": ("id = NEW.id",),
    "audit_retention_approval": ("request_id = NEW.request_id",),
}


def upgrade() -> None:
    if op.get_context().dialect.name != "sqlite":
        return
    for table, conditions in TAKEN.items():
        taken = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {each})" for each in conditions)
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {taken} "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is insert-only'); END"
        )


def downgrade() -> None:
    if op.get_context().dialect.name != "sqlite":
        return
    for table in TAKEN:
        op.execute(f"DROP TRIGGER {table}_no_replace")
