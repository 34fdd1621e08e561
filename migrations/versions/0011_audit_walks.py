"""Audit: each filter of the log's page is the beginning of an index that ends with the moment, so that no page reads much.

The log is walked by (recorded, id). Who asks for somebody's events or for one code without naming the outcome walks
the three outcomes side by side, so four indexes serve every combination of member of staff, code and outcome.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NEW = {
    "ix_audit_event_recorded_id": ("recorded", "id"),
    "ix_audit_event_outcome_recorded_id": ("outcome", "recorded", "id"),
    "ix_audit_event_agent_id_outcome_recorded_id": ("agent_id", "outcome", "recorded", "id"),
    "ix_audit_event_code_outcome_recorded_id": ("code", "outcome", "recorded", "id"),
    "ix_audit_event_agent_id_code_outcome_recorded_id": ("agent_id", "code", "outcome", "recorded", "id"),
    "ix_audit_event_entity_id_recorded": ("entity_id", "recorded"),
}
OLD = {
    "ix_audit_event_recorded": ("recorded",),
    "ix_audit_event_outcome_id": ("outcome", "id"),
    "ix_audit_event_agent_id_id": ("agent_id", "id"),
    "ix_audit_event_code_id": ("code", "id"),
    "ix_audit_event_entity_id_id": ("entity_id", "id"),
}


def upgrade() -> None:
    exchange(OLD, NEW)


def downgrade() -> None:
    exchange(NEW, OLD)


def exchange(away: dict[str, tuple[str, ...]], here: dict[str, tuple[str, ...]]) -> None:
    for name in away:
        op.drop_index(name, "audit_event")
    for name, columns in here.items():
        op.create_index(name, "audit_event", list(columns))
