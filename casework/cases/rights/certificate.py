"""The certificate of disposal in words: the same sentences for the page, the text file and the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from casework.access.roles import Role
from casework.cases.rights.use_cases import Certificate
from casework.web.languages import LANGUAGES, Language, moment

KINDS: dict[str, Any] = {
    "keys": _l("Keys of the person"),
    "notes": _l("Keys of clinical notes"),
    "drafts": _l("Unfinished forms"),
    "attachments": _l("Documents"),
    "packages": _l("Referral packages"),
}
"""What is counted, in the order of the certificate."""

CAUSES: dict[str, Any] = {
    "request": _l("The person asked for it"),
    "retention": _l("The time for which it may be kept is over"),
}


@dataclass(frozen=True, slots=True)
class InWords:
    """The certificate in one language."""

    language: Language
    title: str
    statement: str
    lines: list[tuple[str, str]]


def in_four_languages(certificate: Certificate) -> list[InWords]:
    """The whole certificate once in each language."""
    found = []
    for language in LANGUAGES:
        with force_locale(language.locale):
            found.append(_in_words(certificate, language))
    return found


def _role(name: str) -> str:
    return str(Role(name).label) if name in set(Role) else _("The installation")


def _in_words(certificate: Certificate, language: Language) -> InWords:
    disposal = certificate.disposal
    lines = [
        (_("Display code"), disposal.display_code),
        (_("Destroyed on"), moment(disposal.at)),
        (_("Why"), str(CAUSES[disposal.cause])),
        (_("Recorded by"), _role(disposal.recorded_role)),
        (_("Approved by"), _role(disposal.approved_role)),
        (_("Carried out by"), _role(disposal.done_role)),
    ]
    lines += [
        (str(label), str(disposal.counts.get(kind, 0)))
        for kind, label in KINDS.items()
        if kind in disposal.counts
    ]
    lines += [
        (_("Event in the log"), certificate.event_uid),
        (_("Fingerprint of that event (SHA-256)"), certificate.event_hash),
    ]
    statement = _(
        "The keys that opened this person’s data were destroyed, together with the search entries, unfinished forms and "
        "documents. What is left cannot be read by anybody. The log keeps that something happened, without content."
    )
    return InWords(language, _("Certificate of disposal"), statement, lines)


def as_text(certificate: Certificate) -> str:
    """The certificate as plain text, with the line that the log's event has fixed by its hash."""
    parts = []
    for each in in_four_languages(certificate):
        width = max(len(label) for label, _text in each.lines)
        lines = [f"{label.ljust(width)}  {text}" for label, text in each.lines]
        parts.append("\n".join([each.title.upper(), "", *lines, "", each.statement]))
    return ("\n\n" + "-" * 72 + "\n\n").join(parts) + f"\n\n{certificate.facts}\n"
