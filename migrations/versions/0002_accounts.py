"""Accounts: places, staff, their sessions, the throttle of the sign-in page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from casework.core.columns import UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLES = (
    "caseworker", "supervisor", "domain_officer", "psychologist", "auditor", "admin",
    "council_secretariat", "council_member",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "place",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("parent_id", sa.Uuid),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("name_uz", sa.String(200), nullable=False),
        sa.Column("name_ru", sa.String(200)),
        sa.Column("name_en", sa.String(200)),
        sa.Column("region_id", sa.Uuid),
        sa.Column("district_id", sa.Uuid),
        sa.Column("search_name", sa.Text, nullable=False),
        sa.Column("closed_on", sa.Date),
        sa.PrimaryKeyConstraint("id", name="pk_place"),
        sa.UniqueConstraint("code", name="uq_place_code"),
        sa.ForeignKeyConstraint(["parent_id"], ["place.id"], name="fk_place_parent_id"),
        sa.ForeignKeyConstraint(["region_id"], ["place.id"], name="fk_place_region_id"),
        sa.ForeignKeyConstraint(["district_id"], ["place.id"], name="fk_place_district_id"),
    )
    op.create_index("ix_place_parent_id_name_uz", "place", ["parent_id", "name_uz"])
    op.create_index("ix_place_district_id", "place", ["district_id"])

    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("password_changed_at", UTCDateTime, nullable=False),
        sa.Column("must_change_password", sa.Boolean, nullable=False),
        sa.Column("display_name", sa.String(120), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("place_id", sa.Uuid),
        sa.Column("domain", sa.String(64)),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("username", name="uq_staff_username"),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_staff_place_id"),
        # No police or security role exists, and none can be added by data.
        sa.CheckConstraint(
            "role IN (" + ", ".join(f"'{role}'" for role in ROLES) + ")", name="ck_staff_role"
        ),
    )
    op.create_index("ix_staff_place_id_role", "staff", ["place_id", "role"])

    op.create_table(
        "staff_session",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("staff_id", sa.Uuid, nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("last_seen_at", UTCDateTime, nullable=False),
        sa.Column("revoked_at", UTCDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_staff_session"),
        sa.UniqueConstraint("token_hash", name="uq_staff_session_token_hash"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_session_staff_id"),
    )
    op.create_index("ix_staff_session_staff_id", "staff_session", ["staff_id"])
    op.create_index("ix_staff_session_created_at", "staff_session", ["created_at"])

    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_failed_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_attempt"),
        sa.UniqueConstraint("key_hash", name="uq_sign_in_attempt_key_hash"),
    )
    op.create_index("ix_sign_in_attempt_last_failed_at", "sign_in_attempt", ["last_failed_at"])


def downgrade() -> None:
    for table in ("sign_in_attempt", "staff_session", "staff", "place"):
        op.drop_table(table)
