"""The auditor's pages, and the page on which a supervisor sees who reached a record."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from casework.access.permissions import Permission
from casework.access.policy import register
from casework.audit import desk, policy
from casework.audit.views import exports, log, oversight, who_saw
from casework.audit.views.blueprint import audit
from casework.web.navigation import NavItem, register_nav

__all__ = ["audit", "exports", "init_app", "log", "oversight", "who_saw"]


def init_app(app: Flask) -> None:
    """Opens the pages, and registers what the worker does for them."""
    register(policy.RULES)
    register_nav(
        app,
        NavItem("audit.log", _l("Audit log"), Permission.AUDIT_VIEW, order=60),
        NavItem("audit.unusual_access", _l("Unusual access"), Permission.AUDIT_VIEW, order=61),
        NavItem("audit.checkpoint", _l("Proof"), Permission.AUDIT_VIEW, order=62),
        NavItem("audit.export_form", _l("Export"), Permission.AUDIT_EXPORT, order=63),
        NavItem("audit.retention_page", _l("Old events"), Permission.AUDIT_RETAIN, order=64),
    )
    app.register_blueprint(audit)
    app.register_blueprint(who_saw.record)
    desk.register_jobs()
