"""Every question that this room asks the database."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, SelectBase, case, func, or_, select
from sqlalchemy.orm import aliased

from casework.access.roles import Role
from casework.accounts.models import Place, SignInAttempt, Staff, StaffSession
from casework.core.database import db
from casework.core.errors import NotFound
from casework.web.idempotency import FormPost

PAGE = 50
MOST_FOUND = 30


class LiveSession(NamedTuple):
    """A session with what a request needs to know of whose it is."""

    session_id: uuid.UUID
    created_at: datetime
    last_seen_at: datetime
    revoked_at: datetime | None
    staff_id: uuid.UUID
    role: str
    place_id: uuid.UUID | None
    domain: str | None
    display_name: str
    locale: str
    active: bool
    must_change_password: bool


def session_by_token(token_hash: str) -> LiveSession | None:
    """The session of this token, live or not, in one statement that loads no row into the session."""
    found = db.session.execute(
        select(
            StaffSession.id,
            StaffSession.created_at,
            StaffSession.last_seen_at,
            StaffSession.revoked_at,
            Staff.id,
            Staff.role,
            Staff.place_id,
            Staff.domain,
            Staff.display_name,
            Staff.locale,
            Staff.active,
            Staff.must_change_password,
        )
        .join(Staff, Staff.id == StaffSession.staff_id)
        .where(StaffSession.token_hash == token_hash)
    ).one_or_none()
    return LiveSession(*tuple(found)) if found is not None else None


def failures_of(key_hash: str) -> tuple[int, datetime] | None:
    """How many failures in a row, and when the last one was."""
    found = db.session.execute(
        select(SignInAttempt.failures, SignInAttempt.last_failed_at).where(SignInAttempt.key_hash == key_hash)
    ).one_or_none()
    return (found[0], found[1]) if found is not None else None


# Staff


def staff_by_id(ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, Staff]:
    """The staff with these ids, by id; unknown ids are left out."""
    wanted = {each for each in ids if each is not None}
    if not wanted:
        return {}
    return {staff.id: staff for staff in db.session.scalars(select(Staff).where(Staff.id.in_(wanted)))}


def offices_of_staff() -> SelectBase:
    """Who belongs to which office, for the audit room to compare with (`audit.directory.RELATIONS`)."""
    return select(Staff.id.label("staff_id"), Staff.place_id)


def staff_for(staff_id: uuid.UUID) -> Staff:
    """One member of staff; `NotFound` when there is none."""
    staff = db.session.get(Staff, staff_id)
    if staff is None:
        raise NotFound()
    return staff


def staff_named(username: str) -> Staff | None:
    """The member of staff with this user name, already in its normal form."""
    return db.session.scalar(select(Staff).where(Staff.username == username))


def staff_page(after: str = "", part: str = "", limit: int = PAGE) -> tuple[list[Staff], str | None]:
    """A page of all staff by user name, and the key to the next page (None at the end)."""
    wanted = select(Staff).where(Staff.username > after).order_by(Staff.username).limit(limit + 1)
    if part:
        wanted = wanted.where(
            or_(
                Staff.username.contains(part.casefold(), autoescape=True),
                Staff.display_name.icontains(part, autoescape=True),
            )
        )
    rows = list(db.session.scalars(wanted))
    return rows[:limit], (rows[limit - 1].username if len(rows) > limit else None)


def active_admins() -> int:
    """How many administrators can sign in."""
    wanted = select(func.count()).select_from(Staff).where(Staff.role == Role.ADMIN.value, Staff.active)
    return db.session.scalar(wanted) or 0


def supervisors_of(place_id: uuid.UUID | None) -> list[Staff]:
    """The active supervisors of an office, by name."""
    wanted = select(Staff).where(
        Staff.place_id == place_id, Staff.role == Role.SUPERVISOR.value, Staff.active
    )
    return list(db.session.scalars(wanted.order_by(Staff.display_name, Staff.id)))


def open_sessions(
    staff_id: uuid.UUID, not_seen_before: datetime, not_made_before: datetime
) -> list[StaffSession]:
    """Someone's sessions that were neither ended nor ran out, the newest first."""
    wanted = select(StaffSession).where(
        StaffSession.staff_id == staff_id,
        StaffSession.revoked_at.is_(None),
        StaffSession.last_seen_at >= not_seen_before,
        StaffSession.created_at >= not_made_before,
    )
    return list(db.session.scalars(wanted.order_by(StaffSession.created_at.desc()).limit(PAGE)))


