#!/usr/bin/env python3
"""Checks an exported pack of the audit log, without trusting whoever exported it.

    python verify.py PACK_DIR_OR_ZIP [--key verifier.key] [--checkpoint OLD] [--jobs N] [--json]

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
import gc
import json
import lzma
import os
import re
import signal
import sys
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import chain, count, islice, repeat
from multiprocessing import get_context
from operator import contains, itemgetter
from pathlib import Path
from threading import active_count
from typing import Any, BinaryIO, NamedTuple, TypeVar, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = 1
WIDTH = 256  # leaves to a tile
MAX_BODY = 0xFFFF

# fmt: off
EVENT_KEYS = (
    "v", "event_uid", "recorded", "request_id", "writer_id", "writer_seq", "action", "category", "code",
    "outcome", "outcome_reason", "agent_id", "agent_role", "agent_place", "session_hash", "purpose",
    "justification_id", "src_ip", "endpoint", "entity_type", "entity_id", "subject_ids", "compartments",
    "fields_accessed", "query_hash", "result_count", "policy_version", "break_glass", "detail_commitment",
)
# fmt: on
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


def leaf_hashes(bodies: Iterable[bytes]) -> list[bytes]:
    """The hash of each line. Every one begins with the same byte, so it is hashed once."""
    begun, leaves = sha256(b"\x00").copy, []
    for body in bodies:
        leaf = begun()
        leaf.update(body)
        leaves.append(leaf.digest())
    return leaves


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

    def add(self, hashes: bytes, level: int = 0, root: bytes | None = None) -> None:
        """Adds the next hashes of a level, within one tile; ``root`` is theirs when they are a whole tile."""
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
            self.add(root or root_of(full), level + 1)

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

    def earlier_keys(self) -> list[str]:
        """The names of the keys of earlier origins."""
        if self.zip:
            return sorted(name for name in self.names if re.fullmatch("origins/[^/]+/verifier[.]key", name))
        return [str(path.relative_to(self.path)) for path in sorted(self.path.glob("origins/*/verifier.key"))]

    def open(self, name: str) -> BinaryIO:
        if not self.has(name):
            raise Unusable(f"the pack has no {name}")
        return cast(BinaryIO, self.zip.open(self.names[name])) if self.zip else (self.path / name).open("rb")

    def holds(self, name: str, expected: bytes) -> bool | None:
        """Whether a file holds exactly this; None when there is no such file."""
        try:
            with self.zip.open(self.names[name]) if self.zip else (self.path / name).open("rb") as file:
                return file.read(len(expected) + 1) == expected
        except (KeyError, FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None

    def read(self, name: str, limit: int = 1 << 20) -> bytes:
        with self.open(name) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise Unusable(f"{name} is larger than it can be")
        return data

    def lines(self, name: str) -> Generator[bytes, None, None]:
        """The lines of a file, without their newline."""
        with ExitStack() as files:
            reader = LineReader(self, name, files)
            while lines := reader.take(WIDTH).lines():
                yield from lines

    def json(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads(self.read(name))
        except (ValueError, RecursionError) as error:
            raise Unusable(f"{name} is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise Unusable(f"{name} is not a JSON object")
        return value


class Part(NamedTuple):
    """Consecutive lines of a file: where they stand, or the bytes where a zip file cannot be entered in the middle."""

    path: Path
    start: int
    length: int
    content: bytes | None

    def read(self) -> bytes:
        if self.content is not None:
            return self.content
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.length)

    def lines(self) -> list[bytes]:
        lines = self.read().split(b"\n")
        return lines if lines[-1] else lines[:-1]


class LineReader:
    """Cuts a file into parts of whole lines. Holds one part, however long a line pretends to be."""

    def __init__(self, pack: Pack, name: str, files: ExitStack, start: int = 0) -> None:
        self.name, self.file = name, files.enter_context(pack.open(name))
        self.path, self.keeps = pack.path / name, pack.zip is not None
        self.rest, self.start = b"", len(self.file.read(start))

    def take(self, count: int) -> Part:
        """The next lines, fewer at the end of the file."""
        content, found, at = self.rest, 0, 0
        while found < count:
            end = content.find(b"\n", at) + 1
            if end:
                found, at = found + 1, end
            elif chunk := self.file.read(1 << 20):
                content += chunk
                if len(content) - at > 2 << 20 or at > (count + 16) * 2 * MAX_BODY:
                    raise Unusable(f"{self.name} has a line that is longer than any event can be")
            else:
                at = len(content)
                break
        content, self.rest = content[:at], content[at:]
        part = Part(self.path, self.start, len(content), content if self.keeps else None)
        self.start += len(content)
        return part


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


def encoded(text: str) -> bytes:
    """UTF-8; half of a surrogate pair, which JSON can escape, is written as its escape."""
    return text.encode(errors="backslashreplace")


PLAIN = re.compile(r'[^,"\r\n]*').fullmatch


def event_of(body: bytes) -> dict[str, Any] | None:
    """The event of a line, None when it is none: each key once, and those of this version in their order."""
    try:
        event = json.loads(body.decode(), strict=False, object_pairs_hook=each_once) if body else None
    except (ValueError, RecursionError):
        return None
    strange = not isinstance(event, dict) or (event.get("v") == 1 and tuple(event) != EVENT_KEYS)
    return None if strange else event


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Of a key that stands twice, one reader would take the first value and another one the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


# Nearly every line is written by one program and needs neither parsing nor quoting: a block of such lines becomes rows
# by one expression with a group for each key. Whatever does not fit (escapes, commas, formulas, other keys) takes the
# long way, with the same result.
_TEXT = r'(?:"((?!-)[^"]*+)"|null)'
_NUMBER = r"(?:(0|[1-9][0-9]{0,17})|null)"
_LIST = r'\[(?:"((?!-)[^\]]*)")?\]'
_SHAPES = {
    **dict.fromkeys(("v", "writer_seq", "result_count", "policy_version"), _NUMBER),
    **dict.fromkeys(("subject_ids", "compartments", "fields_accessed"), _LIST),
    "break_glass": "(true|false)",
}
_USUAL = re.compile(
    (r"\n\{" + ",".join(f'"{key}":{_SHAPES.get(key, _TEXT)}' for key in EVENT_KEYS) + r"\}(?=\n)").encode()
).findall
_STRANGE = (b"\\", b"\r", b"\t", b"=", b"+", b"@")
RECORDED, WRITER, NUMBER = (EVENT_KEYS.index(key) for key in ("recorded", "writer_id", "writer_seq"))


def usual_cells(bodies: list[bytes]) -> list[tuple[bytes, ...]] | None:
    """The cells of lines that are all plain, in the order of EVENT_KEYS; items of a list have ``","`` between them.

    None when any of the lines needs the long way.
    """
    text = b"\n".join([b"", *bodies, b""])
    if any(byte in text for byte in _STRANGE) or any(map(contains, bodies, repeat(b"\n"))):
        return None
    try:
        text.decode()
    except UnicodeDecodeError:
        return None
    cells: list[tuple[bytes, ...]] = _USUAL(text)
    return cells if len(cells) == len(bodies) else None


def usual_rows(begin: int, leaves: list[bytes], cells: list[tuple[bytes, ...]]) -> bytes | None:
    """The rows of such lines, the same that ``csv_lines`` gives. None when a cell needs quoting after all."""
    hashes = b"".join(leaves).hex(" ", 32).encode().split()
    rows = map(b"%d,%b,%b\r\n".__mod__, zip(count(begin), hashes, map(b",".join, cells), strict=False))
    text = b"".join(rows)
    if b'"' in text:
        text = text.replace(b'","', b" ")
    plain = b'"' not in text and text.count(b",") == len(cells) * (len(CSV_COLUMNS) - 1)
    return text if plain else None


def csv_of(begin: int, leaves: list[bytes], bodies: Sequence[bytes | None]) -> bytes:
    """The rows of consecutive events, the first of index ``begin``, with their leaf hashes.

    A body is empty where retention dropped it; where it is None there is no row.
    """
    parts: list[bytes] = []
    for at in range(0, len(bodies), WIDTH):
        block, hashes = bodies[at : at + WIDTH], leaves[at : at + WIDTH]
        present = [body for body in block if body]
        cells = usual_cells(present) if len(present) == len(block) else None
        parts.append(rows_of(begin + at, hashes, block, cells))
    return b"".join(parts)


def rows_of(
    begin: int, leaves: list[bytes], bodies: Sequence[bytes | None], cells: list[tuple[bytes, ...]] | None
) -> bytes:
    """The same for a block, of which ``usual_cells`` gave the cells: the short way where it goes, else the long one."""
    rows = usual_rows(begin, leaves, cells) if cells else None
    return long_rows(begin, leaves, bodies) if rows is None else rows


def long_rows(begin: int, leaves: list[bytes], bodies: Sequence[bytes | None]) -> bytes:
    """The same, one line after the other."""
    rows = enumerate(zip(leaves, bodies, strict=True), begin)
    return csv_lines(csv_row(index, leaf, event_of(body)) for index, (leaf, body) in rows if body is not None)


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
            if self.repeated is None or index < cast(int, self.repeated.index):
                detail = f"writer {writer} has the number {number} twice, the second time at index {index}"
                self.repeated = Problem("writer_repeat", index, detail)
            return
        early[number] = index
        self.writers[writer] = (due, early)
        self._advance(writer)
        if len(early) > self.WINDOW:
            self._settle(writer)

    def see_run(self, writer: str, number: int, indices: Sequence[int]) -> None:
        """Events of one writer with consecutive numbers, the first of them ``number``."""
        due, early = self.writers.get(writer) or (self.start, {})
        if number == due and not early:
            self.writers[writer] = (number + len(indices), early)
            return
        for at, index in enumerate(indices):
            self.see(writer, number + at, index)

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

    ``back`` is the index of the first event that shows it. Times are RFC 3339 in UTC with microseconds, which compare
    as text. A clock over later events can be joined to one over those before them.
    """

    PATIENCE = timedelta(minutes=5)  # A long transaction may bring its event late.

    def __init__(self) -> None:
        self.back: int | None = None
        self.first: dict[str, tuple[str, int]] = {}  # Each writer's first time here, with its index.
        self.last: dict[str, str] = {}
        self.lowest: tuple[str, int] | None = None
        self.minute = self.least = ""

    def see(self, writer: str, recorded: str, index: int) -> None:
        if recorded < self.last.get(writer, "") or recorded < self.least:
            self._set_back(index)
        self.first.setdefault(writer, (recorded, index))
        self.lowest = min(self.lowest or (recorded, index), (recorded, index))
        self.last[writer] = recorded
        if recorded[:16] > self.minute:
            try:
                self.least = (datetime.fromisoformat(recorded[:16]) - self.PATIENCE).strftime(
                    "%Y-%m-%dT%H:%M"
                )
            except (ValueError, OverflowError):
                return
            self.minute = recorded[:16]

    def see_all(self, writers: list[str], times: list[str], indices: Sequence[int]) -> None:
        """The same for several. When their times only grow, the ends tell all: within a writer, too, they grow."""
        if times == sorted(times) and all(times[0] >= last for last in self.last.values()):
            for at in sorted(map(writers.index, set(writers) - self.first.keys())):
                self.see(writers[at], times[at], indices[at])
            self.see(writers[-1], times[-1], indices[len(writers) - 1])
            self.last.update(zip(writers, times, strict=True))
            return
        for writer, recorded, index in zip(writers, times, indices, strict=False):
            self.see(writer, recorded, index)

    def join(self, later: Clock) -> None:
        """Goes on with events that were looked at apart."""
        if later.back is not None:
            self._set_back(later.back)
        for writer, (recorded, index) in later.first.items():
            if recorded < self.last.get(writer, ""):
                self._set_back(index)
        if later.lowest and later.lowest[0] < self.least:
            self._set_back(later.lowest[1])
        self.last |= later.last
        if later.minute > self.minute:
            self.minute, self.least = later.minute, later.least

    def note(self) -> str:
        return f"at event {self.back} the clock was set back: its time lies before that of earlier events."

    def _set_back(self, index: int) -> None:
        self.back = index if self.back is None else min(self.back, index)


