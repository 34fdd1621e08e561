"""Passwords: argon2id hashes (RFC 9106), what a password must be, and ones made for a single sign-in."""

from __future__ import annotations

import secrets
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import lazy_gettext as _l

SHORTEST = 12
LONGEST = 256

_hasher = PasswordHasher()
# Letters and digits that nobody mixes up when reading them aloud.
_CLEAR = "23456789abcdefghjkmnpqrstuvwxyz"
_TOO_COMMON = (
    "password",
    "parol",
    "пароль",
    "qwerty",
    "йцукен",
    "casework",
    "12345",
    "54321",
    "uzbekistan",
    "toshkent",
)


def hash_of(password: str) -> str:
    """The argon2id hash with its parameters and salt, about 100 characters."""
    return _hasher.hash(password)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(24))


def verify(stored: str | None, password: str) -> bool:
    """Whether this is the password. Without a stored hash (no such person) the answer is no, and takes as long."""
    nobodys = _nobodys_hash()
    try:
        _hasher.verify(stored or nobodys, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def one_time_password() -> str:
    """Four groups of four clear characters: 79 bits."""
    return "-".join("".join(secrets.choice(_CLEAR) for _place in range(4)) for _group in range(4))


def complaint(password: str, username: str) -> Any | None:
    """What is wrong with a new password, in one sentence; None when it is good enough.

    Length counts, kinds of characters do not (NIST SP 800-63B 3.1.1.2, ASVS 5.0 V6.2).
    """
    if len(password) < SHORTEST:
        return _l(
            "Use at least %(count)s characters. A few words in a row are easy to remember.", count=SHORTEST
        )
    if len(password) > LONGEST:
        return _l("This password is too long.")
    lowered = password.casefold()
    rest = lowered
    for common in (username.casefold(), *_TOO_COMMON):
        rest = rest.replace(common, "")
    if len(set(lowered)) < 5 or len(rest) < SHORTEST // 2:
        return _l("This password is easy to guess. Choose another one.")
    return None
