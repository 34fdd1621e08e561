"""Somebody with every right on the database changes the log. Verification names what was done, and where."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from casework.audit import merkle
from casework.audit.event import forget_writer
from casework.audit.export import Wanted, write_export
from casework.audit.identity import LogProblem, identity_here
from casework.audit.note import Checkpoint, Signer, open_checkpoint, sign_checkpoint
from casework.audit.reasons import reason
from casework.audit.sequencer import sequence_all, sign
from casework.audit.tiles import Tile
from casework.audit.tiles import grow as grow_tiles
from casework.audit.verify import Report, verify_pack
from casework.core import clock
from tests.services.audit_log import Attacker, attacker_of, grow, identity_of, kind_of, verified, write_events

pytestmark = pytest.mark.both_engines

SIZE = 600


@pytest.fixture
def log(app: Flask) -> Iterator[Checkpoint]:
    """A whole signed log of 600 events, in the app's context."""
    with app.app_context():
        checkpoint = grow(SIZE)
        assert verified().problem is None
        yield checkpoint


@pytest.fixture
def attacker(app: Flask) -> Attacker:
    return attacker_of(app)


def named(report: Report) -> tuple[str | None, int | None]:
    return (report.problem.kind, report.problem.index) if report.problem else (None, None)


def pack_of(checkpoint: Checkpoint, folder: Path) -> Report:
    """The verifier's answer on a pack of what the database holds now."""
    identity = identity_here()
    note = identity.last_note()
    assert note is not None
    signed = open_checkpoint(note, identity.verifier())
    write_export(Wanted("pack", reason("a test")), folder, identity, signed, note)
    return verify_pack(folder, identity.verifier().vkey)


def test_a_log_nobody_touched_is_whole(log: Checkpoint, tmp_path: Path) -> None:
    report = verified()
    assert (report.ok, report.checked, report.size) == (True, SIZE, SIZE)
    assert report.notes == []
    assert pack_of(log, tmp_path / "pack").problem is None


def test_a_changed_byte_of_a_body(log: Checkpoint, attacker: Attacker, tmp_path: Path) -> None:
    uid, body = attacker.event_at(300)
    attacker.does(
        "UPDATE audit_event SET body = :body WHERE event_uid = :uid",
        body=body.replace(b"case.viewed", b"case.listed"),
        uid=uid,
    )
    assert named(verified()) == ("body_changed", 300)
    assert named(pack_of(log, tmp_path / "pack")) == ("body_changed", 300)


def test_a_changed_body_with_all_its_hashes(log: Checkpoint, attacker: Attacker, tmp_path: Path) -> None:
    uid, body = attacker.event_at(300)
    forged = body.replace(b'"caseworker"', b'"supervisor"')
    leaf = merkle.leaf_hash(forged)
    attacker.does(
        "UPDATE audit_event SET body = :body, leaf_hash = :leaf, agent_role = 'supervisor' WHERE event_uid = :uid",
        body=forged,
        leaf=leaf,
        uid=uid,
    )
    attacker.does("UPDATE audit_leaf SET leaf_hash = :leaf WHERE idx = 300", leaf=leaf)
    assert named(verified()) == ("leaf_changed", 300)
    assert not pack_of(log, tmp_path / "pack").ok


@pytest.mark.parametrize(
    "change",
    [
        "code = 'case.listed'",
        "agent_id = NULL",
        "outcome = 'denied'",
        "recorded = '2020-01-01 00:00:00.000000'",
    ],
)
def test_a_changed_column_beside_the_body(log: Checkpoint, attacker: Attacker, change: str) -> None:
    uid, _ = attacker.event_at(257)
    attacker.does(f"UPDATE audit_event SET {change} WHERE event_uid = :uid", uid=uid)
    report = verified()
    assert named(report) == ("projection", 257)
    assert report.problem is not None
    assert change.split(" ")[0] in report.problem.detail


def test_a_person_taken_off_the_list(log: Checkpoint, attacker: Attacker) -> None:
    uid, _ = attacker.event_at(42)
    attacker.does("DELETE FROM audit_event_subject WHERE event_uid = :uid", uid=uid)
    assert named(verified()) == ("projection", 42)


