"""What a translated string must satisfy: complete, in its own letters, same placeholders, no banned word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from babel.messages.catalog import Catalog, Message

from casework.web.wording import TURNED_COMMA, TUTUQ

PLACEHOLDER = re.compile(r"%\(\w+\)[sdr]|%\{\w+\}|\{\w*\}|%%")
TAG = re.compile(r"</?[a-z][^<>]*>|&[a-z]+;|&#\d+;")

KEPT_WORDS = (
    "Casework",
    "JSON Lines",
    "JSON",
    "CSV",
    "XLSX",
    "Excel",
    "PDF",
    "UTF-8",
    "SMS",
    "API",
    "ID",
    "IP",
    "UTC",
    "TOTP",
    "SHA-256",
    "Ed25519",
    "Merkle",
    "PostgreSQL",
    "SQLite",
    "QX-4F7K",
    "WHO-5",
    "SRQ-20",
    "PHQ-9",
    "SDQ",
    "ISCO-08",
)
"""Names that stand in Latin letters in every language."""

_KEPT = re.compile(
    r"https?://\S+|[\w.+-]+@[\w.-]+|\b\w[\w-]*\.(?:csv|jsonl|json|xlsx|zip|pdf|txt)\b"
    r"|\bcasework [a-z]+(?: [a-z]+)*\b|--[a-z-]+|\b[IVX]+\b"
    r"|\b(?:" + "|".join(re.escape(word) for word in KEPT_WORDS) + r")\b"
)
_PROTECTED = re.compile("|".join(part.pattern for part in (PLACEHOLDER, TAG, _KEPT)))

LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
CYRILLIC = re.compile(r"[\u0400-\u04ff]")
WRONG_APOSTROPHE = re.compile(r"['`\u00b4\u2018\u2019]")
WRONG_OG = re.compile(f"[OoGg]{TUTUQ}")
WRONG_TUTUQ = re.compile(f"[^OoGg]{TURNED_COMMA}")

BANNED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # English
        r"\bISIS\b",
        r"\bjihadi",
        r"\bterrorists?\b(?! ideas)",
        r"\bmilitants?\b",
        r"radicali[sz]",
        r"\bsuspects?\b",
        r"\bdangerous person",
        r"\bwatch-?list",
        r"\bdetainees?\b",
        # Uzbek, both alphabets
        r"\bterrorchi",
        r"\bjangari",
        r"\bI[SŞ]HID\b",
        r"radikal",
        r"xavfli shaxs",
        r"xavf guruhi",
        r"gumon(?:lan|dor)",
        r"nazoratdagi shaxs",
        r"\binformator",
        r"noqonuniy bola",
        r"roʻyxatga qoʻy",
        r"hisobga ol",
        r"\bkuzatuv\b",
        r"террорчи",
        r"жангари",
        r"ИШИД|ИГИЛ",
        r"радикал",
        r"хавфли шахс",
        r"хавф гуруҳи",
        r"гумон(?:лан|дор)",
        r"назоратдаги шахс",
        r"информатор",
        r"ноқонуний бола",
        r"рўйхатга қўй",
        r"ҳисобга ол",
        r"\bкузатув\b",
        # Russian
        r"террористы?\b",
        r"боевик",
        r"опасн\w+ лиц",
        r"групп\w+ риска",
        r"подозреваем",
        r"поднадзорн",
        r"осведомител",
        r"отказник",
        r"незаконнорожд",
    )
)
"""Words that label people (glossary). They stand in no string, whatever the language."""


def texts_of(message: Message) -> list[str]:
    """The translations of an entry, one for each plural form; empty texts where there are none."""
    if isinstance(message.string, str) or message.string is None:
        return [message.string or ""]
    return list(message.string)


def keep_protected(text: str, change: Callable[[str], str]) -> str:
    """The text changed everywhere but in its placeholders, tags and kept names."""
    made, at = [], 0
    for found in _PROTECTED.finditer(text):
        made += [change(text[at : found.start()]), found[0]]
        at = found.end()
    return "".join([*made, change(text[at:])])


def problems_of(catalog: Catalog, locale: str) -> Iterator[str]:
    """What is wrong with each entry, as sentences without the file's name."""
    for message in catalog:
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        texts = texts_of(message)
        for problem in _problems(message, ids, texts, locale):
            yield f"{ids[0]!r} {problem}"


def _problems(message: Message, ids: list[str], texts: list[str], locale: str) -> Iterator[str]:
    for text in ids:
        if banned := _banned(text):
            yield f"has the word {banned!r}, which labels people"
    if not texts or not all(texts):
        yield "is not translated"
        return
    if "fuzzy" in message.flags:
        yield "is marked fuzzy: read it and take the mark away"
    for text in texts:
        yield from _marks_differ(ids[-1], text, plural=len(ids) > 1)
        yield from _wrong_letters(text, locale)
        if banned := _banned(text):
            yield f"is translated with the word {banned!r}, which labels people"


def _banned(text: str) -> str | None:
    return next((found[0] for pattern in BANNED if (found := pattern.search(text))), None)


def _marks_differ(text_id: str, text: str, *, plural: bool) -> Iterator[str]:
    wanted, found = sorted(PLACEHOLDER.findall(text_id)), sorted(PLACEHOLDER.findall(text))
    if wanted != found and not (plural and set(found) <= set(wanted)):
        yield f"has the placeholders {wanted}, its translation {found}"
    if sorted(TAG.findall(text_id)) != sorted(TAG.findall(text)):
        yield "has other tags than its translation"
    if text_id[:1].isspace() != text[:1].isspace() or text_id[-1:].isspace() != text[-1:].isspace():
        yield "begins or ends with a space, its translation does not (or the other way round)"


def _wrong_letters(text: str, locale: str) -> Iterator[str]:
    bare = _PROTECTED.sub(" ", text)
    if locale == "uz":
        if CYRILLIC.search(bare):
            yield f"has Cyrillic letters in its Latin translation {text!r}"
        if WRONG_APOSTROPHE.search(bare) or WRONG_OG.search(bare) or WRONG_TUTUQ.search(bare):
            yield f"has a wrong apostrophe in {text!r}: oʻ gʻ take U+02BB, every other one is U+02BC"
    elif found := LATIN.search(bare):
        yield f"has the Latin letter {found[0]!r} in its Cyrillic translation {text!r}"
