"""`casework keys …`: what keys there are, a new one, an old one let go, data keys renewed. See docs/keys.md.

Each step is a transaction of its own and can be killed: running the command again goes on where it stopped. The commands act
as the installation itself; what they begin and what they end are events, and the batches between change no record.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import click

from casework.access.actor import SYSTEM, Actor
from casework.access.blueprint import PUBLIC
from casework.access.row_security import bind_actor
from casework.audit import directory
from casework.audit.boundary import acting
from casework.audit.trail import committed_to, concerns, counted, use_case
from casework.commands import PlainGroup, Refusal, print_json, print_table, product, progress
from casework.core import clock
from casework.core.database import db
from casework.core.errors import Denied
from casework.core.unit_of_work import after_commit, unit_of_work
from casework.vault import resealing, rotation
from casework.vault.grant import Compartment
from casework.vault.keys import forget_ring
from casework.vault.providers import KeyProblem

Advance = Callable[[int, int], None]
SOURCE = "cli:keys"
ROUNDS = 5
"""How often rotation looks again for data keys that were made while it ran."""


def _installation_only(actor: Actor) -> None:
    if not actor.is_system:
        raise Denied()


def _names(kek_id: str) -> None:
    committed_to(hashlib.sha256(kek_id.encode()).digest())


@use_case(permission=PUBLIC, code="keys.rotation_begun", action="E")
def begin_rotation(actor: Actor) -> str:
    """Makes a new KEK, current from now on. Returns its id; the event keeps the SHA-256 of that."""
    _installation_only(actor)
    kek_id = rotation.keeper().new_kek()
    _names(kek_id)
    counted(rotation.to_rewrap())
    return kek_id


@use_case(permission=PUBLIC, code="keys.rotated", action="E")
def end_rotation(actor: Actor, kek_id: str, rewrapped: int) -> None:
    """Says that every data key is under the KEK, and how many this run brought there."""
    _installation_only(actor)
    _names(kek_id)
    counted(rewrapped)


@use_case(permission=PUBLIC, code="keys.retired", action="E")
def retire_kek(actor: Actor, kek_id: str) -> None:
    """Puts a KEK aside. `KeyProblem` while a data key needs it."""
    _installation_only(actor)
    _names(kek_id)
    rotation.refuse_needed(kek_id)
    rotation.keeper().retire(kek_id)


@use_case(permission=PUBLIC, code="keys.destroyed", action="D")
def destroy_kek(actor: Actor, kek_id: str) -> None:
    """Destroys a KEK that was put aside, once the event of it stands. `KeyProblem` while a data key needs it."""
    _installation_only(actor)
    _names(kek_id)
    rotation.refuse_needed(kek_id)
    keks = rotation.keeper()
    if kek_id not in keks.retired():
        raise KeyProblem(f"The key {kek_id} is not retired: only a retired key can be destroyed.")
    after_commit(lambda: keks.destroy(kek_id))


@use_case(permission=PUBLIC, code="keys.renewal_begun", action="E")
def begin_renewal(actor: Actor, subject_id: uuid.UUID | None) -> None:
    """Says that data keys get new versions."""
    _installation_only(actor)
    if subject_id is not None:
        concerns(subject_id)


@use_case(permission=PUBLIC, code="keys.renewed", action="E")
def end_renewal(actor: Actor, subject_id: uuid.UUID | None, resealed: int) -> None:
    """Says that re-sealing came to its end, and how many fields this run sealed anew."""
    _installation_only(actor)
    if subject_id is not None:
        concerns(subject_id)
    counted(resealed)


@contextmanager
def _batch() -> Iterator[None]:
    """A transaction of the installation itself. Afterwards it leaves as much time to the people at work."""
    began = time.monotonic()
    try:
        with unit_of_work():
            bind_actor(SYSTEM)
            yield
    finally:
        forget_ring()
        db.session.remove()
    time.sleep(min(time.monotonic() - began, 0.05))


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did. `new` is False when it went on with one that had been stopped."""

    kek_id: str
    new: bool
    rewrapped: int
    pending: int


