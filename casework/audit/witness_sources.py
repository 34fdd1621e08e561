"""Where a witness reads a log: on the web, in a pack, or beside a checkpoint file. Whoever offers it may be hostile:
nothing is read without bounds, and what goes wrong is a `WitnessProblem`."""

from __future__ import annotations

import http.client
import signal
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

TIMEOUT = 30
"""Seconds of silence after which a site counts as gone."""
LONGEST = 300
"""Seconds that one run may take, however slowly a site answers."""
LARGEST = 1_000_000
"""Bytes; no checkpoint, key, proof or tile is longer."""


class WitnessProblem(Exception):
    """The witness cannot do its work now. Nothing was cosigned, and nothing speaks against the log."""


class Source(Protocol):
    """Where a log's files are read."""

    def get(self, name: str) -> bytes | None:
        """One file, None when it is not there. `WitnessProblem` when that cannot be told."""


def _browser() -> urllib.request.OpenerDirector:
    """Speaks HTTP and nothing else: a redirection must not lead to a file of this machine."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


@dataclass(frozen=True, slots=True)
class Site:
    """A log on the web, under an address that ends before `checkpoint`."""

    address: str

    def get(self, name: str) -> bytes | None:
        try:
            with _browser().open(f"{self.address.rstrip('/')}/{name}", timeout=TIMEOUT) as answer:
                return _bounded(answer, name)
        except urllib.error.HTTPError as problem:
            if problem.code in (404, 410):
                return None
            raise WitnessProblem(f"{self.address} answers {problem.code} for {name}.") from problem
        except (OSError, ValueError, http.client.HTTPException) as problem:
            said = str(problem) or type(problem).__name__
            raise WitnessProblem(f"{self.address} cannot be reached: {said}.") from problem


@dataclass(frozen=True, slots=True)
class Folder:
    """A pack in a folder, or a checkpoint file with its companions beside it."""

    path: Path
    checkpoint: str = "checkpoint"

    def get(self, name: str) -> bytes | None:
        path = self.path / (self.checkpoint if name == "checkpoint" else name)
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return _bounded(file, name)


@dataclass(frozen=True, slots=True)
class Archive:
    """A pack in a zip file."""

    path: Path

    def get(self, name: str) -> bytes | None:
        try:
            with zipfile.ZipFile(self.path) as archive:
                held = archive.namelist()
                found = next((each for each in held if each == name or each.endswith(f"/{name}")), None)
                if found is None:
                    return None
                with archive.open(found) as file:
                    return _bounded(file, name)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as problem:
            raise WitnessProblem(f"{self.path} cannot be read: {problem}.") from problem


def _bounded(file: IO[bytes], name: str) -> bytes:
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise WitnessProblem(f"{name} is longer than it can be.")
    return content


def source_of(place: str) -> Source:
    """What `--from` names: an address, a pack (folder or zip), or a checkpoint file. `WitnessProblem` when nothing."""
    if urllib.parse.urlsplit(place).scheme in ("http", "https"):
        return Site(place.removesuffix("/checkpoint"))
    path = Path(place)
    if path.is_dir():
        return Folder(path)
    if zipfile.is_zipfile(path):
        return Archive(path)
    if path.is_file():
        return Folder(path.parent, path.name)
    raise WitnessProblem(f"There is no log at {place}.")


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Ends what takes longer with a `WitnessProblem`: a hostile site may send one byte now and then. For a command's
    main thread."""

    def stop(*_signal: object) -> None:
        raise WitnessProblem(f"The log did not answer whole within {seconds:g} seconds. Nothing is cosigned.")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
