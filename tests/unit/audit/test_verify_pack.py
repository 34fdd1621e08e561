from __future__ import annotations

import base64
import csv
import io
import json
import multiprocessing
import shutil
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.audit import merkle, tiles, verify
from casework.audit.note import Checkpoint, Signer, sign_checkpoint
from casework.audit.verify import (
    EVENT_KEYS,
    Report,
    Unusable,
    WriterSequences,
    csv_header,
    csv_lines,
    csv_row,
    verify_pack,
)

ORIGIN = "casework/test"
LOG = Signer(ORIGIN, b"\x01" * 32)
THIEF = Signer(ORIGIN, b"\x02" * 32)
SCRIPT = Path(verify.__file__)


def an_event(number: int, writer: int, seq: int) -> dict[str, Any]:
    values: dict[str, Any] = dict.fromkeys(EVENT_KEYS)
    values |= {
        "v": 1,
        "event_uid": f"event-{number}",
        "recorded": f"2026-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}.{number:06d}Z",
        "writer_id": f"writer-{writer}",
        "writer_seq": seq,
        "action": "R",
        "code": "case.viewed",
        "outcome": "success",
        "endpoint": "/cases/<uuid:case_id>",
        "subject_ids": [f"s{number}", "t"],
        "compartments": ["CORE"],
        "fields_accessed": [],
        "result_count": number,
        "break_glass": False,
    }
    return values


