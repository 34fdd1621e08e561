"""The warm documents of this process, following the feed of changes in the database."""

from __future__ import annotations

import uuid
from typing import cast

from flask import current_app

from casework.cases.search import queries
from casework.vault.documents import Feed, Warm
from casework.vault.names import Match

_KEY = "casework_warm_documents"


def warm() -> Warm:
    """Those of the present app."""
    found: Warm | None = current_app.extensions.get(_KEY)
    if found is None:
        feed = Feed(queries.feed_stamp, queries.feed_changes)
        found = current_app.extensions.setdefault(_KEY, Warm(feed))
    return found


def person_of(match: Match) -> uuid.UUID:
    """Whom a match is about: documents are known by the person's id."""
    return cast(uuid.UUID, match.key)
