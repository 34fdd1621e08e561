"""What `casework keys …` does: rotation, retirement and renewal, as the installation itself.

Each step is a transaction of its own and can be killed: doing it again goes on where it stopped. What begins and what ends is
an event; the batches between change no record.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from casework.access.actor import SYSTEM, Actor
from casework.access.blueprint import PUBLIC
from casework.access.row_security import bind_actor
from casework.audit.boundary import acting
from casework.audit.trail import committed_to, concerns, counted, use_case
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
def own_transaction() -> Iterator[None]:
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
    with own_transaction():
        rotation.refuse_missing()
        pending, kek_id = rotation.to_rewrap(), rotation.keeper().current()
    new = not pending
    if new:
        with acting(SYSTEM, SOURCE):
            kek_id = begin_rotation(SYSTEM)
        with own_transaction():
            pending = rotation.to_rewrap()
    done, total = 0, pending
    for _round in range(ROUNDS):
        position: rotation.Position | None = None
        while True:
            with own_transaction():
                position, count = rotation.rewrap_batch(position, batch)
            done += count
            advance(min(done, total), total)
            if position is None:
                break
        with own_transaction():
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
    with own_transaction():
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
        with own_transaction():
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
            with own_transaction():
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
    with own_transaction():
        pending = rotation.outdated_count()
    if pending > _stays:
        done = renew(lambda _done, _of: None, new_versions=False)
        _stays = done.damaged + done.insert_only


_stays = 0
"""Old data keys that the last run in this process had to keep: trying again every hour would not help them."""
