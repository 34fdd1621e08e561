"""What writing the event costs a write: without it, as the product does it, and with a hash chain instead.

Two kinds of write. A request: a caseworker's form that records support, through every layer of the product but the
socket, with its session, its sealing and its page. A bare transaction: what this form keeps as its record, two rows in two
statements, as the product's unit of work commits them, and nothing else beside the event; no page can hide what it costs.

Several processes write at once. They change from way to way in short rounds, in an order that turns from round to round;
each round gives one ratio to its own unaudited part, and the median of these is shown with its quartiles. So what else
the machine does falls on all ways alike.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import insert, text

from bench.engines import FORK, timed
from casework.access.actor import Actor, acting_as
from casework.audit import event
from casework.cases import models
from casework.core import clock
from casework.core import unit_of_work as unit_of_work_module
from casework.core.database import db
from casework.core.ids import new_id
from casework.core.unit_of_work import unit_of_work
from casework.vault.envelope import seal
from casework.vault.keys import DEK_BYTES, data_key
from tests.services import cases, staff

TABLES = (
    "CREATE TABLE bench_chain (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, head CHAR(64) NOT NULL)",
    "CREATE TABLE bench_link (seq INTEGER PRIMARY KEY, body VARCHAR(2000) NOT NULL, head CHAR(64) NOT NULL)",
    "INSERT INTO bench_chain (id, seq, head) VALUES (1, 0, '')",
)

Write = Callable[[], None]


# Ways


def _lock_chain() -> Any:
    ending = " FOR UPDATE" if db.engine.dialect.name == "postgresql" else ""
    return db.session.execute(text(f"SELECT seq, head FROM bench_chain WHERE id = 1{ending}")).one()


def _link(draft: event.EventDraft, last: Any) -> uuid.UUID:
    uid = new_id()
    body = event.body_of(draft, uid, clock.now(), uuid.UUID(int=0), last.seq + 1)
    head = hashlib.sha256(last.head.encode() + body).hexdigest()
    values = {"seq": last.seq + 1, "body": body.decode(), "head": head}
    db.session.execute(text("INSERT INTO bench_link (seq, body, head) VALUES (:seq, :body, :head)"), values)
    db.session.execute(text("UPDATE bench_chain SET seq = :seq, head = :head WHERE id = 1"), values)
    return uid


@contextmanager
def _writing(
    write: Callable[[event.EventDraft], uuid.UUID], begin: Any = unit_of_work_module.begin
) -> Iterator[None]:
    as_it_is = event.write, unit_of_work_module.begin
    event.write, unit_of_work_module.begin = write, begin
    try:
        yield
    finally:
        event.write, unit_of_work_module.begin = as_it_is


def unaudited() -> AbstractContextManager[None]:
    """No event is written; everything else is as it is."""
    return _writing(lambda draft: uuid.UUID(int=0))


def audited() -> AbstractContextManager[None]:
    """The product as it is."""
    return _writing(event.write)


def chained_at_commit() -> AbstractContextManager[None]:
    """A hash chain, whose last link is locked when the event is written, just before the commit."""
    return _writing(lambda draft: _link(draft, _lock_chain()))


def chained_throughout() -> AbstractContextManager[None]:
    """A hash chain, whose last link is locked when the request begins."""
    begin, held = unit_of_work_module.begin, []

    def begin_with_lock(*, write: bool) -> None:
        begin(write=write)
        held[:] = [_lock_chain()] if write else []

    return _writing(lambda draft: _link(draft, held[0] if held else _lock_chain()), begin_with_lock)


WAYS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "unaudited": unaudited,
    "audited": audited,
    "chain, lock at commit": chained_at_commit,
    "chain, lock throughout": chained_throughout,
}


# Writes


def prepare(app: Flask, clients: int) -> tuple[Actor, list[tuple[uuid.UUID, uuid.UUID]]]:
    """An office; its caseworker, and a case with its person for each client."""
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
    actor = office.actor("caseworker")
    with app.app_context():
        with acting_as(actor), unit_of_work(write=False):
            persons = {
                row.id: row.person_id
                for row in db.session.connection().execute(models.Case.__table__.select())
            }
        db.session.remove()
        db.engine.dispose()  # no connection may live through a fork
    return actor, [(case_id, persons[case_id]) for case_id in opened]


def request(app: Flask, _actor: Actor, case_id: uuid.UUID, _person_id: uuid.UUID) -> Write:
    """Records support by the form."""
    browser = app.test_client()
    staff.sign_in(browser, "caseworker")
    path, today = f"/cases/{case_id}/support/psychosocial/new", clock.today()
    form = cases.SUPPORT["psychosocial"] | staff.hidden(browser.get(path)) | {"action": "save"}
    form |= {
        "happened_on": today.strftime("%d.%m.%Y"),
        "next_step_on": (today + timedelta(days=9)).strftime("%d.%m.%Y"),
    }

    def write() -> None:
        answer = browser.post(path, data=form | {"form_key": str(uuid.uuid4())})
        if answer.status_code != 303:
            raise RuntimeError(f"the write was refused: {answer.status_code}")

    return write


def transaction(app: Flask, actor: Actor, case_id: uuid.UUID, person_id: uuid.UUID) -> Write:
    """Keeps a record of support and the event in one unit of work."""
    app.app_context().push()
    record, version = models.SupportRecord.__table__, models.SupportVersion.__table__
    key = data_key(os.urandom(DEK_BYTES), 1).cipher
    content = seal(key, 1, "support.content", new_id(), person_id, cases.SUPPORT["psychosocial"])
    about = {"case_id": case_id, "person_id": person_id, "kind": "psychosocial", "author_id": actor.id}

    def write() -> None:
        record_id, now = new_id(), clock.now()
        row = {"state": "recorded", "happened_on": now.date(), "created_at": now, "version": 1}
        said = {"record_id": record_id, "number": 1, "at": now, "content": content}
        with acting_as(actor):
            with unit_of_work():
                connection = db.session.connection()
                connection.execute(insert(record), [{"id": record_id, **about, **row}])
                connection.execute(insert(version), [{"id": new_id(), **about, **said}])
                event.write(_draft(actor, case_id, record_id, person_id))
            db.session.remove()

    return write


def _draft(actor: Actor, case_id: uuid.UUID, record_id: uuid.UUID, person_id: uuid.UUID) -> event.EventDraft:
    """What the form's event says."""
    return event.EventDraft(
        action="C", category="support", code="support.recorded", outcome="success", request_id=os.urandom(8).hex(),
        agent_id=actor.id, agent_role="caseworker", agent_place=actor.place_id, session_hash=os.urandom(16).hex(),
        purpose="case_management", src_ip="127.0.0.1", endpoint="POST /cases/<uuid:case_id>/support/<kind>/new",
        entity_type="support_record", entity_id=record_id, subject_ids=[person_id], compartments=["CORE", "PSY"],
    )  # fmt: skip


