"""The catalogs: what the tool extracts, drafts, compiles and complains about."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from casework.web import catalogs
from casework.web.catalog_check import keep_protected, problems_of
from casework.web.cyrillic import to_cyrillic


def problems(locale: str, text_id: str, text: str, **options: bool) -> list[str]:
    catalog = Catalog(locale=locale)
    catalog.add(text_id, text, flags=["fuzzy"] if options.get("fuzzy") else [])
    return list(problems_of(catalog, locale))


@pytest.mark.parametrize(
    ("locale", "text_id", "text"),
    [
        ("uz", "Case", ""),
        ("uz", "Son", "O'g'il"),
        ("uz", "Son", "Oʼgʼil"),
        ("uz", "Study", "Taʻlim"),
        ("uz", "Case", "Hоlat"),
        ("ru", "Case", "Cлучай"),
        ("uz_Cyrl", "Case", "Ҳолat"),
        ("ru", "%(count)s cases", "Случаи"),
        ("ru", "<b>Case</b>", "Случай"),
        ("ru", "Case", "Подозреваемый"),
        ("uz", "Risk", "xavf guruhi"),
        ("ru", "Radicalised person", "Человек"),
        ("ru", "Case ", "Случай"),
    ],
)
def test_finds_what_is_wrong_with_a_translation(locale: str, text_id: str, text: str) -> None:
    assert len(problems(locale, text_id, text)) == 1


def test_finds_an_entry_that_nobody_has_read() -> None:
    assert problems("ru", "Case", "Случай", fuzzy=True) == [
        "'Case' is marked fuzzy: read it and take the mark away"
    ]


@pytest.mark.parametrize(
    ("locale", "text_id", "text"),
    [
        ("uz", "Son of %(name)s", "%(name)s oʻgʻli, maʼlumot"),
        ("ru", "Download CSV of <code>Casework</code>", "Скачать CSV из <code>Casework</code>"),
        ("uz_Cyrl", "Code QX-4F7K", "QX-4F7K коди"),
        ("ru", "countering terrorist ideas", "противодействие террористическим идеям"),
        ("uz", "countering terrorist ideas", "terroristik gʻoyalarga qarshi kurashish"),
    ],
)
def test_accepts_a_good_translation(locale: str, text_id: str, text: str) -> None:
    assert problems(locale, text_id, text) == []


@pytest.mark.parametrize(
    ("latin", "cyrillic"),
    [
        ("yoʻnaltirish", "йўналтириш"),
        ("ehtiyojlarni baholash", "эҳтиёжларни баҳолаш"),
        ("shaxsga doir maʼlumotlar subyekti", "шахсга доир маълумотлар субъекти"),
        ("Ijtimoiy himoya milliy agentligi", "Ижтимоий ҳимоя миллий агентлиги"),
        ("individual reintegratsiya rejasi", "индивидуал реинтеграция режаси"),
        ("mahalla fuqarolar yigʻini (MFY)", "маҳалла фуқаролар йиғини (МФЙ)"),
        ("nuqtayi nazar", "нуқтаи назар"),
        ("parol", "пароль"),
        ("inspeksiya", "инспекция"),
        ("tayyor, bayonnoma, poyezd", "тайёр, баённома, поезд"),
        ("Isʼhoq", "Исҳоқ"),
        ("YOʻQ", "ЙЎҚ"),
    ],
)
def test_writes_uzbek_in_cyrillic_letters(latin: str, cyrillic: str) -> None:
    assert to_cyrillic(latin) == cyrillic


def test_leaves_placeholders_tags_and_product_names_in_a_draft() -> None:
    text = 'Casework: <a href="%(href)s">%(count)s ta CSV fayl</a>'
    assert keep_protected(text, to_cyrillic) == 'Casework: <a href="%(href)s">%(count)s та CSV файл</a>'


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A product of one room with one string in code, one in a template and one with a context."""
    room = tmp_path / "product" / "room"
    (room / "templates").mkdir(parents=True)
    (room / "__init__.py").write_text('title = _l("Title")\nname = lazy_pgettext("lang", "Russian")\n')
    (room / "templates" / "page.html").write_text(
        '{{ _("Hello %(name)s", name=name) }}{# #}{{ ngettext("day", "days", 2) }}'
    )
    monkeypatch.setattr(catalogs, "PRODUCT", tmp_path / "product")
    monkeypatch.setattr(catalogs, "ROOT", tmp_path)
    monkeypatch.setattr(catalogs, "PACKS_ROOT", tmp_path / "packs")
    return room