def line(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def log_of(count: int, writers: int = 3) -> list[bytes]:
    return [line(an_event(number, number % writers, number // writers + 1)) for number in range(count)]


@dataclass
class Exported:
    """What an honest exporter would write; a test changes one thing before ``write``."""

    bodies: list[bytes]
    first: int = 0
    last: int = -1
    dropped: frozenset[int] = frozenset()
    signer: Signer = LOG
    since: int | None = None
    with_bundles: bool = True
    lines: list[bytes] = field(init=False)
    leaves: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.bodies)
        self.last = self.size if self.last < 0 else self.last
        self.leaves = merkle.leaf_hashes(self.bodies)
        self.here = [index for index in range(self.first, self.last) if index not in self.dropped]
        self.lines = [self.bodies[index] for index in self.here]

    def note(self, size: int | None = None) -> bytes:
        size = self.size if size is None else size
        return sign_checkpoint(Checkpoint(ORIGIN, size, merkle.root(self.leaves[:size])), self.signer)

    def csv(self) -> bytes:
        rows = []
        for index in range(self.first, self.last):
            event = None if index in self.dropped else json.loads(self.bodies[index])
            rows.append(csv_row(index, self.leaves[index], event))
        return csv_header() + csv_lines(rows)

    def write(self, path: Path) -> Path:
        path.mkdir()
        manifest = {"format": 1, "origin": ORIGIN, "size": self.size, "from": self.first, "to": self.last}
        (path / "manifest.json").write_text(json.dumps(manifest))
        (path / "checkpoint").write_bytes(self.note())
        (path / "verifier.key").write_text(self.signer.verifier.vkey + "\n")
        (path / "entries.jsonl").write_bytes(b"".join(body + b"\n" for body in self.lines))
        (path / "leaf-hashes.bin").write_bytes(b"".join(self.leaves))
        (path / "entries.csv").write_bytes(self.csv())
        drops = [
            {"idx": index, "dropped": True, "leaf_hash": self.leaves[index].hex()}
            for index in sorted(self.dropped)
        ]
        if drops:
            (path / "dropped.jsonl").write_text("".join(json.dumps(item) + "\n" for item in drops))
        if self.since:
            proof = merkle.consistency_proof(self.since, self.size, self.leaves)
            item = {
                "size1": self.since,
                "root1": base64.b64encode(merkle.root(self.leaves[: self.since])).decode(),
                "proof": [base64.b64encode(hash_).decode() for hash_ in proof],
            }
            (path / "consistency.json").write_text(json.dumps(item))
        for tile, data in tiles.grow(0, self.leaves, lambda tile: b"").items():
            target = path / tile.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        if self.with_bundles and set(self.here) == set(range(self.size)):
            for tile in tiles.new_bundles(0, self.size):
                target = path / tile.path
                target.parent.mkdir(parents=True, exist_ok=True)
                bodies = self.bodies[tile.n * 256 : tile.n * 256 + tile.width]
                target.write_bytes(tiles.encode_bundle(bodies))
        return path


def kind_and_index(report: Report) -> tuple[str, int | None]:
    assert not report.ok
    assert report.problem is not None
    return report.problem.kind, report.problem.index


SIZE = 700


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Exported(log_of(SIZE), since=300).write(tmp_path / "pack")


def edit_lines(pack: Path, change: Callable[[list[bytes]], None]) -> None:
    path = pack / "entries.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1]
    change(lines)
    path.write_bytes(b"".join(body + b"\n" for body in lines))


# Whole packs


def test_a_whole_pack_is_whole(pack: Path) -> None:
    report = verify_pack(pack, key=LOG.verifier.vkey)
    assert report.problem is None
    assert report.ok
    assert (report.checked, report.size, report.origin) == (SIZE, SIZE, ORIGIN)
    assert report.notes == []
    assert report.root == merkle.root(merkle.leaf_hashes(log_of(SIZE))).hex()


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 512, 1000])
def test_logs_of_every_size_are_whole(tmp_path: Path, size: int) -> None:
    report = verify_pack(Exported(log_of(size)).write(tmp_path / "pack"), LOG.verifier.vkey)
    assert report.problem is None
    assert report.checked == size


def test_a_log_with_a_third_level_of_tiles_is_whole(tmp_path: Path) -> None:
    leaves = 256 * 256 + 5
    exported = Exported(log_of(leaves), first=leaves - 10, last=leaves)
    report = verify_pack(exported.write(tmp_path / "pack"), LOG.verifier.vkey)
    assert report.problem is None
    assert report.checked == 10


def test_the_packs_own_key_is_used_with_a_warning(pack: Path) -> None:
    report = verify_pack(pack)
    assert report.ok
    assert "pack's own" in report.notes[0]


@pytest.mark.parametrize(
    ("first", "last"), [(0, 10), (5, 5), (0, 256), (255, 257), (256, 512), (690, 700), (3, 699)]
)
def test_a_range_proves_up_to_the_signed_root(tmp_path: Path, first: int, last: int) -> None:
    report = verify_pack(Exported(log_of(SIZE), first, last).write(tmp_path / "pack"), LOG.verifier.vkey)
    assert report.problem is None
    assert report.checked == last - first
    assert any("hashes only" in note for note in report.notes)


def test_dropped_bodies_are_reported_and_the_rest_still_proves(tmp_path: Path) -> None:
    dropped = frozenset(range(260)) | {300, 511, 699}
    report = verify_pack(Exported(log_of(SIZE), dropped=dropped).write(tmp_path / "pack"), LOG.verifier.vkey)
    assert report.problem is None
    assert report.checked == SIZE - len(dropped)
    assert any("263 bodies were dropped" in note for note in report.notes)
    assert any("missing writer numbers" in note for note in report.notes)


def test_a_zip_is_checked_like_a_directory(pack: Path, tmp_path: Path) -> None:
    bare = shutil.make_archive(str(tmp_path / "bare"), "zip", pack)
    assert verify_pack(bare, LOG.verifier.vkey) == verify_pack(pack, LOG.verifier.vkey)
    nested = tmp_path / "nested.zip"
    with zipfile.ZipFile(nested, "w", zipfile.ZIP_DEFLATED) as out:
        for file in sorted(pack.rglob("*")):
            if file.is_file():
                out.write(file, Path("audit-export") / file.relative_to(pack))
    assert verify_pack(nested, LOG.verifier.vkey) == verify_pack(pack, LOG.verifier.vkey)


def test_without_csv_and_tiles_the_lines_still_prove(pack: Path) -> None:
    (pack / "entries.csv").unlink()
    shutil.rmtree(pack / "tile")
    report = verify_pack(pack, LOG.verifier.vkey)
    assert report.ok
    assert len(report.notes) == 2


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_the_verifiers_tree_is_the_logs_tree(data: st.DataObject) -> None:
    size = data.draw(st.integers(0, 1200))
    leaves = merkle.leaf_hashes(b"%d" % number for number in range(size))
    packed = b"".join(leaves)
    assert verify.root_of(packed) == merkle.root(leaves)
    tree = verify.Tree()
    older = data.draw(st.integers(0, size))
    for begin in range(0, size, 256):
        if begin < older <= begin + 256:
            extra = packed[begin * 32 : older * 32]
            assert tree.root(extra) == merkle.root(leaves[:older])
        tree.add(packed[begin * 32 : (begin + 256) * 32])
    assert tree.root() == merkle.root(leaves)
    if older:
        proof = merkle.consistency_proof(older, size, leaves)
        root1, root2 = merkle.root(leaves[:older]), merkle.root(leaves)
        assert verify.consistent(older, size, root1, root2, proof)
        assert not verify.consistent(older, size, root1, root2, [*proof, root1])
        assert not verify.consistent(older, size, root2, root1, proof) or root1 == root2


@given(st.integers(0, 10**10), st.integers(1, 256), st.integers(-1, 63))
def test_the_verifiers_tile_paths_are_those_of_the_log(n: int, width: int, level: int) -> None:
    assert verify.tile_path("entries" if level < 0 else level, n, width) == tiles.Tile(level, n, width).path


# Broken packs: signature


def test_another_signers_checkpoint_is_named(pack: Path) -> None:
    exported = Exported(log_of(SIZE), signer=THIEF)
    (pack / "checkpoint").write_bytes(exported.note())
    assert kind_and_index(verify_pack(pack)) == ("signature", None)
    (pack / "verifier.key").write_text(THIEF.verifier.vkey)
    assert verify_pack(pack).ok, "a thief who signs everything anew looks whole from inside"
    assert kind_and_index(verify_pack(pack, LOG.verifier.vkey)) == ("signature", None)
    older = Exported(log_of(300)).note()
    assert kind_and_index(verify_pack(pack, checkpoint=older)) == ("key_changed", None)


def test_every_single_bit_of_the_checkpoint_matters(tmp_path: Path) -> None:
    pack = Exported(log_of(3)).write(tmp_path / "pack")
    note = (pack / "checkpoint").read_bytes()
    for at in range(len(note)):
        changed = bytearray(note)
        changed[at] ^= 1 << at % 8
        (pack / "checkpoint").write_bytes(changed)
        assert kind_and_index(verify_pack(pack, LOG.verifier.vkey)) == ("signature", None)


def test_a_checkpoint_that_speaks_for_another_log_is_named(pack: Path) -> None:
    other = Signer("casework/other", LOG.seed)
    (pack / "checkpoint").write_bytes(sign_checkpoint(Checkpoint("casework/other", SIZE, bytes(32)), other))
    assert kind_and_index(verify_pack(pack, LOG.verifier.vkey)) == ("signature", None)


@pytest.mark.parametrize(
    "change",
    [{"size": SIZE - 1}, {"to": SIZE + 1}, {"from": -1}, {"from": 9, "to": 8}, {"origin": "casework/x"}],
)
def test_a_manifest_that_does_not_fit_is_named(pack: Path, change: dict[str, Any]) -> None:
    manifest = json.loads((pack / "manifest.json").read_text())
    (pack / "manifest.json").write_text(json.dumps(manifest | change))
    assert kind_and_index(verify_pack(pack)) == ("manifest", None)


# Broken packs: the lines against the root


@pytest.mark.parametrize("index", [0, 255, 256, 699])
def test_a_changed_byte_of_a_body_is_named(pack: Path, index: int) -> None:
    def change(lines: list[bytes]) -> None:
        lines[index] = lines[index].replace(b"case.viewed", b"case.Viewed")

    edit_lines(pack, change)
    assert kind_and_index(verify_pack(pack)) == ("body_changed", index)


@pytest.mark.parametrize("count", [1, 2, 299])
def test_missing_lines_are_named(pack: Path, count: int) -> None:
    edit_lines(pack, lambda lines: lines.__delitem__(slice(400, 400 + count)))
    report = verify_pack(pack)
    assert kind_and_index(report) == ("idx_gap", 400)
    assert report.problem is not None
    assert f"{count} are missing in a row" in report.problem.detail


def test_a_missing_tail_is_named(pack: Path) -> None:
    edit_lines(pack, lambda lines: lines.__delitem__(slice(650, None)))
    assert kind_and_index(verify_pack(pack)) == ("tail_missing", 650)
    path = pack / "leaf-hashes.bin"
    path.write_bytes(path.read_bytes()[: 650 * 32 + 5])
    assert kind_and_index(verify_pack(pack)) == ("tail_missing", 650)


def test_an_inserted_line_is_named(pack: Path) -> None:
    edit_lines(pack, lambda lines: lines.insert(123, line(an_event(9999, 7, 1))))
    assert kind_and_index(verify_pack(pack)) == ("inserted", 123)


def test_a_line_after_the_last_is_named(pack: Path) -> None:
    edit_lines(pack, lambda lines: lines.append(line(an_event(9999, 7, 1))))
    assert kind_and_index(verify_pack(pack)) == ("extra_line", SIZE)


@pytest.mark.parametrize(("one", "other"), [(10, 11), (10, 640), (255, 256)])
def test_reordered_lines_are_named(pack: Path, one: int, other: int) -> None:
    def change(lines: list[bytes]) -> None:
        lines[one], lines[other] = lines[other], lines[one]

    edit_lines(pack, change)
    assert kind_and_index(verify_pack(pack)) == ("reordered", one)


def test_a_changed_line_in_a_range_is_named_by_its_index_in_the_log(tmp_path: Path) -> None:
    exported = Exported(log_of(SIZE), 300, 400, dropped=frozenset({310}))
    exported.lines[50] = exported.lines[50].replace(b"success", b"Success")
    assert kind_and_index(verify_pack(exported.write(tmp_path / "pack"))) == ("body_changed", 351)


def test_a_changed_leaf_hash_beside_a_right_line_is_named(pack: Path) -> None:
    data = bytearray((pack / "leaf-hashes.bin").read_bytes())
    data[77 * 32] ^= 1
    (pack / "leaf-hashes.bin").write_bytes(data)
    assert kind_and_index(verify_pack(pack)) == ("leaf_hashes", 77)
    (pack / "leaf-hashes.bin").write_bytes(b"".join(merkle.leaf_hashes(log_of(SIZE))) + b"x")
    assert kind_and_index(verify_pack(pack)) == ("leaf_hashes", SIZE)


def test_a_body_and_its_leaf_hash_changed_together_are_named_by_the_tiles(pack: Path) -> None:
    bodies = log_of(SIZE)
    bodies[321] = bodies[321].replace(b"success", b"denied")
    edit_lines(pack, lambda lines: lines.__setitem__(321, bodies[321]))
    (pack / "leaf-hashes.bin").write_bytes(b"".join(merkle.leaf_hashes(bodies)))
    assert kind_and_index(verify_pack(pack)) == ("leaf_changed", 321)
    shutil.rmtree(pack / "tile")
    assert kind_and_index(verify_pack(pack)) == ("root", None)


def test_a_changed_hash_outside_the_range_is_named(tmp_path: Path) -> None:
    pack = Exported(log_of(SIZE), 300, 400).write(tmp_path / "pack")
    data = bytearray((pack / "leaf-hashes.bin").read_bytes())
    data[600 * 32 + 31] ^= 0x80
    (pack / "leaf-hashes.bin").write_bytes(data)
    assert kind_and_index(verify_pack(pack)) == ("leaf_changed", 600)


# Broken packs: the older checkpoint


def test_a_pack_that_extends_the_older_checkpoint_is_whole(pack: Path) -> None:
    for size in (0, 1, 255, 256, 300, SIZE):
        assert verify_pack(pack, checkpoint=Exported(log_of(size)).note()).ok


def test_a_rewritten_past_is_named(pack: Path) -> None:
    other_past = Exported([line(an_event(5, 5, 5)), *log_of(299)])
    assert kind_and_index(verify_pack(pack, checkpoint=other_past.note())) == ("fork", None)
    same_size = Exported([line(an_event(5, 5, 5)), *log_of(SIZE - 1)])
    assert kind_and_index(verify_pack(pack, checkpoint=same_size.note())) == ("fork", None)


def test_a_log_that_went_back_is_named(pack: Path) -> None:
    newer = Exported(log_of(SIZE + 1)).note()
    assert kind_and_index(verify_pack(pack, checkpoint=newer)) == ("rollback", SIZE)


@pytest.mark.parametrize(
    "change",
    [
        lambda item: item["proof"].pop(),
        lambda item: item["proof"].append(item["root1"]),
        lambda item: item.update(root1=base64.b64encode(bytes(32)).decode()),
        lambda item: item.update(size1=301),
        lambda item: item.update(size1=0, proof=[]),
        lambda item: item.update(size1=SIZE + 1),
    ],
)
def test_a_false_consistency_proof_is_named(pack: Path, change: Callable[[dict[str, Any]], object]) -> None:
    item = json.loads((pack / "consistency.json").read_text())
    change(item)
    (pack / "consistency.json").write_text(json.dumps(item))
    assert kind_and_index(verify_pack(pack)) == ("consistency", None)


# Broken packs: dropped bodies and writers' numbers


def test_a_drop_that_the_tree_does_not_know_is_named(tmp_path: Path) -> None:
    pack = Exported(log_of(SIZE), dropped=frozenset({5, 400})).write(tmp_path / "pack")
    good = (pack / "dropped.jsonl").read_text().splitlines(keepends=True)
    wrong = json.loads(good[1]) | {"leaf_hash": bytes(32).hex()}
    (pack / "dropped.jsonl").write_text(good[0] + json.dumps(wrong) + "\n")
    assert kind_and_index(verify_pack(pack)) == ("dropped", 400)
    (pack / "dropped.jsonl").write_text(good[0])
    assert kind_and_index(verify_pack(pack)) == ("idx_gap", 400)
    (pack / "dropped.jsonl").write_text("".join(good) + json.dumps(wrong | {"idx": SIZE}) + "\n")
    assert kind_and_index(verify_pack(pack)) == ("dropped", SIZE)
    (pack / "dropped.jsonl").write_text(good[0] + good[0] + good[1])
    assert not verify_pack(pack).ok


def logged(numbers: list[tuple[int, int]]) -> list[bytes]:
    return [line(an_event(at, writer, seq)) for at, (writer, seq) in enumerate(numbers)]


def test_an_event_deleted_before_it_was_sequenced_leaves_a_named_hole(tmp_path: Path) -> None:
    numbers = [(1, 1), (2, 1), (1, 2), (2, 3), (1, 3)]
    report = verify_pack(Exported(logged(numbers)).write(tmp_path / "pack"))
    assert kind_and_index(report) == ("writer_hole", 3)
    assert report.problem is not None
    assert "writer-2 has no number 2" in report.problem.detail


def test_a_writer_that_does_not_begin_at_one_is_a_hole_in_a_full_pack_only(tmp_path: Path) -> None:
    numbers = [(1, 1), (1, 2), (2, 4), (1, 3), (2, 5)]
    assert kind_and_index(verify_pack(Exported(logged(numbers)).write(tmp_path / "full"))) == (
        "writer_hole",
        2,
    )
    assert verify_pack(Exported(logged(numbers), 1, 5).write(tmp_path / "range")).ok


def test_a_number_that_a_writer_used_twice_is_named(tmp_path: Path) -> None:
    numbers = [(1, 1), (1, 2), (2, 1), (1, 2)]
    assert kind_and_index(verify_pack(Exported(logged(numbers)).write(tmp_path / "pack"))) == (
        "writer_repeat",
        3,
    )


def test_events_of_one_writer_may_stand_a_little_out_of_order(tmp_path: Path) -> None:
    numbers = [(1, 2), (1, 1), (2, 1), (1, 4), (1, 3)]
    assert verify_pack(Exported(logged(numbers)).write(tmp_path / "pack")).ok


def test_more_missing_numbers_than_dropped_bodies_are_a_hole(tmp_path: Path) -> None:
    numbers = [(1, 1), (1, 2), (1, 3), (1, 5), (1, 6)]
    whole = Exported(logged(numbers), dropped=frozenset({1, 2})).write(tmp_path / "pack")
    assert kind_and_index(verify_pack(whole)) == ("writer_hole", 3)


def test_holes_are_found_however_many_events_follow_and_little_is_held() -> None:
    sequences = WriterSequences()
    for number in [*range(1, 100), *range(101, 20_000)]:
        sequences.see("w", number, number - 1)
        assert len(sequences.writers["w"][1]) <= WriterSequences.WINDOW
    sequences.end()
    assert sequences.missing == 1
    assert sequences.hole is not None
    assert sequences.hole.index == 100


@settings(deadline=None)
@given(st.sets(st.integers(1, 60), min_size=1), st.randoms(use_true_random=False))
def test_the_missing_numbers_are_counted_in_any_order(numbers: set[int], random: Any) -> None:
    order = sorted(numbers, key=lambda number: number + random.random() * 10)
    sequences = WriterSequences()
    for index, number in enumerate(order):
        sequences.see("w", number, index)
    sequences.end()
    assert sequences.missing == max(numbers) - len(numbers)
    assert (sequences.hole is None) == (sequences.missing == 0)
    assert sequences.repeated is None


def test_a_clock_that_was_set_back_is_noted(tmp_path: Path) -> None:
    events = [an_event(number, 1, number + 1) for number in range(5)]
    events[3]["recorded"] = "2025-12-31T23:59:59.000000Z"
    report = verify_pack(Exported([line(event) for event in events]).write(tmp_path / "pack"))
    assert report.ok
    assert any("at event 3 the clock was set back" in note for note in report.notes)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"not json", b'{"writer_id":1,"writer_seq":1,"recorded":""}']
)
def test_a_logged_line_that_is_not_an_event_is_named(tmp_path: Path, body: bytes) -> None:
    exported = Exported([*log_of(3), line(an_event(3, 9, 1))])
    exported.bodies[3], exported.lines[3] = body, body
    exported.leaves[3] = merkle.leaf_hash(body)
    exported.csv = lambda: csv_header()  # type: ignore[method-assign]
    assert kind_and_index(verify_pack(exported.write(tmp_path / "pack"))) == ("event", 3)


