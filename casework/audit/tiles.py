"""Tiles: a Merkle tree as static files that any transparency-log client can read (C2SP tlog-tiles).

A tile holds up to 256 hashes of 32 bytes. Level 0 holds leaf hashes; each hash at a level above is the root of a full
tile below. A partial tile (1 to 255 hashes) stands at the right edge of each level. Entry bundles hold the leaves
themselves, up to 256 of them, each behind its length as a big-endian uint16.

https://c2sp.org/tlog-tiles
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from casework.audit.merkle import HASH_SIZE, packed_root

WIDTH = 256
MAX_ENTRY = 0xFFFF
ENTRIES = -1
"""The level of an entry bundle, where a tile has 0 and above."""

_PATH = re.compile(r"tile/(0|[1-9]\d?|entries)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII)


@dataclass(frozen=True, order=True, slots=True)
class Tile:
    """One tile, or one entry bundle when ``level`` is ENTRIES. ``width`` counts its hashes or entries, 1 to 256."""

    level: int
    n: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if not (ENTRIES <= self.level <= 63 and self.n >= 0 and 1 <= self.width <= WIDTH):
            raise ValueError(f"no such tile: level {self.level}, index {self.n}, width {self.width}")

    @property
    def path(self) -> str:
        """Its path under the log's prefix, like ``tile/0/x001/x234/067.p/8``."""
        digits = f"{self.n:d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        index = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{index}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @classmethod
    def from_path(cls, path: str) -> Tile:
        """The opposite of ``path``. Raises ValueError for any other spelling, such as needless zeros."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise ValueError(f"not a tile path: {path!r}")
        level, index, width = match.groups()
        tile = cls(
            ENTRIES if level == "entries" else int(level),
            int(index.replace("x", "").replace("/", "")),
            int(width) if width else WIDTH,
        )
        if tile.path != path:
            raise ValueError(f"not a tile path: {path!r}")
        return tile


TileReader = Callable[[Tile], bytes]
"""Answers the hashes of a tile, one after another. May answer a longer tile when the partial one is gone."""


def new_tiles(size1: int, size2: int) -> list[Tile]:
    """The tiles of the tree of ``size2`` leaves whose content the tree of ``size1`` did not have, levels upward.

    From size 0 these are all the tiles of the tree. Raises ValueError when the tree would shrink.
    """
    _check_growth(size1, size2)
    tiles: list[Tile] = []
    level = 0
    while size2:
        tiles.extend(_row(level, size1, size2))
        size1, size2, level = size1 // WIDTH, size2 // WIDTH, level + 1
    return tiles


def new_bundles(size1: int, size2: int) -> list[Tile]:
    """The entry bundles that a growth from ``size1`` to ``size2`` leaves makes, in order."""
    _check_growth(size1, size2)
    return list(_row(ENTRIES, size1, size2))


def grow(size: int, leaves: Iterable[bytes], read: TileReader) -> dict[Tile, bytes]:
    """The content of every tile that appears when ``leaves`` (hashes) join a tree of ``size`` leaves.

    ``read`` is asked for the partial tiles at the right edge of the older tree only, one for each level at most.
    """
    made: dict[Tile, bytes] = {}
    added = b"".join(leaves)
    if len(added) % HASH_SIZE:
        raise ValueError("a leaf hash is not 32 bytes")
    level = 0
    while added:
        n, width = divmod(size, WIDTH)
        data = _read_exactly(read, Tile(level, n, width)) + added if width else added
        above: list[bytes] = []
        for at in range(0, len(data), WIDTH * HASH_SIZE):
            content = data[at : at + WIDTH * HASH_SIZE]
            tile = Tile(level, n, len(content) // HASH_SIZE)
            made[tile] = content
            if tile.width == WIDTH:
                above.append(packed_root(content))
            n += 1
        added, size, level = b"".join(above), size // WIDTH, level + 1
    return made


@dataclass(frozen=True, slots=True)
class TileNodes:
    """Reads Merkle nodes back from the tiles of a tree of ``size`` leaves: a ``merkle.NodeReader`` for proofs."""

    size: int
    read: TileReader

    def __call__(self, nodes: list[tuple[int, int]]) -> list[bytes]:
        """Raises ValueError when a node is not in the tree or a tile is too short."""
        held: dict[Tile, bytes] = {}
        hashes: list[bytes] = []
        for level, index in nodes:
            if index < 0 or level < 0 or (index + 1) << level > self.size:
                raise ValueError(f"no complete node {index} at level {level} in a tree of size {self.size}")
            row, rise = divmod(level, 8)
            first = index << rise
            n, at = divmod(first, WIDTH)
            tile = Tile(row, n, min(WIDTH, (self.size >> (8 * row)) - n * WIDTH))
            if tile not in held:
                held[tile] = _read_exactly(self.read, tile)
            hashes.append(packed_root(held[tile][at * HASH_SIZE : (at + (1 << rise)) * HASH_SIZE]))
        return hashes


def encode_bundle(bodies: Iterable[bytes]) -> bytes:
    """An entry bundle. Raises ValueError when a body is longer than 65,535 bytes or there are more than 256."""
    parts: list[bytes] = []
    for body in bodies:
        if len(body) > MAX_ENTRY:
            raise ValueError(f"a body of {len(body)} bytes is longer than {MAX_ENTRY}")
        parts += (len(body).to_bytes(2, "big"), body)
    if len(parts) > 2 * WIDTH:
        raise ValueError(f"{len(parts) // 2} bodies are more than {WIDTH}")
    return b"".join(parts)


def decode_bundle(data: bytes) -> list[bytes]:
    """The bodies of an entry bundle. Raises ValueError when it ends within a body or holds more than 256."""
    bodies: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise ValueError("the entry bundle ends within an entry")
        bodies.append(data[at + 2 : end])
        at = end
    if len(bodies) > WIDTH:
        raise ValueError(f"{len(bodies)} bodies are more than {WIDTH}")
    return bodies


def _row(level: int, size1: int, size2: int) -> Iterator[Tile]:
    """The tiles of one level that are new when its hashes grow from ``size1`` to ``size2``."""
    if size1 == size2:
        return
    full, width = divmod(size2, WIDTH)
    for n in range(size1 // WIDTH, full):
        yield Tile(level, n)
    if width:
        yield Tile(level, full, width)


def _check_growth(size1: int, size2: int) -> None:
    if not 0 <= size1 <= size2:
        raise ValueError(f"a tree does not grow from {size1} to {size2}")


def _read_exactly(read: TileReader, tile: Tile) -> bytes:
    data = read(tile)
    if len(data) < tile.width * HASH_SIZE:
        raise ValueError(f"{tile.path} holds {len(data)} bytes, fewer than {tile.width * HASH_SIZE}")
    return data[: tile.width * HASH_SIZE]
