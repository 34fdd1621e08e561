"""A new origin: the operator's way out when the log refuses to sign.

The log goes on under a new name and a new key. Its first event repeats the last checkpoint of the old origin, and the
old checkpoint and key stay beside it and in every pack: nobody can take the change for an accident, and whoever holds
the old checkpoint can see what no longer fits.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select, update

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
from casework.audit.trail import committed_to, current_trail, use_case
from casework.audit.words import register as register_words
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work

CHUNK = 16_384

_leaf, _state, _tile = AuditLeaf.__table__, AuditState.__table__, AuditTile.__table__

register_words({"log.origin_changed": _l("The log was continued under a new name and key")})


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
        left.format().strip().replace("\n", " ") if left else "nothing signed"
    )
    committed_to(reason.commitment)


def new_origin(identity: Identity, reason: Reason) -> NewOrigin:
    """Continues the log, as the database holds it now, under a new key. `LogProblem` when its indices have a gap."""
    note = identity.last_note()
    left = Checkpoint.parse(split_note(note)[0]) if note else None
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


def rebuild_tree() -> int:
    """Makes tiles and state anew from the leaf rows. Returns the size. `LogProblem` when an index is missing.

    Under a new origin the leaves are what is signed, so nothing that was derived from other leaves may stay.
    """
    with unit_of_work():
        db.session.execute(select(_state.c.size).with_for_update()).one()
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
            made = grow(frontier.size, leaves, read)
            frontier.extend(leaves)
            edges.update({(tile.level, tile.n): hashes for tile, hashes in made.items() if tile.width < 256})
            store_tiles(made)
        db.session.execute(update(_state).values(size=frontier.size, frontier=frontier.to_bytes()))
        return size