class Told:
    """What consecutive events tell of their writers and times; small enough to travel between processes."""

    def __init__(self) -> None:
        # For each writer the first number and the indices of events with consecutive numbers.
        self.runs: dict[str, list[tuple[int, list[int]]]] = {}
        self.clock = Clock()

    def see(self, writer: str, number: int, recorded: str, index: int) -> None:
        self.number(writer, number, index)
        self.clock.see(writer, recorded, index)

    def see_all(
        self, writers: list[str], numbers: list[int], times: list[str], indices: Sequence[int]
    ) -> None:
        """The same for several, given as columns."""
        for writer, number, index in zip(writers, numbers, indices, strict=False):
            self.number(writer, number, index)
        self.clock.see_all(writers, times, indices)

    def number(self, writer: str, number: int, index: int) -> None:
        """An event whose time is not known."""
        if runs := self.runs.get(writer):
            first, indices = runs[-1]
            if number == first + len(indices):
                indices.append(index)
            else:
                runs.append((number, [index]))
        else:
            self.runs[writer] = [(number, [index])]


class History:
    """What all events so far tell, from their beginning."""

    def __init__(self, open_start: bool = False) -> None:
        self.sequences = WriterSequences(open_start)
        self.clock = Clock()

    def join(self, told: Told) -> None:
        for writer, runs in told.runs.items():
            for number, indices in runs:
                self.sequences.see_run(writer, number, indices)
        self.clock.join(told.clock)


