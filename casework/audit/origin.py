"""The operator's ways out when the log refuses to go on: the tree made anew from its leaves, and a new origin.

The log goes on under a new name and a new key. Its first event repeats the last checkpoint of the old origin, and the
old checkpoint and key stay beside it and in every pack: nobody can take the change for an accident, and whoever holds
the old checkpoint can see what no longer fits.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, insert, select, update

from casework.access.actor import SYSTEM, Actor
from casework.access.permissions import Permission
from casework.audit.boundary import acting
from casework.audit.identity import Identity, LogProblem
from casework.audit.merkle import Frontier
from casework.audit.models import AuditLeaf, AuditState, AuditTile
from casework.audit.note import Checkpoint, split_note
from casework.audit.reasons import Reason
from casework.audit.sequencer import sequence_all, sign, store_tiles
from casework.audit.tiles import Tile, grow
from casework.audit.trail import committed_to, counted, current_trail, use_case
from casework.audit.words import register as register_words
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work

CHUNK = 16_384

_leaf, _state, _tile = AuditLeaf.__table__, AuditState.__table__, AuditTile.__table__

register_words(
    {
        "log.origin_changed": _l("The log was continued under a new name and key"),
        "log.tree_rebuilt": _l("The tree of the log was made anew from its leaves"),
    }
)


@dataclass(frozen=True, slots=True)
class NewOrigin:
    """What was done: the new name, its verifier key, its first checkpoint, and the checkpoint that was left behind."""

    origin: str
    vkey: str
    checkpoint: Checkpoint
    left: Checkpoint | None
    reason: Reason


@use_case(permission=Permission.LOG_KEEP, code="log.origin_changed", action="E")
def note_origin(actor: Actor, left: Checkpoint | None, reason: Reason) -> None:
    """The first event of the new origin. `outcome_reason` holds the old checkpoint's lines, joined by spaces."""
    entry = current_trail().entries[-1]
    entry.outcome_reason = "continues " + (
        left.format().strip().replace("\n", " ") if left else "nothing that can be read"
    )
    committed_to(reason.commitment)


@use_case(permission=Permission.LOG_KEEP, code="log.tree_rebuilt", action="E")
def note_rebuilt(actor: Actor, size: int) -> None:
    """Says that tiles and state were made anew, over how many events."""
    counted(size)


def rebuild(identity: Identity) -> tuple[int, Checkpoint | None]:
    """Makes the tree anew and signs, if it still continues what was signed. Gives how many events it had.

    `LogProblem` when leaves are missing or damaged, or are not those that were signed: then a rebuilt tree says so.
    """
    size = rebuild_tree()
    sequence_all()
    with acting(SYSTEM, "cli:audit rebuild"):
        note_rebuilt(SYSTEM, size)
    sequence_all()
    return size, sign(identity)


def new_origin(identity: Identity, reason: Reason) -> NewOrigin:
    """Continues the log, as the database holds it now, under a new key. `LogProblem` when its indices have a gap."""
    left = _left_behind(identity)
    rebuild_tree()  # before anything new joins it: tiles may be missing
    sequence_all()
    identity.start_anew()
    with acting(SYSTEM, "cli:audit new-origin"):
        note_origin(SYSTEM, left, reason)
    sequence_all()
    checkpoint = sign(identity)
    if checkpoint is None:
        raise LogProblem("The new origin has nothing to sign.")
    verifier = identity.verifier()
    return NewOrigin(verifier.name, verifier.vkey, checkpoint, left, reason)


def _left_behind(identity: Identity) -> Checkpoint | None:
    """The last checkpoint of the present origin; None when it signed nothing, or the file is damaged."""
    try:
        note = identity.last_note()
        return Checkpoint.parse(split_note(note)[0]) if note else None
    except ValueError:
        return None


def rebuild_tree() -> int:
    """Makes tiles and state anew from the leaf rows. Returns the size. `LogProblem` when an index is missing.

    Under a new origin the leaves are what is signed, so nothing that was derived from other leaves may stay.
    """
    with unit_of_work():
        states = db.session.execute(select(_state.c.id).with_for_update()).all()
        size = db.session.scalar(select(func.count()).select_from(_leaf)) or 0
        top = db.session.scalar(select(func.max(_leaf.c.idx)))
        if size and top != size - 1:
            raise LogProblem(
                "Rows of the log's tree are missing in between, so its indices have a gap. Put back a backup that has "
                "them, then open the new origin."
            )
        db.session.execute(delete(_tile))
        frontier = Frontier()
        edges: dict[tuple[int, int], bytes] = {}

        def read(tile: Tile) -> bytes:
            return edges[tile.level, tile.n]

        for begin in range(0, size, CHUNK):
            leaves = db.session.scalars(
                select(_leaf.c.leaf_hash)
                .where(_leaf.c.idx >= begin, _leaf.c.idx < begin + CHUNK)
                .order_by(_leaf.c.idx)
            ).all()
            try:
                made = grow(frontier.size, leaves, read)
                frontier.extend(leaves)
            except (ValueError, TypeError) as problem:
                raise LogProblem(
                    f"A row of the log's tree among the indices from {begin} is damaged ({problem}). Put back a backup "
                    "that has it."
                ) from problem
            edges.update({(tile.level, tile.n): hashes for tile, hashes in made.items() if tile.width < 256})
            store_tiles(made)
        if len(states) != 1:  # somebody took the one row away, or put another beside it
            db.session.execute(delete(_state))
            db.session.execute(insert(_state).values(id=1, size=0, frontier=b""))
        db.session.execute(update(_state).values(size=frontier.size, frontier=frontier.to_bytes()))
        return size
