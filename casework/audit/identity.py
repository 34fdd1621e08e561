"""The log's identity: its signing key and the last checkpoint it signed, both kept outside the database.

In the folder `CASEWORK_HOME/log`: `signing.key` (for the worker only), `verifier.key` (public, to be handed out),
`last-checkpoint`, and `origins/` with what earlier origins left. The last signed checkpoint stands here so that a
database restored from an older copy cannot make the log sign a second history.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from flask import current_app

from casework.audit.note import Checkpoint, Signer, Verifier, generate_key, open_checkpoint, split_note

_DEPLOYMENT = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")


class LogProblem(Exception):
    """The log cannot be signed or shown. The text says why, and what to do."""


class Identity:
    """The log's files under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def _secret(self) -> Path:
        return self.folder / "signing.key"

    @property
    def _public(self) -> Path:
        return self.folder / "verifier.key"

    @property
    def _last(self) -> Path:
        return self.folder / "last-checkpoint"

    def make(self, origin: str) -> bool:
        """A new key under this origin, once; gives whether it was made. A lost public key is made from the private one.

        `LogProblem` when the log has signed already and its key is gone: a new key under the old name would be a
        second log, and that is for the operator to decide.
        """
        if self._secret.exists():
            self._mend_public()
            return False
        if self._last.exists():
            raise LogProblem(
                f"The log's signing key {self._secret} is missing, but this log has signed before. Put the file back "
                "from your key backup, or open a new origin: casework audit new-origin --reason TEXT"
            )
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        signer = generate_key(origin)
        self._write_public(signer.verifier)
        _write(self._secret, (signer.skey + "\n").encode(), 0o600)
        return True

    def _mend_public(self) -> None:
        try:
            self.verifier()
        except LogProblem:
            self._write_public(self.signer().verifier)

    def _write_public(self, verifier: Verifier) -> None:
        _write(self._public, (verifier.vkey + "\n").encode(), 0o644)

    def signer(self) -> Signer:
        """The private key. `LogProblem` when it is missing, unreadable, readable by others or no key."""
        try:
            mode = self._secret.stat().st_mode
            text = self._secret.read_text(errors="replace").strip()
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
        try:
            return Verifier.from_vkey(self._public.read_text().strip())
        except (OSError, ValueError) as problem:
            raise LogProblem(
                f"The log's public key {self._public} cannot be read. Run `casework init`."
            ) from problem

    def last_note(self) -> bytes | None:
        """The last signed checkpoint, None before the first. `LogProblem` when the file cannot be read."""
        try:
            return self._last.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise LogProblem(
                f"The last signed checkpoint {self._last} cannot be read: {problem.strerror}."
            ) from problem

    def last_checkpoint(self) -> Checkpoint | None:
        """The same, verified. `LogProblem` when it is not by this log's key."""
        note = self.last_note()
        if note is None:
            return None
        try:
            return open_checkpoint(note, self.verifier())
        except ValueError as problem:
            raise LogProblem(
                f"The file {self._last} is not a checkpoint of this log: {problem}. Put the right file back, or open "
                "a new origin: casework audit new-origin --reason TEXT"
            ) from problem

    def keep(self, note: bytes) -> None:
        """Replaces the last signed checkpoint, durably, before anybody sees the new one."""
        _write(self._last, note, 0o644)

    def earlier(self) -> list[Path]:
        """The folders of earlier origins, oldest first; each has `verifier.key` and perhaps `last-checkpoint`."""
        return sorted((self.folder / "origins").glob("[0-9]*"))

    def earlier_verifiers(self) -> list[Verifier]:
        """The public keys of earlier origins, oldest first."""
        found = []
        for each in map(Identity, self.earlier()):
            with suppress(LogProblem):  # what it signed is then nobody's, and verification says so
                found.append(each.verifier())
        return found

    def start_anew(self) -> tuple[str, bytes | None]:
        """Lays the present origin aside and makes the next one. Returns its name and the old last checkpoint.

        The order bears a crash: until the last step the new key stands beside a checkpoint that it cannot continue,
        so the log refuses to sign, and this can be run again.
        """
        with suppress(LogProblem):
            self._mend_public()
        old, last = self._present_name(), self.last_note()
        number = len(self.earlier()) + 1
        aside = self.folder / "origins" / f"{number:04d}"
        aside.mkdir(parents=True, mode=0o700)
        for path in (self._last, self._public, self._secret):
            if path.is_file():
                shutil.copy2(path, aside / path.name)
        base = old.rpartition("~")[0] or old
        signer = generate_key(f"{base}~{number + 1}")
        _write(self._secret, (signer.skey + "\n").encode(), 0o600)
        self._write_public(signer.verifier)
        self._last.unlink(missing_ok=True)
        _sync_folder(self.folder)
        return signer.name, last

    def _present_name(self) -> str:
        """The origin's name, from whichever file still has it. `LogProblem` when none does."""
        with suppress(LogProblem):
            return self.verifier().name
        with suppress(LogProblem, ValueError):
            return Checkpoint.parse(split_note(self.last_note() or b"")[0]).origin
        raise LogProblem(
            f"Neither the keys nor the last checkpoint in {self.folder} can be read, so the log's name is not known. Put "
            "one of these files back from a backup."
        )


def identity_here() -> Identity:
    """The identity of the present app's installation."""
    return Identity(current_app.extensions["casework_settings"].home / "log")


def make_identity(home: Path, deployment: str = "") -> str | None:
    """What `casework init` does for the log: a key under `casework/<deployment>`, once. Gives the new log's name.

    Without a name of the deployment a pronounceable random one is taken. `LogProblem` for a name that no key can bear.
    """
    if deployment and not _DEPLOYMENT.fullmatch(deployment):
        raise LogProblem(
            "CASEWORK_DEPLOYMENT may hold small Latin letters, digits, dots and hyphens, like qashqadaryo-1."
        )
    origin = f"casework/{deployment or _random_word()}"
    return origin if Identity(home / "log").make(origin) else None


def _random_word() -> str:
    return "".join(secrets.choice("bdfghklmnprstvz") + secrets.choice("aeiou") for _ in range(5))


def _write(path: Path, content: bytes, mode: int) -> None:
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)  # whatever the umask says: the web server reads the public ones
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