# Rounds


def _client(
    make: Callable[..., Write], given: tuple[Any, ...], schedule: list[str], count: int, ready: Any
) -> None:
    write = make(*given)
    for way in WAYS.values():
        with way():
            write()
    for name in schedule:
        with WAYS[name]():
            ready.wait()
            for _ in range(count):
                write()
            ready.wait()


def seconds_of_rounds(
    app: Flask,
    make: Callable[..., Write],
    actor: Actor,
    opened: list[tuple[uuid.UUID, uuid.UUID]],
    rounds: int,
    count: int,
) -> dict[str, list[float]]:
    """Seconds that all clients need for `count` writes each, by way, one for each round."""
    names = list(WAYS)
    schedule = [names[(at + turn) % len(names)] for turn in range(rounds) for at in range(len(names))]
    ready = FORK.Barrier(len(opened) + 1, timeout=300)
    children = [
        FORK.Process(target=_client, args=(make, (app, actor, *each), schedule, count, ready))
        for each in opened
    ]
    for child in children:
        child.start()
    found: dict[str, list[float]] = {name: [] for name in names}
    for name in schedule:
        ready.wait()
        found[name].append(timed(ready.wait))
    for child in children:
        child.join()
    return found


AT_ONCE = 4
KINDS: dict[str, tuple[Callable[..., Write], int, int]] = {
    "request": (request, AT_ONCE, 1),
    "bare transaction": (transaction, 2 * AT_ONCE, 3),
}
"""How a write is made, how many each client makes in a round, and how many times as many rounds there are."""


def compare_writes(app: Flask, clients: int, writes: int) -> None:
    """Prints each way beside the unaudited one. `writes`: how many requests each client makes in each way."""
    actor, opened = prepare(app, clients)
    for kind, (make, count, times) in KINDS.items():
        rounds = times * max(8, writes // AT_ONCE)
        found = seconds_of_rounds(app, make, actor, opened, rounds, count)
        title = f"{kind}, {clients} clients, {rounds} rounds of {count} each"
        print(f"  {title:<46}{'writes/s':>12}{'x unaudited':>14}")
        for name, taken in found.items():
            ratios = [one / plain for one, plain in zip(taken, found["unaudited"], strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            rate = clients * count / statistics.median(taken)
            print(f"    {name:<44}{rate:12,.0f}{middle:10.2f}  ({low:.2f} to {high:.2f})", flush=True)
