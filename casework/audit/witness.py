"""A witness: what a partner organisation runs beside the log, without its database and without trusting it.

It keeps the last checkpoint that it saw, asks for proof that each newer one extends it, and cosigns those that do
(C2SP tlog-cosignature). A log that shows two histories cannot get both cosigned: the witness refuses and keeps both
notes, with what was offered as proof, as evidence.

The state is one JSON file; beside it stand the witness's own key (`STATE.key`) and, if it comes to that, `STATE.evidence/`.
"""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from casework.audit.merkle import consistency_proof, verify_consistency
from casework.audit.note import (
    COSIGNATURE_V1,
    Checkpoint,
    Signer,
    Verifier,
    add_signature,
    generate_key,
    open_checkpoint,
    split_note,
)
from casework.audit.tiles import WIDTH, Tile, TileNodes
from casework.core import clock

TIMEOUT = 30
LARGEST = 1_000_000


class WitnessProblem(Exception):
    """The witness cannot do its work now. Nothing was cosigned, and nothing speaks against the log."""


class Refused(Exception):
    """The log contradicts what it said before. `evidence` is the folder that holds both statements."""

    def __init__(self, said: str, evidence: Path) -> None:
        super().__init__(said)
        self.evidence = evidence


class Source(Protocol):
    """Where a log's files are read."""

    def get(self, name: str) -> bytes | None:
        """One file, None when it is not there. `WitnessProblem` when that cannot be told."""


@dataclass(frozen=True, slots=True)
class Site:
    """A log on the web, under an address that ends before `checkpoint`."""

    address: str

    def get(self, name: str) -> bytes | None:
        try:
            with urllib.request.urlopen(f"{self.address.rstrip('/')}/{name}", timeout=TIMEOUT) as answer:  # noqa: S310
                content: bytes = answer.read(LARGEST + 1)
        except urllib.error.HTTPError as problem:
            if problem.code in (404, 410):
                return None
            raise WitnessProblem(f"{self.address} answers {problem.code} for {name}.") from problem
        except (OSError, ValueError) as problem:
            raise WitnessProblem(f"{self.address} cannot be reached: {problem}.") from problem
        if len(content) > LARGEST:
            raise WitnessProblem(f"{self.address} sends too much for {name}.")
        return content


@dataclass(frozen=True, slots=True)
class Folder:
    """A pack in a folder, or a checkpoint file with its companions beside it."""

    path: Path
    checkpoint: str = "checkpoint"

    def get(self, name: str) -> bytes | None:
        path = self.path / (self.checkpoint if name == "checkpoint" else name)
        return path.read_bytes() if path.is_file() else None


@dataclass(frozen=True, slots=True)
class Archive:
    """A pack in a zip file."""

    path: Path

    def get(self, name: str) -> bytes | None:
        with zipfile.ZipFile(self.path) as archive:
            held = archive.namelist()
            found = next((each for each in held if each == name or each.endswith(f"/{name}")), None)
            return archive.read(found) if found else None


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


@dataclass(frozen=True, slots=True)
class Seen:
    """What was cosigned: the checkpoint, its note with our signature, and the size before (0 at the first time)."""

    checkpoint: Checkpoint
    note: bytes
    before: int
    trusted_on_first_use: bool


