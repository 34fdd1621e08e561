"""Every question that this room asks the database. Rows come only through `visible_to`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, false, or_, select, true
from sqlalchemy.orm import aliased

from casework.access import row_security
from casework.access.actor import SYSTEM, Actor, actor_or_none
from casework.access.roles import Role
from casework.accounts.queries import place_or_none
from casework.cases import queries as case_queries
from casework.cases.models import Case, Consent
from casework.core import clock
from casework.core.database import db
from casework.core.errors import NotFound
from casework.referrals.models import Referral, ReferralStep
from casework.referrals.workflow import LIVE, OPEN_AT_RECIPIENT, State

PAGE = 25
PANEL = 10


def visible_to(actor: Actor) -> Select[Any]:
    """The referrals that this actor may know of; row-level security in PostgreSQL says the same."""
    return select(Referral).where(_visible(actor))


def _visible(actor: Actor) -> ColumnElement[bool]:
    if actor.is_system:
        return true()
    if actor.role in (Role.CASEWORKER, Role.PSYCHOLOGIST):
        in_reach = case_queries.visible_to(actor).with_only_columns(Case.id).order_by(None)
        return or_(
            Referral.case_id.in_(in_reach), and_(Referral.case_id.is_(None), Referral.author_id == actor.id)
        )
    if actor.role is Role.SUPERVISOR and actor.place_id is not None:
        return Referral.office_id == actor.place_id
    if actor.role is Role.DOMAIN_OFFICER and actor.place_id is not None and actor.domain is not None:
        return and_(
            Referral.domain == actor.domain,
            Referral.sent_at.is_not(None),
            or_(Referral.to_place_id == actor.place_id, Referral.to_region_id == actor.place_id),
        )
    return false()


def referral_for(actor: Actor, referral_id: uuid.UUID) -> Referral:
    """One referral; `NotFound` for one that this actor may not know of."""
    found: Referral | None = db.session.scalar(visible_to(actor).where(Referral.id == referral_id))
    if found is None:
        raise NotFound()
    if found.package_gone_at is not None and found.case is not None:
        case_queries.refuse_erased(found.case)
    return found


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the id to go on after (None at the end)."""

    rows: list[Referral]
    after: uuid.UUID | None


def inbox(actor: Actor, status: str | None, after: uuid.UUID | None) -> Page:
    """A recipient's referrals: unanswered first, the one that is due first on top."""
    wanted = visible_to(actor)
    states = [State(status)] if status else sorted(OPEN_AT_RECIPIENT)
    wanted = wanted.where(Referral.status.in_(states))
    answered = case((Referral.answered_at.is_(None), 0), else_=1)
    keys: Sequence[Any] = (answered, Referral.due_at, Referral.id)
    return _page(wanted, keys, after)


def sent_list(actor: Actor, status: str | None, after: uuid.UUID | None) -> Page:
    """The sending side's referrals, the newest first."""
    wanted = visible_to(actor)
    if status:
        wanted = wanted.where(Referral.status == State(status))
    if after is not None:
        wanted = wanted.where(Referral.id < after)
    return _cut(list(db.session.scalars(wanted.order_by(Referral.id.desc()).limit(PAGE + 1))))


def review_queue(actor: Actor, after: uuid.UUID | None) -> Page:
    """What awaits review in the office, the longest waiting first."""
    wanted = visible_to(actor).where(Referral.status == State.AWAITING_REVIEW)
    return _page(wanted, (Referral.submitted_at, Referral.id), after)


def _page(wanted: Select[Any], keys: Sequence[Any], after: uuid.UUID | None) -> Page:
    """A page in the order of `keys`, from behind the row `after`; a row that is not in the list starts at the top."""
    if after is not None:
        at = db.session.execute(wanted.with_only_columns(*keys).where(Referral.id == after)).one_or_none()
        if at is not None:
            wanted = wanted.where(_behind(keys, at))
    return _cut(list(db.session.scalars(wanted.order_by(*keys).limit(PAGE + 1))))


def _behind(keys: Sequence[Any], at: Row[Any]) -> ColumnElement[bool]:
    further = []
    for number, column in enumerate(keys):
        same = [earlier == value for earlier, value in zip(keys[:number], at[:number], strict=True)]
        further.append(and_(*same, column > at[number]))
    return or_(*further)


def _cut(rows: list[Referral]) -> Page:
    return Page(rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None)


def of_case(case_id: uuid.UUID) -> list[Referral]:
    """The newest referrals of one case, for its page; the caller has looked up the case for the actor."""
    wanted = select(Referral).where(Referral.case_id == case_id).order_by(Referral.id.desc()).limit(PANEL)
    return list(db.session.scalars(wanted))


def all_of_case(case_id: uuid.UUID) -> list[Referral]:
    """Every referral of one case, in the order written; the caller has looked up the case for the actor."""
    return list(db.session.scalars(select(Referral).where(Referral.case_id == case_id).order_by(Referral.id)))


