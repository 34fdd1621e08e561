"""Every bit of an envelope matters, and no bytes at all make the parser do anything but refuse."""

from __future__ import annotations

import traceback
import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import example, given, settings
from hypothesis import strategies as st

from casework.vault.envelope import (
    BODY_AT,
    HEADER,
    SMALLEST,
    associated_data,
    decode,
    dek_version_of,
    is_envelope,
    open_envelope,
    seal,
)
from casework.vault.grant import SealedError

KEY, OTHER = AESGCM(bytes(range(32))), AESGCM(bytes(32))
ROW, SUBJECT = uuid.UUID(int=1), uuid.UUID(int=2)
FIELD = "person.surname"
CANARY = "Kanareyka"


def sealed(value: Any = CANARY) -> bytes:
    return seal(KEY, 1, FIELD, ROW, SUBJECT, value)


def with_plaintext(padded: bytes) -> bytes:
    """An envelope around plaintext that `seal` would never make, rightly authenticated."""
    header, nonce = HEADER.pack(1, 1, 1), bytes(12)
    return header + nonce + KEY.encrypt(nonce, padded, associated_data(header, FIELD, ROW, SUBJECT))


def test_nothing_is_added_or_taken_from_the_front() -> None:
    envelope = sealed()
    for length in range(1, len(envelope)):
        with pytest.raises(SealedError):
            open_envelope(KEY, envelope[length:], FIELD, ROW, SUBJECT)
    for more in (b"\x00", b"\x80", envelope):
        with pytest.raises(SealedError):
            open_envelope(KEY, envelope + more, FIELD, ROW, SUBJECT)
        with pytest.raises(SealedError):
            open_envelope(KEY, more + envelope, FIELD, ROW, SUBJECT)


@pytest.mark.parametrize(
    ("key", "field", "row", "subject"),
    [
        (OTHER, FIELD, ROW, SUBJECT),
        (KEY, "person.given_name", ROW, SUBJECT),
        (KEY, FIELD, uuid.UUID(int=3), SUBJECT),
        (KEY, FIELD, ROW, uuid.UUID(int=3)),
        (KEY, FIELD, SUBJECT, ROW),
    ],
)
def test_opens_with_its_own_key_field_row_and_subject_only(
    key: AESGCM, field: str, row: uuid.UUID, subject: uuid.UUID
) -> None:
    with pytest.raises(SealedError, match="does not belong here"):
        open_envelope(key, sealed(), field, row, subject)


names = st.text(min_size=1, max_size=40)
uuids = st.uuids()


@given(names, uuids, uuids, st.integers(1, 2**32 - 1), names, uuids, uuids, st.integers(1, 2**32 - 1))
def test_two_places_never_share_their_binding(
    field: str, row: uuid.UUID, subject: uuid.UUID, version: int,
    field2: str, row2: uuid.UUID, subject2: uuid.UUID, version2: int,
) -> None:  # fmt: skip
    one = associated_data(HEADER.pack(1, 1, version), field, row, subject)
    two = associated_data(HEADER.pack(1, 1, version2), field2, row2, subject2)
    assert (one == two) == ((field, row, subject, version) == (field2, row2, subject2, version2))


@given(names, uuids, uuids, st.integers(0, 2**32 - 1), st.text(max_size=300))
def test_what_is_sealed_anywhere_is_bound_as_documented(
    field: str, row: uuid.UUID, subject: uuid.UUID, version: int, value: str
) -> None:
    envelope = seal(KEY, version, field, row, subject, value)
    bound = associated_data(envelope[: HEADER.size], field, row, subject)
    assert bound.startswith(b"cw1\x01\x01" + version.to_bytes(4, "big"))
    padded = KEY.decrypt(envelope[HEADER.size : BODY_AT], envelope[BODY_AT:], bound)
    assert len(padded) in {32 * 2**power for power in range(8)}
    assert padded.rstrip(b"\x00") == b"\x01" + value.encode() + b"\x80"
    assert open_envelope(KEY, envelope, field, row, subject) == value


