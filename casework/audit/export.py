"""Exporting the log: a pack that an outsider can check alone, or its lines as JSON Lines or CSV.

Every export first brings the tree up to date and signs it, then reads one snapshot of the database in one pass, in
bounded memory. Nothing stands at the target before all of it does. What is exported is what the database holds: where
somebody changed it, the pack says so when it is checked.
"""

from __future__ import annotations

import base64
import glob
import hashlib
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sqlalchemy import select

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.audit.boundary import acting
from casework.audit.identity import Identity, LogProblem
from casework.audit.merkle import consistency_proof, verify_consistency
from casework.audit.models import AuditCheckpoint
from casework.audit.note import Checkpoint, open_checkpoint, split_note
from casework.audit.pack_writer import LineFile, PackFolder
from casework.audit.reading import Reader, leaves, snapshot
from casework.audit.reasons import Reason
from casework.audit.sequencer import sequence_all, sign
from casework.audit.tiles import Tile, TileNodes
from casework.audit.trail import committed_to, counted, searched, use_case
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work

Form = Literal["pack", "jsonl", "csv"]
FORMS: tuple[Form, ...] = ("pack", "jsonl", "csv")
Progress = Callable[[int, int], object]


class ExportProblem(Exception):
    """The export cannot be made as asked. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: the events with index `first` up to, not including, `last` (None: all). `since` is an older
    signed checkpoint that the reader holds, for which a pack gets a proof of consistency."""

    form: Form
    reason: Reason
    first: int = 0
    last: int | None = None
    since: bytes | None = None


@dataclass(slots=True)
class Exported:
    """What was written. `digest` is the SHA-256 of the file; of a pack in a folder, that of its `entries.jsonl`."""

    path: Path
    count: int
    digest: bytes
    size: int
    warnings: list[str] = field(default_factory=list)


@use_case(permission=Permission.AUDIT_EXPORT, code="export.begin", action="E")
def begin(actor: Actor, wanted: Wanted) -> None:
    """Says that an export begins, before its first byte is written."""
    searched(json.dumps([wanted.form, wanted.first, wanted.last]))
    committed_to(wanted.reason.commitment)


@use_case(permission=Permission.AUDIT_EXPORT, code="export.end", action="E")
def end(actor: Actor, exported: Exported) -> None:
    """Says what was written: how many events, and the SHA-256."""
    counted(exported.count)
    committed_to(exported.digest)


def export(
    actor: Actor,
    wanted: Wanted,
    target: Path,
    identity: Identity,
    *,
    source: str,
    force: bool = False,
    progress: Progress = lambda done, of: None,
) -> Exported:
    """Exports to `target`, with an event before and one after; the pack holds the first. All or nothing.

    `progress(done, of)` counts events. `ExportProblem` when the target is there already (unless `force`) or the range
    or the older checkpoint is not of this log.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100 -- a link stays the link that was named
    _refuse(wanted, target, force)
    _remove_abandoned(target)
    with acting(actor, source):
        begin(actor, wanted)
    try:
        checkpoint, note, warnings = _signed_now(identity)
        exported = write_export(wanted, target, identity, checkpoint, note, progress=progress)
    except BaseException:
        with acting(actor, source):
            end.refused("not_finished")
        raise
    exported.warnings[:0] = warnings
    with acting(actor, source):
        end(actor, exported)
    return exported


def _refuse(wanted: Wanted, target: Path, force: bool) -> None:
    """`ExportProblem` when nothing can be exported there, or something else than an export would be lost."""
    if wanted.since is not None and wanted.form != "pack":
        raise ExportProblem("Only a pack holds a proof that the log grew from an older checkpoint.")
    if not target.parent.is_dir():
        raise ExportProblem(f"There is no folder {target.parent}.")
    if not target.exists() and not target.is_symlink():
        return
    if not force:
        raise ExportProblem(f"{target} is there already. Choose another name, or say --force.")
    ours = ("manifest.json", "checkpoint")
    if target.is_dir() and not target.is_symlink():
        an_export = not any(target.iterdir()) or all((target / name).is_file() for name in ours)
    else:
        an_export = target.is_file() and not target.is_symlink()
    if not an_export:
        raise ExportProblem(f"{target} is there already and is not an export. Choose another name.")


def _remove_abandoned(target: Path) -> None:
    """What an export to this name left half written, when its process ended without a chance to tidy up."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*.partial*"):
        process = path.name.removeprefix(f".{target.name}.").partition(".")[0]
        if process.isascii() and process.isdigit() and not _runs(int(process)):
            _remove(path)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # somebody else's
    return True


def _signed_now(identity: Identity) -> tuple[Checkpoint, bytes, list[str]]:
    """The newest checkpoint, made now where this process may. Where the log refuses to sign, the last good one."""
    warnings = []
    sequence_all()
    try:
        sign(identity)
    except LogProblem as problem:
        warnings.append(f"No new checkpoint could be signed, the export ends at the last one. {problem}")
    with unit_of_work(write=False):
        newest = select(AuditCheckpoint.note).order_by(AuditCheckpoint.size.desc()).limit(1)
        note = db.session.scalar(newest)
    if note is None:
        raise ExportProblem("The log has no signed checkpoint yet. " + " ".join(warnings))
    try:
        return Checkpoint.parse(split_note(note.encode())[0]), note.encode(), warnings
    except ValueError as problem:
        raise ExportProblem(f"The newest checkpoint in the database cannot be read: {problem}.") from problem


