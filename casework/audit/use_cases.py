"""What an auditor does; and what a supervisor asks of the log for a person."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.audit import directory, export_jobs, queries, retention, unusual
from casework.audit.identity import LogProblem, identity_here
from casework.audit.keeping import LogHealth, log_health
from casework.audit.models import (
    AuditCheckpoint,
    AuditEvent,
    AuditExportJob,
    AuditRetentionRequest,
    AuditVerification,
)
from casework.audit.queries import Filter
from casework.audit.reasons import reason
from casework.audit.trail import about, committed_to, concerns, counted, searched, use_case
from casework.core import clock
from casework.core.database import db
from casework.core.errors import InvalidInput, NotFound
from casework.core.ids import new_id
from casework.core.pack import load_pack


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


def line_of(event: AuditEvent) -> dict[str, Any]:
    """The event's line; where retention dropped it, what its columns still say."""
    if event.body:
        line: dict[str, Any] = json.loads(event.body)
        return line
    return {"recorded": event.recorded, "code": event.code, "outcome": event.outcome, "action": event.action}


@use_case(permission=Permission.AUDIT_VIEW, code="audit.viewed", action="R")
def view_event(actor: Actor, event_uid: uuid.UUID) -> EventPage:
    """One event."""
    event = queries.event_with_uid(event_uid)
    if event is None:
        raise NotFound()
    about(event)
    line = line_of(event)
    people = directory.labels("person", map(uuid.UUID, line.get("subject_ids", ())))
    staff = directory.labels("staff", [event.agent_id] if event.agent_id else [])
    return EventPage(event, line, next(iter(staff.values()), ""), list(people.values()))


# Exports


@use_case(permission=Permission.AUDIT_EXPORT, code="audit.export_prepared", action="R")
def prepare_export(actor: Actor) -> list[AuditExportJob]:
    """Opens the export page; one's own exports of late."""
    return queries.exports_of(actor.id)


@use_case(permission=Permission.AUDIT_EXPORT, code="audit.export_asked", action="C")
def ask_export(actor: Actor, asked: dict[str, Any]) -> AuditExportJob:
    """Asks for an export. The worker writes it, with an event when it begins and one when it ends.

    Of the reason the salted fingerprint is kept, in the event and beside the file; the words are not.
    """
    if asked["since"] and asked["until"] and asked["since"] > asked["until"]:
        raise InvalidInput({"until": [_l("This day lies before the first one.")]})
    why = reason(asked["reason"])
    job = AuditExportJob(
        id=new_id(),
        requested_by=actor.id,
        requested_at=clock.now(),
        form=asked["format"],
        since=asked["since"],
        until=asked["until"],
        salt=why.salt,
        reason_commitment=why.commitment,
        state="waiting",
        done=0,
        total=0,
    )
    db.session.add(job)
    about(job)
    committed_to(why.commitment)
    return job


@use_case(permission=Permission.AUDIT_EXPORT, code="audit.export_viewed", action="R")
def view_export(actor: Actor, job_id: uuid.UUID) -> AuditExportJob:
    """How far one's own export is."""
    job = queries.export_of(actor.id, job_id)
    about(job)
    return job


@use_case(permission=Permission.AUDIT_EXPORT, code="audit.export_downloaded", action="R")
def download_export(actor: Actor, job_id: uuid.UUID) -> tuple[Path, str]:
    """The file of one's own export and the name it goes out under; NotFound when it is not there (any more)."""
    job = queries.export_of(actor.id, job_id)
    about(job)
    path = export_jobs.path_of(job.id, job.form)
    if job.state != "done" or not path.is_file():
        raise NotFound()
    counted(job.count or 0)
    if job.digest:
        committed_to(job.digest)
    return path, f"audit-{clock.local(job.requested_at):%Y-%m-%d}{path.suffix}"


# Unusual access


@dataclass(frozen=True, slots=True)
class UnusualPage:
    """What the rules found in these days, and stand-ins for the ids."""

    since: date
    until: date
    found: list[unusual.Found]
    staff: dict[uuid.UUID, str]
    people: dict[uuid.UUID, str]