def rotate(advance: Advance, *, batch: int = rotation.BATCH) -> Rotated:
    """Brings every data key under a new KEK; goes on with a rotation that was stopped before it makes another."""
    with _batch():
        rotation.refuse_missing()
        pending, kek_id = rotation.to_rewrap(), rotation.keeper().current()
    new = not pending
    if new:
        with acting(SYSTEM, SOURCE):
            kek_id = begin_rotation(SYSTEM)
        with _batch():
            pending = rotation.to_rewrap()
    done, total = 0, pending
    for _round in range(ROUNDS):
        position: rotation.Position | None = None
        while True:
            with _batch():
                position, count = rotation.rewrap_batch(position, batch)
            done += count
            advance(min(done, total), total)
            if position is None:
                break
        with _batch():
            pending = rotation.to_rewrap()
        if not pending:
            break
    with acting(SYSTEM, SOURCE):
        end_rotation(SYSTEM, kek_id, done)
    return Rotated(kek_id, new, done, pending)


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a renewal did: new versions of data keys, fields sealed anew, old versions destroyed.

    Old versions stay for fields that do not open (`damaged`) and in rows that nothing may change (`insert_only`).
    """

    new_versions: int
    resealed: int
    destroyed: int
    damaged: int
    insert_only: int


def renew(
    advance: Advance,
    *,
    compartment: Compartment | None = None,
    subject_id: uuid.UUID | None = None,
    new_versions: bool = True,
    batch: int = rotation.BATCH,
) -> Renewed:
    """Gives data keys a new version and seals their fields anew. Without `new_versions`, only ends what was begun."""
    began = clock.now()
    made = 0
    if new_versions:
        with acting(SYSTEM, SOURCE):
            begin_renewal(SYSTEM, subject_id)
        made = _walk(
            lambda after: resealing.renew_batch(
                after, began, compartment=compartment, subject_id=subject_id, limit=batch
            )
        )
    with _batch():
        resealing.wait_for_writers()
        since = clock.now()
        if not rotation.outdated_count():
            return Renewed(made, 0, 0, 0, 0)
    resealed, damaged, insert_only = _reseal_all(advance, subject_id, batch)
    destroyed = _walk(
        lambda after: resealing.destroy_replaced(
            after, since, damaged | insert_only, subject_id=subject_id, limit=batch
        )
    )
    with acting(SYSTEM, SOURCE):
        end_renewal(SYSTEM, subject_id, resealed)
    return Renewed(made, resealed, destroyed, len(damaged), len(insert_only - damaged))


def _walk(step: Callable[[rotation.Position | None], tuple[rotation.Position | None, int]]) -> int:
    position, total = None, 0
    while True:
        with _batch():
            position, count = step(position)
        total += count
        if position is None:
            return total


def _reseal_all(
    advance: Advance, subject_id: uuid.UUID | None, batch: int
) -> tuple[int, set[rotation.Position], set[rotation.Position]]:
    models = resealing.models()
    resealed, damaged, insert_only = 0, set[rotation.Position](), set[rotation.Position]()
    for number, model in enumerate(models, start=1):
        last: uuid.UUID | None = None
        while True:
            with _batch():
                walked = resealing.reseal_batch(model, last, subject_id=subject_id, limit=batch)
            last = walked.last
            resealed += walked.resealed
            damaged |= walked.damaged
            insert_only |= walked.insert_only
            if last is None:
                break
        advance(number, len(models))
    return resealed, damaged, insert_only


def end_pending_renewal() -> None:
    """The worker's job: ends a renewal that was stopped."""
    global _stays
    with _batch():
        pending = rotation.outdated_count()
    if pending > _stays:
        done = renew(lambda _done, _of: None, new_versions=False)
        _stays = done.damaged + done.insert_only


_stays = 0
"""Old data keys that the last run in this process had to keep: trying again every hour would not help them."""


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
    with product(), _batch():
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
        with _batch():
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
        with _batch():
            subject_id = _subject(subject) if subject else None
            pending = rotation.outdated_count()
        wanted = bool(compartment or subject or everything)
        if dry_run:
            with _batch():
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
