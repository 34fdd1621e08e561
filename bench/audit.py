"""What the audit log costs, on both engines, side by side in one run.

    python -m bench.audit [--events 1000000] [--writes 100] [--clients 8] [--engines sqlite,postgresql]

Writes: a caseworker's form that records support, posted by several browsers at once, through every layer of the product,
and what it keeps as a bare transaction: without an event; with one, as the product does it; and with a hash chain instead,
whose lock is taken at the commit or when the request begins. Medians of short rounds, each beside its own unaudited part.
Reading: a whole log is sequenced, verified, and exported, beside raw SHA-256 and beside the database's own COPY (on
SQLite, which has none, beside the driver and Python's csv). PostgreSQL runs with its durable settings.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.audit_writes import compare_writes
from bench.engines import bytes_per_event, in_a_child, installations, timed
from casework.audit import event
from casework.audit.export import Wanted, write_export
from casework.audit.identity import identity_here
from casework.audit.keeping import keep_log
from casework.audit.live import verify_live
from casework.audit.note import open_checkpoint
from casework.audit.reasons import reason
from casework.audit.sequencer import sequence_all, sign
from casework.audit.verify import processors, root_of, verify_pack
from casework.core import clock
from casework.core.database import db
from casework.core.ids import new_id
from tests.services.audit_log import a_draft, write_events


def commit_to_checkpoint(app: Flask, samples: int = 10) -> list[float]:
    """Seconds from a commit until a signed checkpoint covers it, with the worker's round every second."""
    stopped, identity = threading.Event(), identity_here()

    def worker() -> None:
        with app.app_context():
            while not stopped.is_set():
                keep_log()
                db.session.remove()
                stopped.wait(1.0)

    thread = threading.Thread(target=worker)
    thread.start()
    taken = []
    for _ in range(samples):
        time.sleep(0.37)
        last = identity.last_checkpoint()
        write_events(1)
        began = time.perf_counter()
        while ((now := identity.last_checkpoint()) == last and now is not None) or now is None:
            time.sleep(0.005)
        taken.append(time.perf_counter() - began)
    stopped.set()
    thread.join()
    return sorted(taken)


def peak_memory() -> int:
    """This process's peak since `forget_peak`, in bytes (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def export_to(folder: Path, form: Any, last: int | None) -> tuple[float, int, int]:
    """(seconds, bytes, peak memory above the start) of one export."""
    identity = identity_here()
    note = identity.last_note()
    assert note is not None
    signed = open_checkpoint(note, identity.verifier())
    target = folder / f"export-{form}-{last}"
    forget_peak()
    start = peak_memory()
    took = timed(lambda: write_export(Wanted(form, reason("bench"), 0, last), target, identity, signed, note))
    grown = peak_memory() - start
    return took, target.stat().st_size, grown


def copy_from_database(form: str, target: Path) -> float:
    """The database's own way to write the same log to a file; seconds."""
    lines = (
        "SELECT {} FROM audit_leaf l JOIN audit_event e ON e.event_uid = l.event_uid ORDER BY l.idx".format
    )
    columns = "l.idx, e.*"
    with db.engine.connect() as connection, target.open("wb") as file:
        raw: Any = connection.connection.driver_connection
        if connection.dialect.name == "postgresql":
            chosen = "convert_from(e.body, 'UTF8')" if form == "jsonl" else columns
            options = "" if form == "jsonl" else " (FORMAT csv, HEADER)"
            statement = f"COPY ({lines(chosen)}) TO STDOUT{options}"

            def copy() -> None:
                with raw.cursor().copy(statement) as rows:
                    for chunk in rows:
                        file.write(chunk)
        else:

            def copy() -> None:
                rows = raw.execute(lines("e.body" if form == "jsonl" else columns))
                if form == "jsonl":
                    for (body,) in rows:
                        file.write(body + b"\n")
                    return
                with target.with_suffix(".csv").open("w", newline="") as out:
                    csv.writer(out).writerows(rows)

        return timed(copy)


