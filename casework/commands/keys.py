"""`casework keys …`: what keys there are, a new one, an old one let go, data keys renewed. See docs/keys.md."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click

from casework.access.actor import SYSTEM
from casework.audit import directory
from casework.audit.boundary import acting
from casework.commands.behaviour import PlainGroup, Refusal, print_json, print_table, product, progress
from casework.commands.key_changes import SOURCE, destroy_kek, own_transaction, renew, retire_kek, rotate
from casework.core import clock
from casework.vault import resealing, rotation
from casework.vault.grant import Compartment

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
dry_option = click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
batch_option = click.option(
    "--batch", type=click.IntRange(1, 10_000), default=rotation.BATCH, show_default=True,
    help="How many rows one transaction changes.",
)  # fmt: skip


@click.group("keys", cls=PlainGroup)
def keys_group() -> None:
    """The keys that seal the records: state, rotation, retirement, renewal."""


@keys_group.command("status")
@json_option
def show_status(as_json: bool) -> None:
    """Which keys there are, how many data keys each wraps, and what is pending."""
    with product(), own_transaction():
        found = rotation.status()
    if as_json:
        print_json(found.as_dict())
        return
    heads = {
        "kek_id": "key",
        "state": "state",
        "data_keys": "data keys",
        "oldest": "oldest of them",
        "made": "made",
    }
    rows = [
        {
            "kek_id": kek.kek_id,
            "state": kek.state,
            "data_keys": kek.data_keys,
            "oldest": f"{clock.local(kek.oldest):%Y-%m-%d %H:%M}" if kek.oldest else "",
            "made": f"{clock.local(kek.made):%Y-%m-%d %H:%M}" if kek.made else "",
        }
        for kek in found.keks
    ]
    print_table(heads, rows)
    click.echo(f"{found.data_keys} data keys, and {found.destroyed} that were destroyed.")
    if found.to_rewrap:
        click.echo(
            f"Pending: {found.to_rewrap} data keys are under an older key. Run `casework keys rotate`."
        )
    if found.to_reseal:
        click.echo(
            f"Pending: {found.to_reseal} replaced data keys are still in use. Run `casework keys renew`."
        )
    if any(kek.state == "missing" for kek in found.keks):
        raise Refusal("A key is missing: put its file back from your key backup. See `casework doctor`.")


@keys_group.command("rotate")
@click.option(
    "--older-than", type=click.IntRange(0), metavar="DAYS", help="Only if the current key is so old."
)
@dry_option
@batch_option
@json_option
def rotate_command(older_than: int | None, dry_run: bool, batch: int, as_json: bool) -> None:
    """Make a new key and bring every data key under it. Run it again if it was stopped: it goes on."""
    with product():
        with own_transaction():
            found = rotation.status()
            keks = rotation.keeper()
            made = keks.made(found.keks[0].kek_id)
        young = (
            older_than is not None and made is not None and clock.now() - made < timedelta(days=older_than)
        )
        if not found.to_rewrap and young:
            _say({"rotated": False}, f"The current key is younger than {older_than} days.", as_json)
            return
        if dry_run:
            count = found.to_rewrap or found.data_keys
            what = "go on under the current key" if found.to_rewrap else "come under a new key"
            _say({"dry_run": True, "would_rewrap": count}, f"{count} data keys would {what}.", as_json)
            return
        with progress("Data keys") as advance:
            done = rotate(advance, batch=batch)
    _say(
        {"kek_id": done.kek_id, "new": done.new, "rewrapped": done.rewrapped, "pending": done.pending},
        f"{done.rewrapped} data keys are now under {done.kek_id}. Copy it to your key backup.",
        as_json,
    )
    if done.pending:
        raise Refusal(f"{done.pending} data keys were made meanwhile. Run it again.")


@keys_group.command("retire")
@click.argument("kek_id")
@click.option("--destroy", is_flag=True, help="Destroy a key that was retired before. There is no way back.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def retire_command(kek_id: str, destroy: bool, yes: bool, as_json: bool) -> None:
    """Put an old key aside; with --destroy, destroy one that was. Refused while a data key needs it."""
    with product():
        if not destroy:
            with acting(SYSTEM, SOURCE):
                retire_kek(SYSTEM, kek_id)
            _say({"retired": kek_id}, f"{kek_id} is put aside.", as_json)
            return
        if not yes:
            click.confirm(
                f"Every backup whose data keys are under {kek_id} will be unreadable for ever. Destroy it?",
                abort=True,
                err=True,
            )
        with acting(SYSTEM, SOURCE):
            destroy_kek(SYSTEM, kek_id)
    _say({"destroyed": kek_id}, f"{kek_id} is destroyed.", as_json)
    return


@keys_group.command("renew")
@click.option("--compartment", type=click.Choice([each.value for each in Compartment]), help="Only this one.")
@click.option("--subject", metavar="CODE", help="Only this person (display code), or this record (its id).")
@click.option("--all", "everything", is_flag=True, help="Every data key.")
@dry_option
@batch_option
@json_option
def renew_command(
    compartment: str | None, subject: str | None, everything: bool, dry_run: bool, batch: int, as_json: bool
) -> None:
    """Renew data keys and seal their records anew. Without an option, end a renewal that was stopped."""
    with product():
        with own_transaction():
            subject_id = _subject(subject) if subject else None
            pending = rotation.outdated_count()
        wanted = bool(compartment or subject or everything)
        if dry_run:
            with own_transaction():
                count = resealing.count_renewable(
                    Compartment(compartment) if compartment else None, subject_id
                )
            count = count if wanted else 0
            said = f"{count} data keys would be renewed, and {pending} are being replaced already."
            _say({"dry_run": True, "would_renew": count, "pending": pending}, said, as_json)
            return
        with progress("Tables") as advance:
            done = renew(
                advance,
                compartment=Compartment(compartment) if compartment else None,
                subject_id=subject_id,
                new_versions=wanted,
                batch=batch,
            )
    _say(
        asdict(done),
        f"{done.new_versions} data keys were renewed, {done.resealed} fields sealed anew, "
        f"{done.destroyed} old data keys destroyed.",
        as_json,
    )
    if done.insert_only and not as_json:
        click.echo(
            f"{done.insert_only} old data keys stay: rows that nothing may change are sealed under them."
        )
    if done.damaged:
        raise Refusal(
            f"{done.damaged} old data keys are kept: something sealed under them cannot be opened. "
            "Bring the damaged rows back from a backup and run it again."
        )


def _subject(named: str) -> uuid.UUID:
    try:
        return uuid.UUID(named)
    except ValueError:
        found = directory.lookup("person", named)
    if found is None:
        raise Refusal(f"There is nobody with the code {named}.")
    return found


def _say(data: dict[str, Any], sentence: str, as_json: bool) -> None:
    if as_json:
        print_json(data)
    else:
        click.echo(sentence)
