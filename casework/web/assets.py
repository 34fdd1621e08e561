"""The built style sheet and script: named by the hash of their content, sent compressed, kept by browsers for a year.

Only these files are compressed. Pages are not: a signed-in page that repeats input beside secrets must not be (BREACH).
"""

from __future__ import annotations

import json
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Response, request, send_file, url_for
from werkzeug.exceptions import NotFound

from casework.access.blueprint import PUBLIC, ProtectedBlueprint

BUILD = Path(__file__).parent / "static" / "build"
FOREVER = "public, max-age=31536000, immutable"
ICON = "icon.svg"
ONE_DAY = "public, max-age=86400"

bp = ProtectedBlueprint("web", __name__, template_folder="templates")


class NotBuilt(RuntimeError):
    """The front end was not built; `make run` does it."""


def _manifest() -> dict[str, str]:
    path = BUILD / "manifest.json"
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        return {}
    return _read_manifest(path, changed)


@lru_cache(maxsize=2)
def _read_manifest(path: Path, _changed: int) -> dict[str, str]:
    names: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return names


def asset_url(name: str) -> str:
    """The address of a built file, `asset_url("app.css")`. Raises NotBuilt when there is none."""
    hashed = _manifest().get(name)
    if hashed is None:
        raise NotBuilt(f"{name} is not built; run make run, or npm run build in frontend/")
    return url_for("web.static", name=hashed)


@bp.get("/assets/<path:name>", permission=PUBLIC, endpoint="static")
def static(name: str) -> Response:
    """A built file under its hashed name, or the icon; nothing else of the machine."""
    if name == ICON:
        response = send_file(BUILD.parent / ICON, mimetype="image/svg+xml", conditional=True)
        response.headers["Cache-Control"] = ONE_DAY
        return response
    if name not in _manifest().values():
        raise NotFound
    path = BUILD / name
    compressed = path.with_name(f"{name}.gz")
    options: dict[str, Any] = {"mimetype": mimetypes.guess_type(name)[0] or "application/octet-stream"}
    if request.accept_encodings["gzip"] and compressed.is_file():
        response = send_file(compressed, conditional=True, **options)
        response.headers["Content-Encoding"] = "gzip"
    else:
        response = send_file(path, conditional=True, **options)
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = FOREVER
    return response
