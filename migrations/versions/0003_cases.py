"""Cases: persons, consents, cases, support with its versions, follow-ups, drafts, the timeline; and who sees which row."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from casework.core.columns import UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **options)


def maybe(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind)


def sealed(*names: str) -> list[sa.Column[Any]]:
    """Envelopes of the vault: classes C2 to C4 never stand in plain."""
    return [sa.Column(name, sa.LargeBinary) for name in names]


def table(name: str, *parts: Any, refers: dict[str, str], indexed: tuple[str, ...] = ()) -> None:
    """A table with a UUID key; `refers` maps a column to the table whose `id` it holds."""
    op.create_table(
        name,
        sa.Column("id", sa.Uuid, nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        *(
            sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{name}_{column}")
            for column, target in refers.items()
        ),
    )
    for columns in indexed:
        op.create_index(f"ix_{name}_{columns.replace(' ', '_')}", name, columns.split())


def upgrade() -> None:
    table(
        "person",
        column("display_code", sa.String(7)),
        column("version", sa.Integer),
        column("created_by", sa.Uuid),
        column("created_at", UTCDateTime),
        *sealed("birth_date", "birth_date_precision", "sex", "languages", "interpreter_needed"),
        *sealed("preferred_contact", "phone", "phone_owner", "safe_to_call", "safe_hours", "place_id"),
        sa.UniqueConstraint("display_code", name="uq_person_display_code"),
        refers={},
    )
    table(
        "person_name",
        column("person_id", sa.Uuid),
        column("position", sa.Integer),
        *sealed("name_type", "script", "surname", "given_name", "patronymic"),
        sa.UniqueConstraint("person_id", "position", name="uq_person_name_person_id_position"),
        refers={"person_id": "person"},
    )
    table(
        "person_version",
        column("person_id", sa.Uuid),
        column("number", sa.Integer),
        column("at", UTCDateTime),
        column("author_id", sa.Uuid),
        *sealed("reason", "details"),
        sa.UniqueConstraint("person_id", "number", name="uq_person_version_person_id_number"),
        refers={"person_id": "person", "author_id": "staff"},
    )
    table(
        "person_identifier",
        column("person_id", sa.Uuid),
        column("recorded_at", UTCDateTime),
        *sealed("identifier_type", "value", "checksum_result"),
        refers={"person_id": "person"},
        indexed=("person_id",),
    )
    table(
        "consent",
        column("person_id", sa.Uuid),
        column("purpose", sa.String(64)),
        column("status", sa.String(16)),
        maybe("given_on", sa.Date),
        maybe("expires_on", sa.Date),
        maybe("form", sa.String(64)),
        maybe("given_by", sa.String(64)),
        maybe("child_assent", sa.String(64)),
        maybe("legal_basis", sa.String(64)),
        column("explained_by", sa.Uuid),
        column("recorded_at", UTCDateTime),
        maybe("withdrawn_on", sa.Date),
        maybe("withdrawn_by", sa.Uuid),
        *sealed("language", "legal_basis_reason", "withdrawn_why"),
        refers={"person_id": "person", "explained_by": "staff", "withdrawn_by": "staff"},
        indexed=("person_id purpose status", "status expires_on"),
    )
    table(
        "case",
        column("person_id", sa.Uuid),
        column("office_id", sa.Uuid),
        column("worker_id", sa.Uuid),
        column("status", sa.String(32)),
        column("case_type", sa.String(16)),
        maybe("needs_level", sa.String(16)),
        column("source", sa.String(32)),
        column("retention_class", sa.String(32)),
        column("opened_on", sa.Date),
        column("last_activity_at", UTCDateTime),
        maybe("next_follow_up_on", sa.Date),
        column("version", sa.Integer),
        column("created_by", sa.Uuid),
        refers={"person_id": "person", "office_id": "place", "worker_id": "staff"},
        indexed=(
            "person_id",
            "office_id last_activity_at id",
            "office_id next_follow_up_on",
            "worker_id last_activity_at id",
        ),
    )
    table(
        "case_assignment",
        column("case_id", sa.Uuid),
        column("person_id", sa.Uuid),
        column("office_id", sa.Uuid),
        column("staff_id", sa.Uuid),
        column("role", sa.String(32)),
        column("started_at", UTCDateTime),
        maybe("ended_at", UTCDateTime),
        *sealed("reason"),
        refers={"case_id": "case", "person_id": "person", "office_id": "place", "staff_id": "staff"},
        indexed=("case_id", "staff_id ended_at case_id"),
    )
    table(
        "support_record",
        column("case_id", sa.Uuid),
        column("person_id", sa.Uuid),
        column("kind", sa.String(16)),
        column("state", sa.String(16)),
        column("happened_on", sa.Date),
        column("author_id", sa.Uuid),
        column("created_at", UTCDateTime),
        column("version", sa.Integer),
        maybe("error_at", UTCDateTime),
        maybe("error_by", sa.Uuid),
        *sealed("error_reason"),
        sa.CheckConstraint("state IN ('recorded', 'entered_in_error')", name="ck_support_record_state"),
        refers={"case_id": "case", "person_id": "person", "author_id": "staff", "error_by": "staff"},
        indexed=("case_id kind",),
    )
    table(
        "support_version",
        column("record_id", sa.Uuid),
        column("case_id", sa.Uuid),
        column("person_id", sa.Uuid),
        column("kind", sa.String(16)),
        column("number", sa.Integer),
        column("at", UTCDateTime),
        column("author_id", sa.Uuid),
        *sealed("content", "reason"),
        sa.UniqueConstraint("record_id", "number", name="uq_support_version_record_id_number"),
        refers={
            "record_id": "support_record",
            "case_id": "case",
            "person_id": "person",
            "author_id": "staff",
        },
        indexed=("case_id",),
    )
    table(
        "clinical_note",
        column("record_id", sa.Uuid),
        column("case_id", sa.Uuid),
        column("number", sa.Integer),
        column("author_id", sa.Uuid),
        column("at", UTCDateTime),
        *sealed("clinical_note", "crisis_plan_text"),
        sa.UniqueConstraint("record_id", "number", name="uq_clinical_note_record_id_number"),
        refers={"record_id": "support_record", "case_id": "case", "author_id": "staff"},
        indexed=("case_id",),
    )
    table(
        "follow_up",
        column("case_id", sa.Uuid),
        column("person_id", sa.Uuid),
        maybe("record_id", sa.Uuid),
        column("kind", sa.String(16)),
        column("due_on", sa.Date),
        column("status", sa.String(16)),
        column("created_by", sa.Uuid),
        column("created_at", UTCDateTime),
        maybe("closed_by", sa.Uuid),
        maybe("closed_at", UTCDateTime),
        *sealed("step", "closed_reason"),
        sa.CheckConstraint("status IN ('open', 'done', 'not_needed')", name="ck_follow_up_status"),
        refers={
            "case_id": "case",
            "person_id": "person",
            "record_id": "support_record",
            "created_by": "staff",
            "closed_by": "staff",
        },
        indexed=("record_id", "case_id status due_on"),
    )
    table(
        "draft",
        column("staff_id", sa.Uuid),
        maybe("case_id", sa.Uuid),
        column("form", sa.String(32)),
        column("created_at", UTCDateTime),
        column("updated_at", UTCDateTime),
        *sealed("content"),
        refers={"staff_id": "staff", "case_id": "case"},
        indexed=("case_id", "staff_id updated_at"),
    )
    table(
        "timeline_entry",
        column("case_id", sa.Uuid),
        column("at", UTCDateTime),
        column("kind", sa.String(32)),
        column("ref_id", sa.Uuid),
        maybe("actor_id", sa.Uuid),
        column("struck", sa.Boolean),
        refers={"case_id": "case"},
        indexed=("case_id at id", "ref_id"),
    )
    if op.get_context().dialect.name == "postgresql":
        protect_rows()


ACTOR = "(SELECT NULLIF(current_setting('casework.actor', true), '')::uuid)"
PLACE = "(SELECT NULLIF(current_setting('casework.place', true), '')::uuid)"
ROLE = "(SELECT current_setting('casework.role', true))"

WHO_SEES: dict[str, str] = {
    # An assignment is seen by who has it, and by the supervisor of its office.
    "case_assignment": f"staff_id = {ACTOR} OR ({ROLE} = 'supervisor' AND office_id = {PLACE})",
    # A case by whoever is assigned to it now, and by the supervisor of its office.
    "case": (
        f"({ROLE} = 'supervisor' AND office_id = {PLACE}) "
        f"OR ({ROLE} IN ('caseworker', 'psychologist') AND EXISTS (SELECT 1 FROM case_assignment held "
        f'WHERE held.case_id = "case".id AND held.staff_id = {ACTOR} AND held.ended_at IS NULL))'
    ),
    # A person through a case; the auditor only to tell which code an id has, without any key.
    # A room above adds a policy of its own where it shows somebody who sees no case (policies are joined by OR).
    "person": f"{ROLE} = 'auditor' OR EXISTS (SELECT 1 FROM \"case\" file WHERE file.person_id = person.id)",
    # A draft by who typed it.
    "draft": f"staff_id = {ACTOR}",
}
OF_PERSON = ("person_name", "person_version", "person_identifier", "consent")
OF_CASE = ("support_record", "support_version", "clinical_note", "follow_up", "timeline_entry")

MAY_BE_ADDED: dict[str, str] = {
    # The rows that make a case visible cannot be asked for through it yet.
    "person": f"created_by = {ACTOR}",
    "case": f"created_by = {ACTOR}",
}


def protect_rows() -> None:
    """Row-level security repeats `casework.cases.queries.visible_to`. Commands and jobs act as `system`."""
    rules = dict(WHO_SEES)
    for name in OF_PERSON:
        rules[name] = f'EXISTS (SELECT 1 FROM "case" file WHERE file.person_id = {name}.person_id)'
    for name in OF_CASE:
        rules[name] = f'EXISTS (SELECT 1 FROM "case" file WHERE file.id = {name}.case_id)'
    for name, seen in rules.items():
        seen = f"{ROLE} = 'system' OR {seen}"
        added = f"{ROLE} = 'system' OR {MAY_BE_ADDED.get(name, seen)}"
        op.execute(f'ALTER TABLE "{name}" ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE "{name}" FORCE ROW LEVEL SECURITY')
        op.execute(f'CREATE POLICY {name}_read ON "{name}" FOR SELECT USING ({seen})')
        op.execute(f'CREATE POLICY {name}_add ON "{name}" FOR INSERT WITH CHECK ({added})')
        op.execute(f'CREATE POLICY {name}_change ON "{name}" FOR UPDATE USING ({seen}) WITH CHECK ({seen})')
    op.execute(
        f"CREATE POLICY draft_discard ON draft FOR DELETE USING ({ROLE} = 'system' OR staff_id = {ACTOR})"
    )


def downgrade() -> None:
    for name in (
        "timeline_entry",
        "draft",
        "follow_up",
        "clinical_note",
        "support_version",
        "support_record",
    ):
        op.drop_table(name)
    for name in (
        "case_assignment",
        "case",
        "consent",
        "person_identifier",
        "person_version",
        "person_name",
        "person",
    ):
        op.drop_table(name)
