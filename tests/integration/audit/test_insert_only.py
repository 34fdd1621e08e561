"""The tables of the log take rows in and let none go, whoever asks through SQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from casework.audit.models import INSERT_ONLY
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work
from tests.services.audit_log import attacker_of, grow, verified

pytestmark = pytest.mark.both_engines


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        grow(3)
        yield


def columns_of(table: str) -> list[str]:
    return [column.name for column in db.metadata.tables[table].columns]


def statement(sql: str) -> None:
    with unit_of_work():
        db.session.execute(text(sql))


def ways(app: Flask, table: str) -> list[str]:
    """Every way to change or remove a row that SQL knows."""
    columns = ", ".join(columns_of(table))
    key = next(column.name for column in db.metadata.tables[table].primary_key)
    found = [f"DELETE FROM {table}", f"UPDATE {table} SET {key} = {key}"]
    again = f"INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE true"
    if attacker_of(app).on_postgresql:
        return [
            *found,
            f"TRUNCATE {table} CASCADE",
            f"INSERT {again} ON CONFLICT ({', '.join(c.name for c in db.metadata.tables[table].primary_key)}) "
            f"DO UPDATE SET {key} = excluded.{key}",
        ]
    return [
        *found,
        f"INSERT OR REPLACE {again}",
        f"REPLACE {again}",
        f"UPDATE OR REPLACE {table} SET {key} = {key}",
    ]


@pytest.mark.parametrize("table", [each for each in INSERT_ONLY if "retention" not in each])
def test_no_statement_changes_removes_or_replaces_a_row(app: Flask, table: str) -> None:
    for sql in ways(app, table):
        with pytest.raises(DatabaseError, match=r"insert-only|permission denied|must be owner"):
            statement(sql)
    assert verified().ok


def test_a_row_is_not_replaced_through_its_other_key(app: Flask) -> None:
    if attacker_of(app).on_postgresql:
        replaced = "INSERT INTO audit_leaf SELECT 900, event_uid, leaf_hash FROM audit_leaf WHERE idx = 1"
    else:
        replaced = (
            "INSERT OR REPLACE INTO audit_leaf SELECT 900, event_uid, leaf_hash FROM audit_leaf WHERE idx = 1"
        )
    with pytest.raises(DatabaseError, match=r"insert-only|duplicate key|permission denied"):
        statement(replaced)
    assert verified().ok
    assert grow(2).size == 5
