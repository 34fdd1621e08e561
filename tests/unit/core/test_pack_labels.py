"""Labels of the Uzbekistan pack: complete in three translations, one script each, with the glossary's words only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import Babel, force_locale

from casework.core.pack import Pack, load_pack

TRANSLATIONS = ("uz", "uz_Cyrl", "ru")
# Names of screening tools and of the card, written in Latin letters in every language.
ACRONYMS = re.compile(r"\b(WHO-5|SRQ-20|PHQ-9|SDQ|ID)\b")
# Glossary, "words that must not appear": stems, matched at the start of a word.
BANNED = {
    "en": r"isis|jihad|radical|extremis|suspect|informant|agent|militant|repatriant|returnee|risk|threat level",
    "uz": r"terrorchi|jangari|ishid|radikal|deradikal|xavfli shaxs|xavf guruhi|gumon|nazorat|kuzatuv|agent\b"
    r"|informator|muvaffaqiyatsiz|rad etgan|noqonuniy|hisobga ol|roʻyxatga qoʻy|toifa",
    "uz_Cyrl": r"террорчи|жангари|ишид|радикал|дерадикал|хавфли шахс|хавф гуруҳи|гумон|назорат|кузатув|агент\b"
    r"|информатор|муваффақиятсиз|рад этган|ноқонуний|ҳисобга ол|рўйхатга қўй|тоифа",
    "ru": r"террорист\b|террориста|игил|боевик|радикал|дерадикал|опасн|групп\w* риска|подозрева|поднадзор|агент\b"
    r"|осведомител|отказник|незаконнорожд|репатриант",
}
# Red lines (dictionary 7 and 8): nothing names what a person believes, how they dress or how dangerous they are.
RED_LINES = re.compile(
    r"\b(belie\w+|relig\w+|faith|worship\w*|pray\w*|mosque|dress\w*|hijab|beard|ideolog\w*|ethnic\w*|danger\w*|radical\w*"
    r"|suspic\w*|weapon\w*|camp|nationality)\b"
)
# A duty to warn: facts about an act, decided by two people, never a flag on a person (dictionary 3.13).
DUTY_TO_WARN = ("safe_concern_type", "imminent_danger_to_others")


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack()


@pytest.fixture(scope="module")
def catalogs(pack: Pack) -> dict[str, Catalog]:
    read = {}
    for locale in TRANSLATIONS:
        with (pack.translations / locale / "LC_MESSAGES" / "messages.po").open("rb") as file:
            read[locale] = read_po(file, locale=locale, abort_invalid=True)
    return read


def labels(catalog: Catalog) -> Iterator[tuple[str, str, str]]:
    """(value set, English label, translation) of every entry."""
    for message in catalog:
        if message.id:
            assert isinstance(message.id, str)
            assert isinstance(message.string, str)
            yield message.context or "", message.id, message.string


def test_labels_within_a_set_differ_in_every_language(pack: Pack, catalogs: dict[str, Catalog]) -> None:
    for value_set in pack.value_sets.values():
        values = value_set.values.values()
        for translated in (
            [value.english for value in values],
            *(
                [str(catalog.get(v.english, v.context).string) for v in values]
                for catalog in catalogs.values()
            ),
        ):
            assert len({text.casefold() for text in translated}) == len(translated), (
                value_set.name,
                translated,
            )


@pytest.mark.parametrize("locale", TRANSLATIONS)
def test_the_catalog_has_every_label_and_nothing_else(
    pack: Pack, catalogs: dict[str, Catalog], locale: str
) -> None:
    expected = {(v.context, v.english) for s in pack.value_sets.values() for v in s.values.values()}
    found = {(context, english): text for context, english, text in labels(catalogs[locale])}
    assert set(found) == expected
    assert [key for key, text in found.items() if not text.strip()] == []
    assert not any(message.fuzzy for message in catalogs[locale] if message.id)
    assert not catalogs[locale].obsolete


@pytest.mark.parametrize("locale", TRANSLATIONS)
def test_no_label_mixes_scripts(catalogs: dict[str, Catalog], locale: str) -> None:
    foreign = re.compile(r"[А-Яа-яЁёЎўҚқҒғҲҳ]" if locale == "uz" else r"[A-Za-zʻʼ]")
    mixed = [text for _, _, text in labels(catalogs[locale]) if foreign.search(ACRONYMS.sub("", text))]
    assert mixed == []


def test_uzbek_labels_use_the_right_letters_for_o_g_and_the_apostrophe(catalogs: dict[str, Catalog]) -> None:
    for _, _, text in labels(catalogs["uz"]):
        assert not re.search(r"['`´‘’]", text), text
        # U+02BB only makes oʻ and gʻ; U+02BC never stands there.
        assert not re.search(r"(?<![oOgG])ʻ|[oOgG]ʼ", text), text
    for _, _, text in labels(catalogs["uz_Cyrl"]):
        # Letters that only Russian has.
        assert not re.search(r"[ыщЫЩ]", text), text


@pytest.mark.parametrize("language", ["en", *TRANSLATIONS])
def test_no_label_uses_a_word_that_the_glossary_bans(catalogs: dict[str, Catalog], language: str) -> None:
    entries = list(labels(catalogs["uz" if language == "en" else language]))
    texts = [english if language == "en" else text for _, english, text in entries]
    banned = re.compile(rf"(?<!\w)({BANNED[language]})")
    assert len(texts) > 700
    assert [text for text in texts if banned.search(text.lower())] == []


def test_no_value_names_belief_worship_dress_or_danger(pack: Pack) -> None:
    crossing = [
        (value_set.name, value.key)
        for value_set in pack.value_sets.values()
        for value in value_set.values.values()
        if RED_LINES.search(f"{value.key} {value.english}".lower().replace("_", " "))
    ]
    assert crossing == [DUTY_TO_WARN]


def test_no_choice_of_recipient_purpose_or_reason_is_a_security_body(pack: Pack) -> None:
    security = re.compile(r"police|security|prosecut|intelligence|border guard|interior")
    for value_set in pack.value_sets.values():
        for value in value_set.values.values():
            assert not security.search(f"{value.key} {value.english}".lower()), (value_set.name, value.key)


def test_labels_follow_the_language_of_the_request_and_are_english_elsewhere(
    pack: Pack, catalogs: dict[str, Catalog], tmp_path: Path
) -> None:
    for locale, catalog in catalogs.items():
        folder = tmp_path / locale / "LC_MESSAGES"
        folder.mkdir(parents=True)
        with (folder / "messages.mo").open("wb") as file:
            write_mo(file, catalog)
    app = Flask(__name__)
    reason = pack.value_set("edu_referral_reason")
    assert reason.label("catch_up") == "Catch-up lessons"
    with app.app_context():
        assert reason.label("catch_up") == "Catch-up lessons"
    Babel(app, default_translation_directories=str(tmp_path))
    with app.test_request_context():
        expected = {"uz": "Qoʻshimcha darslar", "uz_Cyrl": "Қўшимча дарслар", "ru": "Дополнительные занятия"}
        for locale, text in expected.items():
            with force_locale(locale):
                assert reason.label("catch_up") == text
                assert (
                    dict(pack.referral_reasons("psychosocial_health_education").choices())["catch_up"] == text
                )
        with force_locale("uz"):
            # The three answers are translated once, for every set.
            assert pack.value_set("edu_barrier").label("declined") == "Javob berishni istamadi"
            assert pack.value_set("hlt_vaccination").label("declined") == "Istamadi"
            assert pack.value_set("edu_attendance_band").label("from_90") == "90% va undan koʻp"
        with force_locale("en"):
            assert reason.label("catch_up") == "Catch-up lessons"