def test_a_deleted_row(log: Checkpoint, attacker: Attacker, tmp_path: Path) -> None:
    uid, _ = attacker.event_at(123)
    attacker.does("DELETE FROM audit_event WHERE event_uid = :uid", uid=uid)
    assert named(verified()) == ("idx_gap", 123)
    assert named(pack_of(log, tmp_path / "pack")) == ("idx_gap", 123)


def test_a_deleted_row_with_its_place_in_the_tree(log: Checkpoint, attacker: Attacker) -> None:
    uid, _ = attacker.event_at(123)
    attacker.does("DELETE FROM audit_event WHERE event_uid = :uid", uid=uid)
    attacker.does("DELETE FROM audit_leaf WHERE idx = 123")
    assert named(verified()) == ("idx_gap", 123)


def test_a_deleted_row_with_the_later_ones_moved_up(log: Checkpoint, attacker: Attacker) -> None:
    uid, _ = attacker.event_at(123)
    attacker.does("DELETE FROM audit_event WHERE event_uid = :uid", uid=uid)
    attacker.does("DELETE FROM audit_leaf WHERE idx = 123")
    attacker.does("UPDATE audit_leaf SET idx = -idx WHERE idx > 123")
    attacker.does("UPDATE audit_leaf SET idx = -idx - 1 WHERE idx < 0")
    assert named(verified()) == ("idx_gap", 123)


def test_an_event_deleted_before_it_had_an_index(log: Checkpoint, attacker: Attacker) -> None:
    write_events(3, in_one=1)
    ((uid,),) = attacker.asks("SELECT event_uid FROM audit_pending ORDER BY event_uid LIMIT 1 OFFSET 1")
    for table in ("audit_event", "audit_pending"):
        attacker.does(f"DELETE FROM {table} WHERE event_uid = :uid", uid=uid)
    assert kind_of(verified()) == "writer_hole"
    grow(1)
    assert kind_of(verified()) == "writer_hole"


def test_an_event_deleted_but_not_its_place_in_the_outbox(log: Checkpoint, attacker: Attacker) -> None:
    write_events(3, in_one=1)
    ((uid,),) = attacker.asks("SELECT event_uid FROM audit_pending ORDER BY event_uid LIMIT 1 OFFSET 2")
    attacker.does("DELETE FROM audit_event WHERE event_uid = :uid", uid=uid)
    assert kind_of(verified()) == "event_missing"
    assert sequence_all() == 2
    assert kind_of(verified()) == "event_missing"


def test_a_place_in_the_outbox_deleted(log: Checkpoint, attacker: Attacker) -> None:
    write_events(3, in_one=1)
    ((uid,),) = attacker.asks("SELECT event_uid FROM audit_pending ORDER BY event_uid LIMIT 1 OFFSET 1")
    attacker.does("DELETE FROM audit_pending WHERE event_uid = :uid", uid=uid)
    assert kind_of(verified()) == "pending_missing"
    sequence_all()
    assert kind_of(verified()) == "pending_missing"


def test_the_tail_deleted(log: Checkpoint, attacker: Attacker, tmp_path: Path) -> None:
    attacker.does(
        "DELETE FROM audit_event WHERE event_uid IN (SELECT event_uid FROM audit_leaf WHERE idx >= 590)"
    )
    assert named(verified()) == ("tail_missing", 590)
    assert named(pack_of(log, tmp_path / "pack")) == ("tail_missing", 590)
    attacker.does("DELETE FROM audit_leaf WHERE idx >= 590")
    assert named(verified()) == ("tail_missing", 590)


def test_the_tail_deleted_without_a_trace_in_the_database(log: Checkpoint, attacker: Attacker) -> None:
    cut_back(attacker, 500)
    assert named(verified()) == ("rollback", 500)
    with pytest.raises(LogProblem, match="older than the last signed checkpoint"):
        sign(identity_here())


