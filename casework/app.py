"""Composition: wires the rooms together and holds no rules."""

from __future__ import annotations

from flask import Flask, current_app
from werkzeug.middleware.proxy_fix import ProxyFix

import casework.accounts
import casework.audit.service
import casework.audit.views
import casework.cases
import casework.referrals
from casework import web
from casework.access.blueprint import refuse_unprotected_routes
from casework.audit import boundary, words
from casework.core.database import db
from casework.demo.words import DEMO_EVENTS
from casework.vault.providers import KeyProblem, open_provider
from casework.vault.sealed import SealedJSON
from casework.vault.words import KEY_EVENTS
from config.settings import Settings, from_environment


def create_app(settings: Settings | None = None) -> Flask:
    """The whole product for these settings, or for those of the environment.

    In production a missing or wrong key, or a database of another version, stops the start. A command line that is
    about to make the keys comes here too, so elsewhere the app starts without them and says so when they are needed.
    """
    settings = settings or from_environment()
    app = Flask("casework", static_folder=None, template_folder=None)
    app.config.from_mapping(settings.flask())
    app.extensions["casework_settings"] = settings
    if settings.proxies:
        hops = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.json = SealedJSON(app)
    db.init_app(app)
    open_keys(app)
    words.register(KEY_EVENTS)
    words.register(DEMO_EVENTS)
    boundary.init_app(app)
    web.init_app(app)
    casework.accounts.init_app(app)
    app.before_request(boundary.replay_repeated_form)
    casework.audit.service.init_app(app)
    casework.audit.views.init_app(app)
    casework.cases.init_app(app)
    casework.referrals.init_app(app)
    refuse_unprotected_routes(app)
    return app


def open_keys(app: Flask) -> None:
    """Puts the key provider at hand. `KeyProblem` in production when it does not work."""
    settings = settings_of(app)
    try:
        app.extensions["casework_keks"] = open_provider(settings.kek, production=settings.production)
    except KeyProblem:
        if settings.production:
            raise


def settings_of(app: Flask | None = None) -> Settings:
    """The settings an app was made with."""
    settings: Settings = (app or current_app).extensions["casework_settings"]
    return settings


__all__ = ["create_app", "open_keys", "settings_of"]
