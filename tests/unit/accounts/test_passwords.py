"""Passwords: hashing, and what a new one must be."""

from __future__ import annotations

import re

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from casework.accounts import passwords


def test_hashes_with_argon2id_as_rfc_9106_recommends() -> None:
    stored = passwords.hash_of("a sentence")
    found = extract_parameters(stored)
    assert found == RFC_9106_LOW_MEMORY
    assert found.type is Type.ID
    assert passwords.verify(stored, "a sentence")
    assert not passwords.verify(stored, "A sentence")
    assert not passwords.is_outdated(stored)


def test_nobody_has_no_password_and_a_broken_hash_opens_nothing() -> None:
    assert not passwords.verify(None, "")
    assert not passwords.verify("", "anything")
    assert not passwords.verify("$argon2id$broken", "anything")


def test_an_unknown_person_costs_one_verification_too(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 -- the library's name
            calls.append(str(hash))
            return super().verify(hash, password)  # type: ignore[return-value]

    monkeypatch.setattr(passwords, "_hasher", Counting(time_cost=1, memory_cost=64, parallelism=1))
    passwords.verify(None, "guess")
    passwords.verify(passwords.hash_of("real"), "guess")
    assert len(calls) == 2


def test_knows_a_hash_of_other_parameters() -> None:
    assert passwords.is_outdated(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("x"))


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "eleven char",
        "aaaaaaaaaaaaaaaaaaaa",
        "password1234",
        "parol12345678",
        "dilnoza-dilnoza",
        "x" * 257,
    ],
)
def test_refuses_what_is_short_or_easy_to_guess(password: str) -> None:
    assert passwords.complaint(password, "dilnoza") is not None


@pytest.mark.parametrize(
    "password", ["four words in a row", "тўртта сўз ёнма-ён", "correct horse battery", "🐎 battery staple ok"]
)
def test_takes_any_long_sentence_in_any_script(password: str) -> None:
    assert passwords.complaint(password, "dilnoza") is None


def test_a_one_time_password_is_long_clear_and_always_another() -> None:
    made = {passwords.one_time_password() for _time in range(200)}
    assert len(made) == 200
    for each in made:
        assert re.fullmatch(r"[2-9a-hjkmnp-z]{4}(-[2-9a-hjkmnp-z]{4}){3}", each)
        assert passwords.complaint(each, "dilnoza") is None
