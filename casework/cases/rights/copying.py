"""Give me my data: one person's whole record as a page in their language and as JSON, made in memory, for the person only."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import render_template
from flask_babel import force_locale
from flask_babel import gettext as _

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import authorise
from casework.access.roles import Role
from casework.audit import words
from casework.audit.trail import about, committed_to, counted, for_purpose, use_case
from casework.cases import people, queries
from casework.cases.answers import sections_of
from casework.cases.models import SUPPORT_KINDS, Case
from casework.cases.rights import queries as rights
from casework.cases.rights.parts import Item, Part, as_json, parts_of_other_rooms
from casework.cases.rights.schemas import DECIDED
from casework.cases.rights.use_cases import NO_COPY, PURPOSE, copyable
from casework.cases.schemas.intake import DetailsSchema
from casework.cases.schemas.support import support_form
from casework.cases.schemas.work import KIND_LABELS
from casework.cases.use_cases.support import revived
from casework.core import clock
from casework.core.errors import IllegalMove
from casework.core.pack import load_pack
from casework.web.languages import LANGUAGES, day, moment
from casework.web.places import path_of

FORMAT = 1
KINDS = ("case", *SUPPORT_KINDS)


class Copy(NamedTuple):
    """The file, and the neutral name that it goes out under."""

    name: str
    content: bytes


@use_case(permission=Permission.PERSON_COPY, code="person.copied", action="E")
def give_copy(actor: Actor, case_id: uuid.UUID, request_id: uuid.UUID, data: Mapping[str, Any]) -> Copy:
    """The record as a ZIP of an HTML page and a JSON file. `IllegalMove` when the request is not for one.

    The event keeps the SHA-256 of the file. The request is done with it.
    """
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.PERSON_COPY, case)
    request = rights.request_for(case, request_id)
    about(request)
    for_purpose(PURPOSE)
    if not copyable(request):
        raise IllegalMove(message=NO_COPY)
    language = next(each for each in LANGUAGES if each.tag == data["language"])
    with force_locale(language.locale):
        parts = [
            _person(case),
            _consents(case),
            *_support(case),
            _follow_ups(case),
            _requests(case),
            *parts_of_other_rooms(actor, case),
            _looks(case),
        ]
        page = render_template(
            "cases/rights_copy.html", code=case.display_code, parts=parts, made=clock.now(), language=language
        )
    machine = {
        "format": FORMAT,
        "display_code": case.display_code,
        "made": clock.now().isoformat(),
        **{part.name: as_json(part.data) for part in parts},
    }
    content = _zipped(
        {
            f"{case.display_code}.html": page.encode(),
            f"{case.display_code}.json": json.dumps(machine, ensure_ascii=False, indent=2).encode(),
        }
    )
    committed_to(hashlib.sha256(content).digest())
    counted(sum(len(part.items) for part in parts))
    if request.done_on is None:
        request.done_on, request.done_by = clock.today(), actor.id
    return Copy(f"{case.display_code}.zip", content)


def _zipped(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def _label(value_set: str, key: str | None) -> str:
    values = load_pack().value_set(value_set)
    return values.label(key) if key and key in values else key or ""


def _filled(*lines: tuple[str, str]) -> list[tuple[str, str]]:
    return [line for line in lines if line[1]]


def _person(case: Case) -> Part:
    names = queries.names_of(case.person_id)
    details = people.details_of(case.person, names[0] if names else None)
    items = [
        Item(section.title, [(each.label, each.text) for each in section.answers])
        for section in sections_of(DetailsSchema(), details)
    ]
    others = [people.full_name(name) for name in names[1:]]
    if others:
        items.append(Item(_("Other written forms of the name"), [("", other) for other in others]))
    numbers = people.number_lines(queries.identifiers_of(case.person_id))
    if numbers:
        lines = [(_label("identifier_type", each.kind), each.value) for each in numbers]
        items.append(Item(_("Documents and numbers"), lines))
    work = _filled(
        (_("Opened on"), day(case.opened_on)),
        (_("Stage now"), _label("case_status", case.status)),
        (_("Needs level"), _label("needs_level", case.needs_level)),
        (_("Office"), path_of(case.office_id)),
    )
    items.append(Item(_("About this case"), work))
    data = {
        "details": details,
        "other_names": others,
        "numbers": [{"type": each.kind, "value": each.value} for each in numbers],
        "case": {
            "opened_on": case.opened_on,
            "status": case.status,
            "needs_level": case.needs_level,
            "type": case.case_type,
        },
    }
    return Part("person", _("Who this is about"), items, data)


def _consents(case: Case) -> Part:
    items, data = [], []
    for each in queries.consents_of(case.person_id):
        found = {
            "purpose": each.purpose,
            "status": each.status,
            "given_on": each.given_on,
            "expires_on": each.expires_on,
            "given_by": each.given_by,
            "withdrawn_on": each.withdrawn_on,
            "legal_basis": each.legal_basis,
            "legal_basis_reason": people.reveal(each.legal_basis_reason),
            "withdrawn_why": people.reveal(each.withdrawn_why),
        }
        data.append(found)
        lines = _filled(
            (_("Answer"), _label("consent_status", each.status)),
            (_("Given on"), day(each.given_on)),
            (_("Who gave it"), _label("consent_given_by", each.given_by)),
            (_("Lawful basis without consent"), _label("legal_basis", each.legal_basis)),
            (_("Why this basis applies"), found["legal_basis_reason"] or ""),
            (_("What the person said about it"), found["withdrawn_why"] or ""),
        )
        items.append(Item(_label("consent_purpose", each.purpose), lines))
    return Part("consents", _("Consent"), items, data)


def _support(case: Case) -> list[Part]:
    chapters = {kind: Part(kind, str(KIND_LABELS[kind]), [], []) for kind in SUPPORT_KINDS}
    for record, version in rights.current_records(case.id, SUPPORT_KINDS):
        part = chapters[record.kind]
        answers = revived(people.reveal(version.content) or {})
        error = people.reveal(record.error_reason)
        title = day(record.happened_on)
        if record.in_error:
            title += f" ({_('Entered in error')}: {error or ''})"
        lines = [
            (each.label, each.text)
            for section in sections_of(support_form(record.kind, None).record(), answers)
            for each in section.answers
        ]
        part.items.append(Item(title, lines))
        part.data.append(
            {
                "happened_on": record.happened_on,
                "version": record.version,
                "in_error": record.in_error,
                "error_reason": error,
                "answers": answers,
            }
        )
    chapters["psychosocial"].remark = _(
        "Notes of a psychologist are not part of this copy. The person may ask the psychologist for them."
    )
    return list(chapters.values())


def _follow_ups(case: Case) -> Part:
    items, data = [], []
    states = {"open": _("Still to be done"), "done": _("Done"), "not_needed": _("No longer needed")}
    for each in rights.follow_ups_of(case.id, KINDS):
        step, why = people.reveal(each.step), people.reveal(each.closed_reason)
        lines = _filled((_("Next step"), step or ""), (states[each.status], why or "–"))
        items.append(Item(f"{day(each.due_on)} {KIND_LABELS[each.kind]}", lines))
        data.append(
            {"due_on": each.due_on, "kind": each.kind, "status": each.status, "step": step, "reason": why}
        )
    return Part("follow_ups", _("Next follow-ups"), items, data)


def _requests(case: Case) -> Part:
    items, data = [], []
    for each in rights.requests_of(case.id):
        asked, reason = people.reveal(each.asked), people.reveal(each.reason)
        lines = _filled(
            (_("Received on"), day(each.received_on)),
            (_("What the person said about it"), asked or ""),
            (_("Decision"), str(DECIDED[each.decision]) if each.decision else ""),
            (_("Reason"), reason or ""),
            (_("Done on"), day(each.done_on)),
        )
        items.append(Item(_label("data_request_type", each.type), lines))
        data.append(
            {
                "type": each.type,
                "received_on": each.received_on,
                "asked": asked,
                "decision": each.decision,
                "reason": reason,
                "done_on": each.done_on,
            }
        )
    return Part("requests", _("Requests about the data"), items, data)


def _looks(case: Case) -> Part:
    """Who did what with the record, by role and time: answers "who saw my data"."""
    found = rights.looks_at(case.person_id)
    lines = [
        (moment(each.recorded), f"{words.in_words(each.code)} – {_role(each.agent_role)}") for each in found
    ]
    data = [
        {"at": each.recorded, "event": each.code, "role": each.agent_role, "outcome": each.outcome}
        for each in found
    ]
    return Part("log", _("Who saw or changed the data"), [Item("", lines)], data)


def _role(name: str | None) -> str:
    return str(Role(name).label) if name in set(Role) else _("The installation")
