"""Display codes: two letters and four signs that say nothing about anybody (data dictionary §3.1)."""

from __future__ import annotations

import secrets

LETTERS = "CDFGHJKMNPQRTVWX"
"""No vowels, so that no code is a word; none that looks like a digit or like another letter."""

SIGNS = LETTERS + "23456789"


def fresh_code() -> str:
    """A random code like QX-4F7K, one of 85 million."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(2))
    return f"{letters}-{''.join(secrets.choice(SIGNS) for _ in range(4))}"
