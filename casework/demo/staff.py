"""Who works in the synthetic caseload: teams of four districts at a time, officers of each domain, and everybody else.

All of them sign in with one password, which follows from the secret of the home: another home has another one, and the
same home can print it again. It can be changed like any other password.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from flask import current_app
from sqlalchemy import select

from casework.access.actor import SYSTEM, Actor
from casework.access.permissions import Permission
from casework.access.roles import Role
from casework.accounts import passwords, queries, sessions, staffing
from casework.accounts.models import Place, Staff
from casework.accounts.place_file import RegisterRow
from casework.accounts.place_register import import_places
from casework.audit.boundary import recorded
from casework.audit.trail import counted, use_case
from casework.core import clock
from casework.core.database import db
from casework.core.errors import Conflict
from casework.core.pack import load_pack
from casework.demo.families import TEAMS_IN_WAVE, dice_of
from casework.demo.names import Script, staff_name
from casework.demo.sheaf import SOURCE

MAHALLAS = 5
FIRST_DESKS, LATER_DESKS = 2, 3
"""Caseworkers of a district: fewer in the first four, whose caseload is small."""

DOMAIN_NAMES = {
    "accountability_legal": "legal",
    "psychosocial_health_education": "health",
    "countering_terrorist_ideas": "community",
    "civil_society": "society",
}
_CLEAR = "23456789abcdefghjkmnpqrstuvwxyz"


@dataclass(slots=True)
class Team:
    """The office of one district, and the officers of its region by domain."""

    district_id: uuid.UUID
    region_id: uuid.UUID
    supervisor: Actor
    psychologist: Actor
    workers: list[Actor]
    officers: dict[str, Actor]
    mahallas: list[uuid.UUID] = field(default_factory=list)

    def script_of(self, worker: Actor) -> Script:
        """The letters that a caseworker is used to."""
        scripts: tuple[Script, ...] = ("uz-Latn", "uz-Latn", "uz-Cyrl", "uz-Latn", "ru")
        return scripts[worker.id.int % len(scripts)]


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody of the synthetic caseload."""

    role: Role
    username: str
    domain: str | None = None


def password() -> str:
    """The password of this home's synthetic staff: four groups of four clear characters, 79 bits."""
    secret = str(current_app.config["SECRET_KEY"]).encode()
    number = int.from_bytes(hmac.new(secret, b"casework demo sign-in v1", hashlib.sha256).digest(), "big")
    signs = []
    for _sign in range(16):
        number, place = divmod(number, len(_CLEAR))
        signs.append(_CLEAR[place])
    return "-".join("".join(signs[at : at + 4]) for at in range(0, 16, 4))


class Hiring:
    """Finds or adds everybody that the teams need, in the open transaction; each that is added has an event."""

    def __init__(self, seed: int) -> None:
        self._dice: Random = dice_of(seed, "staff")
        self._hash = passwords.hash_of(password())
        self._known = {staff.username: staff for staff in db.session.scalars(select(Staff))}
        self._districts = _districts(dice_of(seed, "districts"))
        self._officers: dict[uuid.UUID, dict[str, Actor]] = {}

    def teams(self, number: int) -> list[Team]:
        """The first so many teams."""
        for role, username in (
            (Role.ADMIN, "admin1"),
            (Role.AUDITOR, "auditor1"),
            (Role.COUNCIL_SECRETARIAT, "secretariat1"),
            (Role.COUNCIL_MEMBER, "member1"),
            (Role.COUNCIL_MEMBER, "member2"),
        ):
            self._person(role, username)
        made = [self._team(place) for place in range(number)]
        used = {
            team.district_id: self._districts[place % len(self._districts)] for place, team in enumerate(made)
        }
        inside = _mahallas(list(used.values()))
        for team in made:
            team.mahallas = inside[team.district_id]
        return made

    def _team(self, number: int) -> Team:
        district = self._districts[number % len(self._districts)]
        region_id = district.region_id or district.id
        desks = FIRST_DESKS if number < TEAMS_IN_WAVE else LATER_DESKS
        before = number * FIRST_DESKS + max(0, number - TEAMS_IN_WAVE) * (LATER_DESKS - FIRST_DESKS)
        return Team(
            district_id=district.id,
            region_id=region_id,
            supervisor=self._person(Role.SUPERVISOR, f"supervisor{number + 1}", district.id),
            psychologist=self._person(Role.PSYCHOLOGIST, f"psychologist{number + 1}", district.id),
            workers=[
                self._person(Role.CASEWORKER, f"caseworker{before + desk + 1}", district.id)
                for desk in range(desks)
            ],
            officers=self._officers_of(region_id),
        )

    def _officers_of(self, region_id: uuid.UUID) -> dict[str, Actor]:
        if region_id not in self._officers:
            number = len(self._officers) + 1
            self._officers[region_id] = {
                domain: self._person(
                    Role.DOMAIN_OFFICER,
                    f"officer-{DOMAIN_NAMES.get(domain, domain)}{number}",
                    region_id,
                    domain,
                )
                for domain in load_pack().domains
            }
        return self._officers[region_id]

    def _person(
        self, role: Role, username: str, place: uuid.UUID | None = None, domain: str | None = None
    ) -> Actor:
        name = staff_name(self._dice)
        staff = self._known.get(username)
        if staff is None:
            data = {
                "username": username,
                "display_name": name,
                "role": role.value,
                "place": place,
                "domain": domain,
                "password": password(),
                "password_hash": self._hash,
            }
            with recorded(SYSTEM, SOURCE):
                staff, _password = staffing.add_staff(SYSTEM, data)
        elif (staff.role, staff.place_id, staff.domain) != (role.value, place, domain):
            raise Conflict(
                f"{username} is somebody else here already. Fill a home that holds nothing but a synthetic caseload."
            )
        return Actor(staff.id, role, staff.place_id, staff.domain, display_name=staff.display_name)


