from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.audit import merkle
from casework.audit.tiles import (
    ENTRIES,
    Tile,
    TileNodes,
    decode_bundle,
    encode_bundle,
    grow,
    new_bundles,
    new_tiles,
)


def hashed(count: int) -> list[bytes]:
    return merkle.leaf_hashes(b"%d" % number for number in range(count))


def refuse(tile: Tile) -> bytes:
    raise AssertionError(f"{tile} was read")


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1234067), "tile/0/x001/x234/067"),  # the specification's own example
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(1, 999, 1), "tile/1/999.p/1"),
        (Tile(2, 1000, 255), "tile/2/x001/000.p/255"),
        (Tile(63, 1_000_000), "tile/63/x001/x000/000"),
        (Tile(ENTRIES, 1234067), "tile/entries/x001/x234/067"),
        (Tile(ENTRIES, 5, 7), "tile/entries/005.p/7"),
    ],
)
def test_paths_are_as_the_specification_writes_them(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.from_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/00/001",
        "tile/64/001",
        "tile/-1/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/001.p/",
        "tile/data/001",
        "/tile/0/001",
        "tile/0/001 ",
        "tile/0/\u0661\u0661\u0661",
        "tile/0/001\n",
        "",
    ],
)
def test_other_spellings_of_a_path_are_refused(path: str) -> None:
    with pytest.raises(ValueError):
        Tile.from_path(path)


@given(st.integers(-1, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_every_path_can_be_read_back(level: int, n: int, width: int) -> None:
    assert Tile.from_path(Tile(level, n, width).path) == Tile(level, n, width)


def test_the_tiles_of_the_specifications_example_trees() -> None:
    tiles = new_tiles(0, 70_000)
    full = [tile for tile in tiles if tile.width == 256]
    assert sum(tile.level == 0 for tile in full) == 273
    assert [tile for tile in full if tile.level] == [Tile(1, 0)]
    partial = [tile for tile in tiles if tile.width < 256]
    assert partial == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert new_tiles(0, 256) == [Tile(0, 0), Tile(1, 0, 1)]


@pytest.mark.parametrize(
    ("size1", "size2", "count"),
    [(0, 0, 0), (1, 1, 0), (100, 101, 1), (255, 257, 3), (256, 300, 1), (300, 511, 1), (0, 65_536, 258)],
)
def test_a_growth_makes_only_tiles_whose_content_is_new(size1: int, size2: int, count: int) -> None:
    assert len(new_tiles(size1, size2)) == count


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=5))
def test_growing_makes_exactly_the_named_tiles_with_the_right_hashes(steps: list[int]) -> None:
    hashes = hashed(sum(steps))
    held: dict[Tile, bytes] = {}
    size = 0
    for step in steps:
        made = grow(size, hashes[size : size + step], held.__getitem__)
        assert sorted(made) == sorted(new_tiles(size, size + step))
        held |= made
        size += step
    for tile, data in held.items():
        span = 256**tile.level
        for at in range(tile.width):
            index = tile.n * 256 + at
            expected = merkle.root(hashes[index * span : (index + 1) * span])
            assert data[at * 32 : at * 32 + 32] == expected


def test_a_first_growth_reads_nothing() -> None:
    assert sorted(grow(0, hashed(600), refuse)) == sorted(new_tiles(0, 600))
    assert grow(600, [], refuse) == {}


def test_a_hash_or_a_tile_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        grow(0, [b"short"], refuse)
    with pytest.raises(ValueError, match="fewer than"):
        grow(3, hashed(1), lambda tile: b"x" * 64)
    with pytest.raises(ValueError, match="does not grow"):
        new_tiles(3, 2)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_proofs_can_be_made_from_tiles_alone(data: st.DataObject) -> None:
    size = data.draw(st.one_of(st.integers(1, 1500), st.just(65_536 + 300)))
    hashes = hashed(size)
    held = grow(0, hashes, refuse)
    nodes = TileNodes(size, held.__getitem__)
    index = data.draw(st.integers(0, size - 1))
    root = merkle.root(hashes)
    merkle.verify_inclusion(index, size, hashes[index], merkle.inclusion_proof(index, nodes, size), root)
    older = data.draw(st.integers(1, size))
    proof = merkle.consistency_proof(older, size, nodes)
    merkle.verify_consistency(older, size, merkle.root(hashes[:older]), root, proof)


def test_a_longer_tile_may_stand_in_for_a_partial_one() -> None:
    hashes = hashed(300)
    held = grow(0, hashes, refuse)
    full = {(tile.level, tile.n): data for tile, data in sorted(held.items(), key=lambda item: item[0].width)}
    older = TileNodes(200, lambda tile: full[tile.level, tile.n])
    assert merkle.inclusion_proof(7, older, 200) == merkle.inclusion_proof(7, hashes, 200)
    assert grow(200, hashes[200:], lambda tile: full[tile.level, tile.n]).keys() == set(new_tiles(200, 300))


def test_a_node_that_is_not_complete_is_refused() -> None:
    nodes = TileNodes(3, refuse)
    for level, index in ((1, 1), (0, 3), (2, 0), (0, -1)):
        with pytest.raises(ValueError, match="no complete node"):
            nodes([(level, index)])


def test_entry_bundles_put_the_length_before_each_body() -> None:
    assert encode_bundle([b"", b"ab", b"x" * 300]) == b"\x00\x00\x00\x02ab\x01\x2c" + b"x" * 300
    assert new_bundles(250, 520) == [Tile(ENTRIES, 0), Tile(ENTRIES, 1), Tile(ENTRIES, 2, 8)]


@given(st.lists(st.binary(max_size=40), max_size=256))
def test_every_bundle_can_be_read_back(bodies: list[bytes]) -> None:
    data = encode_bundle(bodies)
    assert decode_bundle(data) == bodies
    if data:
        with pytest.raises(ValueError, match="ends within"):
            decode_bundle(data + b"\x00")


def test_bodies_that_do_not_fit_a_bundle_are_refused() -> None:
    assert decode_bundle(encode_bundle([b"x" * 65_535])) == [b"x" * 65_535]
    with pytest.raises(ValueError, match="longer than"):
        encode_bundle([b"x" * 65_536])
    with pytest.raises(ValueError, match="more than 256"):
        encode_bundle([b""] * 257)
    with pytest.raises(ValueError, match="more than 256"):
        decode_bundle(b"\x00\x00" * 257)
