"""What the log itself says of approved retention.

Rows of requests and approvals can be written by whoever owns the database. They count only where two events in the
tree say the same: that this person asked for exactly this, and that this other person agreed.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from casework.audit.reading import Reader

ASKED, AGREED = "log.retention_requested", "log.retention_approved"


def commitment(up_to: int, cutoff: datetime) -> bytes:
    """Fixes in the event what was asked: SHA-256 of the index and the moment in RFC 3339, with a space between."""
    return sha256(f"{up_to} {cutoff.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}".encode()).digest()


def approved_up_to(reader: Reader) -> int:
    """The index before which details may be gone: of the approvals that stand in the log too, the highest."""
    moment = (
        "to_char(r.cutoff AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
        if reader.is_postgresql
        else "r.cutoff"
    )
    rows = reader.rows(
        f"SELECT r.id, r.up_to, {moment}, r.requested_by, a.approved_by FROM audit_retention_request r "  # noqa: S608 -- no input
        "JOIN audit_retention_approval a ON a.request_id = r.id ORDER BY r.up_to DESC"
    )
    said = _events(reader) if rows else {}
    for request, up_to, cutoff, asker, approver in rows:
        try:
            fixed = commitment(up_to, datetime.fromisoformat(cutoff).replace(tzinfo=UTC)).hex()
            request_id, asked_by, agreed_by = (uuid.UUID(str(each)) for each in (request, asker, approver))
        except (ValueError, TypeError):
            continue  # not what the product wrote
        asked = said.get((ASKED, str(request_id)), {})
        agreed = said.get((AGREED, str(request_id)), {})
        by_asker = asked.get("agent_id") == str(asked_by) and asked.get("detail_commitment") == fixed
        if by_asker and agreed.get("agent_id") == str(agreed_by) and asked_by != agreed_by:
            return int(up_to)
    return 0


def _events(reader: Reader) -> dict[tuple[str, str], dict[str, Any]]:
    """What was asked and approved by the events in the tree: (code, request) to the event."""
    rows = reader.rows(
        "SELECT e.body, l.leaf_hash FROM audit_event e JOIN audit_leaf l ON l.event_uid = e.event_uid "
        "WHERE e.code IN (:asked, :agreed) ORDER BY l.idx DESC",
        asked=ASKED,
        agreed=AGREED,
    )
    found = {}
    for body, leaf in rows:
        if not isinstance(body, bytes) or sha256(b"\x00" + body).digest() != leaf:
            continue
        try:
            event = json.loads(body)
            if event["outcome"] == "success":
                found[event["code"], event["entity_id"]] = event
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return found
