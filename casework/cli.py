"""The command line: `casework …`. It wires commands to what the rooms offer and holds no rules.

Exit code 0 means done. Anything else comes with one plain sentence on stderr.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from casework.access.roles import Role
from casework.accounts import commands as accounts
from casework.accounts.place_register import RegisterErrors
from casework.commands import serving
from casework.commands.audit import audit
from casework.commands.behaviour import PlainGroup, Refusal, print_json, print_table, product, progress
from casework.commands.database_roles import as_sql
from casework.commands.doctor import examine
from casework.commands.installation import initialise
from casework.commands.keys import keys_group
from casework.commands.person import person_group, retention_command
from casework.commands.search import search_group
from casework.demo.command import demo
from config.settings import from_environment

SHOWN_AS = {"ok": "ok", "note": "note", "warning": "WARN", "wrong": "WRONG"}

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(cls=PlainGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Casework: support for families, and a log that outsiders can verify."""


cli.add_command(demo)


@cli.command()
def init() -> None:
    """Prepare this installation: keys, database, places. Can be repeated."""
    for line in initialise(from_environment()):
        click.echo(line)


@cli.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Where to listen; 0: any free port.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Web processes.")
@click.option("--web-only", is_flag=True, help="No jobs: `casework worker` runs as a service of its own.")
def serve(port: int, host: str, workers: int, web_only: bool) -> None:
    """Serve the pages and do the jobs, until Ctrl-C."""
    with serving.listening(host, port) as listener:
        # What would fail in each process is refused here, in one sentence.
        with product(as_web=True):
            serving.require_keys()
            serving.require_rights("web")
        if not web_only:
            with product():
                serving.require_rights("worker")
        code = serving.run(listener, workers, jobs_too=not web_only)
    if code:
        raise Refusal("The server stopped by itself. What it said is above.")


@cli.command()
def worker() -> None:
    """Do the jobs of this installation, until it is stopped. `serve` starts one by itself."""
    with product() as app:
        serving.require_keys()
        serving.require_rights("worker")
    serving.run_jobs(app)


@cli.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what is wrong with this installation, and what to do."""
    findings = examine()
    if as_json:
        print_json({"ok": all(each.ok for each in findings), "checks": [each.as_dict() for each in findings]})
    else:
        for each in findings:
            click.echo(f"{SHOWN_AS[each.level]:5}  {each.name}: {each.found}")
            if each.fix:
                click.echo(f"       {each.fix}")
    if not all(each.ok for each in findings):
        wrong = sum(not each.ok for each in findings)
        raise Refusal(f"{wrong} of {len(findings)} checks failed.")


@cli.group()
def database() -> None:
    """PostgreSQL: who may do what."""


@database.command("roles")
@click.option("--web", default="casework_web", show_default=True, help="The role that serves pages.")
@click.option("--worker", default="casework_worker", show_default=True, help="The role that does the jobs.")
def print_roles(web: str, worker: str) -> None:
    """Print the SQL that gives the two roles their rights, for psql, as the owner. See docs/audit-log.md."""
    click.echo(as_sql(web, worker), nl=False)


@cli.group()
def user() -> None:
    """Staff: add, list, disable, reset."""


@user.command("add")
@click.argument("username")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    required=True,
    help="What they are here to do.",
)
@click.option("--name", help="Their name as colleagues see it.")
@click.option("--place", help="The code of their office's district.")
@click.option("--domain", help="The domain of a domain officer.")
@json_option
def add_user(
    username: str, role: str, name: str | None, place: str | None, domain: str | None, as_json: bool
) -> None:
    """Add somebody and print their one-time password."""
    with product():
        _say_password(accounts.add_user(username, role, name, place, domain), as_json)


@user.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """Everybody who works here."""
    with product():
        rows = accounts.list_users()
    if as_json:
        print_json({"users": rows})
        return
    heads = {
        "username": "user name",
        "name": "name",
        "role": "role",
        "domain": "domain",
        "place": "office",
        "state": "state",
    }
    print_table(heads, [{**row, "state": "can sign in" if row["active"] else "disabled"} for row in rows])


@user.command("disable")
@click.argument("username")
def disable_user(username: str) -> None:
    """Shut somebody out, at once."""
    with product():
        accounts.disable_user(username)
    click.echo(f"{username} can no longer sign in, and their sessions have ended.")


@user.command("reset")
@click.argument("username")
@json_option
def reset_user(username: str, as_json: bool) -> None:
    """Give somebody a new one-time password and end their sessions."""
    with product():
        _say_password(accounts.reset_user(username), as_json)


def _say_password(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    click.echo(
        f"{found['username']} can sign in once with this password, then chooses their own: {found['password']}"
    )


@cli.group()
def places() -> None:
    """The register of places."""


@places.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@json_option
def import_places(file: Path, dry_run: bool, as_json: bool) -> None:
    """Take over a register: a CSV file with code,parent_code,level,name_uz,name_ru,name_en.

    Adds and changes units, closes those that vanished where the file covers them, deletes none.
    With a wrong row nothing changes.
    """
    began = time.monotonic()
    with product(), progress("Places") as advance:
        try:
            done = accounts.import_register(file, dry_run=dry_run, advance=advance)
        except RegisterErrors as problem:
            if as_json:
                print_json({"errors": [{"line": row.line, "message": row.message} for row in problem.rows]})
            else:
                click.echo(accounts.say_errors(problem.rows), err=True)
            raise Refusal(f"{file}: {_rows(len(problem.rows))} wrong; nothing was changed.") from problem
    seconds = time.monotonic() - began
    if as_json:
        print_json({**vars(done), "dry_run": dry_run, "seconds": round(seconds, 2)})
        return
    verb = "would be" if dry_run else "were"
    click.echo(
        f"{done.rows} units read: {done.added} {verb} added, {done.changed} changed, {done.closed} closed, "
        f"{done.reopened} opened again, {done.unchanged} stay as they are ({seconds:.1f} s)."
    )


cli.add_command(keys_group)
cli.add_command(search_group)
cli.add_command(person_group)
cli.add_command(retention_command)


cli.add_command(audit)


def _rows(count: int) -> str:
    return "1 row is" if count == 1 else f"{count} rows are"


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and gives its exit code."""
    os.umask(0o077)  # what commands write is for its owner only
    try:
        code = cli.main(arguments, prog_name="casework", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        return 130
    except click.exceptions.NoArgsIsHelpError as problem:  # a group without a command shows what it has
        problem.show()
        return 2
    except click.UsageError as problem:
        said = " ".join(problem.format_message().split())
        click.echo(f"{said} Try: {problem.ctx.command_path if problem.ctx else 'casework'} --help", err=True)
        return 2
    except Refusal as problem:
        problem.show()
        return problem.exit_code
    except click.ClickException as problem:
        click.echo(problem.format_message(), err=True)
        return problem.exit_code
    except BrokenPipeError:
        return 1
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
