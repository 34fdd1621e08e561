"""The audit codes of this room in plain words, and how the log names a person: by display code, which opens nothing."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from casework.audit import directory, words
from casework.cases import queries
from casework.cases.rights.words import EVENTS as RIGHTS
from casework.cases.search.words import EVENTS as SEARCH

WORDS = {
    "work.viewed": _l("The own list of work was looked at"),
    "case.listed": _l("The caseload was looked at"),
    "case.form_opened": _l("The form for a new case was opened"),
    "case.opened": _l("A case was opened"),
    "case.viewed": _l("A case was looked at"),
    "case.details_opened": _l("Details of a person were opened for correcting"),
    "case.person_corrected": _l("Details of a person were corrected"),
    "case.details_history_viewed": _l("Earlier details of a person were looked at"),
    "case.needs_level_opened": _l("The page for the needs level was opened"),
    "case.needs_level_set": _l("The needs level was set"),
    "case.reassign_opened": _l("The page for giving a case was opened"),
    "case.reassigned": _l("A case was given to somebody else"),
    "consent.listed": _l("Consents were looked at"),
    "consent.recorded": _l("An answer about consent was recorded"),
    "consent.withdrawal_opened": _l("The page for withdrawing a consent was opened"),
    "consent.withdrawn": _l("A consent was withdrawn"),
    "consent.expired": _l("Consents expired"),
    "support.form_opened": _l("A form of support was opened"),
    "support.recorded": _l("Support was recorded"),
    "support.viewed": _l("A record of support was looked at"),
    "support.correction_opened": _l("A record of support was opened for correcting"),
    "support.corrected": _l("A record of support was corrected"),
    "support.entered_in_error": _l("A record of support was marked as entered in error"),
    "support.history_viewed": _l("Earlier versions of a record of support were looked at"),
    "follow_up.done": _l("A follow-up was done"),
    "follow_up.closing_opened": _l("The page for closing a follow-up was opened"),
    "follow_up.not_needed": _l("A follow-up was closed as no longer needed"),
    "draft.saved": _l("A draft was kept"),
    "draft.discarded": _l("A draft was discarded"),
}


def register() -> None:
    """Called when the app is composed."""
    words.register(WORDS | SEARCH | RIGHTS)
    directory.register("person", directory.Resolver(queries.display_codes, queries.person_with_code))
