#!/usr/bin/env python3
"""Checks an exported pack of the audit log, without trusting whoever exported it.

    python verify.py PACK_DIR_OR_ZIP [--key verifier.key] [--checkpoint OLD] [--json]

Needs Python 3.11 or newer and the package ``cryptography``, nothing else. Exit code 0: whole. 1: broken; the first
thing that fails is named, with its index. 2: this is not a pack that can be checked.

A pack holds   manifest.json      {"format": 1, "origin": .., "size": N, "from": I, "to": J}: the indices I up to J - 1
               checkpoint         the signed statement of the log: origin, size, Merkle root
               verifier.key       the log's public key, for who has no copy of their own; better give --key
               entries.jsonl      one event on each line, exactly the bytes that were logged
               dropped.jsonl      {"idx": N, "dropped": true, "leaf_hash": hex} for a body that is gone; optional
               leaf-hashes.bin    the 32-byte leaf hash of every event of the log, index 0 to N - 1
               entries.csv        the same events for a spreadsheet; the lines are the evidence; optional
               consistency.json   a proof from an older size; optional
               tile/..            the same tree as static files; optional

The formats: https://www.rfc-editor.org/rfc/rfc6962#section-2.1 https://c2sp.org/signed-note
https://c2sp.org/tlog-checkpoint https://c2sp.org/tlog-tiles
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = 1
WIDTH = 256  # leaves to a tile
MAX_BODY = 0xFFFF

EVENT_KEYS = (
    "v",
    "event_uid",
    "recorded",
    "request_id",
    "writer_id",
    "writer_seq",
    "action",
    "category",
    "code",
    "outcome",
    "outcome_reason",
    "agent_id",
    "agent_role",
    "agent_place",
    "session_hash",
    "purpose",
    "justification_id",
    "src_ip",
    "endpoint",
    "entity_type",
    "entity_id",
    "subject_ids",
    "compartments",
    "fields_accessed",
    "query_hash",
    "result_count",
    "policy_version",
    "break_glass",
    "detail_commitment",
)
CSV_COLUMNS = ("idx", "leaf_hash", *EVENT_KEYS)


class Unusable(ValueError):
    """The input is not a pack that can be checked."""


class Broken(Exception):
    """A check failed: ``kind`` is a stable word, ``index`` the event's index where one can be named."""

    def __init__(self, kind: str, index: int | None, detail: str) -> None:
        super().__init__(detail)
        self.problem = Problem(kind, index, detail)


@dataclass(frozen=True)
class Problem:
    kind: str
    index: int | None
    detail: str


@dataclass
class Report:
    ok: bool = False
    checked: int = 0
    problem: Problem | None = None
    notes: list[str] = field(default_factory=list)
    origin: str | None = None
    size: int | None = None
    root: str | None = None


# --- The Merkle tree ---------------------------------------------------------------------------------------------


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(packed: bytes) -> bytes:
    """The root over leaf hashes (32 bytes each, one after another). An odd last node moves up unchanged."""
    while len(packed) > 32:
        even = len(packed) - len(packed) % 64
        pairs = [sha256(b"\x01" + packed[at : at + 64]).digest() for at in range(0, even, 64)]
        packed = b"".join(pairs) + packed[even:]
    return packed or sha256(b"").digest()


def split(packed: bytes) -> list[bytes]:
    """The hashes that stand one after another."""
    return [packed[at : at + 32] for at in range(0, len(packed), 32)]


class Tree:
    """A growing tree, held as the tile at the right edge of each level. ``on_tile`` sees each tile when it is full."""

    def __init__(self, on_tile: Callable[[int, int, bytes], None] = lambda level, n, hashes: None) -> None:
        self.rows: list[bytearray] = []
        self.counts: list[int] = []
        self.on_tile = on_tile

    def add(self, hashes: bytes, level: int = 0) -> None:
        """Adds the next hashes of a level, within one tile."""
        if level == len(self.rows):
            self.rows.append(bytearray())
            self.counts.append(0)
        row = self.rows[level]
        row += hashes
        if len(row) == WIDTH * 32:
            full = bytes(row)
            row.clear()
            self.on_tile(level, self.counts[level], full)
            self.counts[level] += 1
            self.add(root_of(full), level + 1)

    def root(self, extra: bytes = b"") -> bytes:
        """The root, as if the leaf hashes ``extra`` had been added too."""
        carry = extra
        for row in self.rows or [bytearray()]:
            carry = root_of(bytes(row) + carry) if row or carry else b""
        return carry or sha256(b"").digest()


