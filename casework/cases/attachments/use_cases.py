"""Adding, downloading and removing documents of a case."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask_babel import gettext as _

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import allowed, authorise, authorise_each
from casework.accounts.models import Staff
from casework.accounts.queries import staff_by_id
from casework.audit.trail import about, for_purpose, use_case
from casework.cases import people, queries
from casework.cases.attachments import queries as attachments
from casework.cases.attachments.cleaning import EXTENSIONS, cleaned
from casework.cases.attachments.models import Attachment
from casework.cases.attachments.upload import folder_of, limit, new_spool
from casework.cases.erasure import register_eraser
from casework.cases.models import Case
from casework.core import clock
from casework.core.database import db
from casework.core.errors import InvalidInput, NotFound
from casework.core.unit_of_work import after_commit
from casework.vault.files import Blocks, SealedSpool, open_file, seal_file
from casework.vault.grant import SealedError
from casework.vault.keys import destroy_keys

MOST_OF_A_CASE = 100
MEGABYTE = 1024 * 1024


def name_of(attachment: Attachment) -> str:
    """The neutral name: code, number, ending."""
    return f"{attachment.case.display_code}-{attachment.number}.{EXTENSIONS[attachment.media_type]}"


@dataclass(frozen=True, slots=True)
class Panel:
    """The documents on the page of a case."""

    case_id: uuid.UUID
    documents: list[Attachment]
    names: dict[uuid.UUID, str]
    staff: dict[uuid.UUID, Staff]
    may_add: bool
    may_remove: bool


def case_panel(actor: Actor, case: Case) -> Panel:
    """For the page of a case: its documents, each with its description opened within the Grant."""
    found = attachments.attachments_of(case.id)
    authorise_each(actor, Permission.ATTACHMENT_VIEW, found)
    return Panel(
        case.id,
        found,
        {each.id: name_of(each) for each in found},
        staff_by_id(each.added_by for each in found),
        allowed(actor, Permission.ATTACHMENT_ADD, case),
        allowed(actor, Permission.ATTACHMENT_REMOVE, case),
    )


@dataclass(frozen=True, slots=True)
class AddPage:
    """The page with the form."""

    case: Case
    identity: people.Identity
    megabytes: int


@use_case(permission=Permission.ATTACHMENT_ADD, code="attachment.form_opened", action="R")
def add_page(actor: Actor, case_id: uuid.UUID) -> AddPage:
    """The form for a document."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.ATTACHMENT_ADD, case)
    about(case)
    return AddPage(case, people.identity_of(actor, case), max(1, limit() // MEGABYTE))


@use_case(permission=Permission.ATTACHMENT_ADD, code="attachment.added", action="C")
def add_attachment(
    actor: Actor, case_id: uuid.UUID, spool: SealedSpool | None, data: Mapping[str, Any]
) -> Attachment:
    """Cleans, seals and keeps one document. `InvalidInput` at `file` when it is none of ours; then nothing is kept."""
    case = queries.case_for(actor, case_id)
    authorise(actor, Permission.ATTACHMENT_ADD, case)
    for_purpose("case_management")
    if spool is None or (not spool.size and not spool.too_large):
        raise InvalidInput({"file": [_("Choose a file that is not empty.")]})
    if spool.too_large:
        message = _("This file is too large: at most %(count)s MB.", count=max(1, limit() // MEGABYTE))
        raise InvalidInput({"file": [message]})
    if attachments.count_of(case.id) >= MOST_OF_A_CASE:
        raise InvalidInput({"file": [_("There are too many documents on this case. Remove one first.")]})
    with new_spool(2 * limit()) as clean:
        media_type = cleaned(spool, clean)
        attachment = Attachment(
            case_id=case.id,
            case=case,
            person_id=case.person_id,
            number=attachments.next_number(case.id),
            media_type=media_type,
            size=clean.size,
            added_by=actor.id,
            added_at=clock.now(),
            description=data["description"],
        )
        db.session.add(attachment)
        db.session.flush()
        seal_file(folder_of() / str(attachment.id), attachment.id, clean.blocks())
    about(attachment)
    case.last_activity_at = clock.now()
    return attachment


@dataclass(frozen=True, slots=True)
class Download:
    """A document on its way out, chunk by chunk."""

    name: str
    size: int
    blocks: Blocks


@use_case(permission=Permission.ATTACHMENT_VIEW, code="attachment.downloaded", action="R")
def download(actor: Actor, case_id: uuid.UUID, attachment_id: uuid.UUID) -> Download:
    """The content. All of it is checked before the first byte leaves; `NotFound` when it does not open."""
    case = queries.case_for(actor, case_id)
    attachment = attachments.attachment_for(case, attachment_id)
    authorise(actor, Permission.ATTACHMENT_VIEW, attachment)
    about(attachment)
    for_purpose("case_management")
    try:
        blocks = open_file(folder_of() / str(attachment.id), attachment.id)
    except SealedError as problem:
        raise NotFound(_("This document cannot be opened: its file is missing or was changed.")) from problem
    return Download(name_of(attachment), attachment.size, blocks)


@use_case(permission=Permission.ATTACHMENT_REMOVE, code="attachment.removed", action="D")
def remove(actor: Actor, case_id: uuid.UUID, attachment_id: uuid.UUID) -> None:
    """Destroys the key and the file of a document. Its row stays, without the description."""
    case = queries.case_for(actor, case_id)
    attachment = attachments.attachment_for(case, attachment_id)
    authorise(actor, Permission.ATTACHMENT_REMOVE, attachment)
    about(attachment)
    attachment.removed_at, attachment.removed_by = clock.now(), actor.id
    attachment.description = None
    db.session.flush()
    destroy_keys(attachment.id)
    _unlink_after_commit([attachment.id])


def erase_attachments(person_id: uuid.UUID) -> dict[str, int]:
    """All documents of a person: rows, keys, and after the commit the files."""
    ids = attachments.drop_of_person(person_id)
    count = sum(bool(destroy_keys(each)) for each in ids)
    _unlink_after_commit(ids)
    return {"attachments": count}


def _unlink_after_commit(ids: list[uuid.UUID]) -> None:
    paths: list[Path] = [folder_of() / str(each) for each in ids]

    def unlink() -> None:
        for path in paths:
            path.unlink(missing_ok=True)

    after_commit(unlink)


def register_holdings() -> None:
    """Called when the app is composed."""
    register_eraser(erase_attachments)
