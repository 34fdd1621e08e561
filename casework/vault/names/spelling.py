"""From a name as written to what two spellings of it share: normal form, Latin, skeleton, stem, consonants."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from casework.vault.names.tables import load

# The rules' number. Raise it whenever a change here or in a table changes a normal form or a skeleton:
# stored documents then say that they are older and are made again.
VERSION = 1

# A name longer than this is cut: nobody is called so, and a pasted page must not cost a worker its time.
LONGEST_NAME = 400
MOST_WORDS = 12

_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036F])+")
_LATIN = re.compile(r"[A-Za-z\u00C0-\u024F\u1E00-\u1EFF]")
_CYRILLIC = re.compile(r"[\u0400-\u04FF]")
_TURNED_COMMA = re.compile(r"(?<=[og])ʼ")
_STRAY_SIGN = re.compile(r"^[ʻʼ]+|(?<![ogOG])[ʻʼ]+$")
_MARKS = re.compile(r"[\u0300-\u036F]+")
_VOWELS = re.compile(r"[aeiouy]+")
_VOWELS_ALIKE = str.maketrans("eiouy", "aaaaa")


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One word of a name, analysed.

    `form`: normal form in its own script. `skeleton`: the spelling-free Latin form. `stem`: the skeleton
    without a surname or patronymic ending. `consonants`: the stem without vowels. `sounds`: the stem with all
    vowels alike. `ending`: "m" or "f" where an ending was taken off, else "". `patronymic`: whether it is the
    father's name. `cyrillic`: whether it was written in Cyrillic.
    """

    form: str
    skeleton: str
    stem: str
    consonants: str
    sounds: str
    ending: str
    patronymic: bool
    cyrillic: bool


def one_script(word: str) -> str:
    """`word` with letters borrowed from the other script put back: `Kарим` with a Latin K becomes `Карим`.

    The script that has more letters without a lookalike wins, then the one with more letters.
    """
    roman, cyrillic = _LATIN.findall(word), _CYRILLIC.findall(word)
    if not roman or not cyrillic:
        return word
    tables = load()
    only_roman = sum(ord(letter) not in tables.to_cyrillic_look for letter in roman)
    only_cyrillic = sum(ord(letter) not in tables.to_latin_look for letter in cyrillic)
    if (only_roman, len(roman)) > (only_cyrillic, len(cyrillic)):
        repaired = word.translate(tables.to_latin_look)
        # What looks like no Latin letter was meant as its sound: Asangazyқyzy.
        return latin(repaired.casefold()) if _CYRILLIC.search(repaired) else repaired
    return word.translate(tables.to_cyrillic_look)


def normalise(text: str) -> str:
    """`text` as words in lower case with one kind of each sign, in its own script, one space between words.

    NFKC, one apostrophe (ʻ after o and g, else ʼ), lookalike letters put back, casefold with the Turkish İ and ı
    kept apart from i with a dot above. Hyphens and other punctuation part words. Never raises.
    """
    apostrophes = load().apostrophes
    # Before NFKC too: it would turn U+00B4 into a space and an accent.
    text = unicodedata.normalize("NFKC", text[:LONGEST_NAME].translate(apostrophes)).translate(apostrophes)
    words = []
    for raw in _WORD.findall(text):
        folded = one_script(raw).replace("İ", "i").casefold()
        # Casefolding can part a letter from its accent; compose again.
        folded = unicodedata.normalize("NFKC", folded).translate(apostrophes)
        word = _STRAY_SIGN.sub("", _TURNED_COMMA.sub("ʻ", folded).replace(" ", ""))
        if word:
            words.append(word)
    return " ".join(words[:MOST_WORDS])


def latin(word: str) -> str:
    """One normalised word in plain Latin letters with ʻ and ʼ. A letter of no known alphabet stays as it is."""
    tables = load()
    cyrillic = set(_CYRILLIC.findall(word))
    if cyrillic:
        # ў typed as о with an apostrophe on a keyboard that has no ў
        word = word.replace("оʼ", "ў").replace("гʼ", "ғ")
        cyrillic = set(_CYRILLIC.findall(word))
        table = next((a.cyrillic for a in tables.alphabets if a.letters >= cyrillic), tables.any_cyrillic)
        word = word.translate(table)
    if word.isascii():
        return word
    word = word.translate(tables.latin if tables.iso9_marks.isdisjoint(word) else tables.iso9)
    if not word.isascii():
        word = _MARKS.sub("", unicodedata.normalize("NFD", word))
    return word


@lru_cache(maxsize=65_536)
def _skeleton(form: str) -> str:
    bones = latin(form)
    for fold in load().folds:
        bones = fold.find.sub(fold.to, bones)
    # A lone sign such as ь folds to nothing; it must still find its own copy.
    return bones or form


def skeleton(token: str) -> str:
    """What all spellings of one word share: `Шоҳруҳ`, `Шохрух`, `Shokhrukh` and `Shohruh` give `shohruh`.

    Takes a word as written; several words give their skeletons joined by spaces.
    """
    return " ".join(_skeleton(word) for word in normalise(token).split())


@lru_cache(maxsize=65_536)
def _parts(bones: str) -> tuple[str, str, bool]:
    """Stem, gender of the ending, and whether the ending is that of a patronymic."""
    tables = load()
    for endings, patronymic in ((tables.patronymic, True), (tables.surname, False)):
        for ending in endings:
            if bones.endswith(ending.text) and len(bones) >= len(ending.text) + ending.least_stem:
                return bones[: -len(ending.text)], ending.gender, patronymic
    return bones, "", False


@lru_cache(maxsize=65_536)
def analyse(form: str, bones: str, father: bool) -> Word:
    """The `Word` for a normal form and its skeleton; `father`: a marker word (oʻgʻli, qizi) follows it."""
    stem, ending, patronymic = _parts(bones)
    return Word(
        form=form,
        skeleton=bones,
        stem=stem,
        consonants=_VOWELS.sub("", stem),
        sounds=stem.translate(_VOWELS_ALIKE),
        ending=ending,
        patronymic=patronymic or father,
        cyrillic=_CYRILLIC.search(form) is not None,
    )


def keys(text: str) -> tuple[Word, ...]:
    """The words of a full name, analysed, in the order written. Marker words mark the word before and are left out."""
    forms = normalise(text).split()
    bones = [_skeleton(form) for form in forms]
    markers = load().markers
    is_marker = [place > 0 and each in markers for place, each in enumerate(bones)]
    return tuple(
        analyse(form, each, place + 1 < len(forms) and is_marker[place + 1])
        for place, (form, each) in enumerate(zip(forms, bones, strict=True))
        if not is_marker[place]
    )


def forget() -> None:
    """Empties the word caches, so that no word of an erased name stays in this process's memory."""
    _skeleton.cache_clear()
    _parts.cache_clear()
    analyse.cache_clear()
