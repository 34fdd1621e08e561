"""`casework audit …`: export, verify, checkpoint, witness, a new origin, sequencing on demand, retention.

Exit codes of `verify`: 0 whole, 1 broken, 2 it cannot be checked. Of `witness`: 0 the log grew or stands, 1 it shows two
histories, 2 that cannot be told now. `witness` and a pack's `verify` need no installation.
"""

from __future__ import annotations

import getpass
import os
import signal
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from casework.access.actor import SYSTEM, Actor
from casework.access.roles import Role
from casework.accounts import passwords, throttle
from casework.accounts import queries as accounts
from casework.accounts.sign_in import normal_username, sign_in
from casework.audit import retention, witness
from casework.audit.boundary import acting
from casework.audit.export import FORMS, ExportProblem, Form, Wanted, export
from casework.audit.identity import LogProblem, identity_here
from casework.audit.keeping import note_verification
from casework.audit.live import verify_live
from casework.audit.origin import new_origin, rebuild
from casework.audit.reasons import Reason
from casework.audit.reasons import reason as committed
from casework.audit.sequencer import sequence_all, sign
from casework.audit.trail import about
from casework.audit.verify import Report, Unusable, verify_pack
from casework.audit.witness_sources import LONGEST, WitnessProblem, at_most, source_of
from casework.commands.behaviour import PlainGroup, Refusal, print_json, product, progress
from casework.core.unit_of_work import unit_of_work

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
PATH = click.Path(path_type=Path)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group(cls=PlainGroup)
def audit() -> None:
    """The audit log: export it, check it, sign it, keep it."""


@contextmanager
def _log_errors() -> Iterator[None]:
    try:
        yield
    except (LogProblem, ExportProblem) as problem:
        raise Refusal(str(problem)) from problem
    except OSError as problem:
        raise Refusal(_in_words(problem)) from problem