def of_person(person_id: uuid.UUID) -> list[Referral]:
    """Every referral about a person, for the installation's own use."""
    wanted = select(Referral).where(Referral.person_id == person_id).order_by(Referral.id)
    return list(db.session.scalars(wanted))


def waiting_for(actor: Actor) -> list[Referral]:
    """What waits for this actor: answers to write, drafts to finish, reviews, an inbox."""
    wanted = visible_to(actor)
    own = Referral.author_id == actor.id
    if actor.role is Role.DOMAIN_OFFICER:
        wanted = wanted.where(Referral.status.in_([State.SENT, State.RECEIVED])).order_by(
            Referral.due_at, Referral.id
        )
    elif actor.role is Role.SUPERVISOR:
        theirs = and_(Referral.status == State.AWAITING_REVIEW, ~own)
        mine = and_(Referral.status.in_([State.DRAFT, State.RETURNED, State.NEEDS_INFO]), own)
        wanted = wanted.where(or_(theirs, mine)).order_by(Referral.changed_at, Referral.id)
    else:
        asked = Referral.status.in_([State.RETURNED, State.NEEDS_INFO])
        wanted = wanted.where(or_(asked, and_(Referral.status == State.DRAFT, own)))
        wanted = wanted.order_by(Referral.changed_at, Referral.id)
    return list(db.session.scalars(wanted.limit(PANEL)))


def steps_of(referral: Referral) -> list[ReferralStep]:
    """The course of events, in order."""
    wanted = select(ReferralStep).where(ReferralStep.referral_id == referral.id).order_by(ReferralStep.id)
    return list(db.session.scalars(wanted))


def steps_with_referrals(step_ids: Iterable[uuid.UUID]) -> list[tuple[ReferralStep, Referral]]:
    """Steps by id with their referrals, for the timeline of a case."""
    wanted = select(ReferralStep, Referral).join(Referral, Referral.id == ReferralStep.referral_id)
    found = db.session.execute(wanted.where(ReferralStep.id.in_(list(step_ids))))
    return [(step, referral) for step, referral in found]


def _in_force(consent: Any) -> ColumnElement[bool]:
    return and_(
        consent.status == "active", or_(consent.expires_on.is_(None), consent.expires_on >= clock.today())
    )


def consent_in_force(consent_id: uuid.UUID) -> Consent | None:
    """This consent, or the one in force that replaced it: same person, same purpose. None when there is none."""
    asked = aliased(Consent)
    wanted = (
        select(Consent)
        .join(asked, and_(asked.person_id == Consent.person_id, asked.purpose == Consent.purpose))
        .where(asked.id == consent_id, _in_force(Consent))
        .order_by(case((Consent.id == consent_id, 0), else_=1), Consent.expires_on.desc(), Consent.id)
    )
    found: Consent | None = db.session.scalar(wanted.limit(1))
    return found


def carried_by(consent: Consent) -> list[Referral]:
    """Referrals under way that stand on a consent of this person for this purpose."""
    of_purpose = select(Consent.id).where(
        Consent.person_id == consent.person_id, Consent.purpose == consent.purpose
    )
    wanted = select(Referral).where(
        Referral.person_id == consent.person_id,
        Referral.consent_id.in_(of_purpose),
        Referral.status.in_(sorted(LIVE)),
    )
    return list(db.session.scalars(wanted.order_by(Referral.id)))


def untouched_since(moment: datetime, limit: int) -> list[Referral]:
    """Unfinished referrals that nobody has touched since."""
    unfinished = Referral.status.in_([State.DRAFT, State.RETURNED])
    wanted = select(Referral).where(unfinished, Referral.changed_at < moment)
    return list(db.session.scalars(wanted.order_by(Referral.id).limit(limit)))


def on_lapsed_consent(states: Iterable[State], limit: int) -> list[Referral]:
    """Referrals in these states whose consent ran out before today and was not renewed."""
    renewed = aliased(Consent)
    in_force = (
        select(renewed.id)
        .where(renewed.person_id == Consent.person_id, renewed.purpose == Consent.purpose, _in_force(renewed))
        .exists()
    )
    wanted = (
        select(Referral)
        .join(Consent, Consent.id == Referral.consent_id)
        .where(Referral.status.in_(sorted(states)), Consent.expires_on < clock.today(), ~in_force)
    )
    return list(db.session.scalars(wanted.order_by(Referral.id).limit(limit)))


def route_of(office_id: uuid.UUID) -> tuple[uuid.UUID, uuid.UUID]:
    """The receiving district and region of an office's referrals."""
    office = place_or_none(office_id)
    if office is None:
        raise NotFound()
    district = office.district_id or office.id
    return district, office.region_id or district


@contextmanager
def as_installation() -> Iterator[None]:
    """For the one line that an answer leaves on the timeline of a case that the answering officer may not see."""
    row_security.bind_actor(SYSTEM)
    yield
    db.session.flush()
    row_security.bind_actor(actor_or_none())


def case_of(referral: Referral) -> Case | None:
    """The case of a referral, for the installation's own use."""
    return db.session.get(Case, referral.case_id) if referral.case_id else None
