"""Person, consent, case, support (psychosocial, education, employment), follow-ups."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from casework.access.permissions import Permission
from casework.access.policy import register
from casework.cases import happenings, jobs, oversight, words
from casework.cases.policy import RULES
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
    )
    throttle.init_app()
    jobs.register_jobs()
    search_jobs.register_jobs()
