"""What happened in one case from its opening until now: rows and events, with the rooms' own rules about how they fit.

The use cases of the rooms say the same about one action; here two years of actions are written at once.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Any

from casework.access.actor import SYSTEM, Actor
from casework.access.permissions import Permission
from casework.access.policy import rules
from casework.access.roles import Role
from casework.audit.trail import UseCase
from casework.cases import ages, workflow
from casework.cases.models import (
    Case,
    CaseAssignment,
    Consent,
    Person,
    PersonIdentifier,
    PersonName,
    PersonVersion,
    TimelineEntry,
)
from casework.cases.people import NAME_FIELDS
from casework.cases.search.indexing import PHONE
from casework.cases.search.models import ExactIndex, SearchDocument
from casework.cases.use_cases import caseload, consent, intake
from casework.cases.use_cases.consent import months_later
from casework.core import clock
from casework.core.identifiers import icao_check_digit
from casework.core.pack import load_pack
from casework.demo import families, phrases
from casework.demo.families import dice_of
from casework.demo.phrases import Pen
from casework.demo.sheaf import Act, Row, Sheaf, id_at
from casework.demo.staff import Team
from casework.vault import names
from casework.vault.documents import document_of
from casework.vault.exact import digest_now

PURPOSE = "case_management"
BIRTH = ("person.birth_date", "person.birth_date_precision")
IDENTITY = ("person_name.surname", "person_name.given_name", "person_name.patronymic")
DETAILS = (
    *BIRTH,
    "person.sex",
    "person.languages",
    "person.preferred_contact",
    "person.phone",
    "person.place",
)
SEEN_BY_ROLE = {
    Role.CASEWORKER: (*IDENTITY, *DETAILS, "support.content", "follow_up.step"),
    Role.SUPERVISOR: (*IDENTITY, *DETAILS, "support.content", "follow_up.step"),
    Role.PSYCHOLOGIST: (*IDENTITY, "support.content", "follow_up.step"),
}
LEVELS = ("none", "low", "medium", "high")


@cache
def compartments_of(permission: Permission, role: Role | None, *, last: bool = False) -> tuple[str, ...]:
    """The compartments that the first (or last) rule of the policy opens for a role with this permission."""
    found = [
        rule for rule in rules() if (rule.permission, rule.role) == (permission, role) and rule.compartments
    ]
    return tuple(sorted(found[-1 if last else 0].compartments)) if found else ()


class Life:
    """One case while it is written. `now` is the moment until which it is told."""

    def __init__(self, person: families.Person, team: Team, sheaf: Sheaf, now: datetime, seed: int) -> None:
        self.person, self.team, self.sheaf, self.now = person, team, sheaf, now
        self.today = clock.local(now).date()
        self.dice: Random = dice_of(seed, "life", person.number)
        self.days = person.family.opened_days_ago
        self.worker: Actor = team.workers[person.family.desk % len(team.workers)]
        self.pen = Pen(team.script_of(self.worker), self.dice)
        self.opened = self._working_moment(self.days)
        self.person_id, self.case_id = id_at(self.opened), id_at(self.opened)
        self.touched = self.opened
        self.level = self.dice.choices(LEVELS, (6, 36, 40, 18))[0]
        self.held: list[tuple[datetime, Actor]] = [(self.opened, self.worker)]
        self.due: list[date] = []
        self.consents: dict[str, Row] = {}
        self.known_by: set[tuple[str, str]] = set()
        self.details = self._first_details()
        self._open()

    # Time

    def _working_moment(self, days_ago: float) -> datetime:
        day = self.today - timedelta(days=max(1, round(days_ago)))
        day -= timedelta(days=max(0, day.isoweekday() - 5))
        at = time(self.dice.randint(9, 17), self.dice.randrange(60), self.dice.randrange(60))
        return datetime.combine(day, at, clock.ZONE).astimezone(self.now.tzinfo)

    def moment(self, days_ago: float) -> datetime:
        """A working hour about so many days ago, yesterday at the latest, after the case was opened."""
        at = self._working_moment(days_ago)
        return at if at > self.opened else self.opened + timedelta(minutes=self.dice.randint(15, 200))

    def later(self, at: datetime, low: int, high: int) -> datetime:
        """That moment and some minutes."""
        return at + timedelta(seconds=self.dice.randint(low * 60, high * 60))

    def age_on(self, day: date) -> int:
        """Completed years."""
        return ages.age_on(self.person.birth_date, self.person.precision, day)

    def worker_at(self, at: datetime) -> Actor:
        """Who had the case then."""
        return next(actor for since, actor in reversed(self.held) if since <= at)

    # Rows and events

    def add(self, model: Any, made: datetime, /, **values: Any) -> Row:
        """A row of this case, in the sheaf."""
        return self.sheaf.add(model, made, **values)

    def act(
        self,
        at: datetime,
        use_case: UseCase[..., Any],
        actor: Actor,
        entity: tuple[str, uuid.UUID] | None = None,
        *,
        purpose: str | None = PURPOSE,
        fields: tuple[str, ...] = (),
        last_rule: bool = False,
        personal: bool = True,
        count: int | None = None,
    ) -> None:
        """The event of one action; without an entity it is about the case."""
        declaration = use_case.declaration
        permission = declaration.permission
        opened = isinstance(permission, Permission) and permission is not Permission.CASE_OPEN
        seen = compartments_of(permission, actor.role, last=last_rule) if opened else ()
        kind, entity_id = (None, None) if actor.is_system else entity or ("case", self.case_id)
        subjects = (self.person_id,) if personal else ()
        self.sheaf.acts.append(
            Act(at, declaration, actor, kind, entity_id, subjects, purpose, seen, fields, count)
        )

    def timeline(
        self,
        at: datetime,
        kind: str,
        ref_id: uuid.UUID,
        actor: Actor,
        on: date | None = None,
        struck: bool = False,
    ) -> None:
        """A line on the case's timeline; `on` places it on an earlier day, at noon."""
        shown = at
        if on is not None and on < clock.local(at).date():
            shown = datetime.combine(on, time(12), clock.ZONE)
        self.add(
            TimelineEntry,
            at,
            case_id=self.case_id,
            at=shown,
            kind=kind,
            ref_id=ref_id,
            actor_id=actor.id,
            struck=struck,
        )
        self.touched = max(self.touched, at)

    def view(self, at: datetime, actor: Actor) -> None:
        """Somebody looked at the case."""
        self.act(at, caseload.view_case, actor, fields=SEEN_BY_ROLE[actor.role])  # type: ignore[index]

    # The opening

    def _first_details(self) -> dict[str, Any]:
        dice, person, name = self.dice, self.person, self.person.name
        contact = dice.choices(
            ("visit_home", "phone", "visit_other_place", "via_trusted_person"), (45, 35, 10, 10)
        )[0]
        phone = contact == "phone" or dice.random() < 0.4
        found: dict[str, Any] = {
            **{field: getattr(name, field) for field in NAME_FIELDS},
            "birth_date": person.birth_date,
            "birth_date_precision": person.precision,
            "sex": person.sex,
            "languages": list(person.family.languages),
            "interpreter_needed": "uz" not in person.family.languages and dice.random() < 0.5,
            "preferred_contact": contact,
            "place_id": self.team.mahallas[person.family.mahalla % len(self.team.mahallas)],
        }
        if phone:
            found |= {
                "phone": f"+99800{dice.randrange(10**7):07d}",  # no network has the code 00
                "phone_owner": "relative" if person.child else dice.choice(("self", "self", "neighbour")),
                "safe_to_call": dice.random() < 0.85,
                "safe_hours": self.pen.write(phrases.SAFE_HOURS),
            }
        return found

    def _open(self) -> None:
        at, worker = self.opened, self.worker
        stored = {name: value for name, value in self.details.items() if name not in NAME_FIELDS}
        stored["place_id"] = str(stored["place_id"])
        self.person_row = self.add(
            Person,
            at,
            id=self.person_id,
            display_code=self.person.code,
            version=1,
            created_by=worker.id,
            created_at=at,
            **stored,
        )
        parts = {name: self.details[name] for name in NAME_FIELDS}
        self.add(PersonName, at, person_id=self.person_id, position=0, name_type="official", **parts)
        self.keep_details(at, worker, "")
        self.case_row = self.add(
            Case,
            at,
            id=self.case_id,
            person_id=self.person_id,
            office_id=self.team.district_id,
            worker_id=worker.id,
            status=workflow.FIRST,
            case_type="child" if self.person.child else "adult",
            needs_level=self.level,
            source="caseworker",
            retention_class="active",
            opened_on=clock.local(at).date(),
            version=1,
            created_by=worker.id,
        )
        self.assignment = self.assign(at, worker, None)
        self.timeline(at, "case_opened", self.case_id, worker)
        self._number()
        given = self.dice.random() < 0.92
        answer = self.consent(PURPOSE, at, given=given, basis=not given, at_intake=True)
        if answer["status"] == "active" or answer["legal_basis"]:
            self.case_row["status"] = workflow.move(workflow.FIRST, "record_consent", worker.role)
            self.case_row["version"] += 1
        self.act(at, intake.open_case, worker)

    def keep_details(self, at: datetime, author: Actor, reason: str) -> Row:
        """The details as they stand from then on."""
        kept = {
            name: str(value) if isinstance(value, date | uuid.UUID) else value
            for name, value in self.details.items()
            if value not in (None, [], "")
        }
        return self.add(
            PersonVersion,
            at,
            person_id=self.person_id,
            number=self.person_row["version"],
            at=at,
            author_id=author.id,
            reason=reason,
            details=kept,
        )

    def assign(self, at: datetime, actor: Actor, reason: str | None) -> Row:
        """Somebody has the case from then on."""
        return self.add(
            CaseAssignment,
            at,
            case_id=self.case_id,
            person_id=self.person_id,
            office_id=self.team.district_id,
            staff_id=actor.id,
            role=actor.role.value if actor.role else None,
            started_at=at,
            reason=reason,
        )

    def _number(self) -> None:
        if self.dice.random() > 0.6:
            return
        if self.person.child and self.dice.random() < 0.7:
            # ZZ is no series, 000 no number of a registry office.
            kind, value, checked = (
                "birth_certificate",
                f"IZZ000{self.dice.randrange(10**4):04d}",
                "not_applicable",
            )
        else:
            # A personal number begins with 1 to 6; this one begins with 9 and is nobody's.
            digits = f"9{self.dice.randrange(10**12):012d}"
            right = icao_check_digit(digits)
            wrong = self.dice.random() < 0.05
            kind, value = "national_id", f"{digits}{(right + wrong) % 10}"
            checked = "fail" if wrong else "pass"
        self.add(
            PersonIdentifier,
            self.opened,
            person_id=self.person_id,
            recorded_at=self.opened,
            identifier_type=kind,
            value=value,
            checksum_result=checked,
        )
        self.known_by.add((kind, value))

    # Consent

    def consent(
        self, purpose: str, at: datetime, *, given: bool = True, basis: bool = False, at_intake: bool = False
    ) -> Row:
        """An answer. A consent that is given takes the place of an older one for the same purpose."""
        day, worker = clock.local(at).date(), self.worker_at(at)
        older = self.consents.get(purpose)
        if older is not None and older["status"] == "active" and given:
            older["status"] = "superseded"
        age = self.age_on(day)
        by_self = age >= ages.FULL_AGE or (age >= 15 and self.dice.random() < 0.5)
        row = self.add(
            Consent,
            at,
            person_id=self.person_id,
            purpose=purpose,
            status="active" if given else "refused",
            given_on=day if given else None,
            expires_on=months_later(day, load_pack().consent.default_months) if given else None,
            form=self.dice.choice(("signed_paper_scanned", "signed_paper_scanned", "witnessed_mark"))
            if given
            else None,
            given_by=("self" if by_self else "legal_guardian") if given else None,
            child_assent=_assent(age) if given else None,
            legal_basis=self.dice.choice(("law", "vital_interest")) if basis else None,
            explained_by=worker.id,
            recorded_at=at,
            language=self.person.family.languages[0] if given else None,
            legal_basis_reason=self.pen.write(phrases.LEGAL_REASON) if basis else None,
        )
        self.timeline(at, "consent_recorded", row["id"], worker)
        if given:
            self.consents[purpose] = row
        if not at_intake:
            self.act(at, consent.record_consent, worker, fields=BIRTH)
        return row

    def consent_in_force(self, purpose: str, at: datetime) -> Row:
        """The consent that covers the purpose on that day; asked for a little earlier if there is none."""
        found, day = self.consents.get(purpose), clock.local(at).date()
        if found is not None and found["status"] == "active" and found["given_on"] <= day:
            if found["expires_on"] >= min(self.today, day + timedelta(days=60)):
                return found
        self.settle_consents(at)
        return self.consent(purpose, max(self.later(at, -90, -20), self.later(self.opened, 1, 2)))

    def withdraw(self, row: Row, at: datetime) -> None:
        """A consent is taken back."""
        worker = self.worker_at(at)
        row |= {"status": "withdrawn", "withdrawn_on": clock.local(at).date(), "withdrawn_by": worker.id}
        self.sheaf.reseal(Consent, row, at, withdrawn_why=self.pen.write(phrases.WITHDRAWN))
        self.timeline(at, "consent_withdrawn", row["id"], worker)
        self.act(at, consent.withdraw_consent, worker, ("consent", row["id"]), purpose=None)

    def settle_consents(self, until: datetime) -> None:
        """Marks those whose last day passed before then, as the worker does in the night after."""
        for row in self.consents.values():
            if row["status"] == "active" and row["expires_on"] < clock.local(until).date():
                night = datetime.combine(row["expires_on"] + timedelta(days=1), time(0, 20), clock.ZONE)
                row["status"] = "expired"
                self.act(night, consent.expire_consents, SYSTEM, purpose=None, count=1)

    # The end of the telling

    def _make_findable(self) -> None:
        """The search document and the digests of numbers, as the search keeps them in step with the person."""
        self.add(
            SearchDocument,
            self.opened,
            id=self.person_id,
            version=names.VERSION,
            updated_at=self.touched,
            document=document_of(self.person_id, [self.person.name.full], self.person.birth_date),
        )
        if phone := self.details.get("phone"):
            self.known_by.add((PHONE, phone))
        for kind, value in self.known_by:
            digest = digest_now(kind, value)
            self.sheaf.put(
                ExactIndex,
                person_id=self.person_id,
                kind=digest.kind,
                digest=digest.digest,
                key_id=digest.key_id,
            )

    def finish(self) -> None:
        """What the case repeats of its other rows."""
        self.settle_consents(self.now)
        self._make_findable()
        self.case_row |= {
            "worker_id": self.held[-1][1].id,
            "needs_level": self.level,
            "last_activity_at": self.touched,
            "next_follow_up_on": min(self.due, default=None),
        }


def _assent(age: int) -> str | None:
    if age >= ages.FULL_AGE:
        return None
    return "given" if age >= 6 else "not_able_under_6"