# Broken packs: CSV and tiles


def test_a_changed_csv_row_is_named(pack: Path) -> None:
    path = pack / "entries.csv"
    good = path.read_bytes()
    rows = good.split(b"\r\n")
    path.write_bytes(b"\r\n".join([*rows[:400], rows[400].replace(b"success", b"denied"), *rows[401:]]))
    assert kind_and_index(verify_pack(pack)) == ("csv", 399)
    path.write_bytes(b"\r\n".join([*rows[:400], *rows[401:]]))
    assert kind_and_index(verify_pack(pack)) == ("csv", 399)
    path.write_bytes(good[: -len(rows[-2]) - 2])
    assert kind_and_index(verify_pack(pack)) == ("csv", SIZE - 1)
    path.write_bytes(good + rows[-2] + b"\r\n")
    assert kind_and_index(verify_pack(pack)) == ("csv", SIZE)
    path.write_bytes(good.replace(b"leaf_hash", b"leaf_Hash", 1))
    assert kind_and_index(verify_pack(pack)) == ("csv", None)
    path.write_bytes(good[3:])
    assert kind_and_index(verify_pack(pack)) == ("csv", None)


@pytest.mark.parametrize(
    ("tile", "index"),
    [
        ("tile/0/000", 0),
        ("tile/0/002.p/188", 512),
        ("tile/1/000.p/2", 0),
        ("tile/entries/001", 256),
        ("tile/entries/002.p/188", 512),
    ],
)
def test_a_dropped_or_changed_tile_is_named(pack: Path, tile: str, index: int) -> None:
    data = bytearray((pack / tile).read_bytes())
    data[40] ^= 4
    (pack / tile).write_bytes(data)
    assert kind_and_index(verify_pack(pack)) == ("tile", index)
    (pack / tile).unlink()
    assert kind_and_index(verify_pack(pack)) == ("tile", index)


