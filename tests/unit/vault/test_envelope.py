"""The envelope opens only where it belongs, and whatever is done to it, the answer is a clear error."""

from __future__ import annotations

import os
import uuid
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from casework.vault.envelope import (
    BODY_AT,
    HEADER,
    SMALLEST,
    decode,
    dek_version_of,
    encode,
    open_envelope,
    seal,
)
from casework.vault.grant import SealedError

KEY = AESGCM(bytes(range(32)))
ROW, SUBJECT = uuid.UUID(int=1), uuid.UUID(int=2)
FIELD = "person.surname"

values = st.one_of(
    st.text(),
    st.integers(),
    st.booleans(),
    st.dates(),
    st.binary(),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.one_of(st.none(), st.text(), st.integers())),
)


def sealed(value: Any = "Synthetic") -> bytes:
    return seal(KEY, 1, FIELD, ROW, SUBJECT, value)


@given(values)
def test_gives_back_what_was_sealed_with_its_type(value: Any) -> None:
    envelope = seal(KEY, 7, FIELD, ROW, SUBJECT, value)
    opened = open_envelope(KEY, envelope, FIELD, ROW, SUBJECT)
    assert opened == value
    assert type(opened) is type(value)
    assert dek_version_of(envelope) == 7


def test_short_answers_of_a_value_set_have_the_same_length() -> None:
    assert (
        len({len(sealed(word)) for word in ("ok", "very_hard", "not_assessed", date(2015, 3, 1), True)}) == 1
    )
    assert len(sealed("ok")) == SMALLEST


def test_the_same_value_is_sealed_differently_each_time() -> None:
    assert len({sealed() for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("field", "row", "subject"),
    [
        ("person.given_name", ROW, SUBJECT),
        (FIELD, uuid.UUID(int=3), SUBJECT),
        (FIELD, ROW, uuid.UUID(int=3)),
    ],
    ids=["another column", "another row", "another person"],
)
def test_does_not_open_elsewhere(field: str, row: uuid.UUID, subject: uuid.UUID) -> None:
    with pytest.raises(SealedError):
        open_envelope(KEY, sealed(), field, row, subject)


def test_does_not_open_with_another_key() -> None:
    with pytest.raises(SealedError):
        open_envelope(AESGCM(os.urandom(32)), sealed(), FIELD, ROW, SUBJECT)


def test_every_flipped_bit_is_refused() -> None:
    envelope = sealed()
    for position in range(len(envelope) * 8):
        changed = bytearray(envelope)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(SealedError):
            open_envelope(KEY, bytes(changed), FIELD, ROW, SUBJECT)


def test_every_truncation_is_refused() -> None:
    envelope = sealed("x" * 100)
    for length in range(len(envelope)):
        with pytest.raises(SealedError):
            open_envelope(KEY, envelope[:length], FIELD, ROW, SUBJECT)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_without_a_crash(noise: bytes) -> None:
    with pytest.raises(SealedError):
        open_envelope(KEY, noise, FIELD, ROW, SUBJECT)


@given(st.binary(max_size=120))
def test_any_bytes_under_a_right_header_are_refused_without_a_crash(noise: bytes) -> None:
    with pytest.raises(SealedError):
        open_envelope(KEY, HEADER.pack(1, 1, 1) + noise, FIELD, ROW, SUBJECT)


def test_the_error_says_nothing_of_the_value() -> None:
    envelope = bytearray(sealed("Synthetic"))
    envelope[BODY_AT] ^= 1
    with pytest.raises(SealedError) as refused:
        open_envelope(KEY, bytes(envelope), FIELD, ROW, SUBJECT)
    assert "Synthetic" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_refuses_what_cannot_be_kept() -> None:
    with pytest.raises(TypeError):
        encode(object())
    with pytest.raises(SealedError):
        decode(b"\xff unknown tag")
    with pytest.raises(SealedError):
        decode(b"")
