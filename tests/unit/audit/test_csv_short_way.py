"""Lines that need no quoting become rows without being parsed. Both ways must give the same bytes."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from casework.audit.verify import (
    EVENT_KEYS,
    WIDTH,
    Clock,
    Told,
    csv_of,
    long_rows,
    usual_cells,
    usual_rows,
)

NUMBERS = ("v", "writer_seq", "result_count", "policy_version")
LISTS = ("subject_ids", "compartments", "fields_accessed")
TEXT = st.text(st.sampled_from("abcxyz019 -=+@,;:/<>\"'\\\t\r\nʻўқ\x00\x7f\u2028"), max_size=8)


def _value(key: str) -> st.SearchStrategy[Any]:
    if key in NUMBERS:
        return st.none() | st.integers(-5, 10**9)
    if key in LISTS:
        return st.lists(TEXT, max_size=3)
    return st.booleans() if key == "break_glass" else st.none() | TEXT


EVENTS = st.fixed_dictionaries({key: _value(key) for key in EVENT_KEYS})


def body_of(event: dict[str, Any], ascii_only: bool = False) -> bytes:
    return json.dumps(event, ensure_ascii=ascii_only, separators=(",", ":")).encode()


@given(st.lists(EVENTS, min_size=1, max_size=3), st.integers(0, 10**9), st.booleans())
def test_both_ways_give_the_same_rows(events: list[dict[str, Any]], index: int, ascii_only: bool) -> None:
    bodies = [body_of(event, ascii_only) for event in events]
    leaves = [sha256(body).digest() for body in bodies]
    long_way = long_rows(index, leaves, bodies)
    assert csv_of(index, leaves, bodies) == long_way
    cells = usual_cells(bodies)
    if cells is not None:
        assert usual_rows(index, leaves, cells) in (None, long_way)


def usual_event() -> dict[str, Any]:
    event: dict[str, Any] = dict.fromkeys(EVENT_KEYS) | {"v": 1, "writer_seq": 2, "break_glass": False}
    return event | {key: ["a", "b"] for key in LISTS}


STRANGE = [
    (b'"v":1', b'"v":01'),
    (b'"v":1', b'"v":' + b"1" * 19),
    (b'"a"', b'"=a"'),
    (b'"a"', b'"-a"'),
    (b'"a"', b'"\ta"'),
    (b'"a"', b'"a\r"'),
    (b'"a"', b'"a,"'),
    (b'"a"', b'"\\u0061"'),
    (b'"a"', b'"a" '),
    (b'"a"', b'"a]"'),
    (b'"a"', b"1"),
    (b'"a"', b"null"),
    (b'"a"', b'"\xff"'),
    (b'"code":null', b'"code":"a,b"'),
    (b'"code":null', b'"code":"a\nb"'),
    (b'"code":null', b'"code":"a","code":"b"'),
    (b"{", b'{"more":1,'),
    (b"}", b"} "),
    (b"}", b"}\n"),
    (b"{", b" {"),
]


def test_usual_events_take_the_short_way() -> None:
    bodies = [body_of(usual_event())] * 3
    cells = usual_cells(bodies)
    assert cells is not None
    assert usual_rows(5, [bytes(32)] * 3, cells) == long_rows(5, [bytes(32)] * 3, bodies)


@given(st.sampled_from(STRANGE), st.integers(0, 2))
def test_a_strange_event_takes_the_long_way_with_its_neighbours(
    strange: tuple[bytes, bytes], at: int
) -> None:
    usual = body_of(usual_event())
    bodies, leaves = [usual] * 3, [bytes(32)] * 3
    bodies[at] = usual.replace(*strange, 1)
    cells = usual_cells(bodies)
    assert cells is None or usual_rows(0, leaves, cells) is None
    assert csv_of(0, leaves, bodies) == long_rows(0, leaves, bodies)


def test_lines_that_hide_in_one_another_are_not_taken_for_as_many() -> None:
    usual = body_of(usual_event())
    assert usual_cells([usual + b"\n" + usual, b""]) is None
    assert usual_cells([b"x", usual + b"\n" + usual, usual]) is None
    assert usual_cells([b""]) is None
    assert usual_cells([]) == []


def test_a_strange_block_leaves_the_next_one_alone() -> None:
    bodies = [body_of(usual_event() | {"writer_seq": number}) for number in range(2 * WIDTH + 3)]
    bodies[7] = body_of(usual_event() | {"code": 'a "word", and more'})
    leaves = [sha256(body).digest() for body in bodies]
    assert csv_of(40, leaves, bodies) == long_rows(40, leaves, bodies)


def test_a_dropped_body_leaves_its_index_and_hash_and_a_missing_one_no_row() -> None:
    row = csv_of(7, [b"\1" * 32, b"\2" * 32], [b"", None]).decode()
    assert row == f"7,{'01' * 32}{',' * len(EVENT_KEYS)}\r\n"


def back(*events: tuple[str, str]) -> int | None:
    clock = Clock()
    for index, (writer, recorded) in enumerate(events):
        clock.see(writer, recorded, index)
    return clock.back


def test_a_clock_is_set_back_within_a_writer_or_by_minutes_against_all() -> None:
    noon = ("a", "2026-01-01T12:00:00.000000Z")
    late = ("b", "2026-01-01T11:58:00.000000Z")
    assert back(noon, late) is None
    assert back(noon, late, ("a", "2026-01-01T11:59:59.999999Z")) == 2
    assert back(noon, late, ("c", "2026-01-01T11:54:59.000000Z")) == 2
    assert back(noon, late, ("c", "2026-01-01T12:00:01.000000Z")) is None
    assert back(("a", "no time at all")) is None


MINUTES = st.integers(0, 12).map(lambda minute: f"2026-01-01T12:{minute:02d}:00.000000Z")
TIMES = st.lists(st.tuples(st.sampled_from("ab"), MINUTES), max_size=12)


@given(TIMES, st.lists(st.integers(0, 12), max_size=3))
def test_events_looked_at_apart_tell_the_same_as_one_by_one(
    events: list[tuple[str, str]], cuts: list[int]
) -> None:
    joined = Clock()
    edges = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    for low, high in pairwise(edges):
        part, indices = events[low:high], range(low, high)
        told = Told()
        if part:
            told.see_all([who for who, _ in part], list(indices), [time for _, time in part], indices)
        joined.join(told.clock)
    assert (joined.back is None) == (back(*events) is None)
    assert joined.last == dict(events)