def translate(room: Path, locale: str, **texts: str) -> None:
    path = room / "translations" / locale / catalogs.PO
    catalog = catalogs.read(path, locale)
    for message in catalog:
        if message.id:
            single = message.id if isinstance(message.id, str) else message.id[0]
            text = texts[single.split()[0]]
            message.string = text if isinstance(message.id, str) else (text,) * catalog.num_plurals
    catalogs._write(path, catalogs._rewritten(catalog))


UZ = {"Title": "Sarlavha", "Russian": "ruscha", "Hello": "Salom, %(name)s", "day": "kun"}
RU = {"Title": "Заголовок", "Russian": "русский", "Hello": "Здравствуйте, %(name)s", "day": "дни"}


def test_leads_a_room_from_its_code_to_a_complete_catalog(product: Path) -> None:
    assert {problem.split(": ")[1] for problem in catalogs.check()} == {"is missing; run extract"}
    assert catalogs.main(["extract"]) == 0
    assert len(catalogs.check()) == 3 * 4
    translate(product, "uz", **UZ)
    translate(product, "ru", **RU)
    assert catalogs.main(["draft-cyrillic"]) == 0
    assert catalogs.check() == []
    assert catalogs.main(["check"]) == 0
    assert catalogs.main(["compile"]) == 0
    folder = product / "translations"
    cyrillic = gettext.translation("messages", folder, ["uz_Cyrl"])
    assert cyrillic.gettext("Hello %(name)s") == "Салом, %(name)s"
    assert cyrillic.pgettext("lang", "Russian") == "русча"
    assert gettext.translation("messages", folder, ["ru"]).ngettext("day", "days", 5) == "дни"


def test_notices_that_code_and_catalog_have_parted(product: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalogs.main(["extract"])
    translate(product, "uz", **UZ)
    translate(product, "ru", **RU)
    catalogs.main(["draft-cyrillic"])
    (product / "__init__.py").write_text(
        'title = _l("Other title")\nname = lazy_pgettext("lang", "Russian")\n'
    )
    assert catalogs.main(["check"]) == 1
    said = capsys.readouterr().err
    assert "'Other title' is in the code but not here" in said
    assert "'Title' is no longer in the code" in said
    catalogs.main(["extract"])
    kept = catalogs.read(product / "translations" / "uz" / catalogs.PO, "uz")
    assert kept.get("Russian", "lang").string == "ruscha"  # type: ignore[union-attr]
    assert kept.get("Title") is None


def test_writes_the_same_bytes_again(product: Path) -> None:
    catalogs.main(["extract"])
    path = product / "translations" / "ru" / catalogs.PO
    before = path.read_bytes()
    (product / "__init__.py").write_text(
        '\n\n\ntitle = _l("Title")\nname = lazy_pgettext("lang", "Russian")\n'
    )
    catalogs.main(["extract"])
    assert path.read_bytes() == before


def test_notices_one_word_translated_in_two_ways(product: Path) -> None:
    second = product.parent / "second"
    second.mkdir()
    (second / "__init__.py").write_text('title = _l("Title")\n')
    catalogs.main(["extract"])
    for room, word in ((product, "Sarlavha"), (second, "Nomi")):
        translate(room, "uz", **UZ | {"Title": word})
        translate(room, "ru", **RU)
    catalogs.main(["draft-cyrillic"])
    found = catalogs.check()
    assert len(found) == 2  # in Latin and in the Cyrillic drafted from it
    assert "'Nomi', but 'Sarlavha' in" in found[0]


def test_this_room_is_complete_in_every_language() -> None:
    assert [problem for problem in catalogs.check() if problem.startswith("casework/web/")] == []