def test_the_first_failing_check_is_the_one_that_is_named(pack: Path) -> None:
    (pack / "tile/0/000").unlink()
    (pack / "entries.csv").write_bytes(b"")
    assert kind_and_index(verify_pack(pack)) == ("csv", None)
    edit_lines(pack, lambda lines: lines.__delitem__(7))
    newer = Exported(log_of(SIZE + 1)).note()
    assert kind_and_index(verify_pack(pack)) == ("idx_gap", 7)
    assert kind_and_index(verify_pack(pack, checkpoint=newer)) == ("rollback", SIZE)
    assert kind_and_index(verify_pack(pack, THIEF.verifier.vkey, newer)) == ("signature", None)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_single_bit_of_the_evidence_can_change_unseen(tmp_path_factory: Any, data: st.DataObject) -> None:
    pack = Exported(log_of(5), dropped=frozenset({2})).write(tmp_path_factory.mktemp("bits") / "pack")
    names = ["entries.jsonl", "leaf-hashes.bin", "entries.csv", "checkpoint", "tile/0/000.p/5"]
    path = pack / data.draw(st.sampled_from(names))
    content = bytearray(path.read_bytes())
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    assert not verify_pack(pack, LOG.verifier.vkey).ok, f"{path.name}, bit {bit}"