# --- The checks --------------------------------------------------------------------------------------------------


CHUNK = 8 * WIDTH
T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int], object]


def verify_pack(
    path: str | Path,
    key: str | None = None,
    checkpoint: bytes | None = None,
    *,
    jobs: int | None = None,
    progress: Progress = lambda done, of: None,
) -> Report:
    """Checks a pack: signature, root, consistency, indices, writers' numbers, CSV, tiles; the first failure is named.

    ``key`` is the verifier key line that the caller trusts, ``checkpoint`` an older signed checkpoint that the caller
    kept, ``jobs`` how many processes look at lines (None: as many as there are processors), and ``progress(done, of)``
    hears how many events were looked at. Raises Unusable when the input is not a pack. Memory does not grow with the
    pack.
    """
    report = Report()
    pack = Pack(Path(path))
    try:
        Check(pack, report, key, checkpoint, jobs, progress).run()
    except Broken as broken:
        report.problem = broken.problem
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise Unusable(f"the pack cannot be read: {error}") from error
    finally:
        pack.files.close()
    report.ok = report.problem is None
    return report


class Task(NamedTuple):
    """The leaves ``[begin, end)`` with the hashes that the pack ships for them. Of ``[low, high)`` there are lines,
    but for those that are gone, and rows of the CSV."""

    begin: int
    end: int
    shipped: bytes
    low: int
    high: int
    lines: Part
    rows: Part | None
    gone: dict[int, bytes]
    bundles: bool

    @property
    def present(self) -> Sequence[int]:
        """The indices that have a line."""
        here = range(self.low, self.high)
        return [index for index in here if index not in self.gone] if self.gone else here


