"""The toolkit of all pages: base templates, form macros, errors, flash, headers, languages."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Wires the toolkit into the app."""
    from casework.web import (
        setup,
    )  # not above: other rooms import single modules of this one, and need not all of it

    setup.init_app(app)
