"""Referrals and the steps of their course, which are only ever added; and who sees which row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from casework.core.columns import UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "referral",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("case_id", sa.Uuid),
        sa.Column("person_id", sa.Uuid),
        sa.Column("display_code", sa.String(16)),
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("office_id", sa.Uuid, nullable=False),
        sa.Column("to_place_id", sa.Uuid, nullable=False),
        sa.Column("to_region_id", sa.Uuid, nullable=False),
        sa.Column("author_id", sa.Uuid, nullable=False),
        sa.Column("reviewer_id", sa.Uuid),
        sa.Column("officer_id", sa.Uuid),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("urgency", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("consent_id", sa.Uuid),
        sa.Column("lawful_basis", sa.String(64)),
        sa.Column("decline_reason", sa.String(64)),
        sa.Column("outcome", sa.String(64)),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("changed_at", UTCDateTime, nullable=False),
        sa.Column("submitted_at", UTCDateTime),
        sa.Column("sent_at", UTCDateTime),
        sa.Column("due_at", UTCDateTime),
        sa.Column("answered_at", UTCDateTime),
        sa.Column("closed_at", UTCDateTime),
        sa.Column("package_gone_at", UTCDateTime),
        sa.Column("version", sa.Integer, nullable=False),
        # Envelopes under the referral's own keys, never under a key of the person.
        sa.Column("reason_code", sa.LargeBinary),
        sa.Column("need_summary", sa.LargeBinary),
        sa.Column("dataset", sa.LargeBinary),
        sa.Column("service_outcome", sa.LargeBinary),
        sa.Column("basis_note", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_referral"),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_referral_case_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_referral_person_id"),
        sa.ForeignKeyConstraint(["office_id"], ["place.id"], name="fk_referral_office_id"),
        sa.ForeignKeyConstraint(["to_place_id"], ["place.id"], name="fk_referral_to_place_id"),
        sa.ForeignKeyConstraint(["to_region_id"], ["place.id"], name="fk_referral_to_region_id"),
        sa.ForeignKeyConstraint(["author_id"], ["staff.id"], name="fk_referral_author_id"),
        sa.ForeignKeyConstraint(["reviewer_id"], ["staff.id"], name="fk_referral_reviewer_id"),
        sa.ForeignKeyConstraint(["officer_id"], ["staff.id"], name="fk_referral_officer_id"),
        sa.ForeignKeyConstraint(["consent_id"], ["consent.id"], name="fk_referral_consent_id"),
        sa.CheckConstraint("(person_id IS NULL) = (case_id IS NULL)", name="ck_referral_person_with_case"),
        sa.CheckConstraint(
            "domain <> 'countering_terrorist_ideas' OR person_id IS NULL", name="ck_referral_community_only"
        ),
        sa.CheckConstraint(
            "person_id IS NULL OR consent_id IS NOT NULL OR lawful_basis IS NOT NULL",
            name="ck_referral_basis_stated",
        ),
    )
    op.create_index("ix_referral_case", "referral", ["case_id", "id"])
    op.create_index("ix_referral_person_id", "referral", ["person_id"])
    op.create_index("ix_referral_consent_id", "referral", ["consent_id"])
    op.create_index("ix_referral_review", "referral", ["office_id", "status", "submitted_at", "id"])
    op.create_index("ix_referral_office", "referral", ["office_id", "id"])
    op.create_index("ix_referral_author", "referral", ["author_id", "status", "id"])
    op.create_index("ix_referral_status_changed", "referral", ["status", "changed_at"])
    op.create_index(
        "ix_referral_district_inbox", "referral", ["domain", "to_place_id", "status", "due_at", "id"]
    )
    op.create_index(
        "ix_referral_region_inbox", "referral", ["domain", "to_region_id", "status", "due_at", "id"]
    )

    op.create_table(
        "referral_step",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("referral_id", sa.Uuid, nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("from_status", sa.String(64), nullable=False),
        sa.Column("to_status", sa.String(64), nullable=False),
        sa.Column("reason_code", sa.String(64)),
        sa.Column("text", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_referral_step"),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name="fk_referral_step_referral_id"),
        sa.ForeignKeyConstraint(["actor_id"], ["staff.id"], name="fk_referral_step_actor_id"),
    )
    op.create_index("ix_referral_step_referral", "referral_step", ["referral_id", "id"])
    refuse_changes()
    if op.get_context().dialect.name == "postgresql":
        protect_rows()


def refuse_changes() -> None:
    """The course of events is insert-only, whoever asks through SQL."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION referral_step_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION 'the course of a referral is insert-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER referral_step_insert_only BEFORE UPDATE OR DELETE ON referral_step "
            "FOR EACH ROW EXECUTE FUNCTION referral_step_insert_only()"
        )
        op.execute(
            "CREATE TRIGGER referral_step_no_truncate BEFORE TRUNCATE ON referral_step "
            "FOR EACH STATEMENT EXECUTE FUNCTION referral_step_insert_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER referral_step_no_{verb.lower()} BEFORE {verb} ON referral_step "
            "BEGIN SELECT RAISE(ABORT, 'the course of a referral is insert-only'); END"
        )


ACTOR = "(SELECT NULLIF(current_setting('casework.actor', true), '')::uuid)"
PLACE = "(SELECT NULLIF(current_setting('casework.place', true), '')::uuid)"
ROLE = "(SELECT current_setting('casework.role', true))"
DOMAIN = "(SELECT NULLIF(current_setting('casework.domain', true), ''))"

SEEN = (
    f"{ROLE} = 'system'"
    # the supervisor of the sending office
    f" OR ({ROLE} = 'supervisor' AND office_id = {PLACE})"
    # who works with the person: the policy of "case" decides; a community's request stays with its author
    f" OR ({ROLE} IN ('caseworker', 'psychologist') AND ("
    'EXISTS (SELECT 1 FROM "case" file WHERE file.id = referral.case_id)'
    f" OR (case_id IS NULL AND author_id = {ACTOR})))"
    # a recipient: own domain, own district or region, and only what was sent
    f" OR ({ROLE} = 'domain_officer' AND domain = {DOMAIN} AND sent_at IS NOT NULL"
    f" AND (to_place_id = {PLACE} OR to_region_id = {PLACE}))"
)
ADDED = f"{ROLE} = 'system' OR author_id = {ACTOR}"
STEP_SEEN = "EXISTS (SELECT 1 FROM referral whole WHERE whole.id = referral_step.referral_id)"
STEP_ADDED = f"{ROLE} = 'system' OR (actor_id = {ACTOR} AND {STEP_SEEN})"


def protect_rows() -> None:
    """Row-level security repeats `casework.referrals.queries.visible_to`. Commands and jobs act as `system`."""
    for name in ("referral", "referral_step"):
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY referral_read ON referral FOR SELECT USING ({SEEN})")
    op.execute(f"CREATE POLICY referral_add ON referral FOR INSERT WITH CHECK ({ADDED})")
    op.execute(f"CREATE POLICY referral_change ON referral FOR UPDATE USING ({SEEN}) WITH CHECK ({SEEN})")
    op.execute(f"CREATE POLICY referral_step_read ON referral_step FOR SELECT USING ({STEP_SEEN})")
    op.execute(f"CREATE POLICY referral_step_add ON referral_step FOR INSERT WITH CHECK ({STEP_ADDED})")


def downgrade() -> None:
    op.drop_table("referral_step")
    op.drop_table("referral")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION referral_step_insert_only()")