def test_a_row_put_in_behind_the_end(log: Checkpoint, attacker: Attacker) -> None:
    uid, _ = attacker.event_at(5)
    attacker.does("UPDATE audit_leaf SET event_uid = :other WHERE idx = 5", other=other(uid))
    attacker.does(
        f"INSERT INTO audit_leaf (idx, event_uid, leaf_hash) SELECT {SIZE}, event_uid, leaf_hash FROM audit_event "
        "WHERE event_uid = :uid",
        uid=uid,
    )
    assert not verified().ok
    attacker.does(f"DELETE FROM audit_leaf WHERE idx = {SIZE}")
    attacker.does("UPDATE audit_leaf SET event_uid = :uid WHERE idx = 5", uid=uid)
    assert verified().ok
    insert_event(attacker, uid)
    attacker.does(
        f"INSERT INTO audit_leaf (idx, event_uid, leaf_hash) SELECT {SIZE}, event_uid, leaf_hash FROM audit_event "
        "WHERE event_uid = :uid",
        uid=other(uid),
    )
    assert named(verified()) == ("extra_line", SIZE)


def test_a_row_put_in_between(log: Checkpoint, attacker: Attacker) -> None:
    uid, _ = attacker.event_at(5)
    insert_event(attacker, uid)
    attacker.does("UPDATE audit_leaf SET idx = -idx WHERE idx >= 200")
    attacker.does("UPDATE audit_leaf SET idx = -idx + 1 WHERE idx < 0")
    attacker.does(
        "INSERT INTO audit_leaf (idx, event_uid, leaf_hash) SELECT 200, event_uid, leaf_hash FROM audit_event "
        "WHERE event_uid = :uid",
        uid=other(uid),
    )
    assert named(verified()) == ("inserted", 200)


def test_a_row_put_in_beside_the_log(log: Checkpoint, attacker: Attacker) -> None:
    uid, _ = attacker.event_at(5)
    insert_event(attacker, uid)
    assert kind_of(verified()) == "inserted"


def test_two_events_that_changed_places(log: Checkpoint, attacker: Attacker, tmp_path: Path) -> None:
    attacker.does("UPDATE audit_leaf SET idx = -1 WHERE idx = 100")
    attacker.does("UPDATE audit_leaf SET idx = 100 WHERE idx = 400")
    attacker.does("UPDATE audit_leaf SET idx = 400 WHERE idx = -1")
    assert named(verified()) == ("reordered", 100)
    assert not pack_of(log, tmp_path / "pack").ok


def test_two_bodies_that_changed_places(log: Checkpoint, attacker: Attacker, tmp_path: Path) -> None:
    (one, body_of_one), (two, body_of_two) = attacker.event_at(100), attacker.event_at(400)
    for uid, body in ((one, body_of_two), (two, body_of_one)):
        attacker.does("UPDATE audit_event SET body = :body WHERE event_uid = :uid", body=body, uid=uid)
    assert named(verified()) == ("reordered", 100)
    assert named(pack_of(log, tmp_path / "pack")) == ("reordered", 100)


def test_the_past_rewritten_with_tree_and_state(log: Checkpoint, attacker: Attacker, tmp_path: Path) -> None:
    rewrite(attacker, 300)
    report = verified()
    assert kind_of(report) == "root"
    with pytest.raises(LogProblem, match="not those that were signed"):
        sign(identity_here())
    assert kind_of(pack_of(log, tmp_path / "pack")) == "root"


def test_the_past_rewritten_and_signed_with_another_key(
    log: Checkpoint, attacker: Attacker, app: Flask
) -> None:
    thief = Signer(log.origin, b"\x07" * 32)
    root = rewrite(attacker, 300)
    note = sign_checkpoint(Checkpoint(log.origin, SIZE, root), thief)
    attacker.does(
        "UPDATE audit_checkpoint SET root = :root, note = :note WHERE size = :size",
        root=root,
        note=note.decode(),
        size=SIZE,
    )
    assert kind_of(verified()) == "signature"
    honest_key, identity = identity_of(app).verifier().vkey, identity_of(app)
    identity.keep(note)
    assert kind_of(verified()) == "signature"
    (identity.folder / "verifier.key").write_text(thief.verifier.vkey + "\n")
    assert kind_of(verified()) is None  # who owns the whole machine deceives only those who kept nothing
    assert kind_of(verified(key=honest_key)) == "signature"
    assert (
        kind_of(verified(checkpoint=sign_checkpoint(log, Signer(log.origin, b"\x08" * 32)))) == "key_changed"
    )


