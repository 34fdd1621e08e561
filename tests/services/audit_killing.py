"""Writers and sequencers that are killed at any moment, and the account that must balance afterwards.

Each writer does an audited act that leaves a row of its own (a form that was posted), in one transaction with its
event, and says in a file that it was acknowledged. A nursery that has loaded the product forks them, so that a killed
one is replaced at once. Run as a program:

    python -m tests.services.audit_killing HOME DATABASE_URL
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from sqlalchemy import text

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Account:
    """What the killed processes acknowledged, and what the database holds."""

    acknowledged: set[str] = field(default_factory=set)
    kills: int = 0


def nursery(home: str, database_url: str) -> None:
    """Forks a worker for each line `ROLE FILE` on stdin and answers with its process id."""
    from casework.app import create_app
    from tests.services.databases import settings_for

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries the dead
    app = create_app(settings_for(Path(home), database_url))
    for line in sys.stdin:
        role, said = line.split()
        child = os.fork()
        if child == 0:
            try:
                with app.app_context(), Path(said).open("w", buffering=1) as output:
                    work(role, output)
            finally:
                os._exit(1)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


def work(role: str, output: TextIO) -> None:
    """Writes or sequences until killed."""
    from casework.access.actor import SYSTEM, Actor
    from casework.access.permissions import Permission
    from casework.audit.boundary import acting
    from casework.audit.identity import identity_here
    from casework.audit.sequencer import sequence_all, sign
    from casework.audit.trail import current_trail, use_case
    from casework.core.database import db
    from casework.core.errors import Unavailable
    from casework.web import idempotency

    @use_case(permission=Permission.LOG_KEEP, code="log.heartbeat", action="U")
    def act(actor: Actor, key: uuid.UUID) -> None:
        idempotency.remember(actor.id, str(key), "test", f"/{key}")
        current_trail().entries[-1].entity_id = key

    while True:
        try:
            if role == "sequencer":
                sequence_all()
                sign(identity_here())
            else:
                key = uuid.uuid4()
                with acting(SYSTEM, "test"):
                    act(SYSTEM, key)
                output.write(f"{key}\n")
        except Unavailable:
            db.session.remove()


class Nursery:
    """The process that forks workers."""

    def __init__(self, home: Path, database_url: str, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.services.audit_killing", str(home), database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def fork(self, role: str) -> Worker:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        said = self.folder / f"{role}-{uuid.uuid4().hex}"
        self.process.stdin.write(f"{role} {said}\n")
        self.process.stdin.flush()
        return Worker(int(self.process.stdout.readline()), said)

    def close(self) -> None:
        self.process.communicate()


@dataclass
class Worker:
    """One process, its output in a file so that nothing it said is lost with it."""

    process: int
    said: Path

    def kill(self, account: Account) -> None:
        """Kill -9, then notes what it had acknowledged."""
        os.kill(self.process, signal.SIGKILL)
        while Path(f"/proc/{self.process}").exists():
            time.sleep(0.001)
        if self.said.exists():
            account.acknowledged.update(self.said.read_text().rpartition("\n")[0].splitlines())


def kill_often(home: Path, database_url: str, folder: Path, kills: int, seed: int) -> Account:
    """Two writers and two sequencers; one of them, chosen at random, dies after a random time and is replaced."""
    chance, account = random.Random(seed), Account()
    roles = ["writer", "writer", "sequencer", "sequencer"]
    source = Nursery(home, database_url, folder)
    workers = [source.fork(role) for role in roles]
    try:
        while account.kills < kills:
            time.sleep(chance.uniform(0.05, 0.4))
            place = chance.randrange(len(workers))
            workers[place].kill(account)
            account.kills += 1
            workers[place] = source.fork(roles[place])
        time.sleep(0.5)
    finally:
        for worker in workers:
            worker.kill(account)
        source.close()
    return account


def imbalance(account: Account) -> list[str]:
    """What does not add up, in the present app's context: empty when every act has its event and every event its act."""
    from casework.core.database import db
    from casework.core.unit_of_work import unit_of_work
    from tests.services.audit_log import verified

    with unit_of_work(write=False):
        acts = {uuid.UUID(str(row[0])) for row in db.session.execute(text("SELECT form_key FROM form_post"))}
        events = [
            uuid.UUID(str(row[0]))
            for row in db.session.execute(
                text("SELECT entity_id FROM audit_event WHERE entity_id IS NOT NULL")
            )
        ]
    acknowledged = set(map(uuid.UUID, account.acknowledged))
    report = verified()
    wrong = [f"verification: {report.problem}"] if report.problem else []
    wrong += [f"{len(lost)} acknowledged acts are lost"] if (lost := acknowledged - acts) else []
    wrong += [f"{len(bare)} acts have no event"] if (bare := acts - set(events)) else []
    wrong += [f"{len(ghosts)} events have no act"] if (ghosts := set(events) - acts) else []
    wrong += ["an act has two events"] if len(events) != len(set(events)) else []
    if not acknowledged:
        wrong.append("nothing was written at all")
    return wrong


if __name__ == "__main__":
    nursery(*sys.argv[1:3])
