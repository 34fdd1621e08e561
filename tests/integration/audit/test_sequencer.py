"""The sequencer gives places, signs, refuses a second history, and tells when it does not happen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from casework.audit import event, keeping, verify
from casework.audit.identity import Identity, LogProblem, identity_here, make_identity
from casework.audit.models import AuditCheckpoint, AuditEvent, AuditLeaf, AuditPending
from casework.audit.note import open_checkpoint
from casework.audit.origin import new_origin
from casework.audit.reasons import reason
from casework.audit.sequencer import sequence_all, sequence_batch, sign
from casework.core import clock, jobs
from casework.core.database import db
from casework.core.unit_of_work import begin as unit_of_work_begin
from casework.core.unit_of_work import rollback, unit_of_work
from tests.services.audit_log import act, attacker_of, grow, identity_of, kind_of, verified, write_events

pytestmark = pytest.mark.both_engines


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def count(model: type) -> int:
    with unit_of_work(write=False):
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def codes() -> list[str]:
    with unit_of_work(write=False):
        return list(db.session.scalars(select(AuditEvent.code).order_by(AuditEvent.id)))


def test_takes_batches_until_nothing_waits() -> None:
    write_events(25)
    assert [sequence_batch(10), sequence_batch(10), sequence_batch(10), sequence_batch(10)] == [10, 10, 5, 0]
    assert (count(AuditLeaf), count(AuditPending)) == (25, 0)
    assert verified().ok


def test_signs_when_the_tree_has_grown_and_only_then() -> None:
    assert sign(identity_here()) is None
    first = grow(3)
    assert sign(identity_here()) is None
    assert grow(1).size == first.size + 1
    assert count(AuditCheckpoint) == 2


def test_a_crash_between_file_and_database_is_made_good(app: Flask) -> None:
    checkpoint = grow(3)
    attacker_of(app).does("DELETE FROM audit_checkpoint")
    assert sign(identity_here()) == checkpoint
    assert count(AuditCheckpoint) == 1
    assert sign(identity_here()) is None


def test_many_sequencers_and_writers_at_once_leave_no_gap(app: Flask) -> None:
    failures: list[BaseException] = []

    def run(work: object) -> None:
        try:
            with app.app_context():
                for _ in range(8):
                    work()  # type: ignore[operator]
                    db.session.remove()
        except BaseException as problem:
            failures.append(problem)

    threads = [threading.Thread(target=run, args=(work,)) for work in [act] * 4 + [sequence_batch] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    sequence_all()
    assert count(AuditLeaf) == 32
    report = verified()
    assert (report.problem, report.checked) == (None, 32)


def test_the_worker_starts_a_new_log_with_a_heartbeat() -> None:
    keeping.keep_log()
    assert codes() == ["log.heartbeat"]
    assert identity_here().last_checkpoint() is not None


def test_a_heartbeat_comes_when_nothing_was_signed_for_five_minutes() -> None:
    now = clock.now()
    with clock.frozen(now):
        keeping.keep_log()
    with clock.frozen(now + keeping.HEARTBEAT - timedelta(seconds=1)):
        keeping.keep_log()
    assert codes() == ["log.heartbeat"]
    with clock.frozen(now + keeping.HEARTBEAT):
        keeping.keep_log()
        keeping.keep_log()
    assert codes() == ["log.heartbeat"] * 2


def test_the_job_is_registered(app: Flask) -> None:
    job = next(job for job in jobs.registered() if job.name == "audit log")
    assert job.every <= timedelta(seconds=1)
    act()
    assert jobs.run_once(app, job)
    assert count(AuditPending) == 0


def test_the_alarm_tells_the_age_of_the_oldest_waiting_event() -> None:
    now = clock.now()
    with clock.frozen(now):
        keeping.keep_log()
        act()
    with clock.frozen(now + timedelta(seconds=30)), unit_of_work(write=False):
        assert keeping.log_health().complaints == []
    with clock.frozen(now + timedelta(seconds=90)), unit_of_work(write=False):
        found = keeping.log_health()
        assert found.pending == 1
        assert abs(found.oldest_pending - timedelta(seconds=90)) < timedelta(milliseconds=2)
        assert "is the worker running" in found.complaints[0]


def test_readyz_healthz_and_metrics_answer_without_sign_in(app: Flask) -> None:
    client = app.test_client()
    keeping.keep_log()
    assert client.get("/healthz").data == b"ok\n"
    assert client.get("/readyz").status_code == 200
    assert b"casework_audit_events 1\n" in client.get("/metrics").data
    act()
    with clock.frozen(clock.now() + timedelta(minutes=5)):
        ready = client.get("/readyz")
    assert ready.status_code == 503
    assert b"worker" in ready.data
    assert b"casework_audit_pending_events 1\n" in client.get("/metrics").data
    assert codes() == ["log.heartbeat"] * 2  # the machines that watch leave no events


def test_a_log_that_refuses_to_sign_goes_on_under_a_new_origin(app: Flask, tmp_path: object) -> None:
    first = grow(10)
    old_key = identity_here().verifier()
    attacker = attacker_of(app)
    attacker.does(
        "UPDATE audit_leaf SET leaf_hash = (SELECT leaf_hash FROM audit_leaf WHERE idx = 2) WHERE idx = 1"
    )
    attacker.does("DELETE FROM audit_tile")
    write_events(1)
    with pytest.raises(LogProblem, match="is missing"):
        sequence_all()
    done = new_origin(identity_here(), reason("the disk was lost"))
    assert done.origin == "casework/test~2"
    assert done.left == first
    with unit_of_work(write=False):
        body = db.session.scalar(select(AuditEvent.body).where(AuditEvent.code == "log.origin_changed"))
    assert body is not None
    assert f'"outcome_reason":"continues {" ".join(first.format().split())}"'.encode() in body
    assert done.reason.commitment.hex().encode() in body
    assert grow(5).origin == "casework/test~2"
    assert identity_here().earlier_verifiers() == [old_key]
    assert identity_here().verifier().vkey == done.vkey
    assert kind_of(verified()) == "body_changed"  # what was changed stays named


def test_after_a_restored_backup_a_new_origin_makes_the_log_whole_again(app: Flask) -> None:
    grow(10)
    identity = identity_here()
    note = identity.last_note()
    assert note is not None
    origin = identity.signer()
    forged = open_checkpoint(note, identity.verifier())
    from casework.audit.note import Checkpoint, sign_checkpoint

    identity.keep(sign_checkpoint(Checkpoint(origin.name, 50, forged.root), origin))
    with pytest.raises(LogProblem, match="older than the last signed"):
        sign(identity)
    assert kind_of(verified()) == "rollback"
    done = new_origin(identity, reason("restored the backup of last night"))
    assert done.left is not None
    assert done.left.size == 50
    report = verified()
    assert report.problem is None
    assert report.size == 11


def test_a_gap_in_the_tree_is_for_a_backup_and_not_for_a_new_origin(app: Flask) -> None:
    grow(10)
    attacker_of(app).does("DELETE FROM audit_leaf WHERE idx = 4")
    with pytest.raises(LogProblem, match="gap"):
        new_origin(identity_here(), reason("a test"))
    assert identity_here().verifier().name == "casework/test"


def test_a_lost_signing_key_is_not_made_anew_behind_the_operators_back(app: Flask) -> None:
    grow(1)
    home = app.extensions["casework_settings"].home
    (home / "log" / "signing.key").unlink()
    with pytest.raises(LogProblem, match="cannot be read"):
        sign(identity_here())
    with pytest.raises(LogProblem, match="has signed before"):
        make_identity(home, "other")
    assert new_origin(identity_here(), reason("the key was lost")).origin == "casework/test~2"


def test_an_interrupted_change_of_origin_signs_nothing_and_can_be_repeated(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(3)
    identity = identity_of(app)
    from casework.audit import identity as module

    kept = module._write

    def stop_before_the_public_key(path: object, content: bytes, mode: int) -> None:
        if str(path).endswith("verifier.key"):
            raise KeyboardInterrupt
        kept(path, content, mode)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_write", stop_before_the_public_key)
    with pytest.raises(KeyboardInterrupt):
        identity.start_anew()
    monkeypatch.undo()
    grow_without_signing()
    with pytest.raises(LogProblem):
        sign(identity)
    assert new_origin(identity, reason("again")).origin == "casework/test~3"
    assert verified().ok


def grow_without_signing() -> None:
    write_events(2)
    sequence_all()


def test_a_commit_without_an_answer_starts_a_new_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    act()
    from sqlalchemy.exc import OperationalError

    from casework.core.errors import Unavailable

    session = db.session()

    def committed_but_the_line_broke() -> None:
        type(session).commit(session)
        raise OperationalError("COMMIT", {}, Exception("the connection was lost"))

    monkeypatch.setattr(session, "commit", committed_but_the_line_broke)
    with pytest.raises(Unavailable), unit_of_work():
        event.write(event.EventDraft(action="R", category="case", code="case.viewed", outcome="success"))
    monkeypatch.undo()
    act()
    act()
    sequence_all()
    report = verified()
    assert (report.problem, report.checked) == (None, 4)


def test_numbers_of_a_transaction_that_was_rolled_back_are_used_again() -> None:
    act()
    for _ in range(3):
        unit_of_work_begin(write=True)
        event.write(event.EventDraft(action="R", category="case", code="case.viewed", outcome="success"))
        rollback()
    act()
    sequence_all()
    assert verified().problem is None


def test_the_name_of_the_log_is_taken_from_the_deployment(tmp_path: object, app: Flask) -> None:
    home = app.extensions["casework_settings"].home / "elsewhere"
    assert make_identity(home, "qashqadaryo-1") == "casework/qashqadaryo-1"
    assert make_identity(home, "qashqadaryo-1") is None
    assert Identity(home / "log").signer().name == "casework/qashqadaryo-1"
    assert (home / "log" / "signing.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(LogProblem, match="small Latin letters"):
        make_identity(home / "third", "Two words")
    made = make_identity(home / "fourth")
    assert made is not None
    assert made.startswith("casework/")


def test_a_clock_that_is_set_back_leaves_a_writers_numbers_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify.WriterSequences, "WINDOW", 100)  # so that two thousand events are many
    now = clock.now()
    with clock.frozen(now):
        write_events(1200, in_one=400)
    with clock.frozen(now - timedelta(hours=1)):
        write_events(1200, in_one=400)
        with unit_of_work(write=False):
            assert keeping.log_health().oldest_pending == timedelta(0)
    sequence_all()
    sign(identity_here())
    report = verified()
    assert (report.problem, report.checked) == (None, 2400)
    assert any("clock was set back" in note for note in report.notes)


def test_the_age_of_what_waits_is_told_by_the_clock_that_was_set_back() -> None:
    now = clock.now()
    with clock.frozen(now):
        act()
        sequence_all()
    with clock.frozen(now - timedelta(hours=1)):
        act()
    with clock.frozen(now - timedelta(minutes=50)), unit_of_work(write=False):
        assert keeping.log_health().oldest_pending == timedelta(minutes=10)
