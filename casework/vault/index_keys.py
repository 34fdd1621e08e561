"""Where the root key of the exact indexes lives: beside the key-encryption keys, and never made from one of them.

`index.key` is the key in use. While a rotation runs `index.old.key` stands beside it, so that what is not indexed anew yet is
still found. With `env:NAME` the key is in the variable NAME_INDEX. With `transit:` it is a file in the installation's home.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from flask import current_app

from casework.vault.providers import (
    KEK_BYTES,
    KeyProblem,
    decode_key,
    read_key_file,
    sync_folder,
    write_key_file,
)

CURRENT, OLD, NEW = "index.key", "index.old.key", "index.new.key"


@dataclass(frozen=True, slots=True)
class IndexKey:
    """A root key and the short public name that belongs to it only."""

    id: str
    raw: bytes = field(repr=False)


def index_key(raw: bytes) -> IndexKey:
    """The key of these 32 bytes."""
    return IndexKey("idx-" + hashlib.sha256(b"cw/index-key-id/v1" + raw).hexdigest()[:12], raw)


class IndexKeys(Protocol):
    """A home of index keys."""

    def at_hand(self) -> list[IndexKey]:
        """The key in use, and behind it the old one while a rotation runs. `KeyProblem` when there is none."""

    def begin_rotation(self) -> str:
        """Makes a new key, in use from now on; goes on with a rotation that was stopped. Gives its id."""

    def end_rotation(self) -> None:
        """Destroys the old key."""


class FileIndexKeys:
    """Files in a folder, looked at again whenever they change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: tuple[object, list[IndexKey]] | None = None

    def at_hand(self) -> list[IndexKey]:
        state = tuple(_state(self.folder / name) for name in (CURRENT, OLD))
        if self._held is None or self._held[0] != state:
            self._held = (state, self._read())
        return self._held[1]

    def _read(self) -> list[IndexKey]:
        path = self.folder / CURRENT
        if not path.exists():
            raise KeyProblem(
                f"The index key {path} is missing, and numbers cannot be searched. Put it back from your key backup, "
                "or run `casework init`, which makes a new one, and then `casework search reindex`."
            )
        keys = [index_key(read_key_file(path))]
        if (self.folder / OLD).exists():
            keys.append(index_key(read_key_file(self.folder / OLD)))
        return keys if len({key.id for key in keys}) == len(keys) else keys[:1]

    def begin_rotation(self) -> str:
        keys = self.at_hand()
        if len(keys) > 1:
            return keys[0].id
        new, old, current = (self.folder / name for name in (NEW, OLD, CURRENT))
        for left in (new, old):  # of a rotation that was stopped before its key came into use
            left.unlink(missing_ok=True)
        write_key_file(new, secrets.token_bytes(KEK_BYTES))
        os.link(current, old)  # at no moment is there no key
        new.replace(current)
        sync_folder(self.folder)
        return self.at_hand()[0].id

    def end_rotation(self) -> None:
        path = self.folder / OLD
        if not path.exists() or len(self.at_hand()) < 2:
            return
        with path.open("r+b") as file:  # on most disks this is all that can be done from here
            file.write(os.urandom(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(self.folder)


class EnvIndexKeys:
    """One key from an environment variable (base64, 32 bytes). Development only."""

    def __init__(self, variable: str) -> None:
        self.variable = variable

    def at_hand(self) -> list[IndexKey]:
        return [
            index_key(
                decode_key(os.environ.get(self.variable, ""), f"the environment variable {self.variable}")
            )
        ]

    def begin_rotation(self) -> str:
        raise KeyProblem("An index key from the environment cannot be rotated. Use a file: provider.")

    def end_rotation(self) -> None:
        """There is no old key."""


def make_index_key(folder: Path) -> str | None:
    """A first index key in the folder. Gives its id; None when there is one already."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / CURRENT
    if path.exists():
        read_key_file(path)
        return None
    write_key_file(path, secrets.token_bytes(KEK_BYTES))
    sync_folder(folder)
    return index_key(read_key_file(path)).id


def home_of_index_keys(kek_url: str, home: Path) -> IndexKeys:
    """Where the index keys of an installation are, from its provider URL and its state folder."""
    scheme, _, rest = kek_url.partition(":")
    if scheme == "env":
        return EnvIndexKeys(f"{rest}_INDEX")
    return FileIndexKeys(Path(rest.removeprefix("//")) if scheme == "file" else home / "keys")


def index_keys() -> IndexKeys:
    """The index keys of the present app."""
    found: IndexKeys | None = current_app.extensions.get("casework_index_keys")
    if found is None:
        settings = current_app.extensions["casework_settings"]
        found = home_of_index_keys(settings.kek, settings.home)
        current_app.extensions["casework_index_keys"] = found
    return found


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 -- asked before every search: Path.stat is slower
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
