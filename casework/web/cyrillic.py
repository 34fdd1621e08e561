"""Uzbek Latin letters to Cyrillic ones, for a first draft of a catalog that a person then reads.

The rule is the official table of 1995 read backwards; words that the table cannot decide (ц, ь, э) stand in `STEMS`.
"""

from __future__ import annotations

import re

from casework.web.wording import TURNED_COMMA, TUTUQ

_PAIRS = {"sh": "ш", "ch": "ч", "yo": "ё", "yu": "ю", "ya": "я", "ye": "е"}
_SINGLE = dict(zip("abdefghijklmnopqrstuvxyzcw", "абдефгҳижклмнопқрстувхйзсв", strict=True))
_VOWELS = set("aeiou")

STEMS = {
    "aeroport": "аэропорт",
    "aktyor": "актёр",
    "albom": "альбом",
    "agensiya": "агенция",
    "aprel": "апрель",
    "dekabr": "декабрь",
    "detal": "деталь",
    "fevral": "февраль",
    "filtr": "фильтр",
    "film": "фильм",
    "intervyu": "интервью",
    "iyul": "июль",
    "iyun": "июнь",
    "kompyuter": "компьютер",
    "konferensiya": "конференция",
    "konsepsiya": "концепция",
    "litsenziya": "лицензия",
    "mayor": "майор",
    "medal": "медаль",
    "medalyon": "медальон",
    "model": "модель",
    "nuqtayi": "нуқтаи",
    "noyabr": "ноябрь",
    "obyekt": "объект",
    "oktabr": "октябрь",
    "parol": "пароль",
    "protsent": "процент",
    "protsess": "процесс",
    "rayon": "район",
    "rol": "роль",
    "sement": "цемент",
    "sentabr": "сентябрь",
    "sertifikat": "сертификат",
    "sex": "цех",
    "sotsial": "социал",
    "subyekt": "субъект",
    "tabel": "табель",
    "tendensiya": "тенденция",
    "vaksina": "вакцина",
    "yanvar": "январь",
}
"""Loan words by their stem; endings follow the table."""

_WHOLE_WORDS_ONLY = {"rol", "film", "sex", "model", "medal", "tabel", "detal", "mayor", "rayon"}
_ENDINGS = r"(?=$|ni|ning|ga|da|dan|lar|i\b|im|ing|imiz|ingiz|si|li|lik|iy|ga|cha)"
_STEM = re.compile(
    r"(?i)\b(?:"
    + "|".join(
        stem + (_ENDINGS + r"(?=\w*)" if stem in _WHOLE_WORDS_ONLY else "")
        for stem in sorted(STEMS, key=len, reverse=True)
    )
    + ")"
)
_LOAN_ENDINGS = re.compile(r"(?i)(t)(s)(iya)|(k|p)(s)(iya)")
_TS = "\u0446"


def to_cyrillic(text: str) -> str:
    """The text in Uzbek Cyrillic letters. Everything that is no Latin letter stays as it is."""
    text = _STEM.sub(lambda found: _like(found[0], STEMS[found[0].lower()]), text)
    text = _LOAN_ENDINGS.sub(_loan_ending, text)
    return "".join(_letters(text))


def _loan_ending(found: re.Match[str]) -> str:
    """-tsiya becomes -ция, -ksiya -кция, -psiya -пция."""
    kept = found[4] or ""
    return kept + _like(found[2] or found[5], _TS) + (found[3] or found[6])


def _like(model: str, text: str) -> str:
    """The text in capitals where the model has them."""
    if len(model) > 1 and model.isupper():
        return text.upper()
    return text[0].upper() + text[1:] if model[:1].isupper() else text


def _letters(text: str) -> list[str]:
    made: list[str] = []
    at = 0
    while at < len(text):
        rest = text[at:]
        before = text[at - 1] if at else ""
        taken, letter = _next_letter(rest, before)
        made.append(letter.upper() if rest[0].isupper() else letter)
        at += taken
    return made


def _next_letter(rest: str, before: str) -> tuple[int, str]:
    low = rest[:3].lower()
    if low[:1] in ("o", "g") and low[1:2] in (TURNED_COMMA, TUTUQ):
        return 2, "ў" if low[0] == "o" else "ғ"
    if low[:2] == "yo" and low[2:3] == TURNED_COMMA:
        return 1, "й"
    if low[:2] in _PAIRS:
        return 2, _PAIRS[low[:2]]
    if low[:1] == TUTUQ:
        return 1, "" if before.lower() == "s" and low[1:2] == "h" else "ъ"
    if low[:1] == "e" and (
        not (before.isalpha() or before in (TURNED_COMMA, TUTUQ)) or before.lower() in _VOWELS
    ):
        return 1, "э"
    return 1, _SINGLE.get(low[:1], rest[0])
