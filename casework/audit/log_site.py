"""The log as static files under /log/, for any client of transparency logs (C2SP tlog-tiles): off unless the
installation publishes its log.

Only hashes, the signed checkpoint and the public key are served. Entry bundles are not: an event has no personal
content, but who worked when is nobody's business outside.
"""

from __future__ import annotations

from flask import Response
from sqlalchemy import select

from casework.access.blueprint import PUBLIC, ProtectedBlueprint
from casework.audit.identity import identity_here
from casework.audit.models import AuditCheckpoint, AuditTile
from casework.audit.tiles import ENTRIES, WIDTH, Tile
from casework.core.database import db
from casework.core.errors import NotFound

log_site = ProtectedBlueprint("log_site", __name__, url_prefix="/log")


@log_site.get("/checkpoint", permission=PUBLIC)
def checkpoint() -> Response:
    """The newest signed checkpoint."""
    note = db.session.scalar(select(AuditCheckpoint.note).order_by(AuditCheckpoint.size.desc()).limit(1))
    if note is None:
        raise NotFound()
    return Response(note, content_type="text/plain; charset=utf-8")


@log_site.get("/verifier.key", permission=PUBLIC)
def verifier_key() -> Response:
    """The log's public key, for whoever has no better source."""
    return Response(identity_here().verifier().vkey + "\n", content_type="text/plain; charset=utf-8")


@log_site.get("/tile/<path:name>", permission=PUBLIC)
def tile(name: str) -> Response:
    """A hash tile of the signed tree, whole or partial. What it holds never changes, so it may be cached for ever."""
    try:
        wanted = Tile.from_path(f"tile/{name}")
    except ValueError:
        raise NotFound() from None
    signed = (
        db.session.scalar(select(AuditCheckpoint.size).order_by(AuditCheckpoint.size.desc()).limit(1)) or 0
    )
    if wanted.level == ENTRIES or (wanted.n * WIDTH + wanted.width) << (8 * wanted.level) > signed:
        raise NotFound()
    hashes = db.session.scalar(
        select(AuditTile.hashes).where(AuditTile.level == wanted.level, AuditTile.n == wanted.n)
    )
    if hashes is None or len(hashes) < wanted.width * 32:
        raise NotFound()
    response = Response(hashes[: wanted.width * 32], content_type="application/octet-stream")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
