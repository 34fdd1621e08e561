from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.audit import merkle
from casework.audit.merkle import Frontier

# The reference leaves, roots and proofs of RFC 6962, as Certificate Transparency implementations publish them.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
N0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
N1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
N01 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
N23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N03 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
N4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
N6 = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"
N45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
N47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
N67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
INCLUSION = [
    (0, 1, []),
    (0, 8, [N1, N23, N47]),
    (5, 8, [N4, N67, N03]),
    (2, 3, [N01]),
    (1, 5, [N0, N23, N4]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, [N1, N23, N47]),
    (6, 8, [N45, N67, N03]),
    (2, 5, [N23, N4]),
    (6, 7, [N45, N6, N03]),
]
SOME = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")


def hashed(count: int) -> list[bytes]:
    return merkle.leaf_hashes(b"leaf %d" % number for number in range(count))


def naive_root(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is written there."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return sha256(b"\x01" + naive_root(hashes[:split]) + naive_root(hashes[split:])).digest()


def naive_path(index: int, hashes: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1."""
    if len(hashes) == 1:
        return []
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    if index < split:
        return [*naive_path(index, hashes[:split]), naive_root(hashes[split:])]
    return [*naive_path(index - split, hashes[split:]), naive_root(hashes[:split])]


def naive_subproof(size: int, hashes: list[bytes], whole: bool) -> list[bytes]:
    """RFC 6962 section 2.1.2."""
    if size == len(hashes):
        return [] if whole else [naive_root(hashes)]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    if size <= split:
        return [*naive_subproof(size, hashes[:split], whole), naive_root(hashes[split:])]
    return [*naive_subproof(size - split, hashes[split:], False), naive_root(hashes[:split])]


def flips(data: bytes) -> list[bytes]:
    number = int.from_bytes(data, "big")
    return [(number ^ (1 << bit)).to_bytes(len(data), "big") for bit in range(8 * len(data))]


def test_the_reference_roots_come_out() -> None:
    assert merkle.empty_root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root([]) == merkle.empty_root()
    hashes = merkle.leaf_hashes(LEAVES)
    assert hashes == [merkle.leaf_hash(leaf) for leaf in LEAVES]
    assert [merkle.root(hashes[:size]).hex() for size in range(1, 9)] == ROOTS


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_the_reference_inclusion_proofs_come_out_and_verify(index: int, size: int, proof: list[str]) -> None:
    hashes = merkle.leaf_hashes(LEAVES)
    made = merkle.inclusion_proof(index, hashes, size)
    assert [item.hex() for item in made] == proof
    merkle.verify_inclusion(index, size, hashes[index], made, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("size1", "size2", "proof"), CONSISTENCY)
def test_the_reference_consistency_proofs_come_out_and_verify(
    size1: int, size2: int, proof: list[str]
) -> None:
    made = merkle.consistency_proof(size1, size2, merkle.leaf_hashes(LEAVES))
    assert [item.hex() for item in made] == proof
    merkle.verify_consistency(
        size1, size2, bytes.fromhex(ROOTS[size1 - 1]), bytes.fromhex(ROOTS[size2 - 1]), made
    )


@settings(deadline=None)
@given(st.integers(0, 300))
def test_the_root_is_that_of_the_definition(size: int) -> None:
    hashes = hashed(size)
    assert merkle.root(hashes) == naive_root(hashes)


@settings(deadline=None)
@given(st.data())
def test_every_proof_is_that_of_the_definition_and_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 200))
    hashes = hashed(size)
    root = merkle.root(hashes)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_proof(index, hashes, size)
    assert path == naive_path(index, hashes)
    merkle.verify_inclusion(index, size, hashes[index], path, root)
    older = data.draw(st.integers(1, size))
    proof = merkle.consistency_proof(older, size, hashes)
    assert proof == naive_subproof(older, hashes, True)
    merkle.verify_consistency(older, size, merkle.root(hashes[:older]), root, proof)


@pytest.mark.parametrize(("index", "size"), [(0, 8), (5, 8), (2, 3), (1, 5), (4, 5), (6, 7)])
def test_every_single_bit_of_an_inclusion_proof_matters(index: int, size: int) -> None:
    hashes = hashed(size)
    root, proof = merkle.root(hashes), merkle.inclusion_proof(index, hashes, size)
    for at, item in enumerate(proof):
        for wrong in flips(item):
            with pytest.raises(ValueError, match="does not lead to the root"):
                merkle.verify_inclusion(
                    index, size, hashes[index], [*proof[:at], wrong, *proof[at + 1 :]], root
                )
    for wrong in flips(root):
        with pytest.raises(ValueError, match="does not lead to the root"):
            merkle.verify_inclusion(index, size, hashes[index], proof, wrong)
    for wrong in flips(hashes[index]):
        with pytest.raises(ValueError, match="does not lead to the root"):
            merkle.verify_inclusion(index, size, wrong, proof, root)


@pytest.mark.parametrize(("size1", "size2"), [(1, 8), (6, 8), (2, 5), (6, 7), (4, 8), (7, 8), (3, 5)])
def test_every_single_bit_of_a_consistency_proof_matters(size1: int, size2: int) -> None:
    hashes = hashed(size2)
    root1, root2 = merkle.root(hashes[:size1]), merkle.root(hashes)
    proof = merkle.consistency_proof(size1, size2, hashes)
    for at, item in enumerate(proof):
        for wrong in flips(item):
            with pytest.raises(ValueError, match="does not lead to the"):
                merkle.verify_consistency(size1, size2, root1, root2, [*proof[:at], wrong, *proof[at + 1 :]])
    for wrong in flips(root1):
        with pytest.raises(ValueError, match="does not lead to the"):
            merkle.verify_consistency(size1, size2, wrong, root2, proof)
    for wrong in flips(root2):
        with pytest.raises(ValueError, match="does not lead to the newer root"):
            merkle.verify_consistency(size1, size2, root1, wrong, proof)


@pytest.mark.parametrize(("index", "size", "_proof"), INCLUSION)
def test_an_inclusion_proof_is_refused_for_other_numbers_and_lengths(
    index: int, size: int, _proof: list[str]
) -> None:
    hashes = merkle.leaf_hashes(LEAVES)
    proof, root, leaf = merkle.inclusion_proof(index, hashes, size), merkle.root(hashes[:size]), hashes[index]
    wrong: list[tuple[int, int, bytes, list[bytes], bytes]] = [
        (index - 1, size, leaf, proof, root),
        (index + 1, size, leaf, proof, root),
        (index ^ 2, size, leaf, proof, root),
        (index, size * 2, leaf, proof, root),
        (index, size // 2, leaf, proof, root),
        (index, size, b"short", proof, root),
        (index, size, leaf, proof, b"short"),
        (index, size, leaf, proof, merkle.empty_root()),
        (index, size, leaf, proof, SOME),
        (index, size, leaf, [*proof, b""], root),
        (index, size, leaf, [*proof, root], root),
        (index, size, leaf, [b"", *proof], root),
        (index, size, leaf, [root, *proof], root),
    ]
    if proof:
        wrong += [(index, size, leaf, proof[:-1], root), (index, size, leaf, proof[1:], root)]
    for case in wrong:
        with pytest.raises(ValueError):
            merkle.verify_inclusion(*case)


@pytest.mark.parametrize(("size1", "size2", "_proof"), CONSISTENCY[1:])
def test_a_consistency_proof_is_refused_for_other_numbers_and_lengths(
    size1: int, size2: int, _proof: list[str]
) -> None:
    hashes = merkle.leaf_hashes(LEAVES)
    proof = merkle.consistency_proof(size1, size2, hashes)
    root1, root2 = merkle.root(hashes[:size1]), merkle.root(hashes[:size2])
    wrong: list[tuple[int, int, bytes, bytes, list[bytes]]] = [
        (size1 - 1, size2, root1, root2, proof),
        (size1 + 1, size2, root1, root2, proof),
        (size1 ^ 2, size2, root1, root2, proof),
        (size1, size2 * 2, root1, root2, proof),
        (size1, size2 // 2, root1, root2, proof),
        (size1, size2, b"short", root2, proof),
        (size1, size2, root1, b"short", proof),
        (size1, size2, root2, root1, proof),
        (size1, size2, root1, root2, []),
        (size1, size2, root1, root2, [*proof, b""]),
        (size1, size2, root1, root2, [*proof, root1]),
        (size1, size2, root1, root2, [*proof, root2]),
        (size1, size2, root1, root2, [b"", *proof]),
        (size1, size2, root1, root2, [root1, *proof]),
        (size1, size2, root1, root2, [proof[0], *proof]),
        (size1, size2, root1, root2, proof[:-1]),
    ]
    for case in wrong:
        with pytest.raises(ValueError):
            merkle.verify_consistency(*case)


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize(
    "wrong", [None, "1", "a" * 32, 1.0, float("nan"), True, [], b"", 5, -1, [None], ["a" * 32]]
)
def test_an_argument_of_any_other_kind_is_a_value_error(place: int, wrong: object) -> None:
    hashes = hashed(5)
    inclusion = [3, 5, hashes[3], merkle.inclusion_proof(3, hashes, 5), merkle.root(hashes)]
    consistency = [3, 5, merkle.root(hashes[:3]), merkle.root(hashes), merkle.consistency_proof(3, 5, hashes)]
    merkle.verify_inclusion(*inclusion)  # type: ignore[arg-type]
    merkle.verify_consistency(*consistency)  # type: ignore[arg-type]
    inclusion[place] = consistency[place] = wrong
    if (place, wrong) != (1, 5):  # the right size
        with pytest.raises(ValueError):
            merkle.verify_inclusion(*inclusion)  # type: ignore[arg-type]
        with pytest.raises(ValueError):
            merkle.verify_consistency(*consistency)  # type: ignore[arg-type]


def test_sizes_beyond_any_log_are_refused_at_once() -> None:
    for size in (1 << 63, 1 << 64, 1 << 500):
        with pytest.raises(ValueError):
            merkle.verify_inclusion(size - 1, size, SOME, [SOME] * 10, SOME)
        with pytest.raises(ValueError):
            merkle.verify_consistency(size, size * 2, SOME, SOME, [SOME] * 10)


def test_a_proof_may_be_any_sequence() -> None:
    hashes = hashed(5)
    proof, root = merkle.inclusion_proof(3, hashes, 5), merkle.root(hashes)
    for form in (tuple(proof), iter(proof)):
        merkle.verify_inclusion(3, 5, hashes[3], form, root)  # type: ignore[arg-type]


def test_nothing_is_consistent_with_an_empty_tree() -> None:
    empty = merkle.empty_root()
    for size2 in (0, 1, 8):
        with pytest.raises(ValueError, match="no consistency"):
            merkle.verify_consistency(0, size2, empty, empty, [])
        with pytest.raises(ValueError, match="no consistency"):
            merkle.consistency_proof(0, size2, hashed(size2))


def test_equal_sizes_need_an_empty_proof_and_equal_roots() -> None:
    merkle.verify_consistency(5, 5, SOME, SOME, [])
    with pytest.raises(ValueError, match="must be empty"):
        merkle.verify_consistency(5, 5, SOME, SOME, [SOME])
    with pytest.raises(ValueError, match="two different roots"):
        merkle.verify_consistency(5, 5, SOME, merkle.empty_root(), [])
    with pytest.raises(ValueError, match="bytes, not 32"):
        merkle.verify_consistency(5, 5, b"", b"", [])


def test_a_hash_that_is_not_32_bytes_is_an_error_everywhere() -> None:
    good = hashed(3)
    bad = [*good, b"x" * 31]
    with pytest.raises(ValueError, match="32 bytes"):
        merkle.root(bad)
    with pytest.raises(ValueError, match="whole number"):
        merkle.packed_root(b"x" * 33)
    with pytest.raises(ValueError, match="32 bytes"):
        merkle.inclusion_proof(0, bad, 4)
    tree = Frontier()
    tree.extend(good)
    with pytest.raises(ValueError, match="32 bytes"):
        tree.extend(bad)
    with pytest.raises(ValueError, match="32 bytes"):
        tree.append(b"")
    assert tree.size == 3
    assert tree.root() == merkle.root(good)


def test_proofs_for_leaves_that_are_not_there_are_refused() -> None:
    hashes = hashed(4)
    for index, size in ((4, 4), (-1, 4), (0, 0), (0, 5)):
        with pytest.raises(ValueError):
            merkle.inclusion_proof(index, hashes, size)
    with pytest.raises(ValueError):
        merkle.consistency_proof(3, 2, hashes)
    with pytest.raises(ValueError, match="fewer than the tree size"):
        merkle.consistency_proof(3, 5, hashes)


def test_a_reader_is_asked_once_and_only_for_complete_nodes() -> None:
    hashes = hashed(13)
    asked: list[list[tuple[int, int]]] = []

    def read(nodes: list[tuple[int, int]]) -> list[bytes]:
        asked.append(nodes)
        assert all((index + 1) << level <= 13 for level, index in nodes)
        return [naive_root(hashes[index << level : (index + 1) << level]) for level, index in nodes]

    assert merkle.inclusion_proof(3, read, 13) == naive_path(3, hashes)
    assert merkle.consistency_proof(6, 13, read) == naive_subproof(6, hashes, True)
    assert len(asked) == 2
    with pytest.raises(ValueError, match="answered 0 hashes"):
        merkle.inclusion_proof(3, lambda nodes: [], 13)


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), max_size=12))
def test_a_growing_tree_has_the_root_of_all_its_leaves_at_every_step(steps: list[int]) -> None:
    hashes = hashed(sum(steps))
    tree, done = Frontier(), 0
    for step in steps:
        tree.extend(hashes[done : done + step])
        done += step
        assert tree.size == done
        assert tree.root() == merkle.root(hashes[:done])
        assert len(tree.nodes) == done.bit_count()
        tree = Frontier.from_bytes(tree.to_bytes())
    singly = Frontier()
    for item in hashes:
        singly.append(item)
    assert singly == tree
    assert singly.nodes == tree.nodes


def test_a_copy_grows_apart() -> None:
    tree = Frontier()
    tree.extend(hashed(5))
    other = tree.copy()
    other.append(SOME)
    assert (tree.size, other.size) == (5, 6)
    assert tree.root() == merkle.root(hashed(5))
    assert tree != other


def test_a_serialised_tree_that_does_not_fit_its_size_is_refused() -> None:
    tree = Frontier()
    tree.extend(hashed(7))
    data = tree.to_bytes()
    assert len(data) == 8 + 3 * 32
    for wrong in (b"", data[:-1], data[:-32], data + SOME, b"\x00" * 7 + b"\x08" + data[8:]):
        with pytest.raises(ValueError):
            Frontier.from_bytes(wrong)