class Witness:
    """A witness over its state file."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def signer(self, name: str | None = None) -> Signer:
        """Its key, made at the first use under this name. `WitnessProblem` when the name is another one's."""
        path = self.state.with_name(self.state.name + ".key")
        if not path.exists():
            signer = generate_key(name or f"witness/{os.uname().nodename.partition('.')[0]}", COSIGNATURE_V1)
            _write(path, (signer.skey + "\n").encode())
            return signer
        signer = Signer.from_skey(path.read_text().strip())
        if name and signer.name != name:
            raise WitnessProblem(f"This witness is called {signer.name}, not {name}.")
        return signer

    def look(self, source: Source, *, vkey: str | None = None, name: str | None = None) -> Seen:
        """Fetches the newest checkpoint, checks that it extends the last one, cosigns it and keeps it.

        `Refused` for a second history, `WitnessProblem` when the proof cannot be had or the signature is wrong.
        """
        kept = self._kept()
        note = source.get("checkpoint")
        if note is None:
            raise WitnessProblem("There is no checkpoint at this place.")
        verifier, first_use = self._verifier(source, kept, vkey)
        try:
            fresh = open_checkpoint(note, verifier)
        except ValueError as problem:
            raise WitnessProblem(f"The checkpoint is not signed by {verifier.name}: {problem}.") from problem
        before = 0
        if kept:
            last_note = kept["note"].encode()
            last = Checkpoint.parse(split_note(last_note)[0])
            before = last.size
            self._refuse_contradiction(source, last, last_note, fresh, note)
        signed = add_signature(note, self.signer(name), int(clock.now().timestamp()))
        state = {"log": verifier.vkey, "size": fresh.size, "note": note.decode(), "cosigned": signed.decode()}
        _write(self.state, json.dumps(state, ensure_ascii=False, indent=1).encode() + b"\n")
        return Seen(fresh, signed, before, first_use)

    def _kept(self) -> dict[str, Any] | None:
        try:
            kept: dict[str, Any] = json.loads(self.state.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as problem:
            raise WitnessProblem(f"The state {self.state} cannot be read: {problem}.") from problem
        return kept

    def _verifier(
        self, source: Source, kept: dict[str, Any] | None, vkey: str | None
    ) -> tuple[Verifier, bool]:
        """The log's key: as given, as kept, or at the very first time as the log itself says."""
        if kept and vkey and kept["log"] != vkey.strip():
            raise WitnessProblem(
                "The state of this witness is of a log with another key; use another state file."
            )
        known = (kept["log"] if kept else None) or (vkey.strip() if vkey else None)
        offered = None if known else source.get("verifier.key")
        if known is None and offered is None:
            raise WitnessProblem("The log's verifier key is needed: --key.")
        try:
            return Verifier.from_vkey(known or (offered or b"").decode().strip()), known is None
        except ValueError as problem:
            raise WitnessProblem(f"The log's verifier key cannot be read: {problem}.") from problem

    def _refuse_contradiction(
        self, source: Source, last: Checkpoint, last_note: bytes, fresh: Checkpoint, note: bytes
    ) -> None:
        older, newer = (last, fresh) if last.size <= fresh.size else (fresh, last)
        proof: list[bytes] = []
        if older.size == 0:
            problem = None
        else:
            proof = _proof(source, older, newer) if older.size < newer.size else []
            problem = _contradiction(older, newer, proof)
        if problem is None and last.size <= fresh.size:
            return
        if problem is None:
            raise WitnessProblem(
                f"The checkpoint is older than the last one seen ({fresh.size} events, then {last.size}). Somebody "
                "serves an old copy; nothing is cosigned."
            )
        evidence = self._keep_evidence(last, last_note, fresh, note, proof, problem)
        raise Refused(
            f"The log shows two histories: {problem}. Nothing is cosigned; both checkpoints and the proof are kept in "
            f"{evidence}. Tell the log's operator and the other witnesses.",
            evidence,
        )

    def _keep_evidence(
        self,
        last: Checkpoint,
        last_note: bytes,
        fresh: Checkpoint,
        note: bytes,
        proof: list[bytes],
        problem: str,
    ) -> Path:
        folder = (
            self.state.with_name(self.state.name + ".evidence") / f"{clock.now():%Y%m%dT%H%M%SZ}-{fresh.size}"
        )
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "seen-before", last_note)
        _write(folder / "shown-now", note)
        what = {
            "problem": problem,
            "seen_size": last.size,
            "shown_size": fresh.size,
            "proof": [base64.b64encode(item).decode() for item in proof],
        }
        _write(folder / "evidence.json", json.dumps(what, indent=1).encode() + b"\n")
        return folder


def _contradiction(older: Checkpoint, newer: Checkpoint, proof: list[bytes]) -> str | None:
    try:
        verify_consistency(older.size, newer.size, older.root, newer.root, proof)
    except ValueError as problem:
        return f"{newer.size} events do not extend {older.size} ({problem})"
    return None


def _proof(source: Source, older: Checkpoint, newer: Checkpoint) -> list[bytes]:
    """From a `consistency.json` for exactly these sizes, or else computed from the log's tiles."""
    given = source.get("consistency.json")
    if given is not None:
        try:
            item = json.loads(given)
            if int(item["size1"]) == older.size:
                return [base64.b64decode(text, validate=True) for text in item["proof"]]
        except (KeyError, TypeError, ValueError) as problem:
            raise WitnessProblem(f"consistency.json cannot be read: {problem}.") from problem

    def read(tile: Tile) -> bytes:
        for wanted in dict.fromkeys((tile, Tile(tile.level, tile.n, WIDTH))):
            if (hashes := source.get(wanted.path)) is not None:
                return hashes
        raise WitnessProblem(
            f"{tile.path} is not there, so it cannot be checked that the log grew from {older.size} to {newer.size}. "
            "Ask for a pack since the checkpoint that you hold."
        )

    try:
        return consistency_proof(older.size, newer.size, TileNodes(newer.size, read))
    except ValueError as problem:
        raise WitnessProblem(f"The log's tiles cannot be used: {problem}.") from problem


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