@settings(max_examples=400)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\x01\x01" + bytes(SMALLEST - 2))
@example(b"\x01\x01" + bytes(SMALLEST))
def test_no_bytes_open_by_themselves(raw: bytes) -> None:
    with pytest.raises(SealedError):
        open_envelope(KEY, raw, FIELD, ROW, SUBJECT)
    if not is_envelope(raw):
        with pytest.raises(SealedError):
            dek_version_of(raw)


@settings(max_examples=400)
@given(st.integers(0, SMALLEST - 1), st.binary(min_size=1, max_size=8))
def test_no_overwritten_envelope_opens(at: int, patch: bytes) -> None:
    envelope = sealed()
    changed = (envelope[:at] + patch + envelope[at + len(patch) :])[: len(envelope)]
    if changed == envelope:
        assert open_envelope(KEY, changed, FIELD, ROW, SUBJECT) == CANARY
    else:
        with pytest.raises(SealedError):
            open_envelope(KEY, changed, FIELD, ROW, SUBJECT)


@settings(max_examples=400)
@given(st.binary(max_size=100))
def test_authentic_nonsense_is_a_value_or_a_clear_error(padded: bytes) -> None:
    envelope = with_plaintext(padded.ljust(32, b"\x00"))
    try:
        value = open_envelope(KEY, envelope, FIELD, ROW, SUBJECT)
    except SealedError:
        return
    assert isinstance(value, str | int | float | bool | date | bytes | list | dict | None)


@pytest.mark.parametrize(
    "plain",
    [
        b"\x01" + CANARY.encode() + b"\xff\x80",  # no UTF-8
        b"\x01" + CANARY.encode(),  # no mark of the end
        b"\x02" + CANARY.encode() + b"\x80",  # no number
        b"\x04" + CANARY.encode() + b"\x80",  # no date
        b"\x06[" + CANARY.encode() + b"\x80",  # no JSON
        b"\x09" + CANARY.encode() + b"\x80",  # no known type
        b"\x06" + b"[" * 60 + CANARY.encode() + b"\x80",
    ],
)
def test_an_error_after_decryption_carries_no_plaintext(plain: bytes) -> None:
    with pytest.raises(SealedError) as refused:
        open_envelope(KEY, with_plaintext(plain.ljust(128, b"\x00")), FIELD, ROW, SUBJECT)
    shown = "".join(traceback.TracebackException.from_exception(refused.value, capture_locals=True).format())
    found: BaseException | None = refused.value
    while found is not None:
        assert CANARY not in f"{found!r}{found.args}{getattr(found, 'object', '')}"
        found = found.__context__
    assert "SealedError" in shown
    # The test's own frame holds it in `plain`; the product's frames must not.
    product = shown.split("in open_envelope", 1)[1]
    assert CANARY not in product


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 11, 22, tzinfo=UTC),
        float("nan"),
        10**5000,
        "half \ud800 a pair",
        object(),
        {1, 2},
        {"a": object()},
    ],
    ids=["moment", "no number", "thousands of digits", "half a pair", "object", "set", "nested object"],
)
def test_refuses_to_seal_what_would_not_come_back(value: Any) -> None:
    with pytest.raises(TypeError):
        sealed(value)


@given(st.binary(max_size=80))
def test_decoding_is_a_value_or_a_clear_error(raw: bytes) -> None:
    try:
        value = decode(raw)
    except SealedError:
        return
    assert isinstance(value, str | int | float | bool | date | bytes | list | dict | None)


def test_many_headers_do_not_fill_the_memory() -> None:
    from casework.vault import envelope as module

    for version in range(1000):
        changed = b"\x01\x01" + version.to_bytes(4, "big") + sealed()[6:]
        if version != 1:
            with pytest.raises(SealedError):
                open_envelope(KEY, changed, "fuzz.field", ROW, SUBJECT)
    assert len(module._starts["fuzz.field"]) <= 256
