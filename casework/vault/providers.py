"""Where the key-encryption keys (KEK) live. One small protocol, several homes.

`file:DIR` keeps one file per key, readable by its owner only. `env:NAME` is for development. Every refusal says which
key is missing for which data and what to do; nothing is ever stored in plain because a key is missing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEK_BYTES = 32


class KeyProblem(Exception):
    """A key is missing, wrong, unreadable or readable by others. The text says which, and what to do."""


class KekProvider(Protocol):
    """Wraps and unwraps data keys under a KEK that never leaves its home."""

    def current(self) -> str:
        """The id of the KEK that new keys are wrapped under."""

    def wrap(self, dek: bytes, bound: bytes) -> tuple[str, bytes]:
        """(kek_id, wrapped key); `bound` is the associated data."""

    def unwrap(self, kek_id: str, wrapped: bytes, bound: bytes) -> bytes:
        """The data key. `KeyProblem` when the KEK is missing or is not the one that wrapped it."""

    def unwrap_many(self, items: Iterable[tuple[str, bytes, bytes]]) -> list[bytes]:
        """Many at once, in order."""

    def rewrap(self, kek_id: str, wrapped: bytes, bound: bytes) -> tuple[str, bytes]:
        """The same data key under the current KEK."""

    def health(self) -> list[str]:
        """The ids of every KEK at hand. `KeyProblem` when the provider cannot work."""


class _LocalKeks:
    """Wraps with AES-256-GCM in this process; subclasses say where the KEKs come from."""

    def __init__(self, keys: dict[str, bytes], current: str) -> None:
        self._ciphers = {kek_id: AESGCM(raw) for kek_id, raw in keys.items()}
        self._current = current

    def current(self) -> str:
        return self._current

    def wrap(self, dek: bytes, bound: bytes) -> tuple[str, bytes]:
        nonce = os.urandom(12)
        return self._current, nonce + self._ciphers[self._current].encrypt(nonce, dek, bound)

    def unwrap(self, kek_id: str, wrapped: bytes, bound: bytes) -> bytes:
        cipher = self._ciphers.get(kek_id)
        if cipher is None:
            raise KeyProblem(
                f"The key {kek_id} is missing, and records sealed under it cannot be opened. "
                "Put its file back from your key backup."
            )
        try:
            return cipher.decrypt(wrapped[:12], wrapped[12:], bound)
        except InvalidTag:
            raise KeyProblem(
                f"The key {kek_id} is not the one that these records were sealed under. "
                "Put the right key file back from your key backup."
            ) from None

    def unwrap_many(self, items: Iterable[tuple[str, bytes, bytes]]) -> list[bytes]:
        return [self.unwrap(*item) for item in items]

    def rewrap(self, kek_id: str, wrapped: bytes, bound: bytes) -> tuple[str, bytes]:
        return self.wrap(self.unwrap(kek_id, wrapped, bound), bound)

    def health(self) -> list[str]:
        return sorted(self._ciphers)


class FileKeks(_LocalKeks):
    """Keys as files `<kek_id>.key` (base64) in a folder; the file `current` names the one in use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        keys = {path.stem: read_key_file(path) for path in sorted(folder.glob("kek-*.key"))}
        pointer = folder / "current"
        if not keys or not pointer.exists():
            raise KeyProblem(
                f"There is no key in {folder}. Run `casework init` for a new installation, "
                "or put the key files back from your key backup."
            )
        current = pointer.read_text().strip()
        if current not in keys:
            raise KeyProblem(
                f"The key {current}, which new records need, is missing from {folder}. "
                "Put its file back from your key backup."
            )
        for kek_id, raw in keys.items():
            if kek_id != kek_id_of(raw):
                raise KeyProblem(f"The file {folder / kek_id}.key does not hold the key that its name says.")
        super().__init__(keys, current)


class EnvKeks(_LocalKeks):
    """One key from an environment variable (base64, 32 bytes). Development only."""

    def __init__(self, variable: str) -> None:
        raw = _decode(os.environ.get(variable, ""), f"the environment variable {variable}")
        super().__init__({kek_id_of(raw): raw}, kek_id_of(raw))


def kek_id_of(raw: bytes) -> str:
    """A short public name that belongs to one key only."""
    return "kek-" + hashlib.sha256(b"cw/kek-id/v1" + raw).hexdigest()[:12]


def make_file_kek(folder: Path) -> str:
    """A new key in the folder, made current. Returns its id."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    raw = secrets.token_bytes(KEK_BYTES)
    kek_id = kek_id_of(raw)
    write_key_file(folder / f"{kek_id}.key", raw)
    pointer = folder / "current.new"
    pointer.write_text(kek_id + "\n")
    pointer.replace(folder / "current")
    return kek_id


def write_key_file(path: Path, raw: bytes) -> None:
    """A key file that only its owner reads; never writes over one."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(raw) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_key_file(path: Path) -> bytes:
    """The key in the file. `KeyProblem` when it is missing, readable by others, or no key."""
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except OSError as problem:
        raise KeyProblem(f"The key file {path} cannot be read: {problem.strerror}.") from problem
    except UnicodeDecodeError as problem:
        raise KeyProblem(f"The key file {path} does not hold a key.") from problem
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyProblem(f"The key file {path} can be read by others. Run: chmod 600 {path}")
    return _decode(text, f"the key file {path}")


def _decode(text: str, where: str) -> bytes:
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEK_BYTES:
        raise KeyProblem(f"There is no usable key in {where}: 32 bytes in base64 are needed.")
    return raw


def open_provider(url: str, *, production: bool = False) -> KekProvider:
    """The provider that a URL names: `file:/path`, `env:NAME`. `KeyProblem` when it cannot work."""
    scheme, _, rest = url.partition(":")
    if scheme == "file":
        return FileKeks(Path(rest.removeprefix("//")))
    if scheme == "env":
        if production:
            raise KeyProblem("Keys from the environment are for development only. Use a file: provider.")
        return EnvKeks(rest)
    raise KeyProblem(f"CASEWORK_KEK names no known key provider: {scheme}:")
