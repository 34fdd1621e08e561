"""What an auditor does."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.audit import directory, queries
from casework.audit.models import AuditEvent
from casework.audit.queries import Filter
from casework.audit.trail import about, committed_to, concerns, counted, searched, use_case
from casework.core.errors import InvalidInput, NotFound


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event as the list shows it: stand-ins for ids, never a person's name."""

    event: AuditEvent
    who: str
    people: list[str]


@dataclass(frozen=True, slots=True)
class EventList:
    """A page of the log."""

    rows: list[EventRow]
    older: int | None
    newer: int | None


@use_case(permission=Permission.AUDIT_VIEW, code="audit.listed", action="R")
def list_events(actor: Actor, asked: dict[str, Any], before: int | None, after: int | None) -> EventList:
    """A page of events, newest first. `asked` is a loaded `FilterEvents`; InvalidInput for an unknown code or name."""
    wanted = filter_of(asked)
    page = queries.page_of_events(wanted, before=before, after=after)
    people = queries.subjects_of(event.event_uid for event in page.events)
    codes = directory.labels("person", (person for listed in people.values() for person in listed))
    staff = directory.labels("staff", (event.agent_id for event in page.events if event.agent_id))
    rows = [
        EventRow(
            event,
            staff.get(event.agent_id, "") if event.agent_id else "",
            [codes[person] for person in people[event.event_uid] if person in codes],
        )
        for event in page.events
    ]
    counted(len(rows))
    if wanted.subject_id:
        concerns(wanted.subject_id)
    if wanted != Filter():
        searched(json.dumps(asked, default=str, sort_keys=True))
    return EventList(rows, page.older, page.newer)


def filter_of(asked: dict[str, Any]) -> Filter:
    """The filter behind what was typed: display codes and sign-in names become ids."""
    errors: dict[str, list[Any]] = {}
    agent = subject = None
    if asked.get("who") and (agent := directory.lookup("staff", asked["who"])) is None:
        errors["who"] = [_l("Nobody has this sign-in name.")]
    if asked.get("person") and (subject := directory.lookup("person", asked["person"])) is None:
        errors["person"] = [_l("There is no such display code.")]
    since, until = asked.get("since"), asked.get("until")
    if since and until and since > until:
        errors["until"] = [_l("This day lies before the first one.")]
    if errors:
        raise InvalidInput(errors)
    return Filter(since, until, agent, subject, asked.get("code"), asked.get("outcome"))


@dataclass(frozen=True, slots=True)
class EventPage:
    """One event: its line as stored, and stand-ins for the ids in it."""

    event: AuditEvent
    line: dict[str, Any]
    who: str
    people: list[str]


@use_case(permission=Permission.AUDIT_VIEW, code="audit.viewed", action="R")
def view_event(actor: Actor, event_uid: uuid.UUID) -> EventPage:
    """One event."""
    event = queries.event_with_uid(event_uid)
    if event is None:
        raise NotFound()
    about(event)
    line = json.loads(event.body)
    people = directory.labels("person", map(uuid.UUID, line["subject_ids"]))
    staff = directory.labels("staff", [event.agent_id] if event.agent_id else [])
    return EventPage(event, line, next(iter(staff.values()), ""), list(people.values()))


@use_case(permission=Permission.AUDIT_EXPORT, code="audit.export_prepared", action="R")
def prepare_export(actor: Actor) -> None:
    """Opens the export page."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export that was begun: what to send, and up to which event."""

    format: str
    wanted: Filter
    up_to: int
    actor: Actor


@use_case(permission=Permission.AUDIT_EXPORT, code="export.begin", action="E")
def begin_export(actor: Actor, asked: dict[str, Any]) -> Export:
    """Begins an export: this event is committed before the first byte leaves."""
    wanted = filter_of(asked)
    searched(json.dumps(asked, default=str, sort_keys=True))
    return Export(asked["format"], wanted, queries.newest_id(), actor)


@use_case(permission=Permission.AUDIT_EXPORT, code="export.end", action="E")
def end_export(actor: Actor, count: int, digest: bytes) -> None:
    """Says what was sent: how many events, and the SHA-256 over the file."""
    counted(count)
    committed_to(digest)
