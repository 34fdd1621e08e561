"""State, outbox, tiles and key files that were damaged: the log stops with a sentence, loses nothing, and goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select

from casework.audit import keeping, verifications
from casework.audit.identity import LogProblem, identity_here, make_identity
from casework.audit.models import AuditPending
from casework.audit.origin import new_origin, rebuild
from casework.audit.reasons import reason
from casework.audit.sequencer import sequence_all, sign
from casework.commands.audit import audit
from casework.core import clock
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work
from tests.services.audit_log import act, attacker_of, grow, kind_of, verified, write_events

pytestmark = pytest.mark.both_engines


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def waiting() -> int:
    with unit_of_work(write=False):
        return db.session.scalar(select(func.count()).select_from(AuditPending)) or 0


def on_this_engine(app: Flask, statement: str) -> str:
    """`{bytes}` in a statement is a byte string of length 31, `{empty}` one of length 0."""
    on_postgresql = attacker_of(app).on_postgresql
    return statement.format(
        bytes=f"'\\x{'41' * 31}'::bytea" if on_postgresql else f"x'{'41' * 31}'",
        empty="''::bytea" if on_postgresql else "x''",
    )


@pytest.mark.parametrize(
    "damage",
    [
        "INSERT INTO audit_state (id, size, frontier) SELECT 2, size, frontier FROM audit_state",
        "DELETE FROM audit_state",
        "UPDATE audit_state SET size = size + 5",
        "UPDATE audit_state SET size = -1",
        "UPDATE audit_state SET frontier = {bytes}",
        "UPDATE audit_state SET size = 0, frontier = {empty}",
        "UPDATE audit_tile SET hashes = {bytes}",
        "DELETE FROM audit_tile",
    ],
)
def test_what_follows_from_the_leaves_is_made_anew_under_the_same_key(app: Flask, damage: str) -> None:
    grow(20)
    attacker_of(app).does(on_this_engine(app, damage))
    write_events(3)
    assert kind_of(verified()) in ("state", "tile", "rollback")
    with pytest.raises(LogProblem, match="casework audit rebuild"):
        sequence_all()
    assert waiting() == 3
    result = CliRunner().invoke(audit, ["rebuild"])
    assert (result.exit_code, result.output) == (0, "The tree of 20 events was made anew. Signed up to 24.\n")
    report = verified()
    assert (report.problem, report.origin) == (None, "casework/test")
    assert grow(1).size == 25


def test_a_tree_that_was_made_anew_is_not_signed_when_it_is_another(app: Flask) -> None:
    grow(20)
    attacker_of(app).does(
        "UPDATE audit_leaf SET leaf_hash = (SELECT leaf_hash FROM audit_leaf WHERE idx = 2) WHERE idx = 1"
    )
    with pytest.raises(LogProblem, match="not those that were signed"):
        rebuild(identity_here())
    attacker_of(app).does(on_this_engine(app, "UPDATE audit_leaf SET leaf_hash = {bytes} WHERE idx = 1"))
    with pytest.raises(LogProblem, match="Put back a backup"):
        rebuild(identity_here())


def test_an_entry_that_waits_a_second_time_stops_the_log_with_a_sentence(app: Flask) -> None:
    grow(5)
    attacker_of(app).does("INSERT INTO audit_pending SELECT event_uid FROM audit_leaf WHERE idx = 3")
    write_events(2)
    with pytest.raises(LogProblem, match="has its index already"):
        sequence_all()
    assert waiting() == 3
    assert kind_of(verified()) == "pending_repeat"
    attacker_of(app).does(
        "DELETE FROM audit_pending WHERE event_uid = (SELECT event_uid FROM audit_leaf WHERE idx = 3)"
    )
    assert grow(1).size == 8
    assert verified().ok


def test_a_waiting_event_with_half_a_hash_stops_the_log_with_a_sentence(app: Flask) -> None:
    grow(5)
    write_events(2)
    attacker_of(app).does(
        on_this_engine(
            app,
            "UPDATE audit_event SET leaf_hash = {bytes} WHERE event_uid IN (SELECT event_uid FROM audit_pending)",
        )
    )
    with pytest.raises(LogProblem, match="a waiting event are damaged"):
        sequence_all()
    assert waiting() == 2


def test_a_lost_last_checkpoint_is_not_forgotten(app: Flask) -> None:
    grow(10)
    identity = identity_here()
    note = identity.last_note()
    assert note is not None
    path = identity.folder / "last-checkpoint"
    path.unlink()
    write_events(1)
    sequence_all()
    with pytest.raises(LogProblem, match="last signed checkpoint is missing"):
        sign(identity)
    assert kind_of(verified()) == "replay"
    identity.keep(note)
    assert sign(identity) is not None
    path.unlink()
    assert new_origin(identity, reason("the file was lost")).origin == "casework/test~2"
    assert verified().ok


def test_a_database_that_was_emptied_is_refused_at_once(app: Flask) -> None:
    grow(10)
    for table in ("event_subject", "event", "leaf", "tile", "checkpoint"):
        attacker_of(app).does(f"DELETE FROM audit_{table}")
    attacker_of(app).does(on_this_engine(app, "UPDATE audit_state SET size = 0, frontier = {empty}"))
    with pytest.raises(LogProblem, match="older than the last signed"):
        sign(identity_here())
    assert kind_of(verified()) == "rollback"


@pytest.mark.parametrize("damage", [None, b"", b"\xff\xfe nonsense"])
def test_a_public_key_that_was_lost_comes_from_the_private_one(app: Flask, damage: bytes | None) -> None:
    grow(1)
    identity = identity_here()
    vkey, path = identity.verifier().vkey, identity.folder / "verifier.key"
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(LogProblem, match="casework init"):
        sign(identity)
    assert make_identity(identity.folder.parent) is None
    assert identity.verifier().vkey == vkey
    assert verified().ok


@pytest.mark.parametrize("gone", ["verifier.key", "signing.key", "last-checkpoint"])
@pytest.mark.parametrize("damage", [None, b"", b"\xff\xfe nonsense\n\nnonsense"])
def test_a_new_origin_is_to_be_had_whatever_file_was_lost(
    app: Flask, gone: str, damage: bytes | None
) -> None:
    grow(3)
    path = identity_here().folder / gone
    path.unlink() if damage is None else path.write_bytes(damage)
    done = new_origin(identity_here(), reason("the disk was lost"))
    assert done.origin == "casework/test~2"
    assert verified().ok
    assert grow(1).size == 5


def test_a_checkpoint_from_the_future_does_not_silence_heartbeat_and_alarm() -> None:
    now = clock.now()
    with clock.frozen(now + timedelta(days=365)):
        keeping.keep_log()
    with clock.frozen(now):
        keeping.keep_log()
        keeping.keep_log()
        assert verified().size == 2  # a second heartbeat, and no third
    with clock.frozen(now + timedelta(days=365)):
        grow(1)
    with clock.frozen(now):
        act()
        sequence_all()
        with unit_of_work(write=False):
            (complaint,) = keeping.log_health().complaints
    assert "is not signed" in complaint


def test_the_program_log_says_once_that_the_log_stands_still(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    now = clock.now()
    with clock.frozen(now):
        keeping.keep_log()
        write_events(1)
    attacker_of(app).does("DELETE FROM audit_event WHERE event_uid IN (SELECT event_uid FROM audit_pending)")
    with clock.frozen(now + timedelta(seconds=90)), caplog.at_level(logging.ERROR, "casework.audit"):
        keeping.keep_log()
        keeping.keep_log()
    assert [record.message.partition(" for ")[0] for record in caplog.records] == [
        "the oldest audit event waits"
    ]
    caplog.clear()
    attacker_of(app).does("DELETE FROM audit_tile")
    write_events(1)
    for _ in range(2):
        with pytest.raises(LogProblem), caplog.at_level(logging.ERROR, "casework.audit"):
            keeping.keep_log()
    assert len(caplog.records) == 1


def test_a_verification_that_breaks_down_is_not_begun_again_and_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifications.ask_daily()

    def break_down(_identity: object) -> None:
        raise TypeError("somebody put a text where bytes belong")

    monkeypatch.setattr(verifications, "verify_live", break_down)
    assert verifications.verify_next()
    assert not verifications.verify_next()
    assert not verifications.waits()
