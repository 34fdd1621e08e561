"""A witness: what a partner organisation runs beside the log, without its database and without trusting it.

It keeps the last checkpoint that it saw, asks for proof that each newer one extends it, and cosigns those that do
(C2SP tlog-cosignature). A log that shows two histories cannot get both cosigned, not even when two runs overlap: the
witness refuses and keeps both notes, with what was offered as proof, as evidence.

The state is one JSON file; beside it stand the witness's own key (`STATE.key`), its lock (`STATE.lock`) and, if it comes
to that, `STATE.evidence/`.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from casework.audit.merkle import consistency_proof, roots_from_consistency
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
from casework.audit.witness_sources import Source, WitnessProblem
from casework.core import clock


class Refused(Exception):
    """The log contradicts what it said before. `evidence` is the folder that holds both statements."""

    def __init__(self, said: str, evidence: Path) -> None:
        super().__init__(said)
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class Seen:
    """What was cosigned: the checkpoint, its note with our signature, and the size before (0 at the first time)."""

    checkpoint: Checkpoint
    note: bytes
    before: int
    trusted_on_first_use: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What the state file says: the log's key, and the note that was cosigned last."""

    log: Verifier
    note: bytes
    checkpoint: Checkpoint


class Witness:
    """A witness over its state file."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def signer(self, name: str | None = None) -> Signer:
        """Its key, made at the first use under this name. `WitnessProblem` when the name is another one's, or no name."""
        path = self.state.with_name(self.state.name + ".key")
        try:
            if not path.exists():
                signer = generate_key(name or f"witness/{_name_of_this_machine()}", COSIGNATURE_V1)
                _write(path, (signer.skey + "\n").encode())
                return signer
            signer = Signer.from_skey(path.read_text().strip())
        except ValueError as problem:
            raise WitnessProblem(f"The key of this witness cannot be used: {problem}.") from problem
        if name and signer.name != name:
            raise WitnessProblem(f"This witness is called {signer.name}, not {name}.")
        return signer

    def look(self, source: Source, *, vkey: str | None = None, name: str | None = None) -> Seen:
        """Fetches the newest checkpoint, checks that it extends the last one, cosigns it and keeps it.

        `Refused` for a second history, `WitnessProblem` when the proof cannot be had or the signature is wrong.
        """
        with self._alone():
            signer = self.signer(name)
            kept = self._kept()
            note = source.get("checkpoint")
            if note is None:
                raise WitnessProblem("There is no checkpoint at this place.")
            verifier, first_use = self._verifier(source, kept, vkey)
            try:
                fresh = open_checkpoint(note, verifier)
            except ValueError as problem:
                raise WitnessProblem(
                    f"The checkpoint is not signed by {verifier.name}: {problem}."
                ) from problem
            if kept:
                self._refuse_contradiction(source, kept, fresh, note)
            try:
                signed = add_signature(note, signer, int(clock.now().timestamp()))
            except ValueError as problem:
                raise WitnessProblem(f"The checkpoint cannot be cosigned: {problem}.") from problem
            state = {
                "log": verifier.vkey,
                "size": fresh.size,
                "note": note.decode(),
                "cosigned": signed.decode(),
            }
            _write(self.state, json.dumps(state, ensure_ascii=False, indent=1).encode() + b"\n")
            return Seen(fresh, signed, kept.checkpoint.size if kept else 0, first_use)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two runs over one state could each cosign another history: one at a time."""
        with self.state.with_name(self.state.name + ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WitnessProblem("Another run of this witness is still under way.") from None
            yield

    def _kept(self) -> Kept | None:
        try:
            state = json.loads(self.state.read_text("utf-8"))
            note = state["note"].encode()
            return Kept(Verifier.from_vkey(state["log"]), note, Checkpoint.parse(split_note(note)[0]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
            raise WitnessProblem(f"The state {self.state} cannot be read: {problem}.") from problem

    def _verifier(self, source: Source, kept: Kept | None, vkey: str | None) -> tuple[Verifier, bool]:
        """The log's key: as given, as kept, or at the very first time as the log itself says."""
        if kept and vkey and kept.log.vkey != vkey.strip():
            raise WitnessProblem(
                "The state of this witness is of a log with another key; use another state file."
            )
        if kept:
            return kept.log, False
        offered = vkey.encode() if vkey else source.get("verifier.key")
        if offered is None:
            raise WitnessProblem("The log's verifier key is needed: --key.")
        try:
            return Verifier.from_vkey(offered.decode().strip()), vkey is None
        except ValueError as problem:
            raise WitnessProblem(f"The log's verifier key cannot be read: {problem}.") from problem

    def _refuse_contradiction(self, source: Source, kept: Kept, fresh: Checkpoint, note: bytes) -> None:
        last = kept.checkpoint
        older, newer = (last, fresh) if last.size <= fresh.size else (fresh, last)
        extends, proofs = (True, []) if older.size == 0 else _relation(source, older, newer)
        if extends is False:
            problem = (
                f"there are two different logs of {newer.size} events"
                if older.size == newer.size
                else f"{newer.size} events do not extend {older.size}"
            )
            evidence = self._keep_evidence(kept, fresh, note, proofs, problem)
            raise Refused(
                f"The log shows two histories: {problem}. Nothing is cosigned; both checkpoints and the proof are kept "
                f"in {evidence}. Tell the log's operator and the other witnesses.",
                evidence,
            )
        if extends is None:
            evidence = self._keep_evidence(kept, fresh, note, proofs, "the proof is not of this checkpoint")
            raise WitnessProblem(
                f"What the log offers as proof that it grew from {older.size} to {newer.size} events does not belong to "
                f"its own checkpoint. Nothing is cosigned; both checkpoints are kept in {evidence}. Ask for a pack since "
                "the checkpoint that you hold."
            )
        if last.size > fresh.size:
            raise WitnessProblem(
                f"The checkpoint is older than the last one seen ({fresh.size} events, then {last.size}). Somebody "
                "serves an old copy; nothing is cosigned."
            )

    def _keep_evidence(
        self, kept: Kept, fresh: Checkpoint, note: bytes, proofs: list[Offer], problem: str
    ) -> Path:
        """Keeps both signed statements, once for each statement that was shown."""
        name = f"{kept.checkpoint.size}-{fresh.size}-{fresh.root.hex()[:16]}"
        folder = self.state.with_name(self.state.name + ".evidence") / name
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "seen-before", kept.note)
        _write(folder / "shown-now", note)
        what = {
            "problem": problem,
            "seen_size": kept.checkpoint.size,
            "shown_size": fresh.size,
            "shown_at": f"{clock.now():%Y-%m-%dT%H:%M:%SZ}",
            "proofs": [offer.as_dict() for offer in proofs],
        }
        _write(folder / "evidence.json", json.dumps(what, indent=1).encode() + b"\n")
        return folder


