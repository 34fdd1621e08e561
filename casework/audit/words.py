"""Audit codes in plain words. Each room registers the sentences of its own codes; a contract test misses none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

_words: dict[str, Any] = {}


def register(words: Mapping[str, Any]) -> None:
    """`code` to a (lazy) sentence in the past tense."""
    _words.update(words)


def in_words(code: str) -> str:
    """The sentence of a code; the code itself when no room knows it."""
    return str(_words.get(code, code))


def known() -> list[tuple[str, str]]:
    """Every code with its sentence, by code: for a pick-list."""
    return [(code, f"{sentence} ({code})") for code, sentence in sorted(_words.items())]


OUTCOMES: dict[str, Any] = {"success": _l("Done"), "denied": _l("Refused"), "error": _l("Failed")}

ACTIONS: dict[str, Any] = {
    "C": _l("Created"),
    "R": _l("Read"),
    "U": _l("Changed"),
    "D": _l("Removed"),
    "E": _l("Carried out"),
}

FIELDS: dict[str, Any] = {
    "recorded": _l("Time"),
    "code": _l("What happened"),
    "outcome": _l("Outcome"),
    "outcome_reason": _l("Reason of the outcome"),
    "action": _l("Kind of action"),
    "agent_id": _l("Who"),
    "agent_role": _l("Role"),
    "agent_place": _l("Office"),
    "session_hash": _l("Session"),
    "purpose": _l("Purpose"),
    "justification_id": _l("Justification"),
    "src_ip": _l("Network address"),
    "endpoint": _l("Page or command"),
    "entity_type": _l("Kind of record"),
    "entity_id": _l("Record"),
    "subject_ids": _l("People concerned"),
    "compartments": _l("Compartments opened"),
    "fields_accessed": _l("Fields decrypted"),
    "query_hash": _l("Fingerprint of the search"),
    "result_count": _l("Number of results"),
    "policy_version": _l("Version of the access rules"),
    "break_glass": _l("Emergency access"),
    "detail_commitment": _l("Fingerprint of the detail"),
    "request_id": _l("Request"),
    "event_uid": _l("Event"),
    "writer_id": _l("Writer"),
    "writer_seq": _l("Number at the writer"),
    "v": _l("Format"),
}

register(
    {
        "access.denied": _l("Access was refused"),
        "request.refused": _l("A request was refused"),
        "form.repeated": _l("A form arrived a second time and changed nothing"),
        "audit.listed": _l("The audit log was looked through"),
        "audit.viewed": _l("An audit event was opened"),
        "audit.export_prepared": _l("The export page of the audit log was opened"),
        "audit.export_asked": _l("An export of the audit log was asked for"),
        "audit.export_viewed": _l("The state of an export was looked at"),
        "audit.export_downloaded": _l("An export of the audit log was downloaded"),
        "audit.exports_dropped": _l("Files of old exports were removed"),
        "audit.unusual_viewed": _l("Unusual access was looked through"),
        "audit.checkpoint_viewed": _l("The signed state of the log was looked at"),
        "audit.verification_asked": _l("A verification of the log was asked for"),
        "audit.retention_viewed": _l("The page for dropping details of old events was opened"),
        "case.who_saw_viewed": _l("It was looked up who saw a record"),
        "export.begin": _l("An export of the audit log began"),
        "export.end": _l("An export of the audit log ended"),
    }
)
