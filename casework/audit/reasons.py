"""Reasons that an operator or auditor gives. The log keeps a salted fingerprint only: free text may name people, and
what stands in the log stays. Whoever was given text and salt can prove later what was said."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

LONGEST = 300


@dataclass(frozen=True, slots=True)
class Reason:
    """`commitment` is SHA-256(salt || UTF-8 of the text); the salt has 16 bytes."""

    text: str
    salt: bytes

    @property
    def commitment(self) -> bytes:
        return hashlib.sha256(self.salt + self.text.encode()).digest()

    def as_dict(self) -> dict[str, str]:
        """For JSON, in hex."""
        return {"reason": self.text, "salt": self.salt.hex(), "commitment": self.commitment.hex()}


def reason(text: str) -> Reason:
    """A reason under a fresh salt. ValueError when it is empty, longer than 300 characters, or not text."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise ValueError(f"A reason has 1 to {LONGEST} characters.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("The reason has characters that are not text.") from None
    return Reason(text, secrets.token_bytes(16))
