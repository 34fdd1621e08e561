"""The message catalogs of all rooms: `python -m casework.web.catalogs COMMAND [ROOM …]`.

`extract` brings catalogs up to the code, `draft-cyrillic` fills empty Cyrillic entries by rule, `update` does both,
`compile` writes what the running product reads, `check` finds what is missing or wrong. Each room keeps its own
translations; English is the message id. The country pack keeps those of its value sets, which are compiled and checked
here but written by hand.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from casework.core.pack import PACKS_ROOT
from casework.web.catalog_check import keep_protected, problems_of, texts_of
from casework.web.cyrillic import to_cyrillic

PRODUCT = Path(__file__).resolve().parents[1]
ROOT = PRODUCT.parent
LOCALES = ("uz", "uz_Cyrl", "ru")
PO = Path("LC_MESSAGES") / "messages.po"

KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "_l": None,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
    "lazy_npgettext": ((1, "c"), 2, 3),
}
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2")]
OPTIONS = {"**/templates/**.html": {"silent": "false", "trimmed": "true"}}
# A fixed date: writing a catalog again without new strings changes no byte.
WRITTEN = datetime(2026, 11, 22, tzinfo=UTC)


def rooms() -> list[Path]:
    """The folders of the product that may hold strings, by name."""
    return sorted(folder for folder in PRODUCT.iterdir() if (folder / "__init__.py").is_file())


def catalog_directories() -> list[Path]:
    """Every folder with translations: the rooms', then the country packs'."""
    packs = sorted(folder / "translations" for folder in PACKS_ROOT.iterdir()) if PACKS_ROOT.is_dir() else []
    found = [*(room / "translations" for room in rooms()), *packs]
    return [folder for folder in found if folder.is_dir()]


def _named(names: list[str]) -> list[Path]:
    return [room for room in rooms() if not names or room.name in names]


def strings_of(room: Path) -> Catalog:
    """The messages that a room's code and templates ask for, sorted."""
    ids: dict[tuple[str, str], str | tuple[str, ...]] = {}
    files: dict[tuple[str, str], set[str]] = {}
    for filename, _line, message, _comments, context in extract_from_dir(
        str(room), METHODS, OPTIONS, KEYWORDS
    ):
        single = message if isinstance(message, str) else message[0]
        if not single:
            continue
        key = (context or "", single)
        if key not in ids or not isinstance(message, str):  # a plural form has the singular's entry
            ids[key] = message
        files.setdefault(key, set()).add((room.relative_to(ROOT) / filename).as_posix())
    catalog = Catalog()
    for key in sorted(ids):
        # Files without line numbers: a line added above a string changes no catalog.
        catalog.add(ids[key], locations=[(name, 0) for name in sorted(files[key])], context=key[0] or None)
    return catalog


def read(path: Path, locale: str) -> Catalog:
    """A catalog file; an empty catalog where there is none."""
    if not path.is_file():
        return Catalog(locale=locale)
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def _write(path: Path, catalog: Catalog) -> bool:
    """Writes the catalog if its bytes change; says whether they did."""
    buffer = BytesIO()
    write_po(buffer, catalog, width=110, include_lineno=False, ignore_obsolete=True)
    if path.is_file() and path.read_bytes() == buffer.getvalue():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return True


def _fresh(locale: str) -> Catalog:
    return Catalog(
        locale=locale,
        project="Casework",
        version="1",
        copyright_holder="the Casework contributors",
        msgid_bugs_address="see the project's issue tracker",
        last_translator="the Casework contributors",
        language_team=locale,
        creation_date=WRITTEN,
        revision_date=WRITTEN,
        fuzzy=False,
        header_comment="# Casework: translations of one room. English is the message id.",
    )


def extract(names: list[str]) -> None:
    """Brings the rooms' catalogs up to their code: new strings empty, translations kept, unused strings dropped."""
    for room in _named(names):
        wanted = strings_of(room)
        if not len(wanted):
            continue
        for locale in LOCALES:
            path = room / "translations" / locale / PO
            before, after = read(path, locale), _fresh(locale)
            for message in wanted:
                if not message.id:
                    continue
                known = before.get(_single(message), message.context)
                text = known.string if known is not None and "fuzzy" not in known.flags else None
                if isinstance(message.id, tuple | list) and not isinstance(text, tuple | list):
                    text = (text or "",) * after.num_plurals
                elif isinstance(message.id, str) and isinstance(text, tuple | list):
                    text = text[0]
                after.add(message.id, text, locations=message.locations, context=message.context)
            if _write(path, after):
                _say(
                    f"{path.relative_to(ROOT)}: {len(after)} strings, {len(list(_empty(after)))} to translate"
                )