def test_an_old_backup_restored(log: Checkpoint, attacker: Attacker, app: Flask) -> None:
    saved = save(attacker)
    grow(20)
    restore(attacker, saved)
    assert named(verified()) == ("rollback", SIZE)
    with pytest.raises(LogProblem, match="older than the last signed checkpoint"):
        sign(identity_here())
    write_events(40)
    sequence_all()
    with pytest.raises(LogProblem, match="not those that were signed"):
        sign(identity_here())
    assert kind_of(verified()) == "fork"


def test_two_copies_that_went_apart(log: Checkpoint, attacker: Attacker, app: Flask, tmp_path: Path) -> None:
    saved, home = save(attacker), identity_of(app).folder
    shutil.copytree(home, tmp_path / "log")
    grow(20)
    note_of_one = identity_here().last_note()
    restore(attacker, saved)
    shutil.rmtree(home)
    shutil.copytree(tmp_path / "log", home)
    forget_writer()  # the other copy runs in a process of its own
    grow(30)
    assert verified().ok
    assert kind_of(verified(checkpoint=note_of_one)) == "fork"


def test_a_tile_dropped(log: Checkpoint, attacker: Attacker) -> None:
    attacker.does("DELETE FROM audit_tile WHERE level = 0 AND n = 1")
    assert named(verified()) == ("tile", 256)


def test_a_tile_changed(log: Checkpoint, attacker: Attacker) -> None:
    ((hashes,),) = attacker.asks("SELECT hashes FROM audit_tile WHERE level = 0 AND n = 1")
    changed = bytearray(hashes)
    changed[32 * 10] ^= 1
    attacker.does("UPDATE audit_tile SET hashes = :hashes WHERE level = 0 AND n = 1", hashes=bytes(changed))
    assert named(verified()) == ("tile", 266)


def test_the_state_changed(log: Checkpoint, attacker: Attacker) -> None:
    frontier = merkle.Frontier()
    frontier.extend([sha256(b"x").digest()] * SIZE)
    attacker.does("UPDATE audit_state SET frontier = :frontier", frontier=frontier.to_bytes())
    assert kind_of(verified()) == "state"


def test_an_old_checkpoint_played_again(
    log: Checkpoint, attacker: Attacker, app: Flask, tmp_path: Path
) -> None:
    old = identity_here().last_note()
    assert old is not None
    grow(10)
    new = identity_here().last_note()
    assert new is not None
    identity_of(app).keep(old)
    assert named(verified()) == ("replay", SIZE)
    identity_of(app).keep(new)
    attacker.does(
        "UPDATE audit_checkpoint SET note = :note WHERE size = :size", note=old.decode(), size=SIZE + 10
    )
    assert kind_of(verified()) == "checkpoint"
    pack = tmp_path / "pack"
    pack_of(log, pack)
    (pack / "checkpoint").write_bytes(old)
    assert kind_of(verify_pack(pack)) == "manifest"


