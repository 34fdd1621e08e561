"""Writes the files of an export while the log passes by once. The layout is that of docs/audit-formats.md."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from casework.audit import verify
from casework.audit.pack_readme import README
from casework.audit.tiles import WIDTH, encode_bundle
from casework.audit.verify import Tree, csv_header, csv_of, tile_path

Leaves = list[tuple[bytes, bytes | None]]
"""(leaf hash, body) of consecutive leaves; a body is None where its row is gone, empty where it was dropped."""


def only_ours(path: str, flags: int) -> int:
    """Opens a file that nobody else may read."""
    return os.open(path, flags, 0o600)


class LineFile:
    """A file of lines, JSON Lines or CSV, with its SHA-256."""

    def __init__(self, path: Path, as_csv: bool) -> None:
        self._file: BinaryIO = open(path, "xb", opener=only_ours)  # noqa: SIM115 -- closed at the exit
        self._hash = hashlib.sha256()
        self._as_csv = as_csv
        if as_csv:
            self._write(csv_header())

    def _write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)

    def add(self, begin: int, chunk: Leaves) -> int:
        """Writes consecutive leaves, the first of index `begin`. Returns how many events they were."""
        bodies = [body for _, body in chunk if body]
        if self._as_csv:
            self._write(csv_of(begin, [leaf for leaf, _ in chunk], [body for _, body in chunk]))
        elif bodies:
            self._write(b"\n".join(bodies) + b"\n")
        return len(bodies)

    def digest(self) -> bytes:
        """The SHA-256 of the file."""
        return self._hash.digest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_problem: object) -> None:
        self._file.close()


class PackFolder:
    """The folder of a pack that holds the bodies of `first` up to, not including, `last`, of a log of `size`."""

    def __init__(self, folder: Path, first: int, last: int, size: int) -> None:
        folder.mkdir(mode=0o700)
        self.folder, self.first, self.last, self.size = folder, first, last, size
        self.count = 0
        self._files = ExitStack()
        self._lines = self._files.enter_context(LineFile(folder / "entries.jsonl", False))
        self._csv = self._files.enter_context(LineFile(folder / "entries.csv", True))
        self._hashes = self._files.enter_context((folder / "leaf-hashes.bin").open("xb"))
        self._dropped: BinaryIO | None = None
        self._tree = Tree(self._put_tile)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _problem: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._files.close()
        if kind is None:
            for level, row in enumerate(self._tree.rows):
                if row:
                    self._put_tile(level, self._tree.counts[level], bytes(row))

    def add(self, begin: int, chunk: Leaves) -> None:
        """Takes consecutive leaves; `begin` is a multiple of 256."""
        for at in range(0, len(chunk), WIDTH):
            self._block(begin + at, chunk[at : at + WIDTH])
        low, high = max(self.first, begin), min(self.last, begin + len(chunk))
        if low < high:
            here = chunk[low - begin : high - begin]
            self.count += self._lines.add(low, here)
            self._csv.add(low, here)
            for at, (leaf, body) in enumerate(here):
                if body == b"":
                    self._drop(low + at, leaf)

    def _block(self, begin: int, block: Leaves) -> None:
        hashes = b"".join([leaf for leaf, _ in block])
        self._hashes.write(hashes)
        self._tree.add(hashes)
        bodies = [body for _, body in block if body]
        if len(bodies) == len(block):
            self.put(tile_path("entries", begin // WIDTH, len(block)), encode_bundle(bodies))

    def _drop(self, index: int, leaf: bytes) -> None:
        if self._dropped is None:
            self._dropped = self._files.enter_context((self.folder / "dropped.jsonl").open("xb"))
        line = json.dumps({"idx": index, "dropped": True, "leaf_hash": leaf.hex()})
        self._dropped.write(line.encode() + b"\n")

    def _put_tile(self, level: int, n: int, hashes: bytes) -> None:
        self.put(tile_path(level, n, len(hashes) // 32), hashes)

    def root(self) -> bytes:
        """The root over all leaves."""
        return self._tree.root()

    def digest(self) -> bytes:
        """The SHA-256 of `entries.jsonl`."""
        return self._lines.digest()

    def put(self, name: str, content: bytes) -> None:
        """One more file of the pack."""
        path = self.folder / name
        try:
            path.write_bytes(content)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def put_json(self, name: str, value: dict[str, Any]) -> None:
        """One more file of the pack, as JSON."""
        self.put(name, json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n")

    def put_texts(self) -> None:
        """What a reader needs: the explanation in four languages, and the verifier."""
        self.put("README.txt", README.encode())
        self.put("verify.py", Path(verify.__file__).read_bytes())
