"""What writing the event costs a write: the product without it, as it is, and with a hash chain instead."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import text

from bench.engines import FORK, timed
from casework.audit import event
from casework.core import clock
from casework.core import unit_of_work as unit_of_work_module
from casework.core.database import db
from casework.core.ids import new_id
from casework.core.unit_of_work import unit_of_work
from tests.services import cases, staff

TABLES = (
    "CREATE TABLE bench_chain (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, head CHAR(64) NOT NULL)",
    "CREATE TABLE bench_link (seq INTEGER PRIMARY KEY, body VARCHAR(2000) NOT NULL, head CHAR(64) NOT NULL)",
    "INSERT INTO bench_chain (id, seq, head) VALUES (1, 0, '')",
)


def prepare(app: Flask, clients: int) -> list[uuid.UUID]:
    """An office, and a case for each client."""
    with app.app_context(), unit_of_work():
        for statement in TABLES:
            db.session.execute(text(statement))
    office = cases.open_office(app)
    browser = office.client("caseworker")
    today = clock.today().strftime("%d.%m.%Y")
    opened = [
        cases.open_case(
            office, browser, surname="Sinov" + "abdefghijklmnopq"[number % 16], consent_given_on=today
        )
        for number in range(clients)
    ]
    with app.app_context():
        db.session.remove()
        db.engine.dispose()  # no connection may live through a fork
    return opened


def _lock_chain() -> Any:
    ending = " FOR UPDATE" if db.engine.dialect.name == "postgresql" else ""
    return db.session.execute(text(f"SELECT seq, head FROM bench_chain WHERE id = 1{ending}")).one()


def _link(draft: event.EventDraft, last: Any) -> None:
    body = event.body_of(draft, new_id(), clock.now(), uuid.UUID(int=0), last.seq + 1)
    head = hashlib.sha256(last.head.encode() + body).hexdigest()
    values = {"seq": last.seq + 1, "body": body.decode(), "head": head}
    db.session.execute(text("INSERT INTO bench_link (seq, body, head) VALUES (:seq, :body, :head)"), values)
    db.session.execute(text("UPDATE bench_chain SET seq = :seq, head = :head WHERE id = 1"), values)


def unaudited() -> None:
    """No event is written; everything else is as it is."""
    event.write = lambda draft: uuid.UUID(int=0)


def audited() -> None:
    """The product as it is."""


def chained_at_commit() -> None:
    """A hash chain, whose last link is locked when the event is written, just before the commit."""
    event.write = lambda draft: _link(draft, _lock_chain())  # type: ignore[assignment,func-returns-value,return-value]


def chained_throughout() -> None:
    """A hash chain, whose last link is locked when the request begins."""
    begin, held = unit_of_work_module.begin, []

    def begin_with_lock(*, write: bool) -> None:
        begin(write=write)
        held[:] = [_lock_chain()] if write else []

    unit_of_work_module.begin = begin_with_lock
    event.write = lambda draft: _link(draft, held[0] if held else _lock_chain())  # type: ignore[assignment,func-returns-value,return-value]


WAYS: dict[str, Callable[[], None]] = {
    "unaudited": unaudited,
    "audited": audited,
    "chain, lock at commit": chained_at_commit,
    "chain, lock throughout": chained_throughout,
}


def _client(app: Flask, way: Callable[[], None], case_id: uuid.UUID, count: int, ready: Any) -> None:
    """One browser that records support again and again, through every layer of the product but the socket."""
    way()
    browser = app.test_client()
    staff.sign_in(browser, "caseworker")
    path = f"/cases/{case_id}/support/psychosocial/new"
    today = clock.today()
    form = cases.SUPPORT["psychosocial"] | staff.hidden(browser.get(path)) | {"action": "save"}
    form |= {
        "happened_on": today.strftime("%d.%m.%Y"),
        "next_step_on": (today + timedelta(days=9)).strftime("%d.%m.%Y"),
    }
    ready.wait()
    for _ in range(count):
        answer = browser.post(path, data=form | {"form_key": str(uuid.uuid4())})
        if answer.status_code != 303:
            raise RuntimeError(f"the write was refused: {answer.status_code}")
    ready.wait()


def writes_per_second(app: Flask, way: Callable[[], None], opened: list[uuid.UUID], count: int) -> float:
    ready = FORK.Barrier(len(opened) + 1, timeout=300)
    children = [FORK.Process(target=_client, args=(app, way, case_id, count, ready)) for case_id in opened]
    for child in children:
        child.start()
    ready.wait()
    took = timed(ready.wait)
    for child in children:
        child.join()
    return len(opened) * count / took


def compare_writes(app: Flask, clients: int, count: int) -> None:
    opened = prepare(app, clients)
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(3):  # in turns, so that what else the machine does falls on all alike
        for name, way in WAYS.items():
            found[name].append(writes_per_second(app, way, opened, count))
    best = {name: max(rates) for name, rates in found.items()}
    for name, rate in best.items():
        cost = best["unaudited"] / rate
        print(
            f"  {name:<24}{rate:8,.0f} writes/s with {clients} clients   {cost:5.2f} x the unaudited time",
            flush=True,
        )
