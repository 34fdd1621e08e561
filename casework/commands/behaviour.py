"""How commands behave: an app when one is needed, errors as one plain sentence, progress, JSON on request."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import click
from flask import Flask, current_app, has_app_context
from flask_babel import force_locale
from sqlalchemy.exc import DBAPIError

from casework.core.errors import DomainError
from casework.core.schema import SchemaProblem, refuse_other
from casework.vault.providers import KeyProblem
from config.settings import SettingsProblem, from_environment


class Refusal(click.ClickException):
    """A command cannot do its work: one plain sentence on stderr, and a non-zero exit."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.format_message(), file=file or sys.stderr, err=file is None)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turns what can go wrong in the product's own words into a `Refusal`."""
    try:
        yield
    except (SettingsProblem, KeyProblem, SchemaProblem) as problem:
        raise Refusal(str(problem)) from problem
    except DomainError as problem:
        errors = getattr(problem, "errors", None)
        sentences = (
            [str(message) for found in errors.values() for message in found] if errors else [str(problem)]
        )
        raise Refusal(" ".join(sentences)) from problem
    except DBAPIError as problem:
        raise Refusal(f"The database cannot be used: {_first_line(problem.orig)}.") from problem


def _first_line(problem: BaseException | None) -> str:
    lines = str(problem).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(problem).__name__


class PlainCommand(click.Command):
    """A command whose known errors are one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        with plain_errors():
            return super().invoke(ctx)


class PlainGroup(click.Group):
    """A group of such commands."""

    command_class = PlainCommand
    group_class = type


@contextmanager
def product(*, any_version: bool = False, as_web: bool = False) -> Iterator[Flask]:
    """The app inside its context; the database must be of this program's version, unless `any_version`.

    Every command works with the worker's role, where it has one of its own: commands sign, drop and renew. `as_web` is
    for looking whether the web server would find what it needs.
    """
    from casework.app import create_app, settings_of

    settings = settings_of() if has_app_context() else from_environment()
    if has_app_context() and not settings.worker_database_url:  # flask's own command line has made one
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    else:
        app = create_app(settings if as_web else settings.for_worker())
    with inside(app):
        if not any_version:
            refuse_other_version()
        yield app


@contextmanager
def inside(app: Flask) -> Iterator[None]:
    """The app's context, in English, without a connection left open at its end."""
    from casework.core.database import db

    with app.app_context(), force_locale("en"):
        try:
            yield
        finally:
            db.session.remove()
            for engine in db.engines.values():
                engine.dispose()


def refuse_other_version() -> None:
    """`SchemaProblem` unless the database fits."""
    from casework.core.database import db

    with db.engine.connect() as connection:
        refuse_other(connection)


def print_json(data: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))


def print_table(heads: Mapping[str, str], rows: list[dict[str, Any]]) -> None:
    """Columns as wide as they need to be; `heads` maps the key of a row to its heading."""
    texts = [
        list(heads.values()),
        *([str(row[name] if row[name] is not None else "") for name in heads] for row in rows),
    ]
    widths = [max(len(line[place]) for line in texts) for place in range(len(heads))]
    for line in texts:
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


@contextmanager
def progress(label: str) -> Iterator[Any]:
    """Gives `advance(done, of)`, which draws a line on a terminal and nothing elsewhere."""
    shown = sys.stderr.isatty()

    def advance(done: int, of: int) -> None:
        if shown and of:
            click.echo(f"\r{label}: {done} of {of} ({100 * done // of} %)", nl=False, err=True)

    try:
        yield advance
    finally:
        if shown:
            click.echo("", err=True)