def hash_files(paths: list[Path]) -> None:
    """One SHA-256 over each file, as `sha256sum` does."""
    for path in paths:
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")


def hash_tree(path: Path) -> None:
    """The hash of each line and of each node above, and nothing else."""
    with path.open("rb") as file:
        leaves = b"".join(hashlib.sha256(b"\x00" + line[:-1]).digest() for line in file)
    root_of(leaves)


def measure_log(app: Flask, events: int, folder: Path) -> None:
    made = timed(lambda: write_events(events, in_one=1000))
    took = timed(sequence_all)
    print(f"  written in bulk          {events / made:10,.0f} events/s")
    print(f"  sequenced                {events / took:10,.0f} events/s")
    sign(identity_here())
    body = len(event.body_of(a_draft(), new_id(), clock.now(), new_id(), 1))
    print(
        f"  on disk                  {bytes_per_event(events):10,.0f} bytes/event with tree and indices; body {body}"
    )
    taken = commit_to_checkpoint(app)
    print(f"  commit to checkpoint     {statistics.median(taken):8.2f} s median, {taken[-1]:.2f} s at most")
    for form in ("jsonl", "csv"):
        ours, size, grown = in_a_child(app, export_to, folder, form, None)
        _, _, small = in_a_child(app, export_to, folder, form, events // 10)
        theirs = in_a_child(app, copy_from_database, form, folder / f"copy-{form}")
        print(
            f"  export {form:<6}            {ours:8.2f} s, {size / ours / 1e6:5.0f} MB/s; the database's own {theirs:.2f} s: "
            f"{theirs / ours:.2f} x; peak memory +{grown / 2**20:.0f} MiB (a tenth: +{small / 2**20:.0f})"
        )
    took, _, grown = in_a_child(app, export_to, folder, "pack", None)
    print(f"  export pack              {took:8.2f} s; peak memory +{grown / 2**20:.0f} MiB")
    pack = folder / "export-pack-None"
    lines = pack / "entries.jsonl"
    key = identity_here().verifier().vkey
    raw = timed(lambda: hash_files([lines]))
    whole = timed(lambda: hash_files([path for path in pack.rglob("*") if path.is_file()]))
    tree = timed(lambda: hash_tree(lines))
    size = sum(path.stat().st_size for path in pack.rglob("*") if path.is_file())
    print(
        f"  raw SHA-256              {raw:8.2f} s over the lines ({lines.stat().st_size / 1e6:.0f} MB), {whole:.2f} s over "
        f"the whole pack ({size / 1e6:.0f} MB), {tree:.2f} s leaf by leaf and node by node; one process each"
    )
    for jobs in (1, processors()):
        checks: dict[str, Callable[[], Any]] = {
            "pack": partial(verify_pack, pack, key, jobs=jobs),
            "live": partial(verify_live, identity_here(), jobs=jobs),
        }
        for name, check in checks.items():
            seconds = timed(lambda check=check: _must_be_whole(check()))  # type: ignore[misc]
            print(
                f"  verify {name} x {jobs}          {seconds:8.2f} s, {events / seconds:9,.0f} events/s: "
                f"{raw / seconds:.2f} x raw over the lines, {whole / seconds:.2f} x over the pack, "
                f"{tree / seconds:.2f} x its hashes one by one",
                flush=True,
            )


def _must_be_whole(report: Any) -> None:
    if report.problem:
        raise RuntimeError(json.dumps(vars(report), default=str))


def run(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--writes", type=int, default=100, help="of each client")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--engines", default="sqlite,postgresql")
    asked = parser.parse_args(arguments or [])
    with installations(asked.engines.split(",")) as each, tempfile.TemporaryDirectory() as folder:
        for name, app in each:
            print(f"{name}, {asked.events:,} events")
            compare_writes(app, asked.clients, asked.writes)
            here = Path(folder) / name
            here.mkdir()
            with app.app_context():
                sequence_all()
                measure_log(app, asked.events, here)


if __name__ == "__main__":
    run(sys.argv[1:])
