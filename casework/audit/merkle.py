"""The Merkle tree of RFC 6962 section 2.1 (the same tree as RFC 9162): roots, proofs, and a tree that grows.

Nothing here knows about events or databases. A hash is 32 bytes (SHA-256). An index counts leaves from 0, a size is
a number of leaves. A node is named ``(level, index)``: level 0 holds the leaf hashes, and node ``(level, index)``
covers the leaves ``[index << level, (index + 1) << level)``, all of them present.

https://www.rfc-editor.org/rfc/rfc6962#section-2.1 and https://www.rfc-editor.org/rfc/rfc9162#section-2.1
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32

NodeReader = Callable[[list[tuple[int, int]]], list[bytes]]
"""Answers the hashes of the named complete nodes, in the order asked. Asked once for each proof, so that a reader
over a database or over tiles can fetch everything together."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data).digest()


def leaf_hashes(bodies: Iterable[bytes]) -> list[bytes]:
    """The leaf hash of every body, in order; the same as mapping ``leaf_hash``, with less overhead for each."""
    return _digests(b"\x00", bodies)


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def empty_root() -> bytes:
    """The root of the tree without leaves: SHA-256 of nothing."""
    return sha256(b"").digest()


def root(hashes: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes. Raises ValueError when one is not 32 bytes."""
    return packed_root(_packed(hashes))


def packed_root(packed: bytes) -> bytes:
    """The root over leaf hashes that stand one after another in ``packed``, as they do in a tile."""
    if len(packed) % HASH_SIZE:
        raise ValueError(f"{len(packed)} bytes are not a whole number of {HASH_SIZE}-byte hashes")
    # Level by level: an odd last node moves up unchanged, which gives the RFC's split at the largest power of two.
    while len(packed) > HASH_SIZE:
        odd = len(packed) % (2 * HASH_SIZE)
        packed = _parents(packed[: len(packed) - odd]) + packed[len(packed) - odd :]
    return packed or empty_root()


def inclusion_proof(index: int, source: Sequence[bytes] | NodeReader, size: int) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of the first ``size`` leaves (RFC 6962 section 2.1.1).

    ``source`` is either the leaf hashes or a NodeReader. Raises ValueError when there is no such leaf or tree.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of size {size}")
    ranges: list[tuple[int, int]] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return _range_hashes(ranges[::-1], source, size)


def consistency_proof(size1: int, size2: int, source: Sequence[bytes] | NodeReader) -> list[bytes]:
    """The proof that the tree of ``size2`` leaves extends that of ``size1`` (RFC 6962 section 2.1.2).

    Raises ValueError when ``size1`` is 0 (nothing can be proven from an empty tree) or above ``size2``.
    """
    if not 0 < size1 <= size2:
        raise ValueError(f"no consistency proof from size {size1} to size {size2}")
    ranges: list[tuple[int, int]] = []
    begin, end = 0, size2
    while end != size1:
        middle = begin + _split(end - begin)
        if size1 <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    if begin:  # When it starts at 0 it is the older tree itself, whose root the verifier already holds.
        ranges.append((begin, end))
    return _range_hashes(ranges[::-1], source, size2)


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that this audit path leads to (RFC 9162 section 2.1.3.2). Raises ValueError on a malformed path."""
    _check_numbers(index, size)
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of size {size}")
    proof = _checked_proof(proof)
    _check_hashes(leaf)
    node, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ValueError("the inclusion proof is too long")
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ValueError("the inclusion proof is too short")
    return result


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raises ValueError unless ``proof`` shows that ``leaf`` is leaf ``index`` of the tree with this size and root."""
    _check_hashes(root)
    if root_from_inclusion(index, size, leaf, proof) != root:
        raise ValueError(f"the inclusion proof of leaf {index} does not lead to the root")


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> None:
    """Raises ValueError unless ``proof`` shows that tree 2 extends tree 1 (RFC 9162 section 2.1.4.2).

    From size 0 it is an error, also 0 to 0. Equal sizes need an empty proof and equal roots.
    """
    _check_hashes(root1, root2)
    older, newer = roots_from_consistency(size1, size2, root1, proof)
    if size1 == size2 and root1 != root2:
        raise ValueError("two different roots of the same size")
    if older != root1:
        raise ValueError("the consistency proof does not lead to the older root")
    if newer != root2:
        raise ValueError("the consistency proof does not lead to the newer root")


def roots_from_consistency(
    size1: int, size2: int, root1: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """The roots of tree 1 and tree 2 that this proof leads to. Raises ValueError on a malformed proof.

    Where tree 1 is one complete node (its size a power of two) the proof begins with ``root1`` itself; otherwise
    ``root1`` says nothing.
    """
    _check_numbers(size1, size2)
    if not 0 < size1 <= size2:
        raise ValueError(f"no consistency from size {size1} to size {size2}")
    proof = _checked_proof(proof)
    _check_hashes(root1)
    if size1 == size2:
        if proof:
            raise ValueError("a consistency proof between equal sizes must be empty")
        return root1, root1
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else proof
    if not path:
        raise ValueError("the consistency proof is empty")
    node, last = size1 - 1, size2 - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ValueError("the consistency proof is too long")
        if node & 1 or node == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ValueError("the consistency proof is too short")
    return older, newer


class Frontier:
    """A tree that can only grow, held as the roots of its complete subtrees: at most log2(size) + 1 hashes.

    ``nodes`` stand from the largest subtree to the smallest, one for each 1 bit of ``size``.
    """

    __slots__ = ("_nodes", "_size")

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        """Raises ValueError when the number of nodes does not fit the size, or a node is not 32 bytes."""
        self._size = size
        self._nodes = list(nodes)
        if size < 0 or len(self._nodes) != size.bit_count():
            raise ValueError(f"{len(self._nodes)} nodes do not make a tree of size {size}")
        _check_hashes(*self._nodes)

    @property
    def size(self) -> int:
        return self._size

    @property
    def nodes(self) -> tuple[bytes, ...]:
        return tuple(self._nodes)

    def append(self, leaf: bytes) -> None:
        """Adds one leaf hash. Raises ValueError when it is not 32 bytes."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Adds leaf hashes in order, a level at a time. Raises ValueError, and adds none, when one is not 32 bytes."""
        packed = _packed(leaves)
        added = len(packed) // HASH_SIZE
        older, remaining = self._size, self._nodes.copy()
        smallest_first: list[bytes] = []
        while packed or older:
            if older & 1:
                packed = remaining.pop() + packed
            if len(packed) % (2 * HASH_SIZE):
                smallest_first.append(packed[-HASH_SIZE:])
                packed = packed[:-HASH_SIZE]
            packed = _parents(packed)
            older >>= 1
        self._size += added
        self._nodes = smallest_first[::-1]

    def root(self) -> bytes:
        if not self._nodes:
            return empty_root()
        result = self._nodes[-1]
        for node in self._nodes[-2::-1]:
            result = node_hash(node, result)
        return result

    def copy(self) -> Frontier:
        return Frontier(self._size, self._nodes)

    def to_bytes(self) -> bytes:
        """The size as eight bytes, big-endian, then the nodes from the largest subtree to the smallest."""
        return self._size.to_bytes(8, "big") + b"".join(self._nodes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """The opposite of ``to_bytes``. Raises ValueError when the length does not fit the size."""
        if len(data) < 8 or (len(data) - 8) % HASH_SIZE:
            raise ValueError(f"{len(data)} bytes are not a serialised tree")
        nodes = [data[at : at + HASH_SIZE] for at in range(8, len(data), HASH_SIZE)]
        return cls(int.from_bytes(data[:8], "big"), nodes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frontier):
            return NotImplemented
        return self._size == other._size and self._nodes == other._nodes

    __hash__ = None  # type: ignore[assignment]  # it changes as it grows

    def __repr__(self) -> str:
        return f"Frontier(size={self._size}, root={self.root().hex()})"


def _split(count: int) -> int:
    """The largest power of two below ``count`` (which is at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def _digests(prefix: bytes, parts: Iterable[bytes]) -> list[bytes]:
    """SHA-256 of ``prefix`` and each part. Copying a hash that has begun costs less than joining and beginning anew."""
    begun = sha256(prefix).copy
    digests: list[bytes] = []
    for part in parts:
        hasher = begun()
        hasher.update(part)
        digests.append(hasher.digest())
    return digests


def _parents(packed: bytes) -> bytes:
    pairs = [packed[at : at + 2 * HASH_SIZE] for at in range(0, len(packed), 2 * HASH_SIZE)]
    return b"".join(_digests(b"\x01", pairs))


def _packed(hashes: Iterable[bytes]) -> bytes:
    items = list(hashes)
    if items and set(map(len, items)) != {HASH_SIZE}:
        raise ValueError(f"a leaf hash is not {HASH_SIZE} bytes")
    return b"".join(items)


def _check_hashes(*hashes: object) -> None:
    for item in hashes:
        if not isinstance(item, bytes | bytearray):
            raise ValueError(f"a hash is bytes, not {type(item).__name__}")
        if len(item) != HASH_SIZE:
            raise ValueError(f"a hash has {len(item)} bytes, not {HASH_SIZE}")


def _check_numbers(*numbers: object) -> None:
    """What comes from JSON may be of any type, and a wrong one must not look like a fault of the program."""
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool):
            raise ValueError(f"an index or a size is a whole number, not {number!r}")


def _checked_proof(proof: object) -> list[bytes]:
    if not isinstance(proof, Iterable) or isinstance(proof, str | bytes | bytearray):
        raise ValueError("a proof is a list of hashes")
    hashes = list(proof)
    _check_hashes(*hashes)
    return hashes


def _complete_nodes(begin: int, end: int) -> list[tuple[int, int]]:
    """The complete nodes that cover the leaves ``[begin, end)``, from left to right."""
    nodes: list[tuple[int, int]] = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        if begin:
            level = min(level, (begin & -begin).bit_length() - 1)
        nodes.append((level, begin >> level))
        begin += 1 << level
    return nodes


def _range_hashes(
    ranges: list[tuple[int, int]], source: Sequence[bytes] | NodeReader, size: int
) -> list[bytes]:
    """The Merkle hash of each range. Every range comes from the RFC's splits, so folding from the right is exact."""
    covers = [_complete_nodes(begin, end) for begin, end in ranges]
    names = [name for cover in covers for name in cover]
    if callable(source):
        found = source(names)
    else:
        if len(source) < size:
            raise ValueError(f"{len(source)} leaf hashes are fewer than the tree size {size}")
        found = [root(source[index << level : (index + 1) << level]) for level, index in names]
    if len(found) != len(names):
        raise ValueError(f"the reader answered {len(found)} hashes for {len(names)} nodes")
    _check_hashes(*found)
    proof: list[bytes] = []
    at = 0
    for cover in covers:
        parts = found[at : at + len(cover)]
        at += len(cover)
        result = parts[-1]
        for part in parts[-2::-1]:
            result = node_hash(part, result)
        proof.append(result)
    return proof
