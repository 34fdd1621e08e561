"""Identifiers made by the client: UUID version 7 (RFC 9562), so that rows sort by the time they were made."""

from __future__ import annotations

import uuid

import uuid_utils

from casework.core import clock


def new_id() -> uuid.UUID:
    """A fresh UUIDv7 stamped with the product's clock."""
    nanoseconds = int(clock.now().timestamp() * 1_000_000) * 1000
    return uuid.UUID(int=uuid_utils.uuid7(nanoseconds=nanoseconds).int)