def consistent(size1: int, size2: int, root1: bytes, root2: bytes, proof: list[bytes]) -> bool:
    """RFC 9162 section 2.1.4.2: whether the proof shows that tree 2 extends tree 1."""
    if not 0 < size1 <= size2 or any(len(item) != 32 for item in (root1, root2, *proof)):
        return False
    if size1 == size2:
        return not proof and root1 == root2
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else proof
    at, last = size1 - 1, size2 - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    if not path:
        return False
    older = newer = path[0]
    for item in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            older, newer = node(item, older), node(item, newer)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            newer = node(newer, item)
        at, last = at >> 1, last >> 1
    return last == 0 and older == root1 and newer == root2


# --- The signed checkpoint ---------------------------------------------------------------------------------------


def unbase64(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("not canonical base64")
    return data


def read_key(vkey: str) -> tuple[str, bytes, Ed25519PublicKey]:
    """Name, key id and public key of a line ``name+hex(key id)+base64(0x01 || public key)``."""
    try:
        name, key_id, encoded = vkey.strip().split("+", 2)
        key = unbase64(encoded)
        public = Ed25519PublicKey.from_public_bytes(key[1:])
    except ValueError as error:
        raise Unusable(f"the verifier key cannot be read: {error}") from error
    if key[0] != 1 or sha256(name.encode() + b"\n" + key).digest()[:4].hex() != key_id:
        raise Unusable("the verifier key does not belong to its key id, or is not an Ed25519 key")
    return name, bytes.fromhex(key_id), public


def read_checkpoint(note: bytes, vkey: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint. Raises ValueError unless the key signed exactly this text."""
    name, key_id, public = read_key(vkey)
    text, blank, tail = note.decode().rpartition("\n\n")
    text += "\n"
    if not blank or not tail.endswith("\n"):
        raise ValueError("it is not a signed note")
    signed = False
    for line in tail[:-1].split("\n"):
        dash, who, encoded = line.split(" ")
        blob = unbase64(encoded)
        if dash != "\u2014" or not who or len(blob) < 5:
            raise ValueError("a signature line is malformed")
        if who == name and blob[:4] == key_id:
            try:
                public.verify(blob[4:], text.encode())
            except InvalidSignature as error:
                raise ValueError("the signature does not belong to the text") from error
            signed = True
    if not signed:
        raise ValueError(f"the key {name}+{key_id.hex()} did not sign it")
    origin, size, root, *_ = text.split("\n")
    if not (size.isascii() and size.isdigit()) or str(int(size)) != size or len(unbase64(root)) != 32:
        raise ValueError("the size or the root is malformed")
    if origin != name:
        raise ValueError(f"it speaks for {origin}, but the key is that of {name}")
    return origin, int(size), unbase64(root)


# --- The pack ----------------------------------------------------------------------------------------------------


class Pack:
    """A directory, or a zip file that holds one, perhaps under one top folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = ExitStack()  # What stays open through the scan.
        self.zip: zipfile.ZipFile | None = None
        self.names: dict[str, str] = {}
        if path.is_dir():
            return
        try:
            self.zip = self.files.enter_context(zipfile.ZipFile(path))
        except (OSError, zipfile.BadZipFile) as error:
            raise Unusable(f"{path} is neither a directory nor a zip file: {error}") from error
        stored = self.zip.namelist()
        top = next((name[: -len("checkpoint")] for name in stored if name.split("/")[-1] == "checkpoint"), "")
        self.names = {name.removeprefix(top): name for name in stored if name.startswith(top)}

    def has(self, name: str) -> bool:
        return name in self.names if self.zip else (self.path / name).is_file()

    def has_folder(self, name: str) -> bool:
        if self.zip:
            return any(stored.startswith(name + "/") for stored in self.names)
        return (self.path / name).is_dir()

    def open(self, name: str) -> BinaryIO:
        if not self.has(name):
            raise Unusable(f"the pack has no {name}")
        return cast(BinaryIO, self.zip.open(self.names[name])) if self.zip else (self.path / name).open("rb")

    def read(self, name: str, limit: int = 1 << 20) -> bytes:
        with self.open(name) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise Unusable(f"{name} is larger than it can be")
        return data

    def lines(self, name: str) -> Generator[bytes, None, None]:
        """The lines of a file, without their newline. Holds 1 MiB at a time, however long a line pretends to be."""
        with self.open(name) as file:
            rest = b""
            while chunk := file.read(1 << 20):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines
                if len(rest) > 1 << 20:
                    raise Unusable(f"{name} has a line that is longer than any event can be")
            if rest:
                yield rest

    def json(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads(self.read(name))
        except ValueError as error:
            raise Unusable(f"{name} is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise Unusable(f"{name} is not a JSON object")
        return value


def tile_path(level: int | str, n: int, width: int = WIDTH) -> str:
    """``tile/0/x001/x234/067``, with ``.p/<width>`` for a partial tile."""
    groups = [f"{n:03d}"[-3:]]
    while n := n // 1000:
        groups.insert(0, f"x{n % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}" + (f".p/{width}" if width < WIDTH else "")


# --- The CSV -----------------------------------------------------------------------------------------------------


def csv_row(idx: int, leaf_hash: bytes, event: dict[str, Any] | None) -> list[str]:
    """The cells of one event; ``event`` is None where retention dropped the body."""
    return [str(idx), leaf_hash.hex(), *map(csv_cell, map((event or {}).get, EVENT_KEYS))]


def csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    # A spreadsheet would run such a cell as a formula.
    return "'" + text if text[:1] in FORMULA else text


FORMULA = frozenset("=+-@\t\r")


def csv_header() -> bytes:
    """The byte order mark, by which spreadsheets know UTF-8, and the row of column names."""
    return b"\xef\xbb\xbf" + csv_lines([list(CSV_COLUMNS)])


def csv_lines(rows: Iterable[list[str]]) -> bytes:
    """The rows as RFC 4180 writes them: quoted where needed, each ended by CR LF."""
    lines: list[str] = []
    for row in rows:
        text = ",".join(row)
        if '"' in text or "\n" in text or "\r" in text or text.count(",") >= len(row):
            text = ",".join(cell if PLAIN(cell) else '"' + cell.replace('"', '""') + '"' for cell in row)
        lines.append(text + "\r\n")
    return encoded("".join(lines))


def csv_line(idx: int, leaf_hash: bytes, event: dict[str, Any] | None) -> str:
    """One row as text."""
    return csv_lines([csv_row(idx, leaf_hash, event)]).decode()


def encoded(text: str) -> bytes:
    """UTF-8; half of a surrogate pair, which JSON can escape, is written as its escape."""
    return text.encode(errors="backslashreplace")


PLAIN = re.compile(r'[^,"\r\n]*').fullmatch


# Nearly every line is written by one program and needs no quoting: such a line becomes a row without being parsed.
# One group for each key. Whatever does not fit (escapes, commas, formulas, other keys) takes the long way.
_CHAR = r'[^"\\,\x00-\x1f]'
_TEXT = rf'(?:null|"((?![=+@-]){_CHAR}*+)")'
_NUMBER = r"(?:null|(0|[1-9][0-9]*+))"
_LIST = rf'\[(?:"((?![=+@-]){_CHAR}++(?>","{_CHAR}*+)*+)")?\]'
_SHAPES = {
    **dict.fromkeys(("v", "writer_seq", "result_count", "policy_version"), _NUMBER),
    **dict.fromkeys(("subject_ids", "compartments", "fields_accessed"), _LIST),
    "break_glass": "(true|false)",
}
USUAL = re.compile(
    r"\{" + ",".join(f'"{key}":{_SHAPES.get(key, _TEXT)}' for key in EVENT_KEYS) + r"\}"
).fullmatch
RECORDED, WRITER, NUMBER = (EVENT_KEYS.index(key) for key in ("recorded", "writer_id", "writer_seq"))


def usual_cells(body: bytes) -> tuple[str, ...] | None:
    """The cells of a line that needs no quoting, in the order of EVENT_KEYS; items of a list have ``","`` between
    them. None for any other line."""
    try:
        match = USUAL(body.decode())
    except UnicodeDecodeError:
        return None
    return match.groups("") if match else None


def usual_line(idx: int, leaf_hash: bytes, cells: tuple[str, ...]) -> str:
    """The row of such a line, the same that ``csv_lines`` gives."""
    return f"{idx},{leaf_hash.hex()},{','.join(cells)}\r\n".replace('","', " ")


def csv_of(begin: int, leaves: Iterable[tuple[bytes, bytes | None]]) -> bytes:
    """The rows of consecutive leaves, given as (leaf hash, body), the first of index ``begin``.

    A body is empty where retention dropped it; where it is None there is no row.
    """
    lines: list[str] = []
    for idx, (leaf_hash, body) in enumerate(leaves, begin):
        if body is None:
            continue
        if cells := usual_cells(body):
            lines.append(usual_line(idx, leaf_hash, cells))
            continue
        try:
            event = json.loads(body.decode()) if body else None
        except (ValueError, RecursionError):
            event = None
        lines.append(csv_line(idx, leaf_hash, event if isinstance(event, dict) else None))
    return encoded("".join(lines))


class CsvCheck:
    """Compares entries.csv with what the lines give, as they pass; keeps the first row that differs."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.problem: Problem | None = None
        if file.read(len(csv_header())) != csv_header():
            self.problem = Problem(
                "csv", None, "the header of entries.csv is not the one that the lines give"
            )

    def rows(self, lines: list[str]) -> None:
        if self.problem:
            return
        expected = encoded("".join(lines))
        found = self.file.read(len(expected))
        if found == expected:
            return
        for text in lines:
            line = encoded(text)
            if not found.startswith(line):
                idx = text.partition(",")[0]
                self.problem = Problem(
                    "csv", int(idx), f"row {idx} of entries.csv is not what its line gives"
                )
                return
            found = found[len(line) :]

    def end(self, index: int) -> None:
        if not self.problem and self.file.read(1):
            self.problem = Problem("csv", index, "entries.csv goes on after the last event")


# --- The writers' own numbers ------------------------------------------------------------------------------------


class WriterSequences:
    """Every writer numbers its events 1, 2, 3 and so on; an event deleted before it had an index leaves a hole.

    Events of one writer may stand a little out of order, so numbers that come early wait, at most WINDOW for a writer.
    ``open_start``: the events before the first one are not in the pack, so that a writer may begin at any number.
    """

    WINDOW = 4096

    def __init__(self, open_start: bool = False) -> None:
        self.start = None if open_start else 1
        self.writers: dict[str, tuple[int | None, dict[int, int]]] = {}
        self.missing = 0
        self.hole: Problem | None = None
        self.repeated: Problem | None = None

    def see(self, writer: str, number: int, index: int) -> None:
        due, early = self.writers.get(writer) or (self.start, {})
        if number == due and not early:
            self.writers[writer] = (number + 1, early)
            return
        if number in early or (due is not None and number < due):
            detail = f"writer {writer} has the number {number} twice, the second time at index {index}"
            self.repeated = self.repeated or Problem("writer_repeat", index, detail)
            return
        early[number] = index
        self.writers[writer] = (due, early)
        self._advance(writer)
        if len(early) > self.WINDOW:
            self._settle(writer)

    def end(self) -> None:
        for writer in self.writers:
            while self.writers[writer][1]:
                self._settle(writer)

    def _advance(self, writer: str) -> None:
        due, early = self.writers[writer]
        while due is not None and early.pop(due, None) is not None:
            due += 1
        self.writers[writer] = (due, early)

    def _settle(self, writer: str) -> None:
        """Gives up waiting for the numbers before the lowest one that came early."""
        due, early = self.writers[writer]
        lowest = min(early)
        if due is not None:
            self.missing += lowest - due
            what = f"number {due}" if lowest == due + 1 else f"numbers {due} to {lowest - 1}"
            detail = f"writer {writer} has no {what}: an event was deleted before it had an index"
            if self.hole is None or cast(int, self.hole.index) > early[lowest]:
                self.hole = Problem("writer_hole", early[lowest], detail)
        self.writers[writer] = (lowest, early)
        self._advance(writer)


class Clock:
    """Notices a clock that was set back: within one writer, or by minutes against all events before.

    Times are RFC 3339 in UTC with microseconds, which compare as text.
    """

    PATIENCE = timedelta(minutes=5)  # A long transaction may bring its event late.

    def __init__(self) -> None:
        self.writers: dict[str, str] = {}
        self.newest = ""
        self.least = ""

    def is_set_back(self, writer: str, recorded: str) -> bool:
        back = recorded < self.writers.get(writer, "") or recorded < self.least
        self.writers[writer] = recorded
        if recorded[:16] > self.newest[:16]:  # Once a minute is enough.
            try:
                self.least = (datetime.fromisoformat(recorded) - self.PATIENCE).strftime("%Y-%m-%dT%H:%M:%S")
            except (ValueError, OverflowError):
                return back
            self.newest = recorded
        return back


# --- The checks --------------------------------------------------------------------------------------------------


def verify_pack(path: str | Path, key: str | None = None, checkpoint: bytes | None = None) -> Report:
    """Checks a pack: signature, root, consistency, indices, writers' numbers, CSV, tiles; the first failure is named.

    ``key`` is the verifier key line that the caller trusts, ``checkpoint`` an older signed checkpoint that the caller
    kept. Raises Unusable when the input is not a pack. Memory does not grow with the pack.
    """
    report = Report()
    pack = Pack(Path(path))
    try:
        Check(pack, report, key, checkpoint).run()
    except Broken as broken:
        report.problem = broken.problem
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise Unusable(f"the pack cannot be read: {error}") from error
    finally:
        pack.files.close()
    report.ok = report.problem is None
    return report


class Check:
    """One run over one pack. The scan reads everything once and keeps the first failure of each kind; the failures
    are then judged in the order in which they matter."""

    def __init__(self, pack: Pack, report: Report, key: str | None, older: bytes | None) -> None:
        self.pack, self.report = pack, report
        self.vkey = key or pack.read("verifier.key").decode(errors="replace")
        if key is None:
            report.notes.append("The verifier key is the pack's own; compare it with a copy from elsewhere.")
        self.older_note = older
        self.wanted: dict[int, bytes] = {}  # The computed roots at the older sizes that will be asked for.
        self.mismatch: int | None = None  # The first index whose line does not give its shipped leaf hash.
        self.extra_line = False
        self.found: dict[str, Problem] = {}  # The first failure of each kind.
        self.dropped = 0
        self.clock = Clock()

    def run(self) -> None:
        self.read_statements()
        self.scan()
        self.judge_root()
        self.judge_consistency()
        self.judge_writers()
        for kind in ("dropped", "event", "writer_repeat", "writer_hole", "csv", "tile"):
            if problem := self.found.get(kind):
                raise Broken(problem.kind, problem.index, problem.detail)

    def keep(self, kind: str, index: int | None, detail: str) -> None:
        self.found.setdefault(kind, Problem(kind, index, detail))

    def read_statements(self) -> None:
        """What the log signed, what the exporter claims, and what the auditor brought."""
        pack, report = self.pack, self.report
        read_key(self.vkey)
        note = pack.read("checkpoint")
        try:
            self.origin, self.size, self.root = read_checkpoint(note, self.vkey)
        except ValueError as error:
            raise Broken("signature", None, f"the log did not sign this checkpoint: {error}") from error
        report.origin, report.size, report.root = self.origin, self.size, self.root.hex()
        manifest = pack.json("manifest.json")
        first, last = manifest.get("from"), manifest.get("to")
        if manifest.get("format") != FORMAT or not (type(first) is int and type(last) is int):
            raise Unusable("manifest.json is not of a format that this verifier knows")
        if (manifest.get("origin"), manifest.get("size")) != (self.origin, self.size):
            raise Broken(
                "manifest", None, f"the manifest is not of the checkpoint ({self.origin}, {self.size})"
            )
        if not 0 <= first <= last <= self.size:
            raise Broken("manifest", None, f"the manifest names events outside the log of {self.size}")
        self.first, self.last = first, last
        if (self.first, self.last) != (0, self.size):
            kept = f"events from {self.first} up to, not including, {self.last} of {self.size}"
            report.notes.append(f"The pack holds {kept}; the others are in it as hashes only.")
        self.older: tuple[int, bytes] | None = None
        if self.older_note is not None:
            try:
                _, older_size, older_root = read_checkpoint(self.older_note, self.vkey)
            except ValueError as error:
                detail = f"the older checkpoint is not signed by the key of this pack: {error}"
                raise Broken("key_changed", None, detail) from error
            if older_size > self.size:
                detail = (
                    f"the older checkpoint has {older_size} events, this one {self.size}: the log went back"
                )
                raise Broken("rollback", self.size, detail)
            self.older = older_size, older_root
        self.proof: tuple[int, bytes, list[bytes]] | None = None
        if pack.has("consistency.json"):
            item = pack.json("consistency.json")
            try:
                proof = [unbase64(text) for text in item["proof"]]
                self.proof = int(item["size1"]), unbase64(item["root1"]), proof
            except (KeyError, TypeError, ValueError) as error:
                raise Unusable(f"consistency.json cannot be read: {error}") from error

    # The scan: a tile's worth of leaves at a time.

    def scan(self) -> None:
        pack, size = self.pack, self.size
        older_sizes = {item[0] for item in (self.older, self.proof) if item}
        self.has_tiles, self.has_bundles = pack.has_folder("tile/0"), pack.has_folder("tile/entries")
        if size and not self.has_tiles:
            self.report.notes.append("The pack has no tiles; the lines and hashes were checked without them.")
        self.tree = Tree(self.check_tile)
        self.sequences = WriterSequences(open_start=self.first > 0)
        self.lines = pack.files.enter_context(closing(pack.lines("entries.jsonl")))
        self.drops = pack.files.enter_context(closing(self.read_drops()))
        self.drop = next(self.drops, None)
        self.csv: CsvCheck | None = None
        if pack.has("entries.csv"):
            self.csv = CsvCheck(pack.files.enter_context(pack.open("entries.csv")))
        with pack.open("leaf-hashes.bin") as file:
            for begin in range(0, size, WIDTH):
                end = min(begin + WIDTH, size)
                shipped = file.read((end - begin) * 32)
                if len(shipped) < (end - begin) * 32:
                    index = begin + len(shipped) // 32
                    raise Broken(
                        "tail_missing", index, f"leaf-hashes.bin ends before event {index} of {size}"
                    )
                hashes = self.block(begin, end, shipped)
                for older in older_sizes:
                    if begin < older <= end:
                        self.wanted[older] = self.tree.root(hashes[: (older - begin) * 32])
                self.tree.add(hashes)
            if file.read(1):
                self.keep("leaf_hashes", size, f"leaf-hashes.bin goes on after event {size - 1}")
        self.extra_line = next(self.lines, None) is not None
        if self.drop:
            self.keep(
                "dropped", self.drop[0], "dropped.jsonl is out of order or names an index outside the pack"
            )
        if self.csv:
            self.csv.end(self.last)
            if self.csv.problem:
                self.found["csv"] = self.csv.problem
        else:
            self.report.notes.append("The pack has no entries.csv; the lines were checked without it.")
        if self.dropped:
            self.report.notes.append(
                f"{self.dropped} bodies were dropped by retention; their hashes still prove."
            )
        for level, row in enumerate(self.tree.rows):
            if row:
                self.check_tile(level, self.tree.counts[level], bytes(row))

    def block(self, begin: int, end: int, shipped: bytes) -> bytes:
        """The leaf hashes of ``[begin, end)``: from the lines where the pack has them, else as they were shipped."""
        low, high = max(begin, self.first), min(end, self.last)
        if low >= high:
            return shipped
        gone = self.drops_before(low, high)
        bodies = list(islice(self.lines, high - low - len(gone)))
        if not gone and len(bodies) == end - begin and self.mismatch is None:
            # The usual case: the whole block is here, and it is right.
            hashes = b"".join([sha256(b"\x00" + body).digest() for body in bodies])
            if hashes == shipped:
                self.report.checked += len(bodies)
                self.events(begin, zip(bodies, split(hashes), strict=True))
                self.check_bundle(begin, bodies)
                return hashes
        return self.odd_block(begin, shipped, low, high, gone, bodies)

    def odd_block(
        self, begin: int, shipped: bytes, low: int, high: int, gone: dict[int, bytes], bodies: list[bytes]
    ) -> bytes:
        """A block with dropped bodies, at the edge of a range, or with something wrong in it."""
        present = [index for index in range(low, high) if index not in gone]
        mixed = bytearray(shipped)
        for index, body in zip(present, bodies, strict=False):
            mixed[(index - begin) * 32 : (index - begin + 1) * 32] = sha256(b"\x00" + body).digest()
        hashes = bytes(mixed)
        leaf = dict(enumerate(split(hashes), begin))
        for index, claimed in gone.items():
            if claimed != leaf[index]:
                self.keep(
                    "dropped", index, f"dropped.jsonl gives event {index} another leaf hash than the tree"
                )
        self.dropped += len(gone)
        self.report.checked += len(bodies)
        if self.mismatch is None and hashes != shipped:
            self.mismatch = next(
                i for i in present if leaf[i] != shipped[(i - begin) * 32 : (i - begin + 1) * 32]
            )
        elif self.mismatch is None and len(bodies) < len(present):
            self.mismatch = present[len(bodies)]
        if self.mismatch is None:  # After a mismatch lines and indices do not belong together any more.
            by_index = dict(zip(present, bodies, strict=True))
            self.events(low, ((by_index.get(index), leaf[index]) for index in range(low, high)))
            if len(bodies) == len(leaf):
                self.check_bundle(begin, bodies)
        return hashes

    def check_bundle(self, begin: int, bodies: list[bytes]) -> None:
        if self.has_bundles:
            bundle = b"".join([len(body).to_bytes(2, "big") + body for body in bodies])
            self.compare(tile_path("entries", begin // WIDTH, len(bodies)), bundle, begin)

    def events(self, low: int, leaves: Iterable[tuple[bytes | None, bytes]]) -> None:
        """Looks into consecutive lines, given with their leaf hashes, and at their rows in the CSV."""
        lines: list[str] = []
        for index, (body, leaf) in enumerate(leaves, low):
            if body is None:
                lines.append(csv_line(index, leaf, None))
            elif (cells := usual_cells(body)) and cells[WRITER] and cells[NUMBER] and cells[RECORDED]:
                self.note(index, cells[WRITER], int(cells[NUMBER]), cells[RECORDED])
                if self.csv:
                    lines.append(usual_line(index, leaf, cells))
            else:
                lines.append(csv_line(index, leaf, self.event(index, body)))
        if self.csv:
            self.csv.rows(lines)

    def event(self, index: int, body: bytes) -> dict[str, Any]:
        try:
            event = json.loads(body.decode())
            writer, number, recorded = event["writer_id"], event["writer_seq"], event["recorded"]
            if len(body) > MAX_BODY or not (
                type(writer) is str and type(number) is int and type(recorded) is str
            ):
                raise ValueError("it is too long, or a field has the wrong type")
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            self.keep("event", index, f"line {index} was logged so, but is not an event: {error!r}")
            return {}
        self.note(index, writer, number, recorded)
        return cast(dict[str, Any], event)

    def note(self, index: int, writer: str, number: int, recorded: str) -> None:
        """What an event says of its writer and its time."""
        self.sequences.see(writer, number, index)
        if self.clock.is_set_back(writer, recorded):
            self.found.setdefault(
                "clock", Problem("clock", index, f"at event {index} the clock was set back")
            )

    def read_drops(self) -> Generator[tuple[int, bytes], None, None]:
        if not self.pack.has("dropped.jsonl"):
            return
        for line in self.pack.lines("dropped.jsonl"):
            try:
                item = json.loads(line)
                index, leaf = item["idx"], bytes.fromhex(item["leaf_hash"])
                if type(index) is not int or item["dropped"] is not True:
                    raise ValueError("not a dropped event")
            except (KeyError, TypeError, ValueError, RecursionError) as error:
                raise Unusable(f"dropped.jsonl cannot be read: {error!r}") from error
            yield index, leaf

    def drops_before(self, low: int, high: int) -> dict[int, bytes]:
        gone: dict[int, bytes] = {}
        while self.drop and low <= self.drop[0] < high and self.drop[0] not in gone:
            gone[self.drop[0]] = self.drop[1]
            self.drop = next(self.drops, None)
        return gone

    def check_tile(self, level: int, n: int, hashes: bytes) -> None:
        if self.has_tiles:
            self.compare(tile_path(level, n, len(hashes) // 32), hashes, n * WIDTH ** (level + 1))

    def compare(self, path: str, expected: bytes, index: int) -> None:
        if not self.pack.has(path):
            self.keep("tile", index, f"{path} is missing")
        elif self.pack.read(path, limit=WIDTH * (MAX_BODY + 2)) != expected:
            self.keep("tile", index, f"{path} is not what the lines give")

    # The judgement.

    def judge_root(self) -> None:
        if self.tree.root() == self.root:
            if self.mismatch is not None:
                self.explain_mismatch(self.mismatch, proven=True)
            if self.extra_line:
                raise Broken("extra_line", self.last, f"entries.jsonl goes on after event {self.last - 1}")
            if problem := self.found.get("leaf_hashes"):
                raise Broken(problem.kind, problem.index, problem.detail)
            return
        if self.mismatch is not None:
            self.explain_mismatch(self.mismatch, proven=False)
        detail = "the lines and hashes do not lead to the signed root"
        index = self.first_wrong_leaf()
        if index is not None:
            raise Broken(
                "leaf_changed", index, f"{detail}: by the tiles, event {index} is the first that was changed"
            )
        raise Broken("root", None, f"{detail}; the pack does not show where")

    def explain_mismatch(self, index: int, proven: bool) -> None:
        """Says what happened at the first line that does not fit, from the lines and the shipped hashes after it."""
        before = index - self.first - sum(1 for drop, _ in self.read_drops() if self.first <= drop < index)
        lines = islice(self.pack.lines("entries.jsonl"), before, None)
        body = next(lines, None)
        if body is None:
            raise Broken("tail_missing", index, f"entries.jsonl ends before event {index} of {self.last}")
        if proven:
            raise Broken(
                "leaf_hashes", index, f"leaf-hashes.bin was changed at event {index}; the line is right"
            )
        found = sha256(b"\x00" + body).digest()
        with self.pack.open("leaf-hashes.bin") as file:
            file.seek(index * 32)
            due = file.read(32)
            gap = next((i for i in range(index + 1, self.last) if file.read(32) == found), index) - index
        comes_later = any(sha256(b"\x00" + line).digest() == due for line in lines)
        if gap and comes_later:
            raise Broken("reordered", index, f"the line of event {index} stands later: lines changed places")
        if gap:
            raise Broken(
                "idx_gap", index, f"the line of event {index} is missing; {gap} are missing in a row"
            )
        if comes_later:
            raise Broken("inserted", index, f"at event {index} there is a line that was never logged")
        raise Broken("body_changed", index, f"the line of event {index} is not the one that was logged")

    def first_wrong_leaf(self) -> int | None:
        """The first leaf that differs from the tiles, if the tiles lead to the signed root and so can be believed."""
        if not self.has_tiles:
            return None
        tree, wrong = Tree(), None
        with self.pack.open("leaf-hashes.bin") as file:
            for begin in range(0, self.size, WIDTH):
                width = min(WIDTH, self.size - begin)
                path, shipped = tile_path(0, begin // WIDTH, width), file.read(width * 32)
                tile = self.pack.read(path) if self.pack.has(path) else b""
                if len(tile) != len(shipped):
                    return None
                if wrong is None and tile != shipped:
                    wrong = (
                        next(i for i in range(width) if tile[i * 32 :][:32] != shipped[i * 32 :][:32]) + begin
                    )
                tree.add(tile)
        return wrong if tree.root() == self.root else None

    def judge_consistency(self) -> None:
        if self.older and self.older[0] > 0 and self.wanted[self.older[0]] != self.older[1]:
            detail = f"the first {self.older[0]} events are not those of the older checkpoint: the log was rewritten"
            raise Broken("fork", None, detail)
        if not self.proof:
            return
        size1, root1, proof = self.proof
        if not consistent(size1, self.size, root1, self.root, proof) or self.wanted[size1] != root1:
            raise Broken(
                "consistency", None, f"consistency.json does not prove that the log grew from size {size1}"
            )
        if self.older and self.older[0] == size1 and self.older[1] != root1:
            raise Broken(
                "consistency", None, "consistency.json starts from another root than the older checkpoint"
            )

    def judge_writers(self) -> None:
        self.sequences.end()
        missing = self.sequences.missing
        if missing and missing <= self.dropped:
            self.report.notes.append(
                f"{missing} missing writer numbers are within the {self.dropped} dropped bodies."
            )
        elif self.sequences.hole:
            self.found["writer_hole"] = self.sequences.hole
        if self.sequences.repeated:
            self.found["writer_repeat"] = self.sequences.repeated
        if clock := self.found.get("clock"):
            self.report.notes.append(f"{clock.detail}: its time lies before that of earlier events.")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Checks an exported pack of the audit log.")
    parser.add_argument("pack", type=Path, help="the directory or zip file that was exported")
    parser.add_argument("--key", type=Path, help="the log's verifier key, from a source that you trust")
    parser.add_argument("--checkpoint", type=Path, help="an older signed checkpoint that you kept")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(arguments)
    try:
        key = options.key.read_text("utf-8").strip() if options.key else None
        older = options.checkpoint.read_bytes() if options.checkpoint else None
        report = verify_pack(options.pack, key, older)
    except (OSError, ValueError) as error:
        if options.json:
            sys.stdout.write(json.dumps({"ok": False, "unusable": str(error)}) + "\n")
        else:
            sys.stderr.write(f"Cannot check this: {error}\n")
        return 2
    if options.json:
        sys.stdout.write(json.dumps(asdict(report), ensure_ascii=False) + "\n")
        return 0 if report.ok else 1
    for text in report.notes:
        sys.stdout.write(f"Note: {text}\n")
    if report.problem:
        where = "" if report.problem.index is None else f" at index {report.problem.index}"
        sys.stdout.write(f"BROKEN{where} ({report.problem.kind}): {report.problem.detail}\n")
        return 1
    sys.stdout.write(
        f"Whole: {report.checked} events of {report.origin}, size {report.size}, root {report.root}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