class Offer(NamedTuple):
    """A proof of consistency as it was offered. `start` is the older tree's root that it begins with, where that tree is
    one complete node; else it says nothing."""

    start: bytes
    proof: list[bytes]

    def as_dict(self) -> dict[str, object]:
        """For JSON, in base64."""
        return {
            "start": base64.b64encode(self.start).decode(),
            "proof": [base64.b64encode(item).decode() for item in self.proof],
        }


def _relation(source: Source, older: Checkpoint, newer: Checkpoint) -> tuple[bool | None, list[Offer]]:
    """Whether the newer tree extends the older one, None when nothing that is offered shows it; and what decided it.

    Hashes that lead to the root of the newer checkpoint are what its log signed. If the same hashes lead to another
    older root, the log itself has contradicted what it signed before; hashes that lead nowhere show nothing.
    """
    if older.size == newer.size:
        return older.root == newer.root, []
    offers = []
    for offer in _offered(source, older, newer):
        offers.append(offer)
        try:
            by_proof = roots_from_consistency(older.size, newer.size, offer.start, offer.proof)
        except ValueError:
            continue
        if by_proof[1] == newer.root:
            return by_proof[0] == older.root, [offer]
    return None, offers


def _offered(source: Source, older: Checkpoint, newer: Checkpoint) -> Iterator[Offer]:
    """The proofs that the log offers: the `consistency.json` of a pack since the older size, then its tiles."""
    given = source.get("consistency.json")
    if given is not None:
        try:
            item = json.loads(given)
            if item["size1"] == older.size:
                yield Offer(older.root, [base64.b64decode(text, validate=True) for text in item["proof"]])
        except (KeyError, TypeError, ValueError, RecursionError) as problem:
            raise WitnessProblem(f"consistency.json cannot be read: {problem}.") from problem

    def read(tile: Tile) -> bytes:
        for wanted in dict.fromkeys((tile, Tile(tile.level, tile.n, WIDTH))):
            if (hashes := source.get(wanted.path)) is not None:
                return hashes
        raise WitnessProblem(
            f"{tile.path} is not there, so it cannot be checked that the log grew from {older.size} to {newer.size}. "
            "Ask for a pack since the checkpoint that you hold."
        )

    nodes = TileNodes(newer.size, read)
    level = older.size.bit_length() - 1
    try:
        start = nodes([(level, 0)])[0] if older.size == 1 << level else older.root
        yield Offer(start, consistency_proof(older.size, newer.size, nodes))
    except ValueError as problem:
        raise WitnessProblem(f"The log's tiles cannot be used: {problem}.") from problem


def _name_of_this_machine() -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", os.uname().nodename.partition(".")[0]) or "nameless"


def _write(path: Path, content: bytes) -> None:
    """Durably: a witness that forgets what it cosigned could cosign another history."""
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
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
