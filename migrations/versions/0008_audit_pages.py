"""Audit: exports and verifications that somebody asked for in the page, with what came of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from casework.core.columns import UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_export_job",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("requested_by", sa.Uuid, nullable=False),
        sa.Column("requested_at", UTCDateTime, nullable=False),
        sa.Column("form", sa.String(8), nullable=False),
        sa.Column("since", sa.Date),
        sa.Column("until", sa.Date),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("reason_commitment", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("problem", sa.String(32)),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("file_size", sa.BigInteger),
        sa.Column("finished_at", UTCDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_audit_export_job"),
    )
    op.create_index("ix_audit_export_job_state_requested_at", "audit_export_job", ["state", "requested_at"])
    op.create_index(
        "ix_audit_export_job_requested_by_requested_at", "audit_export_job", ["requested_by", "requested_at"]
    )
    op.create_table(
        "audit_verification",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("requested_by", sa.Uuid),
        sa.Column("requested_at", UTCDateTime, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("finished_at", UTCDateTime),
        sa.Column("ok", sa.Boolean),
        sa.Column("checked", sa.BigInteger),
        sa.Column("size", sa.BigInteger),
        sa.Column("kind", sa.String(32)),
        sa.Column("idx", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_audit_verification"),
    )
    op.create_index(
        "ix_audit_verification_state_requested_at", "audit_verification", ["state", "requested_at"]
    )
    op.create_index("ix_audit_verification_requested_at", "audit_verification", ["requested_at"])


def downgrade() -> None:
    op.drop_table("audit_verification")
    op.drop_table("audit_export_job")
