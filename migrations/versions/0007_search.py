"""Search: sealed documents, digests of numbers, the feed of what changed, the count of searches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from casework.core.columns import UTCDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# What changes whom a search finds, or for whom: verb, and of an update the columns that matter.
WATCHED: dict[str, tuple[str, ...]] = {
    "search_document": ("INSERT", "UPDATE OF document", "DELETE"),
    "case": ("INSERT", "UPDATE OF office_id, person_id", "DELETE"),
    "case_assignment": ("INSERT", "UPDATE OF staff_id, case_id, ended_at", "DELETE"),
}


def upgrade() -> None:
    op.create_table(
        "search_document",
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated_at", UTCDateTime, nullable=False),
        sa.Column("document", sa.LargeBinary),
        sa.PrimaryKeyConstraint("person_id", name="pk_search_document"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_search_document_person_id"),
    )
    op.create_table(
        "exact_index",
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "kind", "digest", name="pk_exact_index"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_exact_index_person_id"),
    )
    op.create_index("ix_exact_index_digest_kind", "exact_index", ["digest", "kind"])
    op.create_index("ix_exact_index_key_id", "exact_index", ["key_id"])
    op.create_table(
        "search_change",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("at", UTCDateTime, nullable=False, server_default=sa.func.current_timestamp()),
        sa.PrimaryKeyConstraint("id", name="pk_search_change"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "search_count",
        sa.Column("staff_id", sa.Uuid, nullable=False),
        sa.Column("began_at", UTCDateTime, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name="pk_search_count"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_search_count_staff_id"),
    )
    watch()
    if op.get_context().dialect.name == "postgresql":
        protect_rows()


def watch() -> None:
    """Triggers, so that no way of changing a row can forget to say so."""
    postgresql = op.get_context().dialect.name == "postgresql"
    if postgresql:
        op.execute(
            "CREATE FUNCTION casework_search_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF TG_OP <> 'INSERT' THEN INSERT INTO search_change (person_id) VALUES (OLD.person_id); END IF; "
            "IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.person_id <> OLD.person_id) THEN "
            "INSERT INTO search_change (person_id) VALUES (NEW.person_id); END IF; RETURN NULL; END $$"
        )
    for table, verbs in WATCHED.items():
        for verb in verbs:
            trigger = f"{table}_search_{verb.split()[0].lower()}"
            begin = f'CREATE TRIGGER {trigger} AFTER {verb} ON "{table}" FOR EACH ROW '
            if postgresql:
                op.execute(f"{begin} EXECUTE FUNCTION casework_search_change()")
                continue
            rows = {"INSERT": ("NEW",), "DELETE": ("OLD",)}.get(verb, ("OLD", "NEW"))
            said = " ".join(
                f"INSERT INTO search_change (person_id) VALUES ({row}.person_id);" for row in rows
            )
            op.execute(f"{begin} BEGIN {said} END")


ROLE = "(SELECT current_setting('casework.role', true))"


def protect_rows() -> None:
    """As the names of a person: through a case that shows (migration 0003)."""
    for name in ("search_document", "exact_index"):
        seen = (
            f"{ROLE} = 'system' OR "
            f'EXISTS (SELECT 1 FROM "case" file WHERE file.person_id = {name}.person_id)'
        )
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY {name}_read ON {name} FOR SELECT USING ({seen})")
        op.execute(f"CREATE POLICY {name}_add ON {name} FOR INSERT WITH CHECK ({seen})")
        op.execute(f"CREATE POLICY {name}_change ON {name} FOR UPDATE USING ({seen}) WITH CHECK ({seen})")
        op.execute(f"CREATE POLICY {name}_drop ON {name} FOR DELETE USING ({seen})")


def downgrade() -> None:
    for table, verbs in WATCHED.items():
        for verb in verbs:
            trigger = f"{table}_search_{verb.split()[0].lower()}"
            on = f' ON "{table}"' if op.get_context().dialect.name == "postgresql" else ""
            op.execute(f"DROP TRIGGER {trigger}{on}")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION casework_search_change()")
    for table in ("search_count", "search_change", "exact_index", "search_document"):
        op.drop_table(table)
