"""The sequencer: gives each event its place in the Merkle tree, and signs how far the tree reaches.

One at a time, in any process: the row of `audit_state` is the lock. A batch is one transaction, so a crash leaves no
trace of it and running again is the same. Pending events are taken from the outbox, never by "ids above the last
seen one": ids commit out of order.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from casework.audit.identity import Identity, LogProblem
from casework.audit.merkle import Frontier, consistency_proof, verify_consistency
from casework.audit.models import AuditCheckpoint, AuditEvent, AuditLeaf, AuditPending, AuditState, AuditTile
from casework.audit.note import Checkpoint, sign_checkpoint
from casework.audit.tiles import Tile, TileNodes, TileReader, grow
from casework.core import clock
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work

BATCH = 1000

_event, _pending, _leaf = AuditEvent.__table__, AuditPending.__table__, AuditLeaf.__table__
_tile, _state, _checkpoint = AuditTile.__table__, AuditState.__table__, AuditCheckpoint.__table__


def sequence_batch(limit: int = BATCH) -> int:
    """Takes up to `limit` pending events into the tree, in one transaction. Returns how many."""
    with unit_of_work():
        frontier = _locked_frontier()
        rows = _waiting(limit)
        if not rows:
            return 0
        if db.session.get_bind().dialect.name == "postgresql":
            # The checkpoint over these leaves will be kept in a synced file; they must not be lost behind it.
            db.session.execute(text("SET LOCAL synchronous_commit = on"))
        size = frontier.size
        leaves = [row.leaf_hash for row in rows]
        try:
            db.session.execute(
                insert(_leaf),
                [
                    {"idx": size + at, "event_uid": row.event_uid, "leaf_hash": row.leaf_hash}
                    for at, row in enumerate(rows)
                ],
            )
        except IntegrityError as problem:
            raise _stopped("an event has its index already, or its index is taken") from problem
        try:
            store_tiles(grow(size, leaves, read_tile))
            frontier.extend(leaves)
        except (ValueError, TypeError) as problem:
            raise _stopped(f"the tree's tiles or a waiting event are damaged: {problem}") from problem
        db.session.execute(delete(_pending).where(_pending.c.event_uid.in_([row.event_uid for row in rows])))
        db.session.execute(update(_state).values(size=frontier.size, frontier=frontier.to_bytes()))
        return len(rows)


def _waiting(limit: int) -> Sequence[Row[Any]]:
    """Pending events, in the order of their rows. Walks the outbox by its own key (UUIDs that sort by time), so that a
    long queue costs no more for each batch; passes over entries whose event is gone, which `verify` names."""
    try:
        return _first_waiting(limit)
    except (ValueError, TypeError) as problem:  # an identifier that is none
        raise _stopped(f"the outbox is damaged: {problem}") from problem


def _first_waiting(limit: int) -> Sequence[Row[Any]]:
    after = uuid.UUID(int=0)
    while True:
        uids = db.session.scalars(
            select(_pending.c.event_uid)
            .where(_pending.c.event_uid > after)
            .order_by(_pending.c.event_uid)
            .limit(limit)
        ).all()
        if not uids:
            return []
        rows = db.session.execute(
            select(_event.c.event_uid, _event.c.leaf_hash)
            .where(_event.c.event_uid.in_(uids))
            .order_by(_event.c.id)
        ).all()
        if rows:
            return rows
        after = uids[-1]


def sequence_all(progress: Callable[[int], object] = lambda number: None) -> int:
    """Batches until all that is pending now has its place. Returns how many events were taken.

    Events that arrive meanwhile may wait for the next time, so that this ends also while everybody writes.
    """
    with unit_of_work(write=False):
        waiting = db.session.scalar(select(func.count()).select_from(_pending)) or 0
    total = 0
    while total < waiting and (number := sequence_batch()):
        total += number
        progress(number)
    return total


def _stopped(why: str) -> LogProblem:
    return LogProblem(
        f"No event can get its index, because {why}. Those that wait are kept. Find what was changed with `casework audit "
        "verify`, then put the right database back; when only tiles or the recorded state were damaged, make them anew: "
        "casework audit rebuild"
    )


def _locked_frontier() -> Frontier:
    rows = db.session.execute(select(_state.c.size, _state.c.frontier).with_for_update()).all()
    try:
        ((size, packed),) = rows
        frontier = Frontier.from_bytes(packed) if packed else Frontier()
    except (ValueError, TypeError) as problem:
        raise _stopped(f"the recorded state of the tree is damaged: {problem}") from problem
    if frontier.size != size:
        raise _stopped(
            f"the recorded state names {size} events, but holds the edge of a tree of {frontier.size}"
        )
    return frontier


def read_tile(tile: Tile) -> bytes:
    """The hashes of a tile; a longer one when the tree has grown since. ValueError when it is not there."""
    hashes: bytes | None = db.session.scalar(
        select(_tile.c.hashes).where(_tile.c.level == tile.level, _tile.c.n == tile.n)
    )
    if hashes is None:
        raise ValueError(f"the tile {tile.path} is missing")
    return hashes


def store_tiles(made: dict[Tile, bytes]) -> None:
    """Keeps tiles in the open transaction; a longer one replaces the partial one before it."""
    if not made:
        return
    dialect = db.session.get_bind().dialect.name
    upsert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(_tile)
    upsert = upsert.on_conflict_do_update(
        index_elements=["level", "n"],
        set_={"width": upsert.excluded.width, "hashes": upsert.excluded.hashes},
    )
    db.session.execute(
        upsert,
        [{"level": t.level, "n": t.n, "width": t.width, "hashes": hashes} for t, hashes in made.items()],
    )


def sign(identity: Identity) -> Checkpoint | None:
    """Signs the tree as it stands, when it has grown since the last signed checkpoint.

    `LogProblem` when the tree is not a continuation of what this log signed last: then nothing is signed, and the
    operator decides (docs/audit-log.md, "A log that refuses to sign").
    """
    signer = identity.signer()
    if signer.verifier != identity.verifier():
        raise LogProblem(
            f"The files signing.key and verifier.key in {identity.folder} do not belong together. Put both back from "
            "your key backup, or open a new origin: casework audit new-origin --reason TEXT"
        )
    with unit_of_work():
        frontier = _locked_frontier()
        last = identity.last_checkpoint()
        if frontier.size == 0 and last is None:
            return None
        if last is not None:
            _refuse_second_history(last, frontier, read_tile)
        elif _has_signed(signer.name):
            raise LogProblem(
                f"The last signed checkpoint is missing in {identity.folder}, but the database has checkpoints of "
                f"{signer.name}. Without it nobody can tell whether the log was changed since. Put the file back from a "
                "backup, or open a new origin: casework audit new-origin --reason TEXT"
            )
        now = Checkpoint(signer.name, frontier.size, frontier.root())
        signed = db.session.scalar(select(_checkpoint.c.size).where(_checkpoint.c.size == now.size))
        if last is not None and last.size == now.size and signed is not None:
            return None
        note = sign_checkpoint(now, signer)
        identity.keep(note)
        if signed is None:
            db.session.execute(
                insert(_checkpoint).values(
                    size=now.size, root=now.root, note=note.decode(), signed_at=clock.now()
                )
            )
        return now


def _has_signed(origin: str) -> bool:
    rows = select(_checkpoint.c.size).where(_checkpoint.c.note.startswith(f"{origin}\n", autoescape=True))
    return db.session.scalar(rows.limit(1)) is not None


def _refuse_second_history(last: Checkpoint, frontier: Frontier, read: TileReader) -> None:
    if frontier.size < last.size:
        raise LogProblem(
            f"The database holds {frontier.size} events, but {last.size} were signed already: it is older than the "
            "last signed checkpoint. Put the right database back, or open a new origin: "
            "casework audit new-origin --reason TEXT"
        )
    try:
        nodes = TileNodes(frontier.size, read)
        proof = consistency_proof(last.size, frontier.size, nodes) if last.size else []
        if last.size:
            verify_consistency(last.size, frontier.size, last.root, frontier.root(), proof)
    except ValueError as problem:
        raise LogProblem(
            f"The events up to {last.size} are not those that were signed ({problem}). Nothing is signed. Find the "
            "first changed event with `casework audit verify`, then put the right database back (when only tiles were "
            "damaged: casework audit rebuild), or open a new origin: casework audit new-origin --reason TEXT"
        ) from problem