@use_case(permission=Permission.AUDIT_VIEW, code="audit.unusual_viewed", action="R")
def view_unusual(actor: Actor, asked: dict[str, Any]) -> UnusualPage:
    """Looks through some days by the table of rules. InvalidInput for days in the wrong order or too many of them."""
    since, until = asked["since"], asked["until"]
    if since > until:
        raise InvalidInput({"until": [_l("This day lies before the first one.")]})
    if (until - since).days >= unusual.LONGEST_SPAN:
        raise InvalidInput({"since": [_l("At most 31 days can be looked through together.")]})
    found = unusual.look(actor, unusual.Span.of_days(since, until))
    findings = [finding for each in found for finding in each.findings]
    people = {finding.person_id for finding in findings if finding.person_id}
    concerns(*sorted(people))
    counted(len(findings))
    staff = directory.labels("staff", (finding.agent_id for finding in findings if finding.agent_id))
    return UnusualPage(since, until, found, staff, directory.labels("person", people))


# The signed state


@dataclass(frozen=True, slots=True)
class CheckpointPage:
    """How the log stands: the newest checkpoint, the public key, what waits, and what the last verification found."""

    checkpoint: AuditCheckpoint | None
    verifier_key: str | None
    health: LogHealth
    last: AuditVerification | None
    under_way: AuditVerification | None


@use_case(permission=Permission.AUDIT_VIEW, code="audit.checkpoint_viewed", action="R")
def view_checkpoint(actor: Actor) -> CheckpointPage:
    """What an outsider needs to check the log, and what the last verification found."""
    try:
        vkey = identity_here().verifier().vkey
    except LogProblem:
        vkey = None
    return CheckpointPage(
        queries.newest_checkpoint(),
        vkey,
        log_health(),
        queries.last_verification(),
        queries.unfinished_verification(),
    )


# Retention


@dataclass(frozen=True, slots=True)
class RetentionPage:
    """What is due, and who asked for what. `mine` are one's own requests, which somebody else has to approve."""

    months: int | None
    due: retention.Due | None
    waiting: list[AuditRetentionRequest]
    approved: list[AuditRetentionRequest]
    staff: dict[uuid.UUID, str]
    mine: set[uuid.UUID]


@use_case(permission=Permission.AUDIT_RETAIN, code="audit.retention_viewed", action="R")
def view_retention(actor: Actor) -> RetentionPage:
    """What could be dropped, and what was asked."""
    waiting, approved = retention.open_requests(), queries.approved_requests()
    staff = directory.labels("staff", (each.requested_by for each in [*waiting, *approved]))
    return RetentionPage(
        load_pack().retention["audit"].months,
        retention.due(),
        waiting,
        approved,
        staff,
        {each.id for each in waiting if each.requested_by == actor.id},
    )


# Who saw this record


@dataclass(frozen=True, slots=True)
class SeenRow:
    """One event as it is told to the person: `role` and `who` empty where the installation itself acted."""

    event: AuditEvent
    who: str
    purpose: str | None


@dataclass(frozen=True, slots=True)
class WhoSawPage:
    """The file and a page of who reached it."""

    file: directory.File
    rows: list[SeenRow]
    older: int | None
    newer: int | None


WHO_SAW_PAGE = 100


@use_case(permission=Permission.CASE_WHO_SAW, code="case.who_saw_viewed", action="R")
def who_saw(actor: Actor, case_id: uuid.UUID, before: int | None, after: int | None) -> WhoSawPage:
    """Everything that the log knows about the person of this case, newest first, by name of staff."""
    file = directory.file_of(actor, case_id)
    page = queries.page_of_events(
        Filter(subject_id=file.person_id), before=before, after=after, size=WHO_SAW_PAGE
    )
    names = directory.labels("colleague", (event.agent_id for event in page.events if event.agent_id))
    counted(len(page.events))
    rows = [
        SeenRow(event, names.get(event.agent_id, "") if event.agent_id else "", line_of(event).get("purpose"))
        for event in page.events
    ]
    return WhoSawPage(file, rows, page.older, page.newer)