def _single(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _empty(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id and not all(texts_of(message)))


def draft_cyrillic(names: list[str]) -> None:
    """Fills what is empty in the Uzbek Cyrillic catalogs from the Latin ones, by rule; a person reads it afterwards."""
    for room in _named(names):
        path = room / "translations" / "uz_Cyrl" / PO
        if not path.is_file():
            continue
        latin, catalog = read(room / "translations" / "uz" / PO, "uz"), read(path, "uz_Cyrl")
        drafted = 0
        for message in list(_empty(catalog)):
            source = latin.get(_single(message), message.context)
            if source is None or not all(texts_of(source)):
                continue
            texts = [keep_protected(text, to_cyrillic) for text in texts_of(source)]
            message.string = texts[0] if isinstance(message.id, str) else tuple(texts)
            drafted += 1
        if drafted and _write(path, _rewritten(catalog)):
            _say(f"{path.relative_to(ROOT)}: {drafted} drafted")


def _rewritten(catalog: Catalog) -> Catalog:
    fresh = _fresh(str(catalog.locale))
    for message in catalog:
        if message.id:
            fresh.add(message.id, message.string, locations=message.locations, context=message.context)
    return fresh


def compile_all() -> None:
    """Writes the .mo beside each .po that is newer."""
    for folder in catalog_directories():
        for source in sorted(folder.glob(f"*/{PO.as_posix()}")):
            target = source.with_suffix(".mo")
            if target.is_file() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
                continue
            catalog = read(source, source.parents[1].name)
            unfinished = target.with_suffix(".mo.new")
            with unfinished.open("wb") as file:
                write_mo(file, catalog)
            unfinished.replace(target)  # at once, so that a server that starts meanwhile reads a whole file


def check() -> list[str]:
    """Everything that is wrong with the catalogs, one sentence each."""
    problems: list[str] = []
    seen: dict[tuple[str, str, str], tuple[str, str]] = {}
    wanted = {room / "translations": strings_of(room) for room in rooms()}
    for folder in sorted({*catalog_directories(), *(f for f, strings in wanted.items() if len(strings))}):
        for locale in LOCALES:
            path = folder / locale / PO
            where = path.relative_to(ROOT).as_posix()
            if not path.is_file():
                problems.append(f"{where}: is missing; run extract")
                continue
            catalog = read(path, locale)
            problems += [f"{where}: {problem}" for problem in problems_of(catalog, locale)]
            if folder in wanted:
                problems += [f"{where}: {problem}" for problem in _stale(wanted[folder], catalog)]
            for message in catalog:
                if not message.id or not all(texts_of(message)):
                    continue
                key, text = (locale, message.context or "", _single(message)), texts_of(message)[0]
                other, before = seen.setdefault(key, (where, text))
                if before != text:
                    problems.append(f"{where}: {_single(message)!r} is {text!r}, but {before!r} in {other}")
    return problems


def _stale(wanted: Catalog, catalog: Catalog) -> Iterator[str]:
    code = {(message.context or "", _single(message)) for message in wanted if message.id}
    listed = {(message.context or "", _single(message)) for message in catalog if message.id}
    for _context, text in sorted(code - listed):
        yield f"{text!r} is in the code but not here; run extract"
    for _context, text in sorted(listed - code):
        yield f"{text!r} is no longer in the code; run extract"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(arguments: list[str] | None = None) -> int:
    """The command line; exit code 1 when `check` found something."""
    parser = argparse.ArgumentParser(prog="python -m casework.web.catalogs", description=__doc__)
    parser.add_argument("command", choices=("extract", "draft-cyrillic", "update", "compile", "check"))
    parser.add_argument("rooms", nargs="*", help="only these rooms (extract, draft-cyrillic, update)")
    given = parser.parse_args(arguments)
    command, names = given.command, given.rooms
    if command in ("extract", "update"):
        extract(names)
    if command in ("draft-cyrillic", "update"):
        draft_cyrillic(names)
    if command == "compile":
        compile_all()
    if command == "check":
        problems = check()
        if problems:
            sys.stderr.write("\n".join([*problems, f"{len(problems)} problems in the catalogs\n"]))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
