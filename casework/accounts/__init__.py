"""Staff, sign-in, sessions, roles and the tree of places."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from casework.access.permissions import Permission
from casework.access.policy import register as register_policy
from casework.accounts import jobs, sessions, words
from casework.accounts.places import REGISTER
from casework.accounts.policy import RULES
from casework.accounts.views import bp
from casework.accounts.views.sign_in import sign_in_page
from casework.web.languages import register_remember_locale
from casework.web.navigation import NavItem, register_nav
from casework.web.places import register_places
from casework.web.resume import register_sign_in_page


def init_app(app: Flask) -> None:
    """Wires the room into an app. The loader of sessions runs right behind the audit boundary."""
    register_policy(RULES)
    words.register()
    sessions.init_app(app)
    app.register_blueprint(bp)
    register_nav(
        app,
        NavItem("accounts.staff", _l("Staff"), Permission.STAFF_MANAGE, order=80),
        NavItem("accounts.account", _l("My account"), Permission.ACCOUNT_USE, order=95),
    )
    register_remember_locale(app, sessions.keep_locale)
    register_sign_in_page(app, sign_in_page)
    register_places(app, REGISTER)
    jobs.register_jobs()
