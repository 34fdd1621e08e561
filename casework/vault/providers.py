"""Where the key-encryption keys (KEK) live. One small protocol, several homes.

`file:DIR` keeps one file per key, readable by its owner only. `env:NAME` is for development. `transit:URL` asks a
Vault transit engine (`casework.vault.transit`). Every refusal says which key is missing for which data and what to do;
nothing is ever stored in plain because a key is missing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import stat
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEK_BYTES = 32
RETIRED = "retired"


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


class KekKeeper(KekProvider, Protocol):
    """A provider that can make a new KEK and let go of an old one."""

    def rewrap_many(self, items: Iterable[tuple[str, bytes, bytes]]) -> list[tuple[str, bytes]]:
        """`rewrap` of many, in order."""

    def new_kek(self) -> str:
        """A fresh KEK, made current. Returns its id."""

    def made(self, kek_id: str) -> datetime | None:
        """When the KEK was made, as far as its home knows."""

    def retired(self) -> list[str]:
        """The ids of KEKs that are put aside but not destroyed."""

    def retire(self, kek_id: str) -> None:
        """Puts a KEK aside: nothing opens with it any more, and it can be brought back."""

    def destroy(self, kek_id: str) -> None:
        """Destroys a KEK that was put aside. There is no way back."""


class _LocalKeks:
    """Wraps with AES-256-GCM in this process; subclasses say where the KEKs come from."""

    def __init__(self, keys: dict[str, bytes], current: str) -> None:
        # One tuple, replaced as a whole: other threads see the old set or the new one.
        self._set = ({kek_id: AESGCM(raw) for kek_id, raw in keys.items()}, current)

    def reload(self) -> None:
        """Looks again where the keys are kept, if they can change there."""

    def current(self) -> str:
        return self._set[1]

    def wrap(self, dek: bytes, bound: bytes) -> tuple[str, bytes]:
        kek_id = self.current()
        nonce = os.urandom(12)
        return kek_id, nonce + self._set[0][kek_id].encrypt(nonce, dek, bound)

    def unwrap(self, kek_id: str, wrapped: bytes, bound: bytes) -> bytes:
        if kek_id not in self._set[0]:
            self.reload()  # another process may have made it a moment ago
        cipher = self._set[0].get(kek_id)
        if cipher is None:
            raise KeyProblem(
                f"The key {kek_id} is missing, and records sealed under it cannot be opened. {self.where(kek_id)}"
            )
        try:
            return cipher.decrypt(wrapped[:12], wrapped[12:], bound)
        except (InvalidTag, ValueError):
            raise KeyProblem(
                f"A data key does not open with the key {kek_id}: it was damaged or moved, or this is not the one "
                "that it was wrapped under. Bring the row back from a backup of the database."
            ) from None

    def unwrap_many(self, items: Iterable[tuple[str, bytes, bytes]]) -> list[bytes]:
        return [self.unwrap(*item) for item in items]

    def rewrap(self, kek_id: str, wrapped: bytes, bound: bytes) -> tuple[str, bytes]:
        return self.wrap(self.unwrap(kek_id, wrapped, bound), bound)

    def rewrap_many(self, items: Iterable[tuple[str, bytes, bytes]]) -> list[tuple[str, bytes]]:
        return [self.rewrap(*item) for item in items]

    def health(self) -> list[str]:
        return sorted(self._set[0])

    def where(self, kek_id: str) -> str:
        """What to do about a KEK that is not at hand."""
        return "Put its file back from your key backup."


class FileKeks(_LocalKeks):
    """Keys as files `<kek_id>.key` (base64) in a folder; the file `current` names the one in use.

    A key that another process made is found when it is first met, and a change of `current` before the next wrap.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pointer: tuple[int, int] | None = None
        super().__init__(*self._read())

    def _read(self) -> tuple[dict[str, bytes], str]:
        self._pointer = self._pointer_now()
        keys = {path.stem: read_key_file(path) for path in sorted(self.folder.glob("kek-*.key"))}
        pointer = self.folder / "current"
        if not keys or self._pointer is None:
            raise KeyProblem(
                f"There is no key in {self.folder}. Run `casework init` for a new installation, "
                "or put the key files back from your key backup."
            )
        try:
            current = pointer.read_text().strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise KeyProblem(f"The file {pointer}, which names the key in use, cannot be read.") from problem
        if current not in keys:
            raise KeyProblem(
                f"The key {current}, which new records need, is missing from {self.folder}. "
                f"{self.where(current)}"
            )
        for kek_id, raw in keys.items():
            if kek_id != kek_id_of(raw):
                raise KeyProblem(
                    f"The file {self.folder / kek_id}.key does not hold the key that its name says. "
                    "Put the right one back from your key backup."
                )
        return keys, current

    def _pointer_now(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.folder / "current")  # noqa: PTH116 -- asked before every wrap: Path.stat is slower
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def reload(self) -> None:
        keys, current = self._read()
        self._set = ({kek_id: AESGCM(raw) for kek_id, raw in keys.items()}, current)

    def current(self) -> str:
        if self._pointer_now() != self._pointer:
            self.reload()
        return super().current()

    def health(self) -> list[str]:
        self.reload()
        return super().health()

    def where(self, kek_id: str) -> str:
        aside = self.folder / RETIRED / f"{kek_id}.key"
        if aside.exists():
            return f"It was retired too early: move {aside} back to {self.folder}."
        return f"Put its file {kek_id}.key back into {self.folder} from your key backup."

    def new_kek(self) -> str:
        kek_id = make_file_kek(self.folder)
        self.reload()
        return kek_id

    def made(self, kek_id: str) -> datetime | None:
        for path in (self.folder / f"{kek_id}.key", self.folder / RETIRED / f"{kek_id}.key"):
            if path.exists():
                return datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return None

    def retired(self) -> list[str]:
        return sorted(path.stem for path in (self.folder / RETIRED).glob("kek-*.key"))

    def retire(self, kek_id: str) -> None:
        if kek_id == self.current():
            raise KeyProblem(f"The key {kek_id} is in use. Run `casework keys rotate` first.")
        source = self.folder / f"{kek_id}.key"
        if not source.exists():
            raise KeyProblem(f"There is no key {kek_id} in {self.folder}.")
        (self.folder / RETIRED).mkdir(exist_ok=True, mode=0o700)
        source.replace(self.folder / RETIRED / source.name)
        self.reload()

    def destroy(self, kek_id: str) -> None:
        path = self.folder / RETIRED / f"{kek_id}.key"
        if not path.exists():
            raise KeyProblem(f"The key {kek_id} is not retired: only a retired key can be destroyed.")
        with path.open("r+b") as file:  # on most disks this is all that can be done from here
            file.write(os.urandom(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()


class EnvKeks(_LocalKeks):
    """One key from an environment variable (base64, 32 bytes). Development only."""

    def __init__(self, variable: str) -> None:
        self.variable = variable
        raw = decode_key(os.environ.get(variable, ""), f"the environment variable {variable}")
        super().__init__({kek_id_of(raw): raw}, kek_id_of(raw))

    def where(self, kek_id: str) -> str:
        return f"Set {self.variable} to it again."


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
    with pointer.open("w") as file:
        file.write(kek_id + "\n")
        file.flush()
        os.fsync(file.fileno())
    pointer.replace(folder / "current")
    sync_folder(folder)
    return kek_id


def sync_folder(folder: Path) -> None:
    """The names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
    return decode_key(text, f"the key file {path}")


def decode_key(text: str, where: str) -> bytes:
    """The 32 bytes of a key in base64. `KeyProblem` that says where there is none."""
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEK_BYTES:
        raise KeyProblem(f"There is no usable key in {where}: 32 bytes in base64 are needed.")
    return raw


def open_provider(url: str, *, production: bool = False) -> KekProvider:
    """The provider that a URL names. `KeyProblem` when it cannot work.

    `file:/path`, `env:NAME`, `transit:https://host:8200/mount/KEYNAME`.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "file":
        return FileKeks(Path(rest.removeprefix("//")))
    if scheme == "env":
        if production:
            raise KeyProblem("Keys from the environment are for development only. Use a file: provider.")
        return EnvKeks(rest)
    if scheme == "transit":
        try:
            from casework.vault.transit import TransitKeks
        except ModuleNotFoundError as problem:
            raise KeyProblem(
                "Keys in a Vault transit engine need the optional part `casework[vault-transit]`. Install it."
            ) from problem
        return TransitKeks.of_url(rest, production=production)
    raise KeyProblem(f"CASEWORK_KEK names no known key provider: {scheme}:")