def session_of(staff_id: uuid.UUID, session_id: uuid.UUID) -> StaffSession:
    """One session of this person; `NotFound` for one of anybody else's."""
    wanted = select(StaffSession).where(StaffSession.id == session_id, StaffSession.staff_id == staff_id)
    found: StaffSession | None = db.session.scalar(wanted)
    if found is None:
        raise NotFound()
    return found


# Places


def place_or_none(place_id: uuid.UUID | None) -> Place | None:
    """One place."""
    return db.session.get(Place, place_id) if place_id is not None else None


def place_for(place_id: uuid.UUID) -> Place:
    """One place; `NotFound` when there is none."""
    place = db.session.get(Place, place_id)
    if place is None:
        raise NotFound()
    return place


def places_by_id(ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, Place]:
    """The places with these ids, by id; unknown ids are left out."""
    wanted = {each for each in ids if each is not None}
    if not wanted:
        return {}
    return {place.id: place for place in db.session.scalars(select(Place).where(Place.id.in_(wanted)))}


def place_with_code(code: str) -> Place | None:
    """The place with this code of the register."""
    return db.session.scalar(select(Place).where(Place.code == code))


def country() -> Place | None:
    """The top of the tree."""
    return db.session.scalar(select(Place).where(Place.parent_id.is_(None)).order_by(Place.code).limit(1))


def places_inside(parent_id: uuid.UUID) -> list[tuple[Place, bool]]:
    """The open places directly inside, by name, and whether each has places inside itself."""
    inner = aliased(Place)
    opens = select(inner.id).where(inner.parent_id == Place.id, inner.closed_on.is_(None)).exists()
    wanted = select(Place, opens).where(Place.parent_id == parent_id, Place.closed_on.is_(None))
    return [
        (place, bool(inside))
        for place, inside in db.session.execute(wanted.order_by(Place.name_uz, Place.code))
    ]


def places_found(
    form: str, level: str | None, limit: int = MOST_FOUND
) -> list[tuple[Place, Place | None, Place | None]]:
    """Open places with every word of `form` (a search form) in their own name or in those of their district and region.

    At least one word is in the place's own name. Names that begin with the form come first. Each with region and district.
    """
    region, district = aliased(Place), aliased(Place)
    words = form.split()
    own = [Place.search_name.contains(word, autoescape=True) for word in words]
    around = [
        or_(
            here,
            district.search_name.contains(word, autoescape=True),
            region.search_name.contains(word, autoescape=True),
        )
        for word, here in zip(words, own, strict=True)
    ]
    begins = Place.search_name.contains(f"| {form}", autoescape=True)
    height = case({"country": 0, "region": 1, "district": 2}, value=Place.level, else_=3)
    wanted = (
        select(Place, region, district)
        .outerjoin(region, region.id == Place.region_id)
        .outerjoin(district, district.id == Place.district_id)
        .where(or_(*own), *(around if len(words) > 1 else ()), Place.closed_on.is_(None))
        .order_by(
            case((begins, 0), else_=1), height, Place.name_uz, region.name_uz, district.name_uz, Place.code
        )
        .limit(limit)
    )
    if level is not None:
        wanted = wanted.where(Place.level == level)
    return [(place, above, nearer) for place, above, nearer in db.session.execute(wanted)]


def places_of_level(level: str, region_id: uuid.UUID | None = None) -> list[Place]:
    """All open places of a level, by name."""
    wanted = select(Place).where(Place.level == level, Place.closed_on.is_(None))
    if region_id is not None:
        wanted = wanted.where(Place.region_id == region_id)
    return list(db.session.scalars(wanted.order_by(Place.name_uz, Place.code)))


def all_places() -> Sequence[Row[Any]]:
    """Every column of every place, for the import to compare with."""
    return db.session.execute(select(*Place.__table__.columns)).all()


def has_places() -> bool:
    """Whether there is any place at all."""
    return db.session.scalar(select(Place.id).limit(1)) is not None


def has_leftovers(sessions_before: datetime, counts_before: datetime, forms_before: datetime) -> bool:
    """Whether there is a session, a throttle count or a form key older than its time."""
    old = (
        select(StaffSession.id).where(StaffSession.created_at < sessions_before),
        select(SignInAttempt.id).where(SignInAttempt.last_failed_at < counts_before),
        select(FormPost.id).where(FormPost.created_at < forms_before),
    )
    return any(db.session.scalar(wanted.limit(1)) is not None for wanted in old)
