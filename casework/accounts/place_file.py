"""Reads a register of places from CSV, row by row, and says of each wrong row what is wrong with it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from casework.core.errors import InvalidInput
from casework.web.wording import has_control_characters, tidy, uzbek_apostrophes

COLUMNS = ("code", "parent_code", "level", "name_uz", "name_ru", "name_en")
LONGEST = {"code": 32, "parent_code": 32, "level": 16, "name_uz": 200, "name_ru": 200, "name_en": 200}
MOST_BYTES = 256 * 1024 * 1024


class WrongFile(InvalidInput):
    """This is no register of places at all. The message says why, in one sentence."""

    code = "wrong_file"

    def __init__(self, sentence: str) -> None:
        super().__init__({"_form": [sentence]})


@dataclass(frozen=True)
class RegisterRow:
    """One unit as the file has it. `line` is its line in the file."""

    line: int
    code: str
    parent_code: str
    level: str
    name_uz: str
    name_ru: str | None
    name_en: str | None


@dataclass(frozen=True)
class RowError:
    """What is wrong with a line."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


def read_register(path: Path, levels: Sequence[str]) -> Iterator[RegisterRow | RowError]:
    """Every row of the file, or what is wrong with it. `WrongFile` when the file is not such a register.

    `levels` are the levels of the tree from the top down.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise WrongFile(f"The file {path} is too large for a register of places.")
        with path.open("rb") as file:
            yield from _rows(path, file, levels)
    except OSError as problem:
        raise WrongFile(f"The file {path} cannot be read: {problem.strerror}.") from problem


def _rows(path: Path, file: BinaryIO, levels: Sequence[str]) -> Iterator[RegisterRow | RowError]:
    start = file.read(4096)
    file.seek(0)
    if not start.strip():
        raise WrongFile(f"The file {path} is empty.")
    if b"\0" in start:
        raise WrongFile(f"The file {path} is not a CSV file.")
    with io.TextIOWrapper(file, encoding="utf-8-sig", errors="strict", newline="") as text:
        yield from _parsed(path, csv.reader(text, strict=True), levels)


def _parsed(path: Path, reader: Any, levels: Sequence[str]) -> Iterator[RegisterRow | RowError]:
    try:
        header = [name.strip() for name in next(reader)]
        if header != list(COLUMNS):
            if not set(COLUMNS) & set(header):
                raise WrongFile(
                    f"The file {path} is not a register of places: its first line must be {','.join(COLUMNS)}."
                )
            wrong = ", ".join(
                [
                    *(name for name in COLUMNS if name not in header),
                    *(name for name in header if name not in COLUMNS),
                ]
            )
            raise WrongFile(
                f"The columns of {path} must be {','.join(COLUMNS)}; check: {wrong or 'their order'}."
            )
        before = reader.line_num
        rows = 0
        for cells in reader:
            line, before = before + 1, reader.line_num
            if cells:
                rows += 1
                yield _row(line, cells, levels)
        if not rows:
            raise WrongFile(f"The file {path} has no rows.")
    except UnicodeDecodeError as problem:
        raise WrongFile(f"The file {path} is not UTF-8 text (near line {reader.line_num + 1}).") from problem
    except csv.Error as problem:
        raise WrongFile(
            f"The file {path} is not a CSV file (line {reader.line_num}: {problem})."
        ) from problem


def _row(line: int, cells: list[str], levels: Sequence[str]) -> RegisterRow | RowError:
    if len(cells) != len(COLUMNS):
        return RowError(line, f"has {len(cells)} columns, not {len(COLUMNS)}")
    values = {name: tidy(cell) for name, cell in zip(COLUMNS, cells, strict=True)}
    for name, value in values.items():
        if has_control_characters(value, lines=False):
            return RowError(line, f"{name} has characters that cannot be shown")
        if len(value) > LONGEST[name]:
            return RowError(line, f"{name} has {len(value)} characters, at most {LONGEST[name]} are allowed")
    if not values["code"] or not values["code"].isascii() or not values["code"].replace("-", "").isalnum():
        return RowError(line, "code must be letters and digits")
    if values["level"] not in levels:
        return RowError(line, f"level {values['level']!r} is not one of {', '.join(levels)}")
    if not any(character.isalnum() for character in values["name_uz"]):
        return RowError(line, "name_uz is empty")
    if (values["level"] == levels[0]) != (not values["parent_code"]):
        return RowError(line, f"parent_code must be empty for a {levels[0]}, and only there")
    return RegisterRow(
        line=line,
        code=values["code"],
        parent_code=values["parent_code"],
        level=values["level"],
        name_uz=uzbek_apostrophes(values["name_uz"]),
        name_ru=values["name_ru"] or None,
        name_en=values["name_en"] or None,
    )
