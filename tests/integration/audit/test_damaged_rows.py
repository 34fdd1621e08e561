"""Rows that hold what no row of theirs can hold: verification names them and does not stumble."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from casework.audit.export import ExportProblem, Wanted, write_export
from casework.audit.identity import identity_here
from casework.audit.live import verify_live
from casework.audit.note import open_checkpoint
from casework.audit.reasons import reason
from tests.services.audit_log import Attacker, attacker_of, grow, kind_of, verified, write_events

SIZE = 300
EVENT = "(SELECT event_uid FROM audit_leaf WHERE idx = 7)"


@pytest.fixture
def attacker(app: Flask) -> Iterator[Attacker]:
    """Over a whole signed log of 300 events, in the app's context."""
    with app.app_context():
        grow(SIZE)
        yield attacker_of(app)


@pytest.mark.parametrize(
    ("attack", "kind", "index"),
    [
        (f"UPDATE audit_event SET body = 'abc' WHERE event_uid = {EVENT}", "body_changed", 7),
        (f"UPDATE audit_event SET body = 5 WHERE event_uid = {EVENT}", "body_changed", 7),
        (f"UPDATE audit_event SET body = x'00ff' WHERE event_uid = {EVENT}", "body_changed", 7),
        (f"UPDATE audit_event SET code = CAST(x'80ff' AS TEXT) WHERE event_uid = {EVENT}", "projection", 7),
        (f"UPDATE audit_event SET recorded = x'00ff' WHERE event_uid = {EVENT}", "projection", 7),
        (f"UPDATE audit_event SET writer_seq = 'many' WHERE event_uid = {EVENT}", "projection", 7),
        (f"UPDATE audit_event SET leaf_hash = 5 WHERE event_uid = {EVENT}", "projection", 7),
        ("UPDATE audit_leaf SET leaf_hash = 'abc' WHERE idx = 7", "leaf_hashes", 7),
        ("UPDATE audit_leaf SET event_uid = 5 WHERE idx = 7", "idx_gap", 7),
        ("UPDATE audit_tile SET hashes = 'abc' WHERE level = 0 AND n = 0", "tile", 0),
        ("UPDATE audit_tile SET hashes = 5 WHERE level = 1", "tile", 0),
        ("UPDATE audit_checkpoint SET note = x'ff00'", "signature", None),
        ("UPDATE audit_state SET frontier = 5", "state", None),
        ("UPDATE audit_state SET size = 'all'", "state", None),
    ],
)
def test_a_column_of_another_type_is_named(
    attacker: Attacker, attack: str, kind: str, index: int | None
) -> None:
    attacker.does(attack)
    problem = verified().problem
    assert problem is not None
    assert (problem.kind, problem.index) == (kind, index)


@pytest.mark.parametrize("attack", ["leaf_hash = 'abc'", "leaf_hash = 5"])
def test_such_a_log_is_not_exported_as_if_it_were_whole(
    attacker: Attacker, tmp_path: Path, attack: str
) -> None:
    attacker.does(f"UPDATE audit_leaf SET {attack} WHERE idx = 7")
    identity = identity_here()
    note = identity.last_note()
    assert note is not None
    signed = open_checkpoint(note, identity.verifier())
    with pytest.raises(ExportProblem, match="no bytes"):
        write_export(Wanted("pack", reason("a test")), tmp_path / "pack", identity, signed, note)
    assert not (tmp_path / "pack").exists()


@pytest.mark.both_engines
def test_a_checkpoint_of_a_negative_size_is_named(attacker: Attacker) -> None:
    attacker.does("UPDATE audit_checkpoint SET size = -3")
    assert kind_of(verified()) == "checkpoint"


@pytest.mark.both_engines
def test_a_checkpoint_that_is_gone_is_noted(attacker: Attacker) -> None:
    attacker.does("DELETE FROM audit_checkpoint")
    report = verified()
    assert report.ok
    assert f"The database lacks the last signed checkpoint, of {SIZE} events." in report.notes


@pytest.mark.both_engines
def test_a_person_put_beside_a_waiting_event_is_named(attacker: Attacker) -> None:
    write_events(1)
    assert verified().ok
    attacker.does(
        "INSERT INTO audit_event_subject (subject_id, event_uid) "
        f"SELECT {EVENT}, event_uid FROM audit_pending"
    )
    assert kind_of(verified()) == "projection"


@pytest.mark.both_engines
def test_a_log_that_is_signed_while_it_is_read_is_whole(
    attacker: Attacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = identity_here()
    read = type(identity).last_note
    asked: list[None] = []

    def last_note(self: object) -> bytes | None:
        asked.append(None)
        note = read(identity)
        if len(asked) == 1:
            grow(1)  # between the file and the snapshot
        return note

    monkeypatch.setattr(type(identity), "last_note", last_note)
    report = verify_live(identity)
    assert report.problem is None
    assert len(asked) >= 2