def _districts(dice: Random) -> list[Place]:
    """All open districts, two of a region at a time, the regions in an order that the seed decides."""
    by_region: dict[uuid.UUID | None, list[Place]] = {}
    for place in sorted(queries.places_of_level("district"), key=lambda place: place.code):
        by_region.setdefault(place.region_id, []).append(place)
    waiting = list(by_region.values())
    dice.shuffle(waiting)
    if not waiting:
        raise Conflict("There are no places yet. Run `casework init`.")
    for districts in waiting:
        dice.shuffle(districts)
    found: list[Place] = []
    while any(waiting):
        for districts in waiting:
            found += districts[:2]
            del districts[:2]
    return found


def _mahallas(districts: list[Place]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """The mahallas of each district; where the register has none yet, a few that are plainly made up are added."""
    inside = {district.id: _inside(district) for district in districts}
    bare = [district for district in districts if not inside[district.id]]
    if bare:
        rows = [
            RegisterRow(
                line=line,
                code=f"DEMO-{district.code}-{number}",
                parent_code=district.code,
                level="mahalla",
                name_uz=f"Namuna-{number} MFY",
                name_ru=f"СГМ «Намуна-{number}»",
                name_en=f"Namuna-{number} mahalla",
            )
            for line, (district, number) in enumerate(
                ((district, number) for district in bare for number in range(1, MAHALLAS + 1)), start=2
            )
        ]
        with recorded(SYSTEM, SOURCE):
            import_places(SYSTEM, rows, load_pack().admin_levels)
        inside |= {district.id: _inside(district) for district in bare}
    return inside


def _inside(district: Place) -> list[uuid.UUID]:
    return [place.id for place, _has_more in queries.places_inside(district.id)]


def sign_ins() -> Iterator[SignIn]:
    """The synthetic staff of the first offices: one of each role first, the officers of each domain, then the others."""
    officers = [(domain, f"officer-{DOMAIN_NAMES.get(domain, domain)}") for domain in load_pack().domains]
    yield SignIn(Role.CASEWORKER, "caseworker1")
    yield SignIn(Role.SUPERVISOR, "supervisor1")
    for domain, username in officers:
        yield SignIn(Role.DOMAIN_OFFICER, f"{username}1", domain)
    yield SignIn(Role.PSYCHOLOGIST, "psychologist1")
    yield SignIn(Role.AUDITOR, "auditor1")
    yield SignIn(Role.ADMIN, "admin1")
    yield SignIn(Role.COUNCIL_SECRETARIAT, "secretariat1")
    yield SignIn(Role.COUNCIL_MEMBER, "member1")
    yield SignIn(Role.COUNCIL_MEMBER, "member2")
    for number in range(2, 2 * TEAMS_IN_WAVE + 1):
        yield SignIn(Role.CASEWORKER, f"caseworker{number}")
    for number in range(2, TEAMS_IN_WAVE + 1):
        yield SignIn(Role.SUPERVISOR, f"supervisor{number}")
        yield SignIn(Role.PSYCHOLOGIST, f"psychologist{number}")
    for domain, username in officers:
        yield SignIn(Role.DOMAIN_OFFICER, f"{username}2", domain)


@use_case(permission=Permission.STAFF_MANAGE, code="demo.sign_ins_reset", action="U")
def reset_sign_ins(_actor: Actor, staff: Iterable[Staff]) -> None:
    """Gives these people the password of the synthetic staff again; their sessions end."""
    hashed, changed = passwords.hash_of(password()), list(staff)
    for each in changed:
        each.password_hash, each.password_changed_at = hashed, clock.now()
        each.must_change_password, each.active = False, True
        sessions.revoke_all(each.id)
    counted(len(changed))


def changed_sign_ins(find: Callable[[str], Any] = queries.staff_named) -> list[Staff]:
    """Whose password is another one by now, or who was shut out."""
    known: dict[str, bool] = {}
    found = []
    for each in sign_ins():
        staff: Staff | None = find(each.username)
        if staff is None:
            continue
        if staff.password_hash not in known:  # they share one hash until somebody changes theirs
            known[staff.password_hash] = passwords.verify(staff.password_hash, password())
        if not (known[staff.password_hash] and staff.active and not staff.must_change_password):
            found.append(staff)
    return found
