"""`casework demo`: fills a home with a synthetic caseload and prints who can sign in."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import Flask

from casework.commands.behaviour import PlainCommand, Refusal, print_json, print_table, product
from casework.commands.serving import require_keys
from casework.core.database import db
from casework.core.unit_of_work import unit_of_work
from casework.demo import filling, queries, staff
from config.settings import Settings

USUAL = 120
MOST = 200_000


@click.command(cls=PlainCommand)
@click.option(
    "--cases",
    type=click.IntRange(1, MOST),
    help=f"How many cases there are to be in all.  [default: what is there, else {USUAL}]",
)
@click.option("--seed", type=click.IntRange(0, 999), help="Another seed, another caseload.  [default: 1]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--yes-this-is-a-demo", "sure", is_flag=True, help="Needed in production, where the home must be empty."
)
def demo(cases: int | None, seed: int | None, as_json: bool, sure: bool) -> None:
    """Fill this installation with made-up families, and print who can sign in.

    The same seed makes the same people, codes and events, their days counted back from today. Can be repeated: what is
    there stays as it is, a larger number of cases adds the missing ones, and the printed sign-ins work again. It is one
    transaction: stopped half-way, it leaves nothing. The password belongs to this home alone.
    """
    began = time.monotonic()
    with product() as app:
        require_keys()
        db.session.remove()  # which the question whether all keys are there has opened
        _refuse_in_use(app, sure)
        with unit_of_work(write=False):
            there = queries.held().cases
        with _progress() as progress:
            added = filling.fill(cases or there or USUAL, seed, progress)
        filling.sign_in_again()
        users = _users()
    if as_json:
        print_json({"users": users})
        return
    seconds = time.monotonic() - began
    if added:
        click.echo(f"{added} synthetic cases were added ({seconds:.1f} s). Nobody in them is real.")
    else:
        click.echo(f"The {there} synthetic cases stay as they are.")
    _say_sign_ins(users)


def _refuse_in_use(app: Flask, sure: bool) -> None:
    settings: Settings = app.extensions["casework_settings"]
    if not settings.production:
        return
    with unit_of_work(write=False):
        free = queries.is_empty() or queries.held().cases > 0
    if not (sure and free):
        raise Refusal(
            "This is a production installation. A synthetic caseload goes into an empty one only, "
            "and only with --yes-this-is-a-demo."
        )


def _users() -> list[dict[str, Any]]:
    secret = staff.password()
    return [
        {"role": each.role.value, "username": each.username, "password": secret}
        | ({"domain": each.domain} if each.domain else {})
        for each in staff.sign_ins()
    ]


def _say_sign_ins(users: list[dict[str, Any]]) -> None:
    shown: dict[tuple[str, str | None], dict[str, Any]] = {}
    for user in users:
        shown.setdefault((user["role"], user.get("domain")), user | {"domain": user.get("domain")})
    click.echo("\nSign in at /sign-in of the address that `casework serve` prints:\n")
    heads = {"role": "role", "username": "user name", "password": "password", "domain": "domain"}
    print_table(heads, list(shown.values()))


@contextmanager
def _progress() -> Iterator[filling.Progress]:
    """A line that grows on a terminal; elsewhere a line for each tenth."""
    drawn = sys.stderr.isatty()
    told: dict[str, int] = {}

    def advance(what: str, done: int, of: int) -> None:
        tenth = 10 * done // max(1, of)
        if drawn:
            end = "\n" if done == of else ""
            click.echo(f"\r{what}: {done} of {of} ({100 * done // max(1, of)} %)", nl=False, err=True)
            click.echo(end, nl=False, err=True)
        elif told.get(what) != tenth and of > 1000:
            told[what] = tenth
            click.echo(f"{what}: {done} of {of}", err=True)

    yield advance
