"""Key-encryption keys in a HashiCorp Vault (or OpenBao) transit engine: they never leave it.

`transit:https://host:8200/transit/KEYNAME`: the last part of the path names the key, what stands before it the mount.
Each version of that key is one KEK, called `KEYNAME:v3`. What binds a data key to its subject travels as associated
data, so the key must be of an AEAD type (aes256-gcm96, chacha20-poly1305). The engine's own `rewrap` passes no
associated data and refuses such ciphertexts; re-wrapping is therefore decrypt and encrypt, and needs leave for both.

The token comes from CASEWORK_VAULT_TOKEN, or from the file that CASEWORK_VAULT_TOKEN_FILE names, which is read again
when the engine refuses the token (an agent renews it). CASEWORK_VAULT_CACERT names the CA of the server's certificate.
"""

from __future__ import annotations

import base64
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import hvac
import requests
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, Unauthorized, VaultError

from casework.vault.providers import KeyProblem

BATCH = 250
TIMEOUT_SECONDS = 10


class _Refused(KeyProblem):
    """The engine answered, and said no to what was asked."""


class TransitKeks:
    """The versions of one transit key. Every answer that cannot be had is a `KeyProblem` that says what to do."""

    def __init__(self, address: str, mount: str, key: str) -> None:
        self.address = address
        self.mount = mount
        self.key = key
        self._of_thread = threading.local()
        self.health()

    @classmethod
    def of_url(cls, url: str, *, production: bool = False) -> Self:
        """From what follows `transit:` in CASEWORK_KEK."""
        parts = urlsplit(url)
        mount, _, key = parts.path.strip("/").rpartition("/")
        if parts.scheme not in ("https", "http") or not parts.netloc or not mount or not key:
            raise KeyProblem("CASEWORK_KEK must look like transit:https://host:8200/transit/KEYNAME.")
        if production and parts.scheme != "https":
            raise KeyProblem("Keys in a Vault transit engine are asked for over https: only.")
        return cls(f"{parts.scheme}://{parts.netloc}", mount, key)

    def current(self) -> str:
        return self._id(int(self._about()["latest_version"]))

    def wrap(self, dek: bytes, bound: bytes) -> tuple[str, bytes]:
        return self._sealed(
            self._ask(
                lambda transit: transit.encrypt_data(
                    self.key, plaintext=_text(dek), associated_data=_text(bound), mount_point=self.mount
                )
            )["data"]["ciphertext"]
        )

    def unwrap(self, kek_id: str, wrapped: bytes, bound: bytes) -> bytes:
        return self.unwrap_many([(kek_id, wrapped, bound)])[0]

    def unwrap_many(self, items: Iterable[tuple[str, bytes, bytes]]) -> list[bytes]:
        return [dek for batch in _batches(items) for dek in self._unwrap(batch)]

    def _unwrap(self, batch: list[tuple[str, bytes, bytes]]) -> list[bytes]:
        for kek_id, wrapped, _bound in batch:
            self._refuse_foreign(kek_id, wrapped)
        asked = [
            {"ciphertext": wrapped.decode(), "associated_data": _text(bound)} for _id, wrapped, bound in batch
        ]
        refused = (
            f"The key {batch[0][0]} is missing, or is not the one that these records were sealed under. "
            f"Check the key {self.key} of the transit engine and its min_decryption_version."
        )
        try:
            results = self._ask(
                lambda transit: transit.decrypt_data(self.key, batch_input=asked, mount_point=self.mount),
                refused,
            )["data"]["batch_results"]
        except _Refused:
            if len(batch) == 1:
                raise
            return [dek for one in batch for dek in self._unwrap([one])]  # to say which
        if any(one.get("error") or not one.get("plaintext") for one in results):
            if len(batch) == 1:
                raise _Refused(refused)
            return [dek for one in batch for dek in self._unwrap([one])]
        return [base64.b64decode(one["plaintext"]) for one in results]

    def rewrap(self, kek_id: str, wrapped: bytes, bound: bytes) -> tuple[str, bytes]:
        return self.wrap(self.unwrap(kek_id, wrapped, bound), bound)

    def rewrap_many(self, items: Iterable[tuple[str, bytes, bytes]]) -> list[tuple[str, bytes]]:
        """Many at once, in order: two requests for each batch."""
        return [done for batch in _batches(items) for done in self._rewrap(batch)]

    def _rewrap(self, batch: list[tuple[str, bytes, bytes]]) -> list[tuple[str, bytes]]:
        bounds = [bound for _kek_id, _wrapped, bound in batch]
        asked = [
            {"plaintext": _text(dek), "associated_data": _text(bound)}
            for dek, bound in zip(self._unwrap(batch), bounds, strict=True)
        ]
        results = self._ask(
            lambda transit: transit.encrypt_data(self.key, batch_input=asked, mount_point=self.mount)
        )["data"]["batch_results"]
        if any(one.get("error") or not one.get("ciphertext") for one in results):
            raise KeyProblem(f"The transit engine at {self.address} did not wrap a key.")
        return [self._sealed(one["ciphertext"]) for one in results]

    def health(self) -> list[str]:
        about = self._about()
        oldest = max(1, int(about.get("min_decryption_version") or 1))
        return [self._id(version) for version in range(oldest, int(about["latest_version"]) + 1)]

    def new_kek(self) -> str:
        self._ask(lambda transit: transit.rotate_key(self.key, mount_point=self.mount))
        return self.current()

    def made(self, kek_id: str) -> datetime | None:
        since = self._about().get("keys", {}).get(str(self._version(kek_id)))
        if isinstance(since, dict):  # some key types answer more than the time
            since = since.get("creation_time")
        if isinstance(since, int):
            return datetime.fromtimestamp(since, UTC)
        return datetime.fromisoformat(since[:19] + "+00:00") if isinstance(since, str) else None

    def retired(self) -> list[str]:
        about = self._about()
        oldest = max(1, int(about.get("min_available_version") or 0))
        return [self._id(version) for version in range(oldest, int(about.get("min_decryption_version") or 1))]

    def retire(self, kek_id: str) -> None:
        version, about = self._version(kek_id), self._about()
        if version >= int(about["latest_version"]):
            raise KeyProblem(f"The key {kek_id} is in use. Run `casework keys rotate` first.")
        if version != max(1, int(about.get("min_decryption_version") or 1)):
            raise KeyProblem(
                "A transit engine retires versions from the oldest on: retire the older ones first."
            )
        self._ask(
            lambda transit: transit.update_key_configuration(
                self.key, min_decryption_version=version + 1, mount_point=self.mount
            )
        )

    def destroy(self, kek_id: str) -> None:
        version = self._version(kek_id)
        if kek_id not in self.retired():
            raise KeyProblem(f"The key {kek_id} is not retired: only a retired key can be destroyed.")
        # The engine trims below both minimum versions, and takes every older version with it.
        self._ask(
            lambda transit: transit.update_key_configuration(
                self.key,
                min_encryption_version=int(self._about()["latest_version"]),
                mount_point=self.mount,
            )
        )
        self._ask(lambda transit: transit.trim_key(self.key, min_version=version + 1, mount_point=self.mount))

    def _about(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._ask(
            lambda transit: transit.read_key(self.key, mount_point=self.mount),
            f"The transit engine at {self.address} has no key {self.key} under {self.mount}. "
            "Make it there, or correct CASEWORK_KEK.",
        )["data"]
        return answer

    def _ask(self, question: Callable[[Any], Any], when_refused: str = "") -> Any:
        for again in (True, False):
            try:
                return question(self._client(fresh=not again).secrets.transit)
            except (Forbidden, Unauthorized):
                if again and os.environ.get("CASEWORK_VAULT_TOKEN_FILE"):
                    continue
                raise KeyProblem(
                    f"The transit engine at {self.address} refuses the token, or its policy does not allow this "
                    f"for the key {self.key}. Give CASEWORK_VAULT_TOKEN or CASEWORK_VAULT_TOKEN_FILE a good one."
                ) from None
            except (InvalidPath, InvalidRequest) as problem:
                raise _Refused(when_refused or f"The transit engine refused: {problem}.") from None
            except (VaultError, requests.RequestException) as problem:
                raise KeyProblem(
                    f"The transit engine at {self.address} does not answer ({type(problem).__name__}). "
                    "Check that it runs and is unsealed."
                ) from None
        raise AssertionError("the second try answers or raises")

    def _client(self, *, fresh: bool) -> Any:
        """One client a thread, and a new one in a forked process: connections are not shared."""
        held = getattr(self._of_thread, "client", None)
        if held is None or held[0] != os.getpid() or fresh:
            verify = os.environ.get("CASEWORK_VAULT_CACERT") or True
            client = hvac.Client(url=self.address, token=read_token(), timeout=TIMEOUT_SECONDS, verify=verify)
            held = self._of_thread.client = (os.getpid(), client)
        return held[1]

    def _id(self, version: int) -> str:
        return f"{self.key}:v{version}"

    def _version(self, kek_id: str) -> int:
        name, _, version = kek_id.rpartition(":v")
        if name != self.key or not version.isdecimal():
            raise KeyProblem(
                f"The key {kek_id} is missing: this transit engine keeps the key {self.key} only."
            )
        return int(version)

    def _sealed(self, ciphertext: str) -> tuple[str, bytes]:
        _, version, _ = ciphertext.split(":", 2)
        return self._id(int(version.removeprefix("v"))), ciphertext.encode()

    def _refuse_foreign(self, kek_id: str, wrapped: bytes) -> None:
        version = self._version(kek_id)
        if not wrapped.startswith(b"vault:v%d:" % version) or not wrapped.isascii():
            raise KeyProblem(f"A data key that stands under {kek_id} was not wrapped by it.")


def read_token() -> str:
    """The token, from the environment or from its file. `KeyProblem` when there is none or others can read it."""
    token = os.environ.get("CASEWORK_VAULT_TOKEN", "").strip()
    if token:
        return token
    named = os.environ.get("CASEWORK_VAULT_TOKEN_FILE", "")
    if not named:
        raise KeyProblem(
            "The transit engine needs a token. Set CASEWORK_VAULT_TOKEN or CASEWORK_VAULT_TOKEN_FILE."
        )
    path = Path(named)
    try:
        mode, token = path.stat().st_mode, path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise KeyProblem(f"The token file {path} cannot be read.") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyProblem(f"The token file {path} can be read by others. Run: chmod 600 {path}")
    return token


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