# Unusable input


@pytest.mark.parametrize(
    "name", ["checkpoint", "verifier.key", "manifest.json", "entries.jsonl", "leaf-hashes.bin"]
)
def test_a_pack_without_a_file_that_it_needs_is_unusable(pack: Path, name: str) -> None:
    (pack / name).unlink()
    with pytest.raises(Unusable, match=name):
        verify_pack(pack)


def test_what_is_not_a_pack_is_unusable(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(Unusable):
        verify_pack(tmp_path / "nothing")
    with pytest.raises(Unusable, match="neither a directory nor a zip"):
        verify_pack(pack / "checkpoint")
    with pytest.raises(Unusable, match="verifier key"):
        verify_pack(pack, key="nonsense")
    (pack / "manifest.json").write_text('{"format": 2}')
    with pytest.raises(Unusable, match="format"):
        verify_pack(pack)
    (pack / "manifest.json").write_text("[]")
    with pytest.raises(Unusable, match=r"manifest\.json"):
        verify_pack(pack)


def test_a_damaged_zip_is_unusable(pack: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "pack"), "zip", pack))
    data = bytearray(archive.read_bytes())
    at = data.find(b"entries.jsonl") + 200
    data[at : at + 4] = b"\xff\xff\xff\xff"
    archive.write_bytes(data)
    with pytest.raises(Unusable, match="cannot be read"):
        verify_pack(archive)


