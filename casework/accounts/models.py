"""Staff, their sessions, the throttle of the sign-in page, and the tree of places.

Staff are public officials: their names are class C1. Places are public reference data, class C0.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, Uuid
from sqlalchemy.orm import Mapped

from casework.access.roles import Role
from casework.core.columns import UTCDateTime, key, plain
from casework.core.database import Model

ROLES_SQL = ", ".join(f"'{role.value}'" for role in Role)


class Place(Model):
    """A unit of the public register of places: country, region, district or mahalla.

    `region_id` and `district_id` repeat what the tree says (a region's is its own id): a scope is one comparison.
    `search_name` is what `spelling.search_forms` makes of all its names. A unit that vanished has `closed_on`;
    none is deleted.
    """

    __tablename__ = "place"
    __table_args__ = (
        Index("ix_place_parent_id_name_uz", "parent_id", "name_uz"),
        Index("ix_place_district_id", "district_id"),
    )

    code: Mapped[str] = plain("C0", key(32), unique=True)
    parent_id: Mapped[uuid.UUID | None] = plain("C0", Uuid, ForeignKey("place.id"))
    level: Mapped[str] = plain("C0", key(16))
    name_uz: Mapped[str] = plain("C0", String(200))
    name_ru: Mapped[str | None] = plain("C0", String(200))
    name_en: Mapped[str | None] = plain("C0", String(200))
    region_id: Mapped[uuid.UUID | None] = plain("C0", Uuid, ForeignKey("place.id"))
    district_id: Mapped[uuid.UUID | None] = plain("C0", Uuid, ForeignKey("place.id"))
    search_name: Mapped[str] = plain("C0", Text)
    closed_on: Mapped[date | None] = plain("C0", Date)


class Staff(Model):
    """Somebody who works here. `place_id` is their office's district, `domain` a domain officer's working group.

    `must_change_password`: the password was made by an administrator and is good for one sign-in.
    """

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint(f"role IN ({ROLES_SQL})", name="role"),
        Index("ix_staff_place_id_role", "place_id", "role"),
    )

    username: Mapped[str] = plain("C1", String(64), unique=True)
    password_hash: Mapped[str] = plain("C1", String(255))
    password_changed_at: Mapped[datetime] = plain("C1", UTCDateTime)
    must_change_password: Mapped[bool] = plain("C1", Boolean)
    display_name: Mapped[str] = plain("C1", String(120))
    role: Mapped[str] = plain("C1", key(32))
    place_id: Mapped[uuid.UUID | None] = plain("C1", Uuid, ForeignKey("place.id"))
    domain: Mapped[str | None] = plain("C1", key(64))
    locale: Mapped[str] = plain("C1", key(16))
    active: Mapped[bool] = plain("C1", Boolean)
    created_at: Mapped[datetime] = plain("C1", UTCDateTime)
    version: Mapped[int] = plain("C1", Integer)

    __mapper_args__ = {"version_id_col": version}


class StaffSession(Model):
    """One signed-in browser. The browser holds the token, this row its SHA-256 (hexadecimal)."""

    __tablename__ = "staff_session"
    __table_args__ = (Index("ix_staff_session_staff_id", "staff_id"),)

    token_hash: Mapped[str] = plain("C1", String(64), unique=True)
    staff_id: Mapped[uuid.UUID] = plain("C1", Uuid, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = plain("C1", UTCDateTime, index=True)
    last_seen_at: Mapped[datetime] = plain("C1", UTCDateTime)
    revoked_at: Mapped[datetime | None] = plain("C1", UTCDateTime)


class SignInAttempt(Model):
    """Failed sign-ins in a row under one user name or from one address. It holds neither, only a keyed hash."""

    __tablename__ = "sign_in_attempt"

    key_hash: Mapped[str] = plain("C1", String(64), unique=True)
    failures: Mapped[int] = plain("C1", Integer)
    last_failed_at: Mapped[datetime] = plain("C1", UTCDateTime, index=True)
