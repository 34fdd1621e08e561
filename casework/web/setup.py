"""Wires the toolkit into an app: templates, languages, errors, headers, CSRF, built files, menu."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from jinja2 import BaseLoader, ChoiceLoader, PackageLoader, PrefixLoader

from casework.access.actor import actor_or_none
from casework.web import assets, errors, headers, languages, navigation
from casework.web.catalogs import catalog_directories

csrf = CSRFProtect()
"""Checks the token of every POST; an endpoint that is no form of a browser says `csrf.exempt(view)`."""

PRODUCT_NAME = "Casework"


def init_app(app: Flask) -> None:
    """Wires everything in. Transport security is on where the session cookie needs HTTPS, in production."""
    secure = bool(app.config["SESSION_COOKIE_SECURE"])
    app.config.setdefault(
        "WTF_CSRF_TIME_LIMIT", None
    )  # as long as the session: a form may be typed for hours
    app.config.setdefault("WTF_CSRF_SSL_STRICT", secure)
    _templates(app)
    languages.init_app(app, [str(folder) for folder in catalog_directories()])
    csrf.init_app(app)
    errors.init_app(app)
    headers.init_app(app, secure=secure)
    app.register_blueprint(assets.bp)
    app.context_processor(_names)


def _templates(app: Flask) -> None:
    own: list[BaseLoader] = [app.jinja_loader] if app.jinja_loader else []
    govuk = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    app.jinja_loader = ChoiceLoader([*own, govuk])
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}


def _names() -> dict[str, Any]:
    return {
        "product_name": PRODUCT_NAME,
        "asset_url": assets.asset_url,
        "nav_links": navigation.nav_links,
        "sign_out_url": navigation.sign_out_url,
        "place_find_url": navigation.place_find_url,
        "actor": actor_or_none(),
    }
