"""Names across scripts: the same person found under Oʻktam, O'ktam, Ўктам and Uktam.

Needs nothing of this product but its own tables. The rules are data: see docs/names.md.
"""

from __future__ import annotations

from casework.vault.names.document import Candidate, Document, StaleDocumentError, prepare
from casework.vault.names.ranking import REASONS, Match
from casework.vault.names.scope import Scope, match, match_prepared
from casework.vault.names.spelling import VERSION, Word, forget, keys, normalise, skeleton

__all__ = [
    "REASONS",
    "VERSION",
    "Candidate",
    "Document",
    "Match",
    "Scope",
    "StaleDocumentError",
    "Word",
    "forget",
    "keys",
    "match",
    "match_prepared",
    "normalise",
    "prepare",
    "skeleton",
]
