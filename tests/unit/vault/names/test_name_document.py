from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.vault.names import VERSION, Candidate, Document, StaleDocumentError, match_prepared, prepare

PERSON = Candidate("k", ("Rahmonova Shahnoza Karim qizi", "Шахноза Рахманова"), date(1994, 3, 2))


def test_bytes_give_the_same_search_back() -> None:
    document = prepare(PERSON)
    again = Document.from_bytes(document.to_bytes(), "k")
    assert again.birth_date == PERSON.birth_date
    for query in ("Шаҳноза Раҳмонова", "Rakhmanova", "Karim qizi Shahnoza"):
        assert match_prepared(query, [again]) == match_prepared(query, [document]) != []


def test_bytes_hold_no_key() -> None:
    one, other = (prepare(Candidate(key, ("Ali Karimov",))) for key in ("first-key", "second-key"))
    assert one.to_bytes() == other.to_bytes()


def test_bytes_of_another_version_are_refused_as_stale() -> None:
    data = prepare(PERSON).to_bytes()
    older = b"0" + data[len(str(VERSION)) :]
    with pytest.raises(StaleDocumentError, match="version '0'"):
        Document.from_bytes(older, "k")


@given(st.binary())
def test_bytes_that_are_no_document_are_refused(data: bytes) -> None:
    with pytest.raises(StaleDocumentError):
        Document.from_bytes(data, "k")


@given(st.lists(st.text(), max_size=3), st.none() | st.dates())
def test_every_candidate_survives_the_bytes(names: list[str], born: date | None) -> None:
    document = prepare(Candidate(1, tuple(names), born))
    again = Document.from_bytes(document.to_bytes(), 1)
    assert again.to_bytes() == document.to_bytes()
    assert [name.written for name in again.names] == [name.written for name in document.names]
