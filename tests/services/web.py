"""The app as its users meet it: a client that watches the session, and a server on a free port."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import event
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server

from casework.core.database import db
from tests.services.databases import SHARED

_LEFT = "tests_left_dirty"
_FLUSHED = "tests_flushed"


class WatchfulClient(FlaskClient):
    """A test client that fails when a request leaves a change in the session that nobody committed or rolled back."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        response = super().open(*args, **kwargs)
        left = self.application.extensions[_LEFT]
        if left:
            found, left[:] = "; ".join(left), []
            raise AssertionError(f"the request left the session dirty: {found}")
        return response


def share_templates() -> None:
    """Compiles each template once for the whole run: every test has an app of its own, and compiling is the slow part."""
    folder = Path(os.environ[SHARED]) / "templates"
    folder.mkdir(exist_ok=True)
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": FileSystemBytecodeCache(str(folder))}


def watch(app: Flask) -> None:
    """Makes the app's test client watch what each request leaves in the session."""
    app.extensions[_LEFT] = []
    app.test_client_class = WatchfulClient
    # The last one registered runs first: before the boundary rolls back whatever is left.
    app.teardown_request(lambda _problem: _inspect(app))


def _inspect(app: Flask) -> None:
    if not db.session.registry.has():
        return
    session = db.session()
    left: list[str] = app.extensions[_LEFT]
    left += [f"new {each!r}" for each in session.new]
    left += [f"deleted {each!r}" for each in session.deleted]
    left += [f"changed {each!r}" for each in session.dirty if session.is_modified(each)]
    left += [f"flushed but not committed: {each}" for each in session.info.pop(_FLUSHED, [])]


@event.listens_for(Session, "after_flush")
def _flushed(session: Session, _context: object) -> None:
    written = [*session.new, *session.deleted, *(each for each in session.dirty if session.is_modified(each))]
    session.info.setdefault(_FLUSHED, []).extend(type(each).__name__ for each in written)


@event.listens_for(Session, "after_commit")
@event.listens_for(Session, "after_rollback")
def _settled(session: Session) -> None:
    session.info.pop(_FLUSHED, None)


class _Quiet(WSGIRequestHandler):
    def log(self, *_args: Any, **_kwargs: Any) -> None:
        """Keeps the test output to what fails."""


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The address of a server that runs the app on a free port until the end."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
