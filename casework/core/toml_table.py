"""A TOML file read strictly: every key is asked for, or it is an error that names the file and the key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar, cast

_T = TypeVar("_T")


class TomlTable:
    """A TOML table that is read to the end: every get takes its key away, and `done` refuses what is left.

    Every method raises ValueError, with the file and the dotted key, for a key that is missing, unknown or of
    another type.
    """

    def __init__(self, data: dict[str, object], file: Path, path: str = "") -> None:
        self._data = dict(data)
        self._file = file
        self._path = path

    @classmethod
    def of_file(cls, file: Path) -> TomlTable:
        try:
            return cls(tomllib.loads(file.read_text(encoding="utf-8")), file)
        except (OSError, ValueError) as error:
            raise ValueError(f"{file}: cannot be read: {error}") from error

    def error(self, key: str, problem: str) -> ValueError:
        return ValueError(f"{self._file}: {self._path}{key} {problem}")

    def names(self) -> tuple[str, ...]:
        return tuple(self._data)

    def _take(self, key: str, kind: type[_T], default: _T | None = None, /) -> _T:
        if key not in self._data:
            if default is None:
                raise self.error(key, "is missing")
            return default
        value = self._data.pop(key)
        # bool is an int to Python, but `months = true` is a mistake.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.error(key, f"must be of type {kind.__name__}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        return self._take(key, str, default)

    def flag(self, key: str, default: bool | None = None) -> bool:
        return self._take(key, bool, default)

    def number(self, key: str) -> int:
        value = self._take(key, int)
        if value < 0:
            raise self.error(key, "must not be negative")
        return value

    def optional_text(self, key: str) -> str | None:
        return self.text(key) if key in self._data else None

    def optional_number(self, key: str) -> int | None:
        return self.number(key) if key in self._data else None

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in allowed:
            raise self.error(key, f"is {value!r}, not one of {', '.join(allowed)}")
        return value

    def items(self, key: str, kind: type[_T]) -> tuple[_T, ...]:
        values = self._take(key, list)
        if not all(isinstance(value, kind) for value in values):
            raise self.error(key, f"must be a list of {kind.__name__}")
        return tuple(values)

    def references(self, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
        """A list of text whose items must all be in `known`."""
        values = self.items(key, str)
        for value in values:
            if value not in known:
                raise self.error(key, f"refers to {value!r}, which is not there")
        return values

    def table(self, key: str) -> TomlTable:
        return TomlTable(self._take(key, dict), self._file, f"{self._path}{key}.")

    def optional_table(self, key: str) -> TomlTable:
        return TomlTable(self._take(key, dict, {}), self._file, f"{self._path}{key}.")

    def tables(self, key: str) -> tuple[TomlTable, ...]:
        rows = cast("tuple[dict[str, object], ...]", self.items(key, dict))
        return tuple(
            TomlTable(row, self._file, f"{self._path}{key}[{index}].") for index, row in enumerate(rows)
        )

    def exactly(self, expected: tuple[str, ...]) -> tuple[str, ...]:
        """Refuses a table whose keys are not the expected ones; gives them in the expected order."""
        for name in self._data:
            if name not in expected:
                raise self.error(name, "is an unknown key")
        for name in expected:
            if name not in self._data:
                raise self.error(name, "is missing")
        return expected

    def done(self) -> None:
        for name in self._data:
            raise self.error(name, "is an unknown key")
