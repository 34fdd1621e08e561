"""More of what somebody with every right on the database may try; each leaves a name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from flask import Flask

from casework.audit.identity import identity_here
from casework.audit.note import Checkpoint, Signer, sign_checkpoint
from casework.audit.origin import new_origin
from casework.audit.reasons import reason
from tests.services.audit_log import Attacker, attacker_of, grow, kind_of, verified, write_events

pytestmark = pytest.mark.both_engines

SIZE = 300


@pytest.fixture
def attacker(app: Flask) -> Iterator[Attacker]:
    """Over a whole signed log of 300 events, in the app's context."""
    with app.app_context():
        grow(SIZE)
        assert verified().ok
        yield attacker_of(app)


def event(index: int) -> str:
    return f"(SELECT event_uid FROM audit_leaf WHERE idx = {index})"


@pytest.mark.parametrize(
    ("attack", "kind", "index"),
    [
        (f"UPDATE audit_event SET writer_seq = writer_seq + 1 WHERE event_uid = {event(7)}", "projection", 7),
        (f"UPDATE audit_event SET writer_id = event_uid WHERE event_uid = {event(7)}", "projection", 7),
        (f"UPDATE audit_event SET entity_id = event_uid WHERE event_uid = {event(7)}", "projection", 7),
        (f"UPDATE audit_event SET agent_role = 'admin' WHERE event_uid = {event(7)}", "projection", 7),
        (
            f"INSERT INTO audit_event_subject (subject_id, event_uid) SELECT {event(9)}, {event(7)}",
            "projection",
            7,
        ),
        (
            f"UPDATE audit_event_subject SET subject_id = event_uid WHERE event_uid = {event(7)}",
            "projection",
            7,
        ),
        (
            f"UPDATE audit_event_subject SET event_uid = {event(9)} WHERE event_uid = {event(7)}",
            "projection",
            7,
        ),
        ("UPDATE audit_leaf SET idx = 4611686018427387904 WHERE idx = 7", "idx_gap", 7),
        ("UPDATE audit_leaf SET idx = -7 WHERE idx = 7", "idx_gap", 7),
        (
            "INSERT INTO audit_state (id, size, frontier) SELECT 2, size, frontier FROM audit_state",
            "state",
            None,
        ),
        ("DELETE FROM audit_state", "state", None),
        ("UPDATE audit_state SET size = size - 1", "state", None),
        ("UPDATE audit_tile SET width = width - 1 WHERE n = 0 AND level = 0", "tile", 0),
        (
            "INSERT INTO audit_tile (level, n, width, hashes) SELECT 0, 99999, width, hashes FROM audit_tile WHERE n = 1",
            "tile",
            None,
        ),
        ("UPDATE audit_checkpoint SET note = 'nonsense'", "signature", None),
        (f"UPDATE audit_checkpoint SET size = {SIZE + 1}", "replay", SIZE),
        ("INSERT INTO audit_pending SELECT event_uid FROM audit_leaf WHERE idx = 3", "pending_repeat", 3),
    ],
)
def test_a_row_that_was_changed_or_added_is_named(
    attacker: Attacker, attack: str, kind: str, index: int | None
) -> None:
    attacker.does(attack)
    report = verified()
    assert report.problem is not None
    assert (report.problem.kind, report.problem.index) == (kind, index)


def test_a_checkpoint_of_an_origin_that_never_was(attacker: Attacker) -> None:
    thief = Signer("casework/before", b"\x07" * 32)
    note = sign_checkpoint(Checkpoint("casework/before", 5, b"\1" * 32), thief).decode()
    attacker.does(
        "INSERT INTO audit_checkpoint (size, root, note, signed_at) VALUES (5, :root, :note, '2026-01-01 00:00:00')",
        root=b"\1" * 32,
        note=note,
    )
    assert kind_of(verified()) == "signature"


def test_a_checkpoint_forged_under_the_name_of_an_earlier_origin(attacker: Attacker) -> None:
    new_origin(identity_here(), reason("a test"))
    assert verified().ok
    thief = Signer("casework/test", b"\x07" * 32)
    note = sign_checkpoint(Checkpoint("casework/test", 5, b"\1" * 32), thief).decode()
    attacker.does(
        "INSERT INTO audit_checkpoint (size, root, note, signed_at) VALUES (5, :root, :note, '2026-01-01 00:00:00')",
        root=b"\1" * 32,
        note=note,
    )
    assert kind_of(verified()) == "signature"


def test_all_writers_numbers_moved_down_over_a_hole(attacker: Attacker) -> None:
    """The hole of a deleted event is closed in the columns; the bodies still say the true numbers."""
    write_events(3, in_one=1)
    ((uid, writer, number),) = attacker.asks(
        "SELECT e.event_uid, e.writer_id, e.writer_seq FROM audit_event e JOIN audit_pending p "
        "ON p.event_uid = e.event_uid ORDER BY e.id LIMIT 1 OFFSET 1"
    )
    for table in ("audit_event_subject", "audit_event", "audit_pending"):
        attacker.does(f"DELETE FROM {table} WHERE event_uid = :uid", uid=uid)
    attacker.does(
        "UPDATE audit_event SET writer_seq = writer_seq - 1 WHERE writer_id = :writer AND writer_seq > :number",
        writer=writer,
        number=number,
    )
    assert kind_of(verified()) == "projection"
    grow(1)
    assert kind_of(verified()) == "projection"


def test_database_and_last_checkpoint_put_back_together_are_seen_by_who_kept_a_newer_one(
    app: Flask, attacker: Attacker
) -> None:
    folder = identity_here().folder
    shutil.copytree(folder, folder.with_name("log-before"))
    before = {
        table: attacker.asks(f"SELECT * FROM {table}")
        for table in ("audit_leaf", "audit_tile", "audit_checkpoint", "audit_state")
    }
    grow(20)
    newer = identity_here().last_note()
    attacker.does(
        "DELETE FROM audit_event_subject WHERE event_uid IN (SELECT event_uid FROM audit_leaf WHERE idx >= 300)"
    )
    attacker.does(
        "DELETE FROM audit_event WHERE event_uid IN (SELECT event_uid FROM audit_leaf WHERE idx >= 300)"
    )
    attacker.disarm()
    mark = "%s" if attacker.on_postgresql else "?"
    with attacker.connection() as connection:
        for table, rows in before.items():
            connection.execute(f"DELETE FROM {table}")
            marks = ", ".join([mark] * len(rows[0]))
            connection.cursor().executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    shutil.rmtree(folder)
    folder.with_name("log-before").rename(folder)
    assert verified().ok  # nothing on this machine remembers
    assert kind_of(verified(checkpoint=newer)) == "rollback"
