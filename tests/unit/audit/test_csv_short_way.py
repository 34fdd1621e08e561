"""A line that needs no quoting becomes a row without being parsed. Both ways must give the same bytes."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from casework.audit.verify import EVENT_KEYS, Clock, csv_line, csv_of, usual_cells, usual_line

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


@given(EVENTS, st.integers(0, 10**9))
def test_both_ways_give_the_same_row(event: dict[str, Any], index: int) -> None:
    for ascii_only in (False, True):
        body = json.dumps(event, ensure_ascii=ascii_only, separators=(",", ":")).encode()
        leaf = sha256(body).digest()
        long_way = csv_line(index, leaf, json.loads(body))
        assert csv_of(index, [(leaf, body)]).decode() == long_way
        cells = usual_cells(body)
        if cells is not None:
            assert usual_line(index, leaf, cells) == long_way


def test_a_usual_event_takes_the_short_way_and_a_strange_one_does_not() -> None:
    event: dict[str, Any] = dict.fromkeys(EVENT_KEYS) | {"v": 1, "writer_seq": 2, "break_glass": False}
    event |= {key: ["a", "b"] for key in LISTS}
    usual = json.dumps(event, separators=(",", ":")).encode()
    assert usual_cells(usual) is not None
    for strange in (
        usual.replace(b'"v":1', b'"v":01'),
        usual.replace(b'"a"', b'"=a"'),
        usual.replace(b'"a"', b'"a,"'),
        usual.replace(b'"a"', b'"\\u0061"'),
        usual.replace(b'"a"', b'""'),
        usual.replace(b'"a"', b'"\xff"'),
        usual + b" ",
        usual.replace(b"{", b'{"more":1,'),
        b"",
    ):
        assert usual_cells(strange) is None


def test_a_dropped_body_leaves_its_index_and_hash_and_a_missing_one_no_row() -> None:
    row = csv_of(7, [(b"\1" * 32, b""), (b"\2" * 32, None)]).decode()
    assert row == f"7,{'01' * 32}{',' * len(EVENT_KEYS)}\r\n"


def test_a_clock_is_set_back_within_a_writer_or_by_minutes_against_all() -> None:
    clock = Clock()
    assert not clock.is_set_back("a", "2026-01-01T12:00:00.000000Z")
    assert not clock.is_set_back("b", "2026-01-01T11:58:00.000000Z")
    assert clock.is_set_back("a", "2026-01-01T11:59:59.999999Z")
    assert clock.is_set_back("c", "2026-01-01T11:54:59.000000Z")
    assert not clock.is_set_back("c", "2026-01-01T12:00:01.000000Z")
    assert not Clock().is_set_back("a", "no time at all")
