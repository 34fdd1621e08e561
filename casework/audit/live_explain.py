"""Says what happened at the first place where the live log does not fit. Runs once, so it may look far and wide."""

from __future__ import annotations

from hashlib import sha256

from casework.audit.live_rows import Stored
from casework.audit.reading import Reader, as_bytes
from casework.audit.verify import WIDTH, Broken, Tree


def explain_leaf(reader: Reader, index: int, row: Stored, due: bytes, trusted: tuple[int, bytes]) -> Broken:
    """Body, leaf row and tile of one index do not agree. `due` is the tile's hash, empty where the tile is missing;
    `trusted` the size and root of a signed tree, by which the tiles are believed or not."""
    computed = sha256(b"\x00" + (row.body or b"")).digest()
    if computed == row.leaf:  # Body and leaf row agree, the tile does not.
        if not _tiles_lead_to(reader, *trusted):
            return Broken("tile", index, f"the tile over event {index} is not what the leaves give")
        comes_later = reader.value(
            "SELECT min(idx) FROM audit_leaf WHERE leaf_hash = :due AND idx > :index", due=due, index=index
        )
        gap = _place_in_tiles(reader, computed, index + 1, trusted[0])
        if comes_later is not None and gap is not None:
            return Broken(
                "reordered", index, f"the event of index {index} stands later: events changed places"
            )
        if gap is not None:
            return Broken(
                "idx_gap", index, f"the event of index {index} is missing; {gap - index} are missing in a row"
            )
        if comes_later is not None:
            return Broken("inserted", index, f"at index {index} stands an event that was not logged there")
        return Broken("leaf_changed", index, f"event {index} and its row of the tree were changed alike")
    if computed == due:
        return Broken(
            "leaf_hashes", index, f"the row of the tree was changed at event {index}; the event is right"
        )
    elsewhere = reader.value("SELECT min(idx) FROM audit_leaf WHERE leaf_hash = :found", found=computed)
    if elsewhere is not None:
        return Broken("reordered", index, f"at index {index} stands the event of index {elsewhere}")
    return Broken("body_changed", index, f"event {index} is not the one that was logged")


def explain_stray(reader: Reader, stray: Stored) -> Broken:
    """An event neither stands in the tree nor waits. By its writer's numbers it was really written, or not."""
    writer = "replace(CAST(writer_id AS text), '-', '')" if reader.is_postgresql else "writer_id"
    count, highest = reader.rows(
        f"SELECT count(CASE WHEN writer_seq = :seq THEN 1 END), max(CASE WHEN writer_seq <> :seq THEN writer_seq END) "  # noqa: S608
        f"FROM audit_event WHERE {writer} = :writer",
        seq=stray.writer_seq,
        writer=stray.writer_id,
    )[0]
    if count > 1 or stray.writer_seq > (highest or 0) + 1:
        return Broken(
            "inserted", None, f"the event {stray.event_uid} was put in beside the log: it has no index"
        )
    return Broken(
        "pending_missing",
        None,
        f"the event {stray.event_uid} has no index and does not wait for one: its place in the outbox was deleted",
    )


def _tiles_lead_to(reader: Reader, size: int, root: bytes) -> bool:
    tree = Tree()
    for n in range(-(-size // WIDTH)):
        width = min(WIDTH, size - n * WIDTH)
        hashes = as_bytes(
            reader.value("SELECT hashes FROM audit_tile WHERE level = 0 AND n = :n", n=n) or b""
        )
        if len(hashes) < width * 32:
            return False
        tree.add(hashes[: width * 32])
    return tree.root() == root


def _place_in_tiles(reader: Reader, leaf: bytes, first: int, size: int) -> int | None:
    for n in range(first // WIDTH, -(-size // WIDTH)):
        hashes = as_bytes(
            reader.value("SELECT hashes FROM audit_tile WHERE level = 0 AND n = :n", n=n) or b""
        )
        for at in range(0, len(hashes), 32):
            if hashes[at : at + 32] == leaf and n * WIDTH + at // 32 >= first:
                return n * WIDTH + at // 32
    return None