@pytest.mark.parametrize("size1", ["1e999", "600.5", '"600"', "true"])
def test_a_proof_from_no_size_is_unusable(pack: Path, size1: str) -> None:
    text = (pack / "consistency.json").read_text()
    (pack / "consistency.json").write_text(text.replace('"size1": 300', f'"size1": {size1}'))
    with pytest.raises(Unusable, match="size1"):
        verify_pack(pack)


@pytest.mark.parametrize("name", ["manifest.json", "consistency.json"])
def test_json_without_a_bottom_is_unusable(pack: Path, name: str) -> None:
    (pack / name).write_text("[" * 200_000)
    with pytest.raises(Unusable, match=name):
        verify_pack(pack)


def test_a_zip_of_a_kind_that_cannot_be_read_is_unusable(pack: Path, tmp_path: Path) -> None:
    def encrypt(data: bytearray, at: int) -> None:
        data[at + 6] |= 1

    def choose_an_unknown_method(data: bytearray, at: int) -> None:
        data[at + 8] = 99

    def damage_content(data: bytearray, at: int) -> None:
        data[at + 60 : at + 90] = bytes(30)

    ways: list[tuple[int, Callable[[bytearray, int], None]]] = [
        (zipfile.ZIP_STORED, encrypt),
        (zipfile.ZIP_STORED, choose_an_unknown_method),
        (zipfile.ZIP_LZMA, damage_content),
    ]
    for compression, damage in ways:
        archive = tmp_path / "pack.zip"
        with zipfile.ZipFile(archive, "w", compression) as file:
            for path in sorted(pack.rglob("*")):
                file.write(path, path.relative_to(pack))
            members = [file.getinfo(name) for name in ("entries.jsonl", "entries.csv")]
        data = bytearray(archive.read_bytes())
        central = data.index(b"PK\x01\x02")
        for member in members:
            damage(data, member.header_offset)
            if compression == zipfile.ZIP_STORED:  # The directory at the end says the same.
                at = data.index(member.filename.encode(), central) - 46
                damage(data, at + 2)
        archive.write_bytes(data)
        with pytest.raises(Unusable, match="cannot be read"):
            verify_pack(archive)