def test_only_the_csv_edited(log: Checkpoint, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    assert pack_of(log, pack).ok
    path = pack / "entries.csv"
    path.write_bytes(path.read_bytes().replace(b"case.viewed", b"case.listed", 1))
    assert named(verify_pack(pack)) == ("csv", 0)


def test_the_clock_set_back(log: Checkpoint, tmp_path: Path) -> None:
    with clock.frozen(datetime.now(UTC) - timedelta(days=30)):
        grow(1)
    report = verified()
    assert report.ok
    assert any(f"at event {SIZE} the clock was set back" in note for note in report.notes)
    assert any("clock was set back" in note for note in pack_of(log, tmp_path / "pack").notes)


# What an attacker does with more than one statement


def other(uid: Any) -> Any:
    """Another identifier of the same type."""
    return "f" + uid[1:] if isinstance(uid, str) else type(uid)(int=uid.int ^ 1)


def insert_event(attacker: Attacker, like: Any) -> None:
    """A copy of an event under another uid, writer's number and all, as an attacker would write it."""
    attacker.does(
        "INSERT INTO audit_event (id, event_uid, body, leaf_hash, recorded, writer_id, writer_seq, action, category, "
        "code, outcome, agent_id, agent_role, entity_type, entity_id) SELECT 900000, :other, body, leaf_hash, "
        "recorded, writer_id, writer_seq, action, category, code, outcome, agent_id, agent_role, entity_type, "
        "entity_id FROM audit_event WHERE event_uid = :uid",
        other=other(like),
        uid=like,
    )
    ((body,),) = attacker.asks("SELECT body FROM audit_event WHERE id = 900000")
    forged = bytes(body).replace(b'"outcome":"success"', b'"outcome":"denied"')
    attacker.does(
        "UPDATE audit_event SET body = :body, leaf_hash = :leaf, outcome = 'denied' WHERE id = 900000",
        body=forged,
        leaf=merkle.leaf_hash(forged),
    )


def leaves_of(attacker: Attacker) -> list[bytes]:
    return [bytes(row[0]) for row in attacker.asks("SELECT leaf_hash FROM audit_leaf ORDER BY idx")]


def write_tree(attacker: Attacker, leaves: list[bytes]) -> bytes:
    """Makes tiles and state fit these leaves; the root."""
    attacker.does("DELETE FROM audit_tile")

    def nothing(tile: Tile) -> bytes:
        raise AssertionError(tile)

    for tile, hashes in grow_tiles(0, leaves, nothing).items():
        attacker.does(
            "INSERT INTO audit_tile (level, n, width, hashes) VALUES (:level, :place, :width, :hashes)",
            level=tile.level,
            place=tile.n,
            width=tile.width,
            hashes=hashes,
        )
    frontier = merkle.Frontier()
    frontier.extend(leaves)
    attacker.does(
        "UPDATE audit_state SET size = :size, frontier = :frontier",
        size=len(leaves),
        frontier=frontier.to_bytes(),
    )
    return frontier.root()


def rewrite(attacker: Attacker, index: int) -> bytes:
    """Changes one event and everything in the database that follows from it; the new root."""
    uid, body = attacker.event_at(index)
    forged = body.replace(b'"caseworker"', b'"supervisor"')
    leaf = merkle.leaf_hash(forged)
    attacker.does(
        "UPDATE audit_event SET body = :body, leaf_hash = :leaf, agent_role = 'supervisor' WHERE event_uid = :uid",
        body=forged,
        leaf=leaf,
        uid=uid,
    )
    attacker.does("UPDATE audit_leaf SET leaf_hash = :leaf WHERE idx = :place", leaf=leaf, place=index)
    return write_tree(attacker, leaves_of(attacker))


def cut_back(attacker: Attacker, size: int) -> None:
    """Removes the end of the log everywhere in the database."""
    attacker.does(
        "DELETE FROM audit_event_subject WHERE event_uid IN (SELECT event_uid FROM audit_leaf WHERE idx >= :size)",
        size=size,
    )
    attacker.does(
        "DELETE FROM audit_event WHERE event_uid IN (SELECT event_uid FROM audit_leaf WHERE idx >= :size)",
        size=size,
    )
    attacker.does("DELETE FROM audit_leaf WHERE idx >= :size", size=size)
    attacker.does("DELETE FROM audit_checkpoint WHERE size > :size", size=size)
    write_tree(attacker, leaves_of(attacker))


Saved = dict[str, tuple[list[str], list[tuple[Any, ...]]]]
TABLES = ("event", "pending", "leaf", "tile", "checkpoint", "event_subject", "state")


def save(attacker: Attacker) -> Saved:
    """A backup of the log's tables."""
    saved: Saved = {}
    with attacker.connection() as connection:
        for table in TABLES:
            cursor = connection.execute(f"SELECT * FROM audit_{table}")
            names = [column[0] for column in cursor.description]
            saved[table] = names, [tuple(row) for row in cursor.fetchall()]
    return saved


def restore(attacker: Attacker, saved: Saved) -> None:
    attacker.disarm()
    mark = "%s" if attacker.on_postgresql else "?"
    with attacker.connection() as connection:
        for table, (names, rows) in saved.items():
            connection.execute(f"DELETE FROM audit_{table}")
            marks = ", ".join([mark] * len(names))
            connection.cursor().executemany(
                f"INSERT INTO audit_{table} ({', '.join(names)}) VALUES ({marks})", rows
            )


def test_a_body_emptied_under_forged_rows_of_retention_is_named(log: Checkpoint, attacker: Attacker) -> None:
    attacker.forges_retention(500)
    uid, _ = attacker.event_at(77)
    attacker.does("UPDATE audit_event SET body = :nothing WHERE event_uid = :uid", nothing=b"", uid=uid)
    assert named(verified()) == ("dropped", 77)