def write_export(
    wanted: Wanted,
    target: Path,
    identity: Identity,
    checkpoint: Checkpoint,
    note: bytes,
    *,
    progress: Progress = lambda done, of: None,
) -> Exported:
    """Writes the files of an export, without any event; `export` is the whole act."""
    last = checkpoint.size if wanted.last is None else wanted.last
    if not 0 <= wanted.first <= last <= checkpoint.size:
        raise ExportProblem(
            f"The log has {checkpoint.size} events, with the indices 0 to {checkpoint.size - 1}; asked was from "
            f"{wanted.first} up to, not including, {last}."
        )
    fresh = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.partial")
    try:
        with snapshot() as reader:
            if wanted.form == "pack":
                exported = _write_pack(reader, wanted, fresh, last, identity, checkpoint, note, progress)
                if target.suffix == ".zip":
                    _zip(fresh)
                    exported.digest = _digest(fresh)
            else:
                exported = _write_lines(reader, wanted, fresh, last, progress)
        _replace(fresh, target)
    except ValueError as problem:
        raise ExportProblem(
            f"The log cannot be exported whole: {problem}. See `casework audit verify`."
        ) from problem
    finally:
        _remove(fresh)
    exported.path, exported.size = target, checkpoint.size
    return exported


def _write_lines(reader: Reader, wanted: Wanted, path: Path, last: int, progress: Progress) -> Exported:
    with LineFile(path, wanted.form == "csv") as file:
        first = wanted.first - wanted.first % 256
        count = 0
        for begin_at, chunk in leaves(reader, wanted.first, last, last, start=first):
            skip = max(wanted.first - begin_at, 0)
            count += file.add(begin_at + skip, chunk[skip:])
            progress(min(begin_at + len(chunk), last) - wanted.first, last - wanted.first)
    return Exported(path, count, file.digest(), 0)


def _write_pack(
    reader: Reader,
    wanted: Wanted,
    folder: Path,
    last: int,
    identity: Identity,
    checkpoint: Checkpoint,
    note: bytes,
    progress: Progress,
) -> Exported:
    proof = _consistency(reader, wanted.since, identity, checkpoint) if wanted.since else None
    with PackFolder(folder, wanted.first, last, checkpoint.size) as pack:
        for begin_at, chunk in leaves(reader, wanted.first, last, checkpoint.size):
            pack.add(begin_at, chunk)
            progress(begin_at + len(chunk), checkpoint.size)
    pack.put("checkpoint", note)
    pack.put("verifier.key", identity.verifier().vkey.encode() + b"\n")
    pack.put_json(
        "manifest.json",
        {
            "format": 1,
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "from": wanted.first,
            "to": last,
        },
    )
    pack.put_json("reason.json", wanted.reason.as_dict())
    if proof:
        pack.put_json("consistency.json", proof)
    for earlier in identity.earlier():
        for name in ("last-checkpoint", "verifier.key"):
            if (earlier / name).exists():
                pack.put(f"origins/{earlier.name}/{name}", (earlier / name).read_bytes())
    pack.put_texts()
    exported = Exported(folder, pack.count, pack.digest(), checkpoint.size)
    if pack.root() != checkpoint.root:
        exported.warnings.append(
            "The events do not lead to the signed root: this log was changed. The pack shows where; check it with "
            "`casework audit verify PACK`."
        )
    return exported


def _consistency(
    reader: Reader, since: bytes, identity: Identity, now: Checkpoint
) -> dict[str, object] | None:
    """The proof from the older checkpoint, None from an empty log."""
    try:
        older = open_checkpoint(since, identity.verifier())
    except ValueError as problem:
        raise ExportProblem(f"The older checkpoint is not of this log: {problem}.") from problem
    if older.size > now.size:
        raise ExportProblem(
            f"The older checkpoint has {older.size} events, this log only {now.size}: it went back."
        )
    if older.size == 0:
        return None

    def read(tile: Tile) -> bytes:
        hashes = reader.value(
            "SELECT hashes FROM audit_tile WHERE level = :level AND n = :n", level=tile.level, n=tile.n
        )
        return bytes(hashes or b"")

    try:
        proof = consistency_proof(older.size, now.size, TileNodes(now.size, read))
        verify_consistency(older.size, now.size, older.root, now.root, proof)
    except ValueError as problem:
        raise ExportProblem(
            f"The log does not extend the older checkpoint ({problem}): keep that checkpoint, it is evidence."
        ) from problem
    encoded = [base64.b64encode(item).decode() for item in proof]
    return {"size1": older.size, "root1": base64.b64encode(older.root).decode(), "proof": encoded}


def _zip(folder: Path) -> None:
    """Replaces a folder by a zip file of it, under the same name."""
    packed = folder.with_name(folder.name + ".zip")
    try:
        packed.touch(mode=0o600, exist_ok=False)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                name = path.relative_to(folder)
                hashes = name.suffix == ".bin" or (name.parts[0] == "tile" and name.parts[1] != "entries")
                archive.write(path, name, zipfile.ZIP_STORED if hashes else None)
        shutil.rmtree(folder)
        packed.replace(folder)
    finally:
        packed.unlink(missing_ok=True)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _replace(fresh: Path, target: Path) -> None:
    """Puts the finished export in place. A folder cannot replace a folder in one step, so the old one steps aside."""
    if target.is_dir() and not target.is_symlink():
        aside = fresh.with_suffix(".old")
        target.rename(aside)
        try:
            fresh.rename(target)
        except OSError:
            aside.rename(target)
            raise
        shutil.rmtree(aside)
    else:
        fresh.replace(target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)