def test_a_mountain_of_lines_after_a_changed_one_is_not_climbed(
    pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_lines(pack, lambda lines: lines.__setitem__(5, b"changed"))
    with (pack / "entries.jsonl").open("ab") as file:
        file.write(b"\n" * 5_000_000)
    hashed: list[None] = []

    def counting(data: bytes) -> Any:
        hashed.append(None)
        return sha256(data)

    monkeypatch.setattr(verify, "sha256", counting)
    assert kind_and_index(verify_pack(pack, jobs=1)) == ("body_changed", 5)
    assert len(hashed) < 10 * SIZE


@pytest.mark.parametrize(
    "change",
    [
        (b'"code":"case.viewed"', b'"code":"case.viewed","code":"access.denied"'),
        (b'"code":"case.viewed",', b""),
        (b'"code":"case.viewed"', b'"code":"case.viewed","colour":"red"'),
        (b'{"v":1,"event_uid":"event-3",', b'{"event_uid":"event-3","v":1,'),
    ],
)
def test_a_line_whose_keys_are_not_those_of_an_event_is_named(
    tmp_path: Path, change: tuple[bytes, bytes]
) -> None:
    exported = Exported(log_of(9))
    body = exported.bodies[3].replace(*change)
    assert body != exported.bodies[3]
    exported.bodies[3] = exported.lines[3] = body
    exported.leaves[3] = merkle.leaf_hash(body)
    assert kind_and_index(verify_pack(exported.write(tmp_path / "pack"))) == ("event", 3)


def test_a_line_without_end_does_not_fill_the_memory(pack: Path) -> None:
    (pack / "entries.jsonl").write_bytes(b"x" * (3 << 20))
    with pytest.raises(Unusable, match="longer than any event"):
        verify_pack(pack)


# The CSV


def test_csv_cells_are_plain_and_never_a_formula() -> None:
    event = dict.fromkeys(EVENT_KEYS) | {
        "v": 1,
        "code": "=1+1",
        "agent_role": "+x",
        "purpose": "-x",
        "endpoint": "@x",
        "category": "\tx",
        "outcome": "\rx",
        "outcome_reason": 'comma, "quote" oʻ',
        "subject_ids": ["a", "b"],
        "compartments": [],
        "fields_accessed": ["=a"],
        "break_glass": True,
        "result_count": 0,
    }
    row = dict(zip(verify.CSV_COLUMNS, csv_row(7, bytes(32), event), strict=True))
    assert list(row) == ["idx", "leaf_hash", *EVENT_KEYS]
    assert (row["idx"], row["leaf_hash"], row["v"], row["request_id"]) == ("7", "00" * 32, "1", "")
    assert [row[key] for key in ("code", "agent_role", "purpose", "endpoint")] == [
        "'=1+1",
        "'+x",
        "'-x",
        "'@x",
    ]
    assert (row["category"], row["outcome"]) == ("'\tx", "'\rx")
    assert (row["subject_ids"], row["compartments"], row["fields_accessed"]) == ("a b", "", "'=a")
    assert (row["break_glass"], row["result_count"]) == ("true", "0")
    assert b'"comma, ""quote"" o\xca\xbb"' in csv_lines([list(row.values())])
    assert csv_row(3, bytes(32), None) == ["3", "00" * 32, *[""] * len(EVENT_KEYS)]
    assert csv_header().startswith(b"\xef\xbb\xbfidx,leaf_hash,v,event_uid,recorded,")


@settings(deadline=None)
@given(st.lists(st.lists(st.text(alphabet="ab,\"\r\n '=ʻ", max_size=6), min_size=2, max_size=5), max_size=4))
def test_csv_lines_are_those_of_the_standard_library(rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    assert csv_lines(rows) == out.getvalue().encode()


# The command


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-W", "error", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_copied_file_runs_alone_with_the_same_answers(pack: Path, tmp_path: Path) -> None:
    script = shutil.copy(SCRIPT, pack / "verify.py")
    key = tmp_path / "trusted.key"
    key.write_text(LOG.verifier.vkey + "\n")
    older = tmp_path / "older"
    older.write_bytes(Exported(log_of(300)).note())
    whole = run(script, pack, "--key", key, "--checkpoint", older)
    assert (whole.returncode, whole.stderr) == (0, "")
    assert whole.stdout.startswith(f"Whole: {SIZE} events of {ORIGIN}")
    (pack / "entries.csv").write_bytes(b"")
    broken = run(script, pack, "--json")
    assert broken.returncode == 1
    said = json.loads(broken.stdout)
    assert said["problem"] == {
        "kind": "csv",
        "index": None,
        "detail": "the header of entries.csv is not the one that the lines give",
    }
    assert said["ok"] is False
    assert run(script, pack).stdout.endswith("not the one that the lines give\n")
    unusable = run(script, tmp_path / "nothing")
    assert unusable.returncode == 2
    assert unusable.stderr.startswith("Cannot check this: ")
    assert json.loads(run(script, tmp_path / "nothing", "--json").stdout)["ok"] is False
    assert run(script, pack, "--key", tmp_path / "no.key").returncode == 2


def test_memory_does_not_grow_with_the_pack(tmp_path: Path) -> None:
    peaks = []
    for size in (5_000, 20_000):
        exported = Exported(log_of(size), with_bundles=False).write(tmp_path / str(size))
        tracemalloc.start()
        assert verify_pack(exported).ok
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5 + (2 << 20)


# Several processes


@dataclass
class Change:
    """What is done to a pack before it is checked."""

    name: str
    do: Callable[[Path], object]


def flip(name: str, at: int) -> Callable[[Path], object]:
    def do(pack: Path) -> None:
        data = bytearray((pack / name).read_bytes())
        data[at] ^= 1
        (pack / name).write_bytes(data)

    return do


CHANGES = [
    Change("nothing", lambda pack: None),
    Change("a body", flip("entries.jsonl", 1_000_000)),
    Change("a row", flip("entries.csv", 1_000_000)),
    Change("a hash", flip("leaf-hashes.bin", 100_000)),
    Change("a tile", flip("tile/0/007", 9)),
    Change("a bundle", flip("tile/entries/011", 9)),
    Change("a line less", lambda pack: edit_lines(pack, lambda lines: lines.__delitem__(4000))),
    Change("a line more", lambda pack: edit_lines(pack, lambda lines: lines.append(lines[7]))),
    Change("no CSV", lambda pack: (pack / "entries.csv").unlink()),
]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    events = [an_event(number, number % 7, number // 7 + 1) for number in range(5000)]
    events[3000] |= {"code": 'strange, "quoted"\n=code'}
    events[2047]["recorded"] = "2025-12-31T23:59:59.000000Z"
    return Exported([line(event) for event in events]).write(tmp_path_factory.mktemp("large") / "pack")


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_several_processes_find_the_same_as_one(large: Path, tmp_path: Path, change: Change) -> None:
    pack = Path(shutil.copytree(large, tmp_path / "pack"))
    change.do(pack)
    alone = verify_pack(pack, LOG.verifier.vkey, jobs=1)
    assert alone.ok == (change.name in ("nothing", "no CSV"))
    assert any("at event 2047 the clock was set back" in note for note in alone.notes) or not alone.ok
    assert verify_pack(pack, LOG.verifier.vkey, jobs=2) == alone


def test_several_processes_check_a_zip_and_say_how_far_they_are(large: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "pack"), "zip", large)
    heard: list[tuple[int, int]] = []
    report = verify_pack(
        archive, LOG.verifier.vkey, jobs=2, progress=lambda done, of: heard.append((done, of))
    )
    assert report == verify_pack(large, LOG.verifier.vkey, jobs=1)
    assert heard == [(2048, 5000), (4096, 5000), (5000, 5000)]


def test_a_helper_that_is_ended_from_outside_leaves_no_verdict(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "CHUNK", 256)

    def end_helpers(_done: int, _of: int) -> None:
        for child in multiprocessing.active_children():
            child.kill()
            child.join()

    with pytest.raises(Unusable, match="ended from outside"):
        verify_pack(large, LOG.verifier.vkey, jobs=2, progress=end_helpers)
    assert multiprocessing.active_children() == []


def test_a_pack_that_cannot_be_read_by_helpers_is_unusable(large: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "pack"), "zip", large))
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as content:
        at = content.getinfo("tile/entries/003").header_offset + 300
    data[at : at + 4] = b"\xff\xff\xff\xff"
    archive.write_bytes(data)
    with pytest.raises(Unusable, match="cannot be read"):
        verify_pack(archive, LOG.verifier.vkey, jobs=2)
