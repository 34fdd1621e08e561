"""Rights of the people: their requests, documents on a case, what retention approved, proof of what was destroyed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from casework.core.columns import UTCDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("person", sa.Column("erased_at", UTCDateTime))
    op.create_table(
        "data_request",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("received_on", sa.Date, nullable=False),
        sa.Column("identity_checked", sa.Boolean, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("recorded_by", sa.Uuid, nullable=False),
        sa.Column("recorded_at", UTCDateTime, nullable=False),
        sa.Column("decision", sa.String(16)),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("decided_at", UTCDateTime),
        sa.Column("done_on", sa.Date),
        sa.Column("done_by", sa.Uuid),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("asked", sa.LargeBinary),
        sa.Column("reason", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_data_request"),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_data_request_case_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_data_request_person_id"),
        sa.ForeignKeyConstraint(["recorded_by"], ["staff.id"], name="fk_data_request_recorded_by"),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name="fk_data_request_decided_by"),
        sa.CheckConstraint("decision IN ('granted', 'partly', 'refused')", name="ck_data_request_decision"),
        # Who decides on a destruction is never who recorded it, whichever way the row is written.
        sa.CheckConstraint(
            "type <> 'destruction' OR decided_by IS NULL OR decided_by <> recorded_by",
            name="ck_data_request_two_people",
        ),
    )
    op.create_index("ix_data_request_case_id_id", "data_request", ["case_id", "id"])
    op.create_table(
        "attachment",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("media_type", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("added_by", sa.Uuid, nullable=False),
        sa.Column("added_at", UTCDateTime, nullable=False),
        sa.Column("removed_by", sa.Uuid),
        sa.Column("removed_at", UTCDateTime),
        sa.Column("description", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_attachment"),
        sa.UniqueConstraint("case_id", "number", name="uq_attachment_case_id_number"),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_attachment_case_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_attachment_person_id"),
        sa.ForeignKeyConstraint(["added_by"], ["staff.id"], name="fk_attachment_added_by"),
        sa.ForeignKeyConstraint(["removed_by"], ["staff.id"], name="fk_attachment_removed_by"),
    )
    op.create_index("ix_attachment_person_id", "attachment", ["person_id"])
    op.create_table(
        "retention_approval",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("office_id", sa.Uuid, nullable=False),
        sa.Column("retention_class", sa.String(32), nullable=False),
        sa.Column("approved_by", sa.Uuid, nullable=False),
        sa.Column("approved_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_retention_approval"),
        sa.UniqueConstraint("case_id", name="uq_retention_approval_case_id"),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_retention_approval_case_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_retention_approval_person_id"),
        sa.ForeignKeyConstraint(["office_id"], ["place.id"], name="fk_retention_approval_office_id"),
        sa.ForeignKeyConstraint(["approved_by"], ["staff.id"], name="fk_retention_approval_approved_by"),
    )
    op.create_index("ix_retention_approval_person_id", "retention_approval", ["person_id"])
    op.create_table(
        "disposal",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("display_code", sa.String(7), nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("request_id", sa.Uuid),
        sa.Column("recorded_role", sa.String(32), nullable=False),
        sa.Column("approved_by", sa.Uuid, nullable=False),
        sa.Column("approved_role", sa.String(32), nullable=False),
        sa.Column("done_role", sa.String(32), nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("reason", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_disposal"),
        sa.UniqueConstraint("person_id", name="uq_disposal_person_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_disposal_person_id"),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_disposal_case_id"),
        sa.ForeignKeyConstraint(["request_id"], ["data_request.id"], name="fk_disposal_request_id"),
        sa.ForeignKeyConstraint(["approved_by"], ["staff.id"], name="fk_disposal_approved_by"),
        sa.CheckConstraint("cause IN ('request', 'retention')", name="ck_disposal_cause"),
    )
    if op.get_context().dialect.name == "postgresql":
        protect_rows()


PLACE = "(SELECT NULLIF(current_setting('casework.place', true), '')::uuid)"
ROLE = "(SELECT current_setting('casework.role', true))"
SYSTEM = f"{ROLE} = 'system'"


def of_case(name: str) -> str:
    """Through a case that shows (migration 0003)."""
    return f'{SYSTEM} OR EXISTS (SELECT 1 FROM "case" file WHERE file.id = {name}.case_id)'


def protect_rows() -> None:
    """Row-level security, as the queries say it. Only the installation destroys, so only it adds and drops such rows."""
    in_office = f"{ROLE} IN ('caseworker', 'supervisor')"
    approvals = f"{SYSTEM} OR ({ROLE} = 'supervisor' AND office_id = {PLACE})"
    rules = {
        "data_request": (f"{SYSTEM} OR ({in_office} AND ({of_case('data_request')}))",) * 2,
        "attachment": (f"{SYSTEM} OR ({in_office} AND ({of_case('attachment')}))",) * 2,
        "retention_approval": (approvals, approvals),
        "disposal": (of_case("disposal"), SYSTEM),
    }
    for name, (seen, written) in rules.items():
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY {name}_read ON {name} FOR SELECT USING ({seen})")
        op.execute(f"CREATE POLICY {name}_add ON {name} FOR INSERT WITH CHECK ({written})")
        op.execute(
            f"CREATE POLICY {name}_change ON {name} FOR UPDATE USING ({written}) WITH CHECK ({written})"
        )
    op.execute(f"CREATE POLICY attachment_drop ON attachment FOR DELETE USING ({SYSTEM})")


def downgrade() -> None:
    for name in ("disposal", "retention_approval", "attachment", "data_request"):
        op.drop_table(name)
    op.drop_column("person", "erased_at")