def _in_words(problem: OSError) -> str:
    where = f"{problem.filename}: " if problem.filename else ""
    return f"{where}{problem.strerror or problem}."


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """SIGTERM and SIGHUP end a command as Ctrl-C does: what is half written goes, and the log says that it did not end."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _stop(code: int) -> None:
    raise click.exceptions.Exit(code)


@audit.command("export")
@click.option(
    "--format", "form", type=click.Choice(FORMS), required=True, help="A pack proves; CSV is for reading."
)
@click.option(
    "--out", type=PATH, required=True, help="The new file; a pack goes to a folder, or to a file .zip."
)
@click.option("--from", "first", type=click.IntRange(min=0), default=0, help="The first index.")
@click.option("--to", "last", type=click.IntRange(min=0), help="The index after the last one.")
@click.option(
    "--since-checkpoint", "since", type=FILE, help="An older checkpoint: adds the proof that the log grew."
)
@click.option("--reason", prompt="Why is the log exported", help="Kept as a fingerprint; do not name people.")
@click.option("--force", is_flag=True, help="Replace what is at --out.")
@json_option
def export_log(
    form: Form,
    out: Path,
    first: int,
    last: int | None,
    since: Path | None,
    reason: str,
    force: bool,
    as_json: bool,
) -> None:
    """Export the log. All or nothing; the export itself is logged, with the number of events and their SHA-256."""
    why = _reason(reason)
    wanted = Wanted(form, why, first, last, since.read_bytes() if since else None)
    with product(), _log_errors(), _ending_in_order(), progress("Events") as advance:
        done = export(
            SYSTEM, wanted, out, identity_here(), source="cli:audit export", force=force, progress=advance
        )
    if as_json:
        print_json(
            {
                "path": str(done.path),
                "count": done.count,
                "size": done.size,
                "sha256": done.digest.hex(),
                "warnings": done.warnings,
                **why.as_dict(),
            }
        )
    else:
        click.echo(f"{done.count} events were written to {done.path}. SHA-256: {done.digest.hex()}")
        click.echo(f"To prove the reason later, keep it with this salt: {why.salt.hex()}")
        for warning in done.warnings:
            click.echo(f"Warning: {warning}", err=True)
    if done.warnings:
        _stop(1)


@audit.command("verify")
@click.argument("pack", type=PATH, required=False)
@click.option("--key", type=FILE, help="The log's verifier key, from a source that you trust.")
@click.option("--checkpoint", type=FILE, help="An older signed checkpoint that you kept.")
@json_option
def verify_log(pack: Path | None, key: Path | None, checkpoint: Path | None, as_json: bool) -> None:
    """Check PACK, or without it the log of this installation, and name the first thing that is broken."""
    try:
        trusted = key.read_text("utf-8").strip() if key else None
        older = checkpoint.read_bytes() if checkpoint else None
        if pack is not None:
            with progress("Events") as advance:
                report = verify_pack(pack, trusted, older, progress=advance)
        else:
            with product(), progress("Events") as advance:
                report = verify_live(identity_here(), key=trusted, checkpoint=older, progress=advance)
                with acting(SYSTEM, "cli:audit verify"):
                    note_verification(SYSTEM, report.checked, report.problem.kind if report.problem else None)
    except (Unusable, LogProblem, ValueError, OSError, Refusal) as problem:
        said = problem.format_message() if isinstance(problem, Refusal) else str(problem)
        if as_json:
            print_json({"ok": False, "unusable": said})
        else:
            click.echo(f"Cannot check this: {said}", err=True)
        _stop(2)
        return
    _say(report, as_json)
    if not report.ok:
        _stop(1)


def _say(report: Report, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    for text in report.notes:
        click.echo(f"Note: {text}")
    if report.problem:
        where = "" if report.problem.index is None else f" at index {report.problem.index}"
        click.echo(f"BROKEN{where} ({report.problem.kind}): {report.problem.detail}")
    else:
        click.echo(
            f"Whole: {report.checked} events of {report.origin}, size {report.size}, root {report.root}"
        )


@audit.command("checkpoint")
def show_checkpoint() -> None:
    """Bring the log up to date, sign it, and print the newest signed checkpoint."""
    with product(), _log_errors():
        identity = identity_here()
        sequence_all()
        sign(identity)
        note = identity.last_note()
    if note is None:
        raise Refusal("The log is empty, so there is nothing signed yet.")
    click.echo(note.decode(), nl=False)


@audit.command("sequence")
def sequence_log() -> None:
    """Give every waiting event its index, and sign. The worker does this by itself every second."""
    with product(), _log_errors():
        taken = sequence_all()
        signed = sign(identity_here())
    click.echo(f"{taken} events got their index." + (f" Signed up to {signed.size}." if signed else ""))


@audit.command("rebuild")
def rebuild_log() -> None:
    """Make the tiles and the recorded state of the tree anew from its leaves, after they were damaged.

    Changes no event, no index and no hash. The log still refuses to sign what does not continue the last checkpoint.
    """
    with product(), _log_errors():
        size, signed = rebuild(identity_here())
    click.echo(
        f"The tree of {size} events was made anew." + (f" Signed up to {signed.size}." if signed else "")
    )


@audit.command("new-origin")
@click.option("--reason", required=True, help="Kept as a fingerprint; do not name people.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def open_new_origin(reason: str, yes: bool, as_json: bool) -> None:
    """Continue the log under a new name and key, when it refuses to sign. See docs/audit-log.md first."""
    why = _reason(reason)
    if not yes:
        click.confirm(
            "Everybody who follows this log has to take the new key over, and can see that it was broken off here. "
            "Go on?",
            abort=True,
        )
    with product(), _log_errors():
        done = new_origin(identity_here(), why)
    if as_json:
        print_json(
            {
                "origin": done.origin,
                "verifier_key": done.vkey,
                "size": done.checkpoint.size,
                "continues": done.left.format().split("\n")[:3] if done.left else None,
                **why.as_dict(),
            }
        )
        return
    click.echo(f"The log goes on as {done.origin}, from {done.checkpoint.size} events. Its new public key:")
    click.echo(done.vkey)
    click.echo(f"To prove the reason later, keep it with this salt: {why.salt.hex()}")


def _reason(text: str) -> Reason:
    try:
        return committed(text)
    except ValueError as problem:
        raise Refusal(str(problem)) from problem


@audit.command("witness")
@click.option("--from", "place", required=True, help="The log's address, a pack, or a checkpoint file.")
@click.option("--state", type=PATH, required=True, help="The file where this witness keeps what it saw.")
@click.option("--key", "vkey", help="The log's verifier key (the line, or a file of it).")
@click.option("--name", help="The name of this witness, for its first run.")
@click.option("--out", type=PATH, help="Write the cosigned checkpoint here instead of printing it.")
def run_witness(place: str, state: Path, vkey: str | None, name: str | None, out: Path | None) -> None:
    """Check that somebody's log only grew since last time, and cosign its checkpoint. Needs no installation.

    Exit code 0: it did. 1: it shows two histories, and the evidence is kept. 2: that cannot be told now.
    """
    here = witness.Witness(state)
    try:
        key = Path(vkey).read_text("utf-8") if vkey and Path(vkey).is_file() else vkey
        with at_most(LONGEST):
            seen = here.look(source_of(place), vkey=key, name=name)
        if out:
            out.write_bytes(seen.note)
    except witness.Refused as refusal:
        raise Refusal(str(refusal)) from refusal
    except (WitnessProblem, OSError, UnicodeDecodeError) as problem:
        click.echo(_in_words(problem) if isinstance(problem, OSError) else str(problem), err=True)
        _stop(2)
        return
    if seen.trusted_on_first_use:
        click.echo(
            "The log's own word was taken for its key this first time; compare it elsewhere.", err=True
        )
    click.echo(
        f"{seen.checkpoint.origin}: {seen.before} to {seen.checkpoint.size} events, cosigned by "
        f"{here.signer().verifier.vkey}",
        err=True,
    )
    if not out:
        click.echo(seen.note.decode(), nl=False)


@audit.command("retention")
@click.option(
    "--dry-run", is_flag=True, help="Only say what is due (this is also what happens without an option)."
)
@click.option("--request", "ask", is_flag=True, help="Ask that it be dropped.")
@click.option("--approve", type=click.UUID, help="Approve what somebody else asked.")
@click.option("--run", "run_id", type=click.UUID, help="Do what was asked and approved.")
@click.option("--by", help="The user name of the administrator or auditor who asks or approves.")
@json_option
def keep_retention(
    dry_run: bool,
    ask: bool,
    approve: uuid.UUID | None,
    run_id: uuid.UUID | None,
    by: str | None,
    as_json: bool,
) -> None:
    """Drop the details of events past their retention; their hashes stay. One asks, another one approves."""
    if sum((dry_run, ask, approve is not None, run_id is not None)) > 1:
        raise click.UsageError("Say one of --dry-run, --request, --approve, --run.")
    # Asking and approving is work of people, as in the page; the worker's role may only do what was approved.
    with product(as_web=ask or approve is not None), _log_errors():
        if ask:
            actor = _signed_in(by)
            with acting(actor, "cli:audit retention"):
                asked = retention.request_retention(actor)
                found = {"request": str(asked.id), "up_to": asked.up_to, "cutoff": asked.cutoff.isoformat()}
            said = f"Asked: {asked.id}. Somebody else runs: casework audit retention --approve {asked.id} --by NAME"
        elif approve:
            actor = _signed_in(by)
            with acting(actor, "cli:audit retention"):
                retention.approve_retention(actor, approve)
            found = {"request": str(approve), "approved": True}
            said = f"Approved. Now: casework audit retention --run {approve}"
        elif run_id:
            with progress("Indices") as advance:
                count = retention.run_retention(run_id, source="cli:audit retention", progress=advance)
            found = {"request": str(run_id), "dropped": count}
            said = f"The details of {count} events were dropped. Their hashes stay in the log."
        else:
            with unit_of_work(write=False):
                due = retention.due()
                waiting = [str(each.id) for each in retention.open_requests()]
            found = {
                "due": due.count if due else 0,
                "cutoff": due.cutoff.isoformat() if due else None,
                "waiting_for_approval": waiting,
            }
            said = (
                f"{due.count} events from before {due.cutoff:%Y-%m-%d} are past their retention."
                if due
                else ("No event is past its retention.")
            )
            said += "".join(f" {each} waits for approval." for each in waiting)
    print_json(found) if as_json else click.echo(said)


def _signed_in(username: str | None) -> Actor:
    """Who asks or approves, by user name and password (from the terminal, or CASEWORK_PASSWORD)."""
    if not username:
        raise click.UsageError("Say who asks or approves: --by USERNAME")
    password = os.environ.get("CASEWORK_PASSWORD") or (
        getpass.getpass(f"Password of {username}: ")
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\n")
    )
    name = normal_username(username)
    keys: dict[throttle.Kind, str] = {"name": throttle.key_of("name", name)}
    with unit_of_work():
        throttle.refuse_if_too_many(keys)
        staff = accounts.staff_named(name)
    right = passwords.verify(staff.password_hash if staff else None, password)
    if staff is None or not right or not staff.active:
        with acting(SYSTEM, "cli:audit retention"):
            sign_in.refused("wrong_credentials")
            if staff is not None:
                about(staff)
            throttle.note_failure(keys)
        raise Refusal("The user name or the password is not right.")
    return Actor(staff.id, Role(staff.role), staff.place_id, staff.domain)
