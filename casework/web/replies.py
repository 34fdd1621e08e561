"""What a view answers after a success."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect
from werkzeug.wrappers import Response


def done(message: Any, location: str) -> Response:
    """One message on the next page, and a 303 to it."""
    flash(str(message), "success")
    return redirect(location, 303)


def safe_next(target: str | None, otherwise: str = "/") -> str:
    """The target if it is a path of this site, else `otherwise`: nobody is led elsewhere after signing in."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return otherwise
    if any(ord(character) < 33 or ord(character) == 127 for character in target):
        return otherwise
    return target
