"""Columns that say how sensitive they are.

C0 is public reference, C1 operational and pseudonymous, C2 personal, C3 special, C4 sealed.
C2 and above never stand in plain: the vault's sealed columns carry them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import DateTime, String, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import MappedColumn, mapped_column


def plain(sensitivity: Literal["C0", "C1"], *args: Any, **kwargs: Any) -> MappedColumn[Any]:
    """A column in plain text. Only C0 and C1 may be."""
    if sensitivity not in ("C0", "C1"):
        raise ValueError(f"a column of class {sensitivity} must be sealed")
    return mapped_column(*args, info={"sensitivity": sensitivity}, **kwargs)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment in UTC. Both engines give it back aware; a naive datetime is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        moment = value.astimezone(UTC)
        return moment if dialect.name != "sqlite" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def key(length: int = 64) -> String:
    """The type of a stable snake_case key from a value set."""
    return String(length)
