"""The log's identity: its signing key and the last checkpoint it signed, both kept outside the database.

In the folder `CASEWORK_HOME/log`: `signing.key` (for the worker only), `verifier.key` (public, to be handed out),
`last-checkpoint`, and `origins/` with what earlier origins left. The last signed checkpoint stands here so that a
database restored from an older copy cannot make the log sign a second history.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from casework.audit.note import Checkpoint, Signer, Verifier, generate_key, open_checkpoint


class LogProblem(Exception):
    """The log cannot be signed or shown. The text says why, and what to do."""


class Identity:
    """The log's files under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def _secret(self) -> Path:
        return self.folder / "signing.key"

    def make(self, origin: str) -> None:
        """A new key under this origin, once."""
        if self._secret.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        signer = generate_key(origin)
        _write(self.folder / "verifier.key", (signer.verifier.vkey + "\n").encode(), 0o644)
        _write(self._secret, (signer.skey + "\n").encode(), 0o600)

    def signer(self) -> Signer:
        """The private key. `LogProblem` when it is missing, unreadable, readable by others or no key."""
        try:
            mode = self._secret.stat().st_mode
            text = self._secret.read_text().strip()
        except OSError as problem:
            raise LogProblem(
                f"The log's signing key {self._secret} cannot be read: {problem.strerror}. "
                "Run `casework init`, or put the file back from your key backup."
            ) from problem
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise LogProblem(f"The log's signing key can be read by others. Run: chmod 600 {self._secret}")
        try:
            return Signer.from_skey(text)
        except ValueError as problem:
            raise LogProblem(f"The file {self._secret} does not hold a signing key: {problem}.") from problem

    def verifier(self) -> Verifier:
        """The public key. `LogProblem` when it is missing."""
        path = self.folder / "verifier.key"
        try:
            return Verifier.from_vkey(path.read_text().strip())
        except (OSError, ValueError) as problem:
            raise LogProblem(f"The log's public key {path} cannot be read. Run `casework init`.") from problem

    def last_note(self) -> bytes | None:
        """The last signed checkpoint, None before the first."""
        try:
            return (self.folder / "last-checkpoint").read_bytes()
        except FileNotFoundError:
            return None

    def last_checkpoint(self) -> Checkpoint | None:
        """The same, verified. `LogProblem` when it is not by this log's key."""
        note = self.last_note()
        if note is None:
            return None
        try:
            return open_checkpoint(note, self.verifier())
        except ValueError as problem:
            raise LogProblem(
                f"The file {self.folder / 'last-checkpoint'} is not a checkpoint of this log: {problem}."
            ) from problem

    def keep(self, note: bytes) -> None:
        """Replaces the last signed checkpoint, durably, before anybody sees the new one."""
        _write(self.folder / "last-checkpoint", note, 0o644)

    def earlier(self) -> list[Path]:
        """The folders of earlier origins, oldest first."""
        return sorted((self.folder / "origins").glob("[0-9]*"))

    def start_anew(self) -> tuple[str, bytes | None]:
        """Lays the present origin aside and makes the next one. Returns its name and the old last checkpoint."""
        signer, last = self.signer(), self.last_note()
        number = len(self.earlier()) + 1
        aside = self.folder / "origins" / f"{number:04d}"
        aside.mkdir(parents=True)
        base = signer.name.rpartition("~")[0] or signer.name
        for name in ("last-checkpoint", "verifier.key", "signing.key"):
            if (self.folder / name).exists():
                (self.folder / name).rename(aside / name)
        origin = f"{base}~{number + 1}"
        self.make(origin)
        return origin, last


def _write(path: Path, content: bytes, mode: int) -> None:
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
