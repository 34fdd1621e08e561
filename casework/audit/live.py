"""Verification of the log where it lives: event, projection, leaf, tile, state, checkpoints, and the last signed file.

It reads one snapshot once, in order and in bounded memory, and names the first thing that does not fit with its index
and with the same words as `verify.py` uses for a pack. Kinds that only a database can have:

    projection       a column beside the body, or the list of people, says something else than the body
    state            the recorded size or frontier is not that of the leaves
    pending_missing  an event has no index and does not wait for one: its place in the outbox was deleted
    pending_repeat   an event has its index and still waits for one
    event_missing    an entry of the outbox has no event: it was deleted before it had an index
    checkpoint       a row of signed checkpoints says something else than the note in it
    replay           the last signed file is older than the checkpoints in the database, or is gone
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import StaticPool, create_engine

from casework.audit.identity import Identity
from casework.audit.live_explain import explain_leaf, explain_stray
from casework.audit.live_rows import (
    COLUMNS,
    Stored,
    all_say_the_same,
    rows_by_index,
    said,
    stray_events,
    subjects_by_index,
    subjects_of,
    tiles_by_index,
    waiting_rows,
)
from casework.audit.merkle import Frontier, leaf_hashes
from casework.audit.note import Checkpoint, Verifier, open_checkpoint, split_note
from casework.audit.reading import Reader, as_bytes, as_text, snapshot
from casework.audit.retention_record import approved_up_to
from casework.audit.verify import (
    MAX_BODY,
    WIDTH,
    Broken,
    History,
    Problem,
    Report,
    Told,
    Tree,
    in_turn,
    processors,
    root_of,
    usual_columns,
)
from casework.core.database import db

CHUNK = 16 * WIDTH


class Look(NamedTuple):
    """What rows of consecutive indices gave: their leaf hashes, the roots of whole tiles, what the events tell, and how
    many bodies were checked."""

    hashes: bytes
    roots: list[bytes]
    told: Told
    checked: int


def look(reader: Reader, chunk: tuple[int, int]) -> Look | None:
    """Looks at the rows of the indices `[begin, end)`. None when they are not all as usual, and need a closer look."""
    try:
        return _look(reader, *chunk)
    except (TypeError, ValueError, AttributeError, sqlite3.OperationalError):
        return None  # SQLite lets a column hold anything.


def _look(reader: Reader, begin: int, end: int) -> Look | None:
    rows, people = rows_by_index(reader, begin, end), subjects_by_index(reader, begin, end)
    tiles, told, leaves, roots = tiles_by_index(reader, begin, end), Told(), [], []
    if len(rows) != end - begin:
        return None
    for start in range(begin, end, WIDTH):
        stop = min(start + WIDTH, end)
        stored: Any = Stored._make(
            zip(*rows[start - begin : stop - begin], strict=True)
        )  # a column in each field
        cells = all_say_the_same(start, stored, people)
        columns = usual_columns(cells) if cells else None
        if columns is None:
            return None
        hashes = tuple(leaf_hashes(stored.body))
        packed = b"".join(hashes)
        if not (stored.idx == tuple(range(start, stop)) and stored.leaf == stored.event_hash == hashes):
            return None
        if tiles.get(start // WIDTH) != packed or max(map(len, stored.body)) > MAX_BODY:
            return None
        writers, numbers, times = columns
        names = "\n".join(writers).replace("-", "").split("\n")  # as the rows name them
        told.see_all(names, numbers, times, range(start, stop))
        leaves.append(packed)
        if len(hashes) == WIDTH:
            roots.append(root_of(packed))
    return Look(b"".join(leaves), roots, told, end - begin)


def look_from(url: str) -> Callable[[tuple[int, int]], Look | None]:
    """For a process that helps. Rows of the tree never change, so it may have a snapshot of its own for each look."""
    engine = create_engine(url, poolclass=StaticPool)

    def look_there(chunk: tuple[int, int]) -> Look | None:
        with snapshot(engine) as reader:
            return look(reader, chunk)

    return look_there


def verify_live(
    identity: Identity,
    *,
    key: str | None = None,
    checkpoint: bytes | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], object] = lambda done, of: None,
) -> Report:
    """Checks the live log. `key` is the verifier key line that the caller trusts, `checkpoint` an older signed
    checkpoint that the caller kept, `jobs` how many processes look at rows (None: as many as there are processors,
    for a large log). `LogProblem` or ValueError when there is nothing to check against."""
    report = Report()
    signed_before = identity.last_note()  # The log may be signed anew while it is read.
    with snapshot(damaged=True) as reader:
        try:
            LiveCheck(reader, identity, report, key, checkpoint, signed_before, jobs, progress).run()
        except Broken as broken:
            report.problem = broken.problem
    report.ok = report.problem is None
    return report


class LiveCheck:
    """One run over one snapshot."""

    def __init__(
        self,
        reader: Reader,
        identity: Identity,
        report: Report,
        key: str | None,
        older: bytes | None,
        signed_before: bytes | None,
        jobs: int | None,
        progress: Callable[[int, int], object],
    ) -> None:
        self.reader, self.identity, self.report, self.progress = reader, identity, report, progress
        self.jobs = jobs
        self.verifier = Verifier.from_vkey(key.strip()) if key else identity.verifier()
        self.earlier = {verifier.name: verifier for verifier in identity.earlier_verifiers()}
        self.older_note, self.signed_before = older, signed_before
        self.tree = Tree(self.see_tile)
        self.history = History()
        self.found: dict[str, Problem] = {}
        self.events = self.dropped = 0
        self.approved_up_to = 0

    def run(self) -> None:
        self.read_statements()
        self.scan()
        self.judge_tree()
        self.check_outbox()
        self.judge_writers()
        if self.dropped:
            self.report.notes.append(
                f"{self.dropped} bodies were dropped by retention; their hashes still prove."
            )

    def keep(self, kind: str, index: int | None, detail: str) -> None:
        self.found.setdefault(kind, Problem(kind, index, detail))

    def raise_kept(self, *kinds: str) -> None:
        for kind in kinds:
            if problem := self.found.get(kind):
                raise Broken(problem.kind, problem.index, problem.detail)

    # What was signed.

    def read_statements(self) -> None:
        row = self.reader.rows("SELECT size, frontier FROM audit_state")
        try:
            ((self.size, packed),) = row
            if type(self.size) is not int:
                raise ValueError(f"the size is {self.size!r}")
            self.frontier = Frontier.from_bytes(as_bytes(packed)) if packed else Frontier()
            if self.frontier.size != self.size:
                raise ValueError(f"it names {self.size} events and holds the tree of {self.frontier.size}")
        except ValueError as error:
            raise Broken("state", None, f"the recorded state of the tree cannot be read: {error}") from error
        report = self.report
        report.origin, report.size, report.root = self.verifier.name, self.size, self.frontier.root().hex()
        self.signed: list[tuple[Checkpoint, str, str]] = []  # with the kind and words of a difference
        self.read_last_file()
        if self.older_note is not None:
            try:
                origin = self.older_note.partition(b"\n")[0].decode(errors="replace")
                older = open_checkpoint(self.older_note, self.earlier.get(origin, self.verifier))
            except ValueError as error:
                raise Broken(
                    "key_changed", None, f"the older checkpoint is not signed by the key of this log: {error}"
                ) from error
            self.expect(older, "the older checkpoint")
        self.checkpoints = self.read_checkpoints()
        self.next_checkpoint = next(self.checkpoints, None)
        self.approved_up_to = approved_up_to(self.reader)

    def read_last_file(self) -> None:
        """What was signed last, before this snapshot, must be in it; what the snapshot holds must be in the file now."""
        last = self.open_last(self.signed_before)
        if last is not None:
            self.expect(last, "the last signed checkpoint, kept outside the database")
            if not self.reader.rows("SELECT size FROM audit_checkpoint WHERE size = :size", size=last.size):
                self.report.notes.append(
                    f"The database lacks the last signed checkpoint, of {last.size} events."
                )
        now = self.open_last(self.identity.last_note())
        newest = self.reader.rows("SELECT size, note FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
        for size, note in newest:
            ours = as_text(note).partition("\n")[0] == self.verifier.name
            if ours and type(size) is int and size > (now.size if now else 0):
                held = f"of {now.size} events" if now else "missing"
                detail = f"the database has a checkpoint of {size} events, but the last signed file is {held}"
                raise Broken("replay", now.size if now else None, detail)

    def open_last(self, note: bytes | None) -> Checkpoint | None:
        try:
            return None if note is None else open_checkpoint(note, self.verifier)
        except ValueError as error:
            detail = f"the log did not sign the last checkpoint that is kept beside it: {error}"
            raise Broken("signature", None, detail) from error

    def expect(self, checkpoint: Checkpoint, whose: str) -> None:
        """The tree must have contained this checkpoint's."""
        if checkpoint.size > self.size:
            detail = f"{whose} has {checkpoint.size} events, the database {self.size}: the log went back"
            raise Broken("rollback", self.size, detail)
        self.signed.append((checkpoint, "fork", whose))

    def read_checkpoints(self) -> Iterator[Checkpoint]:
        """The rows of signed checkpoints, each opened; a bad one is kept as a problem and left out."""
        after = -(1 << 62)
        while rows := self.reader.rows(
            "SELECT size, root, note FROM audit_checkpoint WHERE size > :after ORDER BY size LIMIT 500",
            after=after,
        ):
            for size, root, text in rows:
                after, note = size, as_text(text)
                try:
                    claimed = Checkpoint.parse(split_note(note.encode())[0])
                    verifier = self.earlier.get(claimed.origin, self.verifier)
                    opened = open_checkpoint(note.encode(), verifier)
                except ValueError as error:
                    self.keep(
                        "signature", None, f"the log did not sign its checkpoint of {size} events: {error}"
                    )
                    continue
                if (opened.size, opened.root) != (size, root):
                    said_size = f"the checkpoint of {size} events holds a note of {opened.size}"
                    self.keep("checkpoint", None, f"{said_size}, or another root than the note's")
                elif size > self.size and opened.origin == self.verifier.name:
                    self.keep(
                        "rollback", self.size, f"a checkpoint of {size} events stands beside {self.size}"
                    )
                else:
                    yield opened

    # The scan.

    def scan(self) -> None:
        chunks = [(begin, min(begin + CHUNK, self.size)) for begin in range(0, self.size, CHUNK)]
        jobs = self.jobs or (processors() if self.size > 25 * CHUNK else 1)
        url = db.engine.url.render_as_string(hide_password=False)
        with (
            snapshot() as reader,
            closing(in_turn(partial(look, reader), chunks, jobs, look_from, url)) as looks,
        ):
            for (begin, end), seen in looks:
                if seen is None:
                    seen = self.look_closely(begin, end)
                self.settle(begin, end, seen)
                self.progress(end, self.size)
        extra = self.reader.value(
            "SELECT min(idx) FROM audit_leaf WHERE idx >= :size OR idx < 0", size=self.size
        )
        if extra is not None:
            raise Broken(
                "extra_line", extra, f"the tree ends before index {self.size}, but there is a row {extra}"
            )

    def settle(self, begin: int, end: int, seen: Look) -> None:
        """Joins what was seen to what came before."""
        self.events += end - begin
        self.report.checked += seen.checked
        self.history.join(seen.told)
        for n, start in enumerate(range(begin, end, WIDTH)):
            stop = min(start + WIDTH, end)
            hashes = seen.hashes[(start - begin) * 32 : (stop - begin) * 32]
            for checkpoint, _, _ in self.signed:
                if start < checkpoint.size <= stop:
                    self.compare_root(checkpoint, self.tree.root(hashes[: (checkpoint.size - start) * 32]))
            while self.next_checkpoint and self.next_checkpoint.size <= stop:
                root = self.tree.root(hashes[: (self.next_checkpoint.size - start) * 32])
                self.compare_row(self.next_checkpoint, root)
                self.next_checkpoint = next(self.checkpoints, None)
            self.tree.add(hashes, root=seen.roots[n] if n < len(seen.roots) else None)

    def look_closely(self, begin: int, end: int) -> Look:
        """Row by row, where something is not as usual. Names what is broken."""
        rows = list(map(Stored.of, rows_by_index(self.reader, begin, end)))
        people = subjects_by_index(self.reader, begin, end)
        tiles = tiles_by_index(self.reader, begin, end)
        told, before = Told(), self.dropped
        for index, row in enumerate(rows, begin):
            if row.idx != index or row.event_hash is None:
                self.missing(index)
            due = tiles.get(index // WIDTH, b"")[index % WIDTH * 32 :][:32]
            self.row(index, row, due, people.get(index, set()), told)
        if len(rows) < end - begin:
            self.missing(begin + len(rows))
        checked = end - begin - (self.dropped - before)
        return Look(b"".join([row.leaf or b"" for row in rows]), [], told, checked)

    def row(self, index: int, row: Stored, due: bytes, people: set[str], told: Told) -> None:
        """One event: its body against leaf and columns."""
        if row.body == b"":
            self.dropped += 1
            if row.leaf != row.event_hash:
                raise Broken(
                    "dropped", index, f"the dropped event {index} has another leaf hash than the tree"
                )
            if index >= self.approved_up_to:
                raise Broken("dropped", index, f"the body of event {index} is gone, but nobody approved that")
            rest = (row.agent_id, row.agent_role, row.entity_type, row.entity_id)
            if people or any(rest) or type(row.writer_seq) is not int:
                detail = f"the dropped event {index} has something beside it that went with its body"
                raise Broken("projection", index, detail)
            told.number(row.writer_id, row.writer_seq, index)
            return
        body = row.body or b""
        computed = sha256(b"\x00" + body).digest()
        if computed != row.leaf or (due and due != computed):
            raise explain_leaf(self.reader, index, row, due, self.trusted(index))
        try:
            event = said(body)
        except (ValueError, RecursionError) as error:
            self.keep("event", index, f"event {index} was logged so, but is not an event: {error}")
            return
        self.compare_columns(index, row, event.columns, event.subjects, people)
        told.see(row.writer_id, row.writer_seq, event.recorded, index)

    def compare_columns(
        self,
        index: int | None,
        row: Stored,
        columns: tuple[object, ...],
        subjects: frozenset[str],
        people: set[str],
    ) -> None:
        which = f"event {index}" if index is not None else f"the waiting event {row.event_uid}"
        if row.columns != columns:
            names = [name for name, a, b in zip(COLUMNS, row.columns, columns, strict=True) if a != b]
            raise Broken(
                "projection", index, f"{which} has {', '.join(names)} beside its body, which says otherwise"
            )
        if row.event_hash != row.leaf and index is not None:
            raise Broken("projection", index, f"{which} has leaf_hash beside its body, which says otherwise")
        if people != subjects:
            raise Broken(
                "projection", index, f"the list of people whom {which} concerns is not that of its body"
            )

    def missing(self, index: int) -> None:
        later = self.reader.value(
            "SELECT l.idx FROM audit_leaf l JOIN audit_event e ON e.event_uid = l.event_uid "
            "WHERE l.idx > :index AND l.idx < :size ORDER BY l.idx LIMIT 1",
            index=index,
            size=self.size,
        )
        if later is None:
            raise Broken("tail_missing", index, f"the log ends before event {index} of {self.size}")
        raise Broken("idx_gap", index, f"event {index} is missing; the next one is {later}")

    def trusted(self, index: int) -> tuple[int, bytes]:
        """(size, root) of the newest signed tree that holds this index, or else of the recorded state."""
        signed = [c for c, _, _ in self.signed if c.size > index]
        newest = max(signed, key=lambda checkpoint: checkpoint.size, default=None)
        return (newest.size, newest.root) if newest else (self.size, self.frontier.root())

    def compare_root(self, checkpoint: Checkpoint, root: bytes) -> None:
        for signed, kind, whose in self.signed:
            if signed is checkpoint and root != checkpoint.root:
                detail = f"the first {checkpoint.size} events are not those of {whose}: the log was rewritten"
                self.keep(kind, None, detail)

    def compare_row(self, checkpoint: Checkpoint, root: bytes) -> None:
        if root == checkpoint.root:
            return
        detail = f"the first {checkpoint.size} events do not lead to the root that was signed for them"
        if checkpoint.origin == self.verifier.name:
            self.keep("root", None, detail)
        else:
            self.keep("earlier origin", None, f"Under the earlier origin {checkpoint.origin} {detail}.")

    def see_tile(self, level: int, n: int, hashes: bytes) -> None:
        """Each tile of the tree, when it is known."""
        rows = self.reader.rows(
            "SELECT width, hashes FROM audit_tile WHERE level = :level AND n = :n", level=level, n=n
        )
        index, name = n * WIDTH ** (level + 1), f"the tile {n} of level {level}"
        if not rows:
            self.keep("tile", index, f"{name} is missing")
        elif (rows[0][0], as_bytes(rows[0][1])) != (len(hashes) // 32, hashes):
            self.keep("tile", index, f"{name} is not what the leaves give")

    # The judgement.

    def judge_tree(self) -> None:
        for level, edge in enumerate(self.tree.rows):
            if edge:
                self.see_tile(level, self.tree.counts[level], bytes(edge))
        self.raise_kept("signature", "checkpoint", "rollback", "root", "fork")
        if self.tree.root() != self.frontier.root():
            raise Broken("state", None, "the recorded frontier of the tree is not that of its leaves")
        tiles = sum(self.tree.counts) + sum(1 for row in self.tree.rows if row)
        if self.reader.value("SELECT count(*) FROM audit_tile") != tiles:
            self.keep("tile", None, f"the tree has {tiles} tiles, the database another number")
        self.raise_kept("tile", "event")
        if note := self.found.get("earlier origin"):
            self.report.notes.append(note.detail)

    def check_outbox(self) -> None:
        after, waiting = "0" * 32, 0
        while rows := waiting_rows(self.reader, after, CHUNK):
            for uid, row in rows:
                after = uid
                if row.event_hash is None:
                    detail = f"an event that waited for its index is gone: {uid}"
                    self.keep("event_missing", None, detail)
                    continue
                waiting += 1
                if sha256(b"\x00" + (row.body or b"")).digest() != row.event_hash:
                    raise Broken(
                        "body_changed", None, f"the waiting event {uid} is not the one that was logged"
                    )
                try:
                    event = said(row.body or b"")
                except (ValueError, RecursionError) as error:
                    self.keep("event", None, f"the waiting event {uid} is not an event: {error}")
                    continue
                people = subjects_of(self.reader, uid)
                self.compare_columns(None, row, event.columns, event.subjects, people)
                self.history.sequences.see(row.writer_id, row.writer_seq, self.size + waiting - 1)
        twice = self.reader.value(
            "SELECT l.idx FROM audit_pending p JOIN audit_leaf l ON l.event_uid = p.event_uid LIMIT 1"
        )
        if twice is not None:
            raise Broken("pending_repeat", twice, f"event {twice} has its index, but waits for one again")
        if waiting:
            self.report.notes.append(f"{waiting} events wait for their index.")
        if self.reader.value("SELECT count(*) FROM audit_event") != self.events + waiting:
            for stray in stray_events(self.reader):
                raise explain_stray(self.reader, stray)

    def judge_writers(self) -> None:
        sequences, clock = self.history.sequences, self.history.clock
        sequences.end()
        if sequences.repeated:
            self.found["writer_repeat"] = sequences.repeated
        if sequences.hole:
            self.found["writer_hole"] = sequences.hole
        self.raise_kept("event", "event_missing", "writer_repeat", "writer_hole")
        if clock.back is not None:
            self.report.notes.append(clock.note())
