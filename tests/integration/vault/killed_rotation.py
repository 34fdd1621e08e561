"""Rotates the keys of an installation and kills itself, without a goodbye, before a given statement. Run by a test."""

from __future__ import annotations

import os
import signal
import sys
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from sqlalchemy import Engine, event

from casework.app import create_app
from casework.commands.key_changes import renew, rotate
from tests.services.databases import settings_for


def main(what: str, home: str, database_url: str, last: int) -> None:
    app = create_app(settings_for(Path(home), database_url))
    statements = count(1)

    def kill_at_last(*_arguments: object) -> None:
        if next(statements) >= last:
            os.kill(os.getpid(), signal.SIGKILL)

    if last:
        event.listen(Engine, "before_cursor_execute", kill_at_last)
        event.listen(Engine, "commit", kill_at_last)
    with app.app_context():
        if what == "rotate":
            rotate(lambda _done, _of: None, batch=3)
        else:
            renew(lambda _done, _of: None, batch=3)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