class Look(NamedTuple):
    """What was found in the lines of a task: their leaf hashes, the roots of whole tiles, and the rest of the checks."""

    hashes: bytes
    roots: list[bytes]
    told: Told
    csv_fits: bool
    problems: list[Problem]


def look(pack: Pack, task: Task) -> Look:
    """Looks into the lines of a task. Needs nothing that stands before them, so it may run in a process of its own."""
    bodies, told, problems = task.lines.lines(), Told(), []
    leaves = leaf_hashes(bodies)
    present, rows = task.present, []
    for at in range(0, len(bodies), WIDTH):
        block, indices = bodies[at : at + WIDTH], present[at : at + WIDTH]
        cells = usual_cells(block)
        columns = usual_columns(cells) if cells and max(map(len, block)) <= MAX_BODY else None
        if columns:
            told.see_all(*columns, indices)
        else:
            problems += tell_one_by_one(told, block, indices)
        if task.rows and not task.gone:
            hashes = leaves[at : at + WIDTH]
            rows.append(rows_of(indices[0], hashes, block, cells))
        whole = len(block) == WIDTH or indices[-1] + 1 == task.end
        if task.bundles and not task.gone and whole and indices[0] % WIDTH == 0:
            path = tile_path("entries", indices[0] // WIDTH, len(block))
            problems += compare_tile(pack, path, bundle_of(block), indices[0])
    if task.rows and task.gone and len(bodies) == len(present):
        by_index = dict(zip(present, zip(leaves, bodies, strict=True), strict=True))
        both = [by_index.get(index) or (task.gone[index], b"") for index in range(task.low, task.high)]
        rows.append(csv_of(task.low, [leaf for leaf, _ in both], [body for _, body in both]))
    fits = task.rows is None or b"".join(rows) == task.rows.read()
    packed, roots = b"".join(leaves), []
    if task.low == task.begin and not task.gone:
        full = range(0, len(packed) - WIDTH * 32 + 1, WIDTH * 32)
        roots = [root_of(packed[at : at + WIDTH * 32]) for at in full]
    return Look(packed, roots, told, fits, problems)


def usual_columns(cells: list[tuple[bytes, ...]]) -> tuple[list[str], list[int], list[str]] | None:
    """Writers, numbers and times of plain lines; None when one lacks any of them."""
    writers, numbers, times = zip(*map(itemgetter(WRITER, NUMBER, RECORDED), cells), strict=True)
    if not (all(writers) and all(numbers) and all(times)):
        return None
    names, moments = (b"\n".join(column).decode().split("\n") for column in (writers, times))
    return names, list(map(int, numbers)), moments


def tell_one_by_one(told: Told, bodies: list[bytes], indices: Sequence[int]) -> list[Problem]:
    """The same for any lines; those that are no events come back as problems."""
    problems = []
    for body, index in zip(bodies, indices, strict=False):
        event = event_of(body) or {}
        writer, number, recorded = (event.get(key) for key in ("writer_id", "writer_seq", "recorded"))
        if type(writer) is str and type(number) is int and type(recorded) is str and len(body) <= MAX_BODY:
            told.see(writer, number, recorded, index)
        else:
            problems.append(Problem("event", index, f"line {index} was logged so, but is not an event"))
    return problems


def bundle_of(bodies: list[bytes]) -> bytes:
    """A tile of entries: before each body its length in two bytes."""
    lengths = [len(body).to_bytes(2, "big") for body in bodies]
    return b"".join(chain.from_iterable(zip(lengths, bodies, strict=True)))


def compare_tile(pack: Pack, path: str, expected: bytes, index: int) -> list[Problem]:
    """A problem when the tile is not there, or holds something else."""
    as_expected = pack.holds(path, expected)
    if as_expected is None:
        return [Problem("tile", index, f"{path} is missing")]
    return [] if as_expected else [Problem("tile", index, f"{path} is not what the lines give")]


def in_turn(
    look: Callable[[T], R],
    tasks: Iterable[T],
    jobs: int,
    prepare: Callable[[Any], Callable[[T], R]],
    argument: object,
) -> Generator[tuple[T, R], None, None]:
    """Each task with what a look at it found, in the order of the tasks; a few tasks are held at a time.

    With several ``jobs`` other processes look, each by what ``prepare(argument)`` gives it.
    """
    if jobs < 2:
        yield from ((task, look(task)) for task in tasks)
        return
    # A copy of this process starts at once, but may be made of a single thread only.
    context = get_context("fork" if sys.platform == "linux" and active_count() == 1 else "spawn")
    waiting: deque[tuple[T, Future[R]]] = deque()
    with ProcessPoolExecutor(jobs, context, begin_helping, (prepare, argument)) as pool:
        try:
            for task in tasks:
                waiting.append((task, pool.submit(help_with, task)))
                if len(waiting) > 2 * jobs:
                    first, answer = waiting.popleft()
                    yield first, answer.result()
            while waiting:
                first, answer = waiting.popleft()
                yield first, answer.result()
        except BrokenProcessPool as error:
            raise Unusable("a process that helped to check was ended from outside; check again") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


LOOKS: list[Callable[[Any], Any]] = []  # In a process that helps: its way to look at a task.


def begin_helping(prepare: Callable[[Any], Callable[[Any], Any]], argument: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that it helps.
    gc.disable()  # Nothing here refers to itself, and what was copied from that process is better not looked through.
    LOOKS.append(prepare(argument))


def help_with(task: Any) -> Any:
    return LOOKS[-1](task)


def processors() -> int:
    """How many this process may use."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(found, 32)


def look_into(path: Path) -> Callable[[Task], Look]:
    """For a process that helps, which opens the pack for itself."""
    return partial(look, Pack(path))


class Check:
    """One run over one pack. The scan reads everything once and keeps the first failure of each kind; the failures
    are then judged in the order in which they matter."""

    def __init__(
        self,
        pack: Pack,
        report: Report,
        key: str | None,
        older: bytes | None,
        jobs: int | None,
        progress: Progress,
    ) -> None:
        self.pack, self.report, self.progress = pack, report, progress
        self.jobs = jobs
        self.vkey = key or pack.read("verifier.key").decode(errors="replace")
        if key is None:
            report.notes.append("The verifier key is the pack's own; compare it with a copy from elsewhere.")
        self.older_note = older
        self.wanted: dict[int, bytes] = {}  # The computed roots at the older sizes that will be asked for.
        self.mismatch: int | None = None  # The first index whose line does not give its shipped leaf hash.
        self.extra_line = False
        self.csv_fits = True
        self.found: dict[str, Problem] = {}  # The first failure of each kind.
        self.dropped = 0

    def run(self) -> None:
        self.read_statements()
        self.scan()
        self.judge_root()
        self.judge_consistency()
        self.judge_writers()
        if self.rows and not self.csv_fits:
            self.explain_csv()
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
                _, older_size, older_root = read_checkpoint(self.older_note, self.key_of(self.older_note))
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
                if type(item["size1"]) is not int:
                    raise ValueError("size1 is no number of events")
                self.proof = item["size1"], unbase64(item["root1"]), proof
            except (KeyError, TypeError, ValueError) as error:
                raise Unusable(f"consistency.json cannot be read: {error}") from error

    def key_of(self, note: bytes) -> str:
        """The log's key; for a checkpoint of one of its earlier origins the key that the pack has for it."""
        origin = note.partition(b"\n")[0].decode(errors="replace")
        for name in self.pack.earlier_keys():
            vkey = self.pack.read(name).decode(errors="replace")
            if origin != self.origin and read_key(vkey)[0] == origin:
                self.report.notes.append(
                    f"The older checkpoint is of the earlier origin {origin}. The key for it is the pack's own; compare it "
                    "with a copy from elsewhere."
                )
                return vkey
        return self.vkey

    # The scan: some tiles' worth of leaves at a time.

    def scan(self) -> None:
        pack = self.pack
        self.older_sizes = {item[0] for item in (self.older, self.proof) if item}
        self.has_tiles, self.has_bundles = pack.has_folder("tile/0"), pack.has_folder("tile/entries")
        if self.size and not self.has_tiles:
            self.report.notes.append("The pack has no tiles; the lines and hashes were checked without them.")
        self.tree = Tree(self.check_tile)
        self.history = History(open_start=self.first > 0)
        self.lines = LineReader(pack, "entries.jsonl", pack.files)
        self.drops = pack.files.enter_context(closing(self.read_drops()))
        self.drop = next(self.drops, None)
        self.rows = self.open_csv()
        jobs = self.jobs or (processors() if self.last - self.first > 16 * CHUNK else 1)
        with closing(in_turn(partial(look, pack), self.tasks(), jobs, look_into, pack.path)) as looks:
            for task, seen in looks:
                self.settle(task, seen)
                self.progress(task.end, self.size)
        self.extra_line = self.lines.take(1).length > 0
        if self.rows and self.rows.take(1).length:
            self.csv_fits = False
        if self.drop:
            self.keep(
                "dropped", self.drop[0], "dropped.jsonl is out of order or names an index outside the pack"
            )
        if self.dropped:
            self.report.notes.append(
                f"{self.dropped} bodies were dropped by retention; their hashes still prove."
            )
        for level, row in enumerate(self.tree.rows):
            if row:
                self.check_tile(level, self.tree.counts[level], bytes(row))

    def open_csv(self) -> LineReader | None:
        if not self.pack.has("entries.csv"):
            self.report.notes.append("The pack has no entries.csv; the lines were checked without it.")
            return None
        header = csv_header()
        with self.pack.open("entries.csv") as file:
            if file.read(len(header)) != header:
                self.keep("csv", None, "the header of entries.csv is not the one that the lines give")
                return None
        return LineReader(self.pack, "entries.csv", self.pack.files, start=len(header))

    def tasks(self) -> Iterator[Task]:
        with self.pack.open("leaf-hashes.bin") as file:
            for begin in range(0, self.size, CHUNK):
                end = min(begin + CHUNK, self.size)
                shipped = file.read((end - begin) * 32)
                if len(shipped) < (end - begin) * 32:
                    index = begin + len(shipped) // 32
                    detail = f"leaf-hashes.bin ends before event {index} of {self.size}"
                    raise Broken("tail_missing", index, detail)
                low, high = max(begin, self.first), min(end, self.last)
                low, high = (low, high) if low < high else (begin, begin)
                gone = self.drops_before(low, high)
                lines = self.lines.take(high - low - len(gone))
                rows = self.rows.take(high - low) if self.rows else None
                yield Task(begin, end, shipped, low, high, lines, rows, gone, self.has_bundles)
            if file.read(1):
                self.keep("leaf_hashes", self.size, f"leaf-hashes.bin goes on after event {self.size - 1}")

    def settle(self, task: Task, seen: Look) -> None:
        """Joins what was seen to what came before. The tree grows from the lines where there are any."""
        begin, shipped = task.begin, task.shipped
        count = len(seen.hashes) // 32
        self.report.checked += count
        self.dropped += len(task.gone)
        if task.gone:
            mixed = bytearray(shipped)
            for index, leaf in zip(task.present, split(seen.hashes), strict=False):
                mixed[(index - begin) * 32 : (index - begin + 1) * 32] = leaf
            hashes = bytes(mixed)
        else:
            at = (task.low - begin) * 32
            hashes = shipped[:at] + seen.hashes + shipped[at + len(seen.hashes) :]
        for index, claimed in task.gone.items():
            if claimed != hashes[(index - begin) * 32 :][:32]:
                detail = f"dropped.jsonl gives event {index} another leaf hash than the tree"
                self.keep("dropped", index, detail)
        if self.mismatch is None and hashes != shipped:
            pairs = zip(split(hashes), split(shipped), strict=True)
            self.mismatch = next(index for index, (a, b) in enumerate(pairs, begin) if a != b)
        elif self.mismatch is None and count < len(task.present):
            self.mismatch = task.present[count]
        if self.mismatch is None:  # After a mismatch lines and indices do not belong together any more.
            self.history.join(seen.told)
            self.csv_fits &= seen.csv_fits
            for problem in seen.problems:
                self.keep(problem.kind, problem.index, problem.detail)
        roots = seen.roots if hashes.startswith(seen.hashes) else []
        for n, at in enumerate(range(0, len(hashes), WIDTH * 32)):
            tile, first = hashes[at : at + WIDTH * 32], begin + n * WIDTH
            for older in self.older_sizes:
                if first < older <= first + len(tile) // 32:
                    self.wanted[older] = self.tree.root(tile[: (older - first) * 32])
            self.tree.add(tile, root=roots[n] if n < len(roots) else None)

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
            path, index = tile_path(level, n, len(hashes) // 32), n * WIDTH ** (level + 1)
            for problem in compare_tile(self.pack, path, hashes, index):
                self.keep(problem.kind, problem.index, problem.detail)

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
        lines = islice(self.pack.lines("entries.jsonl"), before, before + self.last - index)
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
        sequences, clock = self.history.sequences, self.history.clock
        sequences.end()
        missing = sequences.missing
        if missing and missing <= self.dropped:
            self.report.notes.append(
                f"{missing} missing writer numbers are within the {self.dropped} dropped bodies."
            )
        elif sequences.hole:
            self.found["writer_hole"] = sequences.hole
        if sequences.repeated:
            self.found["writer_repeat"] = sequences.repeated
        if clock.back is not None:
            self.report.notes.append(clock.note())

    def explain_csv(self) -> None:
        """Finds the first row that its line does not give, row by row."""
        self.drops = self.read_drops()
        self.drop = next(self.drops, None)
        lines = self.pack.lines("entries.jsonl")
        with self.pack.open("entries.csv") as file, self.pack.open("leaf-hashes.bin") as hashes:
            file.seek(len(csv_header()))
            hashes.seek(self.first * 32)
            for index in range(self.first, self.last):
                body = b"" if self.drops_before(index, index + 1) else next(lines)
                row = long_rows(index, [hashes.read(32)], [body])
                if file.read(len(row)) != row:
                    self.keep("csv", index, f"row {index} of entries.csv is not what its line gives")
                    return
            if file.read(1):
                self.keep("csv", self.last, "entries.csv goes on after the last event")


def on_terminal(done: int, of: int) -> None:
    """Says how far the check is, to somebody who watches."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {of} events" + ("\r\033[K" if done == of else ""))
        sys.stderr.flush()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Checks an exported pack of the audit log.")
    parser.add_argument("pack", type=Path, help="the directory or zip file that was exported")
    parser.add_argument("--key", type=Path, help="the log's verifier key, from a source that you trust")
    parser.add_argument("--checkpoint", type=Path, help="an older signed checkpoint that you kept")
    parser.add_argument(
        "--jobs", type=int, help="how many processes look at lines; else one for each processor"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(arguments)
    try:
        key = options.key.read_text("utf-8").strip() if options.key else None
        older = options.checkpoint.read_bytes() if options.checkpoint else None
        report = verify_pack(options.pack, key, older, jobs=options.jobs, progress=on_terminal)
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
