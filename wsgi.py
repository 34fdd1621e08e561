"""The entry point for a WSGI server."""

from __future__ import annotations

from casework.app import create_app

app = create_app()
