"""The search document of one person: analysed names and the birth date, as bytes to be sealed."""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date

from casework.vault.names.spelling import LONGEST_NAME, VERSION, Word, analyse, keys

# ASCII's own record and unit separators. No name can hold one: `_written` replaces control characters.
_ROW, _FIELD = "\x1e", "\x1f"


class StaleDocumentError(ValueError):
    """The bytes were made by rules of another version, or are no document: prepare the person's again."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person to be found. `key`: whatever the caller knows them by. `names`: each a full name as written."""

    key: Hashable
    names: tuple[str, ...]
    birth_date: date | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """One full name: as `written`, and its `words` analysed."""

    written: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What search needs of one person. Its bytes hold no `key`: the row they are sealed in has it."""

    key: Hashable
    names: tuple[Name, ...]
    birth_date: date | None = None

    def to_bytes(self) -> bytes:
        """A few tens of bytes per name; starts with the rules' version."""
        rows = [str(VERSION), self.birth_date.isoformat() if self.birth_date else ""]
        for name in self.names:
            fields = [name.written]
            for each in name.words:
                fields += (each.form, each.skeleton, "p" if each.patronymic else "")
            rows.append(_FIELD.join(fields))
        return _ROW.join(rows).encode()

    @classmethod
    def from_bytes(cls, data: bytes, key: Hashable) -> Document:
        """The document for the person `key`. Raises `StaleDocumentError` unless this version's rules made it."""
        try:
            version, born, *rows = data.decode().split(_ROW)
            if version != str(VERSION):
                raise StaleDocumentError(f"search document of version {version[:8]!r}, rules are {VERSION}")
            names = []
            for row in rows:
                written, *rest = row.split(_FIELD)
                words = zip(rest[::3], rest[1::3], rest[2::3], strict=True)
                names.append(
                    Name(written, tuple([analyse(form, bones, p == "p") for form, bones, p in words]))
                )
            return cls(key, tuple(names), date.fromisoformat(born) if born else None)
        except StaleDocumentError:
            raise
        except ValueError as error:
            raise StaleDocumentError("not a search document") from error

    @classmethod
    def of_any_version(cls, data: bytes, key: Hashable) -> Document:
        """The document under today's rules, from bytes that any version made: the names as written are in each."""
        try:
            return cls.from_bytes(data, key)
        except StaleDocumentError:
            try:
                _version, born, *rows = data.decode().split(_ROW)
                names = tuple(row.split(_FIELD)[0] for row in rows)
                return prepare(Candidate(key, names, date.fromisoformat(born) if born else None))
            except ValueError as error:
                raise StaleDocumentError("not a search document") from error


def _written(text: str) -> str:
    # Lone surrogates cannot be encoded; they come only from broken input.
    clean = "".join(" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in text[:LONGEST_NAME])
    return clean.strip()


def prepare(candidate: Candidate | str) -> Document:
    """The search document of a candidate. A plain string is its own key. Never raises for any text."""
    if isinstance(candidate, str):
        candidate = Candidate(candidate, (candidate,))
    names = tuple(Name(_written(name), keys(name)) for name in candidate.names)
    return Document(candidate.key, names, candidate.birth_date)
