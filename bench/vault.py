"""How fast a sealed field opens and is sealed, beside the raw cipher, Fernet and sqlalchemy-utils, in one run.

    python -m bench.vault

Every method takes the bytes as a database gives them and gives back the text, and the other way round. Methods take turns
many times and the best time of each counts, so that what else the machine does falls on all of them alike. "Raw AESGCM"
is the least that anybody could do with the same cipher: cut the nonce off, decrypt with ready-made associated data, make
the text. Also shown: the cipher call alone, with everything cut and prepared beforehand.
"""

from __future__ import annotations

import os
import sys
import timeit
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import String
from sqlalchemy.dialects import sqlite
from sqlalchemy_utils import StringEncryptedType
from sqlalchemy_utils.types.encrypted.encrypted_type import AesEngine, AesGcmEngine, FernetEngine

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from casework.vault import keys
from casework.vault.envelope import open_envelope, seal
from casework.vault.grant import Compartment, Grant, granting
from casework.vault.keys import KeyRing, data_key
from casework.vault.sealed import Secret

TEXT = "Rahmonova Gulnora"
FIELD = "person.surname"
ROUNDS = 80
CALLS = 500

Method = tuple[Callable[[], Any], Callable[[], Any]]
"""Opens once, seals once."""


def raw_method() -> Method:
    cipher, bound = AESGCM(os.urandom(32)), os.urandom(59)

    def seal_raw() -> bytes:
        nonce = os.urandom(12)
        return nonce + cipher.encrypt(nonce, TEXT.encode(), bound)

    stored = seal_raw()
    return lambda: cipher.decrypt(stored[:12], stored[12:], bound).decode(), seal_raw


def cipher_alone() -> Method:
    cipher, nonce, bound, plain = AESGCM(os.urandom(32)), os.urandom(12), os.urandom(59), bytes(32)
    stored = cipher.encrypt(nonce, plain, bound)
    return lambda: cipher.decrypt(nonce, stored, bound), lambda: cipher.encrypt(nonce, plain, bound)


def fernet_method() -> Method:
    fernet = Fernet(Fernet.generate_key())
    stored = fernet.encrypt(TEXT.encode())
    return lambda: fernet.decrypt(stored).decode(), lambda: fernet.encrypt(TEXT.encode())


def utils_method(engine: type) -> Method:
    column = StringEncryptedType(
        String, os.urandom(16).hex(), engine, "pkcs5" if engine is AesEngine else None
    )
    dialect = sqlite.dialect()
    stored = column.process_bind_param(TEXT, dialect)
    return (
        lambda: column.process_result_value(stored, dialect),
        lambda: column.process_bind_param(TEXT, dialect),
    )


def envelope_method() -> Method:
    key, row, subject = data_key(os.urandom(32), 1), uuid.uuid4(), uuid.uuid4()
    stored = seal(key.cipher, 1, FIELD, row, subject, TEXT)
    return (
        lambda: open_envelope(key.cipher, stored, FIELD, row, subject),
        lambda: seal(key.cipher, 1, FIELD, row, subject, TEXT),
    )


class _Ring(KeyRing):
    """A ring that was filled by an earlier field of the same page."""

    def __init__(self, subject: uuid.UUID, key: keys.DataKey) -> None:
        self._loaded, self._keys = {subject}, {(subject, Compartment.CORE): {key.version: key}}
        self._broken, self.ended = {}, False


def in_a_page(page: ExitStack) -> Method:
    """What a template does: the Secret asks the Grant, the ring, and notes that it was opened."""
    key, row, subject = data_key(os.urandom(32), 1), uuid.uuid4(), uuid.uuid4()
    stored = seal(key.cipher, 1, FIELD, row, subject, TEXT)
    grant = Grant(None)
    grant.widen(subject, [Compartment.CORE])
    grant.ring = _Ring(subject, key)
    page.enter_context(granting(grant))
    grant.keys[(subject.int, Compartment.CORE.value, stored[2:6])] = key.cipher
    return (
        lambda: Secret(stored, FIELD, row, subject, Compartment.CORE).reveal(),
        lambda: seal(key.cipher, 1, FIELD, row, subject, TEXT),
    )


def measure(methods: dict[str, Method]) -> dict[str, tuple[float, float]]:
    """Microseconds to open and to seal, the best of many turns."""
    best = {name: [float("inf"), float("inf")] for name in methods}
    for name, (opened, _sealed) in methods.items():
        assert name == "cipher call alone" or opened() == TEXT, name
    for _round in range(ROUNDS):
        for name, pair in methods.items():
            slow = name.startswith(("Fernet", "sqlalchemy"))
            calls = CALLS // 10 if slow else CALLS
            for place, method in enumerate(pair):
                taken = timeit.timeit(method, number=calls) / calls * 1e6
                best[name][place] = min(best[name][place], taken)
    return {name: (found[0], found[1]) for name, found in best.items()}


def run() -> None:
    """Prints the table."""
    with ExitStack() as page:
        found = measure(
            {
                "cipher call alone": cipher_alone(),
                "raw AESGCM": raw_method(),
                "casework envelope": envelope_method(),
                "casework field in a page": in_a_page(page),
                "Fernet": fernet_method(),
                "sqlalchemy-utils AesGcm": utils_method(AesGcmEngine),
                "sqlalchemy-utils Fernet": utils_method(FernetEngine),
                "sqlalchemy-utils Aes (default)": utils_method(AesEngine),
            }
        )
    raw_open, raw_seal = found["raw AESGCM"]
    print(f"\nSealed fields: {len(TEXT)} characters, microseconds a field, times raw AESGCM\n")
    print(f"{'method':32}{'open':>9}{'':8}{'seal':>9}{'':8}{'bound to row':>14}")
    for name, (opened, sealed) in found.items():
        bound = "yes" if name.startswith("casework") else "-" if name[0] in "cr" else "no"
        print(
            f"{name:32}{opened:9.2f}{opened / raw_open:7.1f}x{sealed:9.2f}{sealed / raw_seal:7.1f}x{bound:>14}"
        )
    ours = found["casework envelope"][0]
    fastest = min(times[0] for name, times in found.items() if name.startswith("sqlalchemy"))
    goals = [
        ("open, at most 2 x raw AESGCM", ours / raw_open, ours <= 2 * raw_open),
        ("open, at least 5 x faster than sqlalchemy-utils (fastest)", fastest / ours, fastest >= 5 * ours),
        (
            "field in a page, against raw AESGCM (no goal)",
            found["casework field in a page"][0] / raw_open,
            None,
        ),
        ("open, against the cipher call alone (no goal)", ours / found["cipher call alone"][0], None),
    ]
    print()
    for goal, value, held in goals:
        print(f"{goal:60}{value:6.1f}  {'' if held is None else 'holds' if held else 'MISSED'}")


if __name__ == "__main__":
    run()
