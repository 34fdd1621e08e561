"""Exports: whole, in range, all or nothing, logged; and the commands over them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from casework.access.actor import SYSTEM
from casework.audit import queries
from casework.audit.export import Exported, ExportProblem, Form, Wanted, export
from casework.audit.identity import identity_here
from casework.audit.note import Checkpoint, Signer, sign_checkpoint
from casework.audit.origin import new_origin
from casework.audit.reasons import reason
from casework.audit.sequencer import sequence_all
from casework.audit.tiles import Tile, decode_bundle
from casework.audit.verify import CSV_COLUMNS, usual_cells, verify_pack
from casework.commands import audit as audit_commands
from casework.commands.audit import audit
from casework.core import clock
from tests.services.audit_log import attacker_of, grow, kind_of, verified, write_events

pytestmark = pytest.mark.both_engines


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def exported(
    target: Path, form: Form = "pack", first: int = 0, last: int | None = None, **options: object
) -> Exported:
    since = options.pop("since", None)
    wanted = Wanted(form, reason("a test"), first, last, since)  # type: ignore[arg-type]
    return export(SYSTEM, wanted, target, identity_here(), source="test", **options)  # type: ignore[arg-type]


def key() -> str:
    return identity_here().verifier().vkey


def last_events(app: Flask, count: int) -> list[dict[str, object]]:
    rows = attacker_of(app).asks(f"SELECT body FROM audit_event ORDER BY id DESC LIMIT {count}")
    return [json.loads(bytes(row[0])) for row in rows][::-1]


def test_a_pack_is_whole_and_holds_its_own_beginning(tmp_path: Path) -> None:
    write_events(300)
    done = exported(tmp_path / "pack")
    report = verify_pack(tmp_path / "pack", key())
    assert (report.problem, report.checked, report.notes) == (None, 301, [])
    assert (done.count, done.size, done.warnings) == (301, 301, [])
    lines = (tmp_path / "pack" / "entries.jsonl").read_bytes()
    assert hashlib.sha256(lines).digest() == done.digest
    assert json.loads(lines.splitlines()[-1])["code"] == "export.begin"
    bundle = (tmp_path / "pack" / Tile(-1, 1, 45).path).read_bytes()
    assert decode_bundle(bundle) == lines.splitlines()[256:]


def test_a_pack_can_be_a_zip_file_and_its_verifier_runs_alone(tmp_path: Path) -> None:
    write_events(20)
    done = exported(tmp_path / "pack.zip")
    assert hashlib.sha256((tmp_path / "pack.zip").read_bytes()).digest() == done.digest
    assert verify_pack(tmp_path / "pack.zip", key()).problem is None
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        script = archive.read("verify.py")
        assert "Oʻzbekcha" in archive.read("README.txt").decode()
    (tmp_path / "verify.py").write_bytes(script)
    ran = subprocess.run(
        [sys.executable, "-I", tmp_path / "verify.py", tmp_path / "pack.zip", "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert json.loads(ran.stdout)["ok"] is True


@pytest.mark.parametrize(("first", "last"), [(0, 10), (250, 260), (256, 512), (290, 300), (7, 7)])
def test_a_range_proves_up_to_the_root(tmp_path: Path, first: int, last: int) -> None:
    write_events(520)
    assert exported(tmp_path / "pack", first=first, last=last).count == last - first
    report = verify_pack(tmp_path / "pack", key())
    assert (report.problem, report.checked) == (None, last - first)
    lines = exported(tmp_path / "lines", "jsonl", first, last)
    assert (tmp_path / "lines").read_bytes() == (tmp_path / "pack" / "entries.jsonl").read_bytes()
    exported(tmp_path / "rows", "csv", first, last)
    assert (tmp_path / "rows").read_bytes() == (tmp_path / "pack" / "entries.csv").read_bytes()
    assert lines.count == last - first


def test_the_csv_is_for_a_spreadsheet(tmp_path: Path) -> None:
    write_events(3)
    exported(tmp_path / "log.csv", "csv")
    content = (tmp_path / "log.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfidx,leaf_hash,v,")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row[0] for row in rows[1:]] == ["0", "1", "2", "3"]


def test_what_the_product_writes_takes_the_short_way(app: Flask) -> None:
    write_events(2)
    assert all(
        usual_cells([json.dumps(event, separators=(",", ":")).encode()]) for event in last_events(app, 2)
    )


def test_the_export_is_logged_before_and_after(app: Flask, tmp_path: Path) -> None:
    done = exported(tmp_path / "log.jsonl", "jsonl")
    begun, ended = last_events(app, 2)
    assert (begun["code"], ended["code"]) == ("export.begin", "export.end")
    assert begun["detail_commitment"] != ended["detail_commitment"] == done.digest.hex()
    assert (ended["result_count"], ended["outcome"]) == (1, "success")
    assert b"a test" not in (tmp_path / "log.jsonl").read_bytes()


def test_an_export_that_fails_leaves_nothing_and_says_so(app: Flask, tmp_path: Path) -> None:
    write_events(5)

    def full(done: int, of: int) -> None:
        raise OSError("no space left")

    for name, form in (("pack", "pack"), ("pack.zip", "pack"), ("log.csv", "csv")):
        with pytest.raises(OSError, match="no space"):
            exported(tmp_path / name, form, progress=full)  # type: ignore[arg-type]
    assert list(tmp_path.glob("[!h]*")) == list(tmp_path.glob(".*")) == []
    assert [event["outcome"] for event in last_events(app, 2)] == ["success", "error"]


def test_what_is_there_already_is_replaced_only_when_asked(tmp_path: Path) -> None:
    write_events(1)
    exported(tmp_path / "pack")
    with pytest.raises(ExportProblem, match="is there already"):
        exported(tmp_path / "pack")
    (tmp_path / "pack" / "stale").touch()
    exported(tmp_path / "pack", force=True)
    assert not (tmp_path / "pack" / "stale").exists()
    assert verify_pack(tmp_path / "pack", key()).ok
    with pytest.raises(ExportProblem, match="no folder"):
        exported(tmp_path / "nowhere" / "pack")
    with pytest.raises(ExportProblem, match="The log has"):
        exported(tmp_path / "other", first=5, last=999)


def test_since_an_older_checkpoint_the_pack_has_the_proof(tmp_path: Path) -> None:
    grow(300)
    older = identity_here().last_note()
    assert older is not None
    grow(77)
    exported(tmp_path / "pack", since=older)
    assert json.loads((tmp_path / "pack" / "consistency.json").read_text())["size1"] == 300
    report = verify_pack(tmp_path / "pack", key(), older)
    assert report.problem is None
    with pytest.raises(ExportProblem, match="not of this log"):
        exported(tmp_path / "other", since=older.replace(b"test", b"tent"))


def test_a_log_that_may_not_sign_is_exported_up_to_its_last_checkpoint(app: Flask, tmp_path: Path) -> None:
    grow(10)
    (identity_here().folder / "signing.key").chmod(0o644)
    write_events(5)
    done = exported(tmp_path / "pack")
    assert done.size == 10
    assert "can be read by others" in done.warnings[0]
    assert verify_pack(tmp_path / "pack", key()).ok


def test_a_changed_log_is_exported_with_a_warning_and_the_pack_shows_it(app: Flask, tmp_path: Path) -> None:
    grow(10)
    attacker_of(app).does("UPDATE audit_leaf SET leaf_hash = :leaf WHERE idx = 4", leaf=b"\0" * 32)
    done = exported(tmp_path / "pack")
    assert "was changed" in done.warnings[0]
    assert not verify_pack(tmp_path / "pack", key()).ok
    assert kind_of(verified()) == "leaf_hashes"


# The commands


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(audit, list(arguments))
    return result.exit_code, result.output


def test_the_commands_export_and_verify(app: Flask, tmp_path: Path) -> None:
    write_events(5)
    code, said = run(
        "export", "--format", "pack", "--out", str(tmp_path / "p"), "--reason", "a test", "--json"
    )
    assert code == 0
    answer = json.loads(said)
    assert (answer["count"], answer["size"]) == (6, 6)
    commitment = hashlib.sha256(bytes.fromhex(answer["salt"]) + b"a test").hexdigest()
    assert answer["commitment"] == commitment == last_events(app, 2)[0]["detail_commitment"]
    assert run("verify", str(tmp_path / "p"))[0] == 0
    code, said = run("verify", "--json")
    assert code == 0
    assert json.loads(said)["ok"] is True
    assert last_events(app, 1)[0]["code"] == "log.verified"


def test_verify_says_broken_with_one_and_unusable_with_two(app: Flask, tmp_path: Path) -> None:
    grow(5)
    attacker_of(app).does("UPDATE audit_event SET code = 'case.listed'")
    code, said = run("verify")
    assert code == 1
    assert "BROKEN at index 0 (projection)" in said
    assert last_events(app, 1)[0]["outcome_reason"] == "projection"
    code, said = run("verify", str(tmp_path), "--json")
    assert code == 2
    assert "unusable" in json.loads(said)


def test_the_checkpoint_command_signs_first(app: Flask) -> None:
    write_events(3)
    code, said = run("checkpoint")
    assert code == 0
    assert said.startswith("casework/test\n3\n")
    assert said.encode() == identity_here().last_note()


def test_a_new_origin_is_asked_for_twice() -> None:
    grow(3)
    result = CliRunner().invoke(audit, ["new-origin", "--reason", "a test"], input="n\n")
    assert result.exit_code == 1
    assert identity_here().verifier().name == "casework/test"
    code, said = run("new-origin", "--reason", "a test", "--yes", "--json")
    assert code == 0
    assert json.loads(said)["origin"] == "casework/test~2"
    assert json.loads(said)["continues"][:2] == ["casework/test", "3"]
    assert verified().ok


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("name", ["pack", "pack.zip"])
def test_an_export_that_is_told_to_end_leaves_nothing_and_says_so(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, name: str
) -> None:
    write_events(5)

    def told(*arguments: Any, **more: Any) -> Exported:
        more["progress"] = lambda done, of: os.kill(os.getpid(), number)
        return export(*arguments, **more)

    monkeypatch.setattr(audit_commands, "export", told)
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a job in the background ignores Ctrl-C
    try:
        code, _ = run("export", "--format", "pack", "--out", str(tmp_path / name), "--reason", "a test")
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == (1 if number == signal.SIGINT else 128 + number)
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == []
    begun, ended = last_events(app, 2)
    assert (begun["code"], ended["code"], ended["outcome"]) == ("export.begin", "export.end", "error")


def test_force_replaces_an_export_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_events(3)
    exported(tmp_path / "pack")
    (tmp_path / "empty").mkdir()
    for name in ("pack", "empty"):
        with pytest.raises(ExportProblem, match="is there already"):
            exported(tmp_path / name)
        assert exported(tmp_path / name, force=True).count > 3
    precious = tmp_path / "documents"
    precious.mkdir()
    (precious / "letter").write_text("dear all")
    (tmp_path / "link").symlink_to(precious)
    monkeypatch.chdir(precious)
    for target in (precious, tmp_path / "link", Path(), Path(".."), Path("/dev/null"), Path("/")):
        with pytest.raises(ExportProblem, match="is there already and is not an export"):
            exported(target, force=True)
    assert (precious / "letter").read_text() == "dear all"
    assert (tmp_path / "link").is_symlink()
    assert Path("/dev/null").is_char_device()


def test_a_target_is_refused_before_an_event_is_written(app: Flask, tmp_path: Path) -> None:
    write_events(1)
    forms: tuple[Form, ...] = ("jsonl", "csv")
    for form in forms:
        with pytest.raises(ExportProblem, match="Only a pack holds a proof"):
            exported(tmp_path / "log", form, since=b"a checkpoint")
    with pytest.raises(ExportProblem, match="no folder"):
        exported(tmp_path / "nowhere" / "log", "csv")
    assert [event["code"] for event in last_events(app, 1)] == ["case.viewed"]


def test_nobody_else_may_read_an_export(tmp_path: Path) -> None:
    write_events(3)
    before = os.umask(0)
    try:
        exported(tmp_path / "log.jsonl", "jsonl")
        exported(tmp_path / "log.csv", "csv")
        exported(tmp_path / "pack.zip")
        exported(tmp_path / "pack")
    finally:
        os.umask(before)
    for name in ("log.jsonl", "log.csv", "pack.zip"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600, name
    assert (tmp_path / "pack").stat().st_mode & 0o777 == 0o700


def test_what_a_killed_export_left_is_removed_by_the_next_one_of_that_name(tmp_path: Path) -> None:
    write_events(1)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = [tmp_path / f".log.zip.{ended.pid}.0123abcd.partial{more}" for more in ("", ".zip")]
    left[0].mkdir()
    (left[0] / "entries.jsonl").write_text("{}")
    left[1].write_text("half")
    others = [tmp_path / f".log.zip.{os.getpid()}.0123abcd.partial", tmp_path / ".log.zip.x.partial"]
    for path in others:
        path.write_text("somebody's")
    exported(tmp_path / "log.zip")
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in others)


def test_no_event_of_the_days_asked_for_is_left_out_whatever_the_clock_did() -> None:
    today = clock.local(clock.now()).replace(hour=9)
    for days_ago, count in ((3, 2), (1, 400), (3, 1), (1, 400), (0, 1)):  # set back for a while
        with clock.frozen(today - timedelta(days=days_ago)):
            write_events(count)
    sequence_all()

    def asked(first: int | None, last: int | None) -> tuple[int, int | None]:
        since, until = (None if ago is None else clock.today() - timedelta(days=ago) for ago in (first, last))
        return queries.indices_of_days(since, until)

    assert asked(3, 3) == (0, 403)
    assert asked(1, 1) == (2, 803)
    assert asked(1, None) == (2, 804)
    assert asked(None, 2) == (0, 403)
    assert asked(None, None) == (0, None)
    assert asked(9, 8) == (0, 0)


def test_a_checkpoint_of_an_earlier_origin_still_proves_its_part_of_the_log(tmp_path: Path) -> None:
    grow(300)
    older = identity_here().last_note()
    assert older is not None
    new_origin(identity_here(), reason("a test"))
    grow(20)
    assert verified(checkpoint=older).ok
    for name in ("pack", "pack.zip"):
        exported(tmp_path / name)
        report = verify_pack(tmp_path / name, key(), older)
        assert report.problem is None
        assert any("of the earlier origin casework/test." in note for note in report.notes)
    forged = sign_checkpoint(Checkpoint("casework/test", 300, bytes(32)), Signer("casework/test", bytes(32)))
    assert kind_of(verified(checkpoint=forged)) == "key_changed"
    assert kind_of(verify_pack(tmp_path / "pack", key(), forged)) == "key_changed"


def test_a_past_that_an_earlier_origin_signed_otherwise_is_named(tmp_path: Path) -> None:
    grow(300)
    other_past = sign_checkpoint(Checkpoint("casework/test", 300, bytes(32)), identity_here().signer())
    new_origin(identity_here(), reason("a test"))
    assert kind_of(verified(checkpoint=other_past)) == "fork"
    exported(tmp_path / "pack")
    assert kind_of(verify_pack(tmp_path / "pack", key(), other_past)) == "fork"
