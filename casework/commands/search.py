"""`casework search …` and `casework keys rotate-index`: the search brought up to date, numbers under a new index key.

Each portion is a transaction of its own with its event, and can be killed: run again, it goes on where it was.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict

import click

from casework.access.actor import SYSTEM, Actor, acting_as
from casework.access.blueprint import PUBLIC
from casework.audit.boundary import acting
from casework.audit.trail import committed_to, counted, use_case
from casework.cases.search import jobs, queries
from casework.cases.search.indexing import BATCH
from casework.commands.behaviour import PlainGroup, Refusal, print_json, product, progress
from casework.commands.keys import keys_group
from casework.core.errors import Denied
from casework.core.unit_of_work import after_commit, unit_of_work
from casework.vault.exact import current_key_id
from casework.vault.index_keys import index_keys

SOURCE = "cli:search"

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
batch_option = click.option(
    "--batch", type=click.IntRange(1, 10_000), default=BATCH, show_default=True,
    help="How many persons one transaction indexes.",
)  # fmt: skip


@use_case(permission=PUBLIC, code="keys.index_rotation_begun", action="E")
def begin_index_rotation(actor: Actor) -> str:
    """Makes a new index key, in use from now on; goes on with a rotation that was stopped. The event keeps a hash of its id."""
    if not actor.is_system:
        raise Denied()
    key_id = index_keys().begin_rotation()
    committed_to(hashlib.sha256(key_id.encode()).digest())
    counted(queries.digests_under_other_keys(key_id))
    return key_id


@use_case(permission=PUBLIC, code="keys.index_rotated", action="E")
def end_index_rotation(actor: Actor, made: int) -> int:
    """Destroys the old index key once no digest stands under it; gives how many still do."""
    if not actor.is_system:
        raise Denied()
    key_id = current_key_id()
    committed_to(hashlib.sha256(key_id.encode()).digest())
    counted(made)
    left = queries.digests_under_other_keys(key_id)
    if not left:
        after_commit(index_keys().end_rotation)
    return left


def rotate_index(advance: jobs.Advance, batch: int = BATCH) -> tuple[str, jobs.Reindexed, int]:
    """A new index key, every number under it, the old one destroyed. Numbers are found throughout.

    Gives the key's id, what was done, and how many digests stay under the old key because nothing opens their persons.
    """
    with acting(SYSTEM, SOURCE):
        key_id = begin_index_rotation(SYSTEM)
    done = jobs.reindex(SOURCE, advance, batch)
    with acting(SYSTEM, SOURCE):
        left = end_index_rotation(SYSTEM, done.made)
    return key_id, done, left


@click.group("search", cls=PlainGroup)
def search_group() -> None:
    """The search on sealed names: what is behind, and bringing it up to date."""


@search_group.command("status")
@json_option
def show_status(as_json: bool) -> None:
    """How many persons are to be indexed anew, and how many numbers are under an old index key."""
    with product(), acting_as(SYSTEM), unit_of_work(write=False):
        key_id = current_key_id()
        behind, old = queries.count_behind(key_id), queries.digests_under_other_keys(key_id)
    if as_json:
        print_json({"index_key": key_id, "behind": behind, "numbers_under_old_key": old})
        return
    click.echo(f"Index key {key_id}. Persons to index anew: {behind}. Numbers under an old index key: {old}.")


@search_group.command("reindex")
@batch_option
@json_option
def reindex(batch: int, as_json: bool) -> None:
    """Make search documents that are missing or of older rules. Run it again if it was stopped: it goes on."""
    with product(), progress("Persons") as advance:
        done = jobs.reindex(SOURCE, advance, batch)
    if as_json:
        print_json(asdict(done))
    else:
        click.echo(f"{done.made} persons were indexed anew.")
    if done.unreadable:
        raise Refusal(f"{done.unreadable} persons cannot be opened and stay as they are.")


@keys_group.command("rotate-index")
@batch_option
@json_option
def rotate_index_command(batch: int, as_json: bool) -> None:
    """Make a new index key and index every number under it. Run it again if it was stopped: it goes on."""
    with product(), progress("Persons") as advance:
        key_id, done, left = rotate_index(advance, batch)
    if as_json:
        print_json({"key_id": key_id, **asdict(done), "left": left})
    else:
        click.echo(f"The numbers of {done.made} persons are now under {key_id}. Copy it to your key backup.")
    if left:
        raise Refusal(f"{left} numbers stay under the old key, which is kept: run it again.")
