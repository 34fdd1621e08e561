"""Puts the log's own parts into the app: its job, the pages for machines, and the public site where it is wanted."""

from __future__ import annotations

from flask import Flask

import casework.audit.origin
import casework.audit.retention  # noqa: F401 -- tells the auditor's pages the words of its codes
from casework.audit import keeping
from casework.audit.health import health
from casework.audit.log_site import log_site


def init_app(app: Flask) -> None:
    """Called when the app is composed."""
    keeping.register_jobs()
    app.register_blueprint(health)
    if app.extensions["casework_settings"].publish_log:
        app.register_blueprint(log_site)
