"""`casework person erase` and `casework retention`: destroying what two people agreed to. See docs/data-protection.md."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import click
from flask_babel import force_locale

from casework.access.actor import SYSTEM, acting_as
from casework.access.row_security import bind_actor
from casework.audit import directory
from casework.audit.boundary import acting
from casework.audit.trail import Trail, trailing
from casework.cases.erasure import leave_no_traces
from casework.cases.rights import disposing, retention
from casework.cases.rights.certificate import KINDS, as_text
from casework.cases.rights.use_cases import certificate_of
from casework.commands.behaviour import PlainGroup, Refusal, print_json, print_table, product, progress
from casework.core import unit_of_work
from casework.core.database import db
from casework.vault.grant import Grant
from casework.vault.keys import forget_ring

SOURCE = "cli:person"
RETENTION = "cli:retention"

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("person", cls=PlainGroup)
def person_group() -> None:
    """One person's data."""


@person_group.command("erase")
@click.argument("code")
@click.option("--reason", required=True, help="Why, without names. It is sealed.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--certificate", type=click.Path(path_type=Path, dir_okay=False), help="Write the certificate here."
)
@json_option
def erase_command(
    code: str, reason: str, dry_run: bool, yes: bool, certificate: Path | None, as_json: bool
) -> None:
    """Destroy everything of the person with this display code. There is no way back.

    Refused unless the person's request is on record and a second person has approved it.
    """
    reason = reason.strip()
    if not reason or len(reason) > 300:
        raise click.UsageError("A reason has 1 to 300 characters.")
    if certificate is not None and certificate.exists():
        raise Refusal(f"{certificate} exists already: name another file.")
    with product():
        person_id = _person(code)
        if dry_run:
            _say_what_would_go(code, person_id, as_json)
            return
        if not yes:
            click.confirm(
                f"Everything of {code.upper()} will be unreadable for ever. Go on?", abort=True, err=True
            )
        with acting(SYSTEM, SOURCE):
            done = disposing.erase_by_command(SYSTEM, person_id, reason)
            counts, erased_at = dict(done.counts), done.at
        leave_no_traces(thorough=True)
        text, fingerprint = _certificate(person_id)
    if certificate is not None:
        certificate.write_text(text, encoding="utf-8")
    if as_json:
        print_json(
            {
                "code": code.upper(),
                "erased_at": erased_at.isoformat(),
                "destroyed": counts,
                "event": fingerprint,
            }
        )
    elif certificate is None:
        click.echo(text, nl=False)
    else:
        click.echo(f"The data of {code.upper()} are destroyed. The certificate is in {certificate}.")


def _person(code: str) -> uuid.UUID:
    with acting_as(SYSTEM), unit_of_work.unit_of_work(write=False):
        found = directory.lookup("person", code)
    db.session.remove()
    if found is None:
        raise Refusal(f"There is nobody with the code {code}.")
    return found


def _say_what_would_go(code: str, person_id: uuid.UUID, as_json: bool) -> None:
    """Does it in a transaction that is taken back, so that nothing is forgotten in the count."""
    with acting_as(SYSTEM), trailing(Trail(grant=Grant(SYSTEM.id), endpoint=SOURCE)):
        unit_of_work.begin(write=True)
        try:
            bind_actor(SYSTEM)
            counts = disposing.rehearse(SYSTEM, person_id)
        finally:
            unit_of_work.rollback()
            forget_ring()
            db.session.remove()
    with acting(SYSTEM, SOURCE):
        approved = disposing.note_rehearsal(SYSTEM, person_id) is not None
    if as_json:
        print_json({"dry_run": True, "code": code.upper(), "approved": approved, "would_destroy": counts})
        return
    for kind, label in KINDS.items():
        click.echo(f"{label}: {counts.get(kind, 0)}")
    click.echo(
        "A second person has approved this." if approved else "Nobody has approved this: it would be refused."
    )


def _certificate(person_id: uuid.UUID) -> tuple[str, str]:
    with acting_as(SYSTEM), unit_of_work.unit_of_work(write=False):
        found = certificate_of(person_id)
        with force_locale("en"):
            text = as_text(found)
    return text, found.event_hash


@click.command("retention")
@click.option("--dry-run", is_flag=True, help="List what is past its retention, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def retention_command(dry_run: bool, yes: bool, as_json: bool) -> None:
    """Destroy the records that are past their retention and that a supervisor has approved, on the page Retention."""
    with product():
        with acting(SYSTEM, RETENTION):
            due = retention.list_due(SYSTEM)
        if dry_run:
            _list_due(due, as_json)
            return
        approved = [each for each in due if each.approved]
        waiting = len(due) - len(approved)
        if approved and not yes:
            click.confirm(
                f"{len(approved)} records will be unreadable for ever. Go on?", abort=True, err=True
            )
        with progress("Records") as advance:
            for number, each in enumerate(approved, start=1):
                with acting(SYSTEM, RETENTION):
                    disposing.erase_past_retention(SYSTEM, each.case_id)
                advance(number, len(approved))
        if approved:
            leave_no_traces(thorough=True)
    if as_json:
        print_json({"destroyed": [each.code for each in approved], "waiting_for_approval": waiting})
    else:
        click.echo(f"{len(approved)} records destroyed. {waiting} wait for a supervisor's approval.")


def _list_due(due: list[retention.Due], as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "code": each.code,
            "class": each.retention_class,
            "due_on": each.due_on.isoformat(),
            "approved": each.approved,
        }
        for each in due
    ]
    if as_json:
        print_json({"due": rows})
        return
    heads = {"code": "code", "class": "class", "due_on": "past since", "state": "state"}
    print_table(heads, [row | {"state": "approved" if row["approved"] else "waits"} for row in rows])
    click.echo(f"{len(rows)} records are past their retention.")
