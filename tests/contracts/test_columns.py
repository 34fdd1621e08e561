"""Every column says how sensitive it is, and what is personal is sealed."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import Column, LargeBinary

from casework.core.database import Base, db
from casework.vault.sealed import Sealing


def columns(app: Flask) -> list[Column[object]]:
    return [column for table in Base.metadata.tables.values() for column in table.columns]


def test_every_column_carries_its_class(app: Flask) -> None:
    bare = [
        str(column)
        for column in columns(app)
        if column.info.get("sensitivity") not in ("C0", "C1", "C2", "C3", "C4")
    ]
    assert bare == []
    assert len(columns(app)) > 100


def test_personal_columns_are_sealed(app: Flask) -> None:
    sealed = {
        mapper.local_table.c[mapper.attrs[found.attribute].columns[0].name]  # type: ignore[attr-defined]
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, Sealing)
        for found in mapper.class_.sealed_fields().values()
    }
    personal = {column for column in columns(app) if column.info["sensitivity"] in ("C2", "C3", "C4")}
    assert personal == sealed
    assert personal
    assert all(isinstance(column.type, LargeBinary) for column in personal)


def test_field_ids_are_unique_and_stable_names(app: Flask) -> None:
    ids = [
        found.field
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, Sealing)
        for found in mapper.class_.sealed_fields().values()
    ]
    assert len(ids) == len(set(ids))
    assert all(field.replace("_", "").replace(".", "").isalnum() and "." in field for field in ids)


FORBIDDEN = (
    "ethnic",
    "religio",
    "belief",
    "worship",
    "mosque",
    "dress",
    "radical",
    "danger",
    "risk",
    "watch",
    "latitude",
    "longitude",
    "geo_",
    "fingerprint",
    "face",
    "dna",
)


def test_no_column_crosses_a_red_line(app: Flask) -> None:
    crossing = [str(column) for column in columns(app) if any(word in column.name for word in FORBIDDEN)]
    assert crossing == []


@pytest.mark.both_engines
def test_models_equal_the_migrated_schema(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        differences = [
            difference
            for difference in compare_metadata(context, Base.metadata)
            if not (difference[0] == "remove_table" and difference[1].name == "alembic_version")
        ]
    assert differences == []
