"""Person, consent, case, support (psychosocial, education, employment), follow-ups."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from casework.access.permissions import Permission
from casework.access.policy import register
from casework.cases import happenings, jobs, oversight, words
from casework.cases.attachments import use_cases as documents
from casework.cases.attachments.upload import UploadRequest
from casework.cases.panels import register_case_panel
from casework.cases.policy import RULES
from casework.cases.rights import holdings
from casework.cases.rights.use_cases import case_panel
from casework.cases.search import jobs as search_jobs
from casework.cases.search import throttle
from casework.cases.views import bp
from casework.web.navigation import NavItem, register_nav


def init_app(app: Flask) -> None:
    """Wires the room into an app."""
    register(RULES)
    words.register()
    happenings.register_kinds()
    oversight.register()
    app.register_blueprint(bp)
    register_nav(
        app,
        NavItem("cases.my_work", _l("My work"), Permission.WORK_VIEW, order=10),
        NavItem("cases.listing", _l("Cases"), Permission.CASE_LIST, order=20),
        NavItem("cases.search", _l("Search"), Permission.PERSON_SEARCH, order=25),
        NavItem("cases.retention_due", _l("Retention"), Permission.RETENTION_APPROVE, order=80),
    )
    app.request_class = UploadRequest
    register_case_panel(
        "cases/attachment_panel.html", documents.case_panel, permission=Permission.ATTACHMENT_VIEW, order=40
    )
    register_case_panel("cases/rights_panel.html", case_panel, permission=Permission.REQUEST_VIEW, order=90)
    documents.register_holdings()
    holdings.register_holdings()
    throttle.init_app()
    jobs.register_jobs()
    search_jobs.register_jobs()
