"""Server time of the main pages with sealing and audit, beside the same pages without, in one run.

    python -m bench.pages [CASES]

"Plain columns": every sealed field is looked up in a dictionary of values that were opened before, without a key, a
Grant or a query for keys: at most what reading a plain column costs. "No audit either": the event is not written and
nothing is committed. The three take turns, request by request, and medians are shown, so that what else the machine does
falls on all of them alike. SQLite; a synthetic caseload of 400 cases unless another number is given.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from casework.audit import boundary
from casework.core import unit_of_work
from casework.vault import sealed
from tests.contracts.test_query_counts import busiest_case, fill
from tests.services import databases, staff

ROUNDS = 60
PAGES = ("/", "/cases", "case", "/referrals")
BARS = {"sealed, against plain columns": 1.3, "sealed and audited, against neither": 1.5}

_opened: dict[bytes, Any] = {}
_reveal = sealed.Secret.reveal


def _remembering(self: Any) -> Any:
    _opened[self._envelope] = value = _reveal(self)
    return value


@contextmanager
def plain_columns() -> Iterator[None]:
    """Sealed fields cost a look into a dictionary."""
    sealed.Secret.reveal = lambda self: _opened[self._envelope]  # type: ignore[method-assign]
    try:
        yield
    finally:
        sealed.Secret.reveal = _reveal  # type: ignore[method-assign]


@contextmanager
def no_audit() -> Iterator[None]:
    """Pages are sent without an event."""
    commit_with = boundary._commit_with
    boundary._commit_with = lambda _draft: unit_of_work.rollback()
    try:
        with plain_columns():
            yield
    finally:
        boundary._commit_with = commit_with


@contextmanager
def as_it_is() -> Iterator[None]:
    yield


def milliseconds(client: FlaskClient, path: str, variant: Callable[[], Any]) -> float:
    with variant():
        began = time.perf_counter()
        answer = client.get(path)
        taken = time.perf_counter() - began
    assert answer.status_code == 200
    return 1000 * taken


def measure(app: Flask, password: str) -> bool:
    """Prints the table; True when a bar is missed."""
    client = app.test_client()
    assert staff.sign_in(client, "caseworker1", password).status_code == 303
    case = busiest_case(client)
    missed = False
    print(f"{'page':14} {'as it is':>10} {'plain':>10} {'no audit':>10} {'sealing':>9} {'both':>7}")
    for page in PAGES:
        path = case if page == "case" else page
        sealed.Secret.reveal = _remembering  # type: ignore[method-assign]
        for _ in range(3):
            client.get(path)
        sealed.Secret.reveal = _reveal  # type: ignore[method-assign]
        variants = (as_it_is, plain_columns, no_audit)
        times: list[list[float]] = [[], [], []]
        for _ in range(ROUNDS):
            for at, variant in enumerate(variants):
                times[at].append(milliseconds(client, path, variant))
        full, plain, bare = (statistics.median(each) for each in times)
        missed |= full / plain > 1.3 or full / bare > 1.5
        print(
            f"{page:14} {full:8.1f}ms {plain:8.1f}ms {bare:8.1f}ms {full / plain:8.2f}x {full / bare:6.2f}x"
        )
    print("bars: " + ", ".join(f"{name} at most {bar} x" for name, bar in BARS.items()))
    return missed


def main(argv: list[str]) -> int:
    """0 when both bars hold."""
    from casework.app import create_app

    databases.open_shared_folder()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            databases.installation("sqlite", Path(folder) / "home") as settings,
        ):
            app = create_app(settings)
            return int(measure(app, fill(app, int(argv[0]) if argv else 400)))
    finally:
        databases.close_shared_folder()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
