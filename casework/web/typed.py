"""marshmallow fields for what people type: they take form text and JSON values alike and complain in plain words."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Protocol

from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, fields
from marshmallow import missing as missing_

from casework.core import clock
from casework.core.pack import load_pack
from casework.web import wording

ALPHABET_OF = {
    "uz_Latn": "Latn",
    "uz-Latn": "Latn",
    "Latn": "Latn",
    "kaa": "Latn",
    "ar-Latn": "Latn",
    "Cyrl": "Cyrl",
    "uz_Cyrl": "Cyrl",
    "uz-Cyrl": "Cyrl",
    "ru": "Cyrl",
}
"""Script tags of names, and the alphabet that each is written in."""

ALONE = frozenset({"none", "unknown", "not_asked", "declined", "nothing"})
"""Answers that cannot stand beside another one in a list of check boxes."""

EARLIEST_YEAR, LATEST_YEAR = 1900, 2100


def wrong_alphabet(text: str, script: str) -> Any | None:
    """The message for a text that is not in its script, else None. An unlisted script allows every alphabet."""
    alphabet = ALPHABET_OF.get(script)
    if alphabet == "Latn" and not wording.alphabets(text) <= {"Latn"}:
        return _l("Use Latin letters here.")
    if alphabet == "Cyrl" and not wording.alphabets(text) <= {"Cyrl"}:
        return _l("Use Cyrillic letters here.")
    return None


class PartialDate(date):
    """A date of which perhaps only the month or the year is known; the unknown parts stand at 1.

    `precision` is "day", "month" or "year" (data dictionary §1.3, births abroad).
    """

    precision: str

    @classmethod
    def of(cls, year: int, month: int | None = None, day: int | None = None) -> PartialDate:
        """Raises ValueError for a day that the calendar does not have."""
        made = cls(year, month or 1, day or 1)
        made.precision = "day" if day else "month" if month else "year"
        return made


class Typed(fields.Field[Any]):
    """A field that treats blank as not given and tells what is wrong in translated sentences."""

    default_error_messages: dict[str, Any] = {
        "required": _l("Fill in this field."),
        "null": _l("Fill in this field."),
        "validator_failed": _l("Check this field."),
    }

    def make_error(self, key: str, **kwargs: Any) -> ValidationError:
        return ValidationError([str(self.error_messages[key])])

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if value is None or (isinstance(value, str) and not value.strip()):
            value = missing_
        return super().deserialize(value, *args, **kwargs)


def refuse(message: Any) -> ValidationError:
    return ValidationError([str(message)])


def as_text(value: Any) -> str:
    """The text that was typed, tidied; JSON may also send a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise refuse(_l("Write text here."))
    return wording.tidy(str(value))


class Text(Typed):
    """A line or, with `lines`, a paragraph. `name` allows letters only; `script` asks for one alphabet."""

    def __init__(
        self,
        *,
        max_length: int,
        lines: bool = False,
        name: bool = False,
        script: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_length, self.lines, self.name_only, self.script = max_length, lines, name, script

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = as_text(value)
        if wording.has_control_characters(text, lines=self.lines):
            raise refuse(
                _l("This text has characters that cannot be shown. Type it again instead of pasting it.")
            )
        if len(text) > self.max_length:
            raise refuse(
                _l(
                    "Write at most %(limit)s characters. There are %(count)s.",
                    limit=self.max_length,
                    count=len(text),
                )
            )
        if self.name_only:
            text = " ".join(text.split())
            if not wording.is_name_like(text):
                raise refuse(_l("Use letters only: no digits, signs or pictures."))
            if len(wording.alphabets(text)) > 1:
                raise refuse(_l("Use one alphabet in a name, not two."))
            if wording.alphabets(text) == {"Latn"}:
                text = wording.uzbek_apostrophes(text)
        if self.script and (message := wrong_alphabet(text, self.script)):
            raise refuse(message)
        return text


class Secret(Typed):
    """A password: taken as it is, never tidied and never shown again."""

    def __init__(self, *, max_length: int = 1024, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        # Spaces may be a part of it, so blank is not the same as not given.
        return super(Typed, self).deserialize(missing_ if value in ("", None) else value, *args, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str) or len(value) > self.max_length:
            raise refuse(_l("This password is too long."))
        return value


class ValueSet(Protocol):
    """What a field needs of a pack's value set."""

    def choices(self) -> Iterable[tuple[str, Any]]: ...


Choices = (
    str
    | ValueSet
    | list[tuple[str, Any]]
    | tuple[tuple[str, Any], ...]
    | Callable[[], Iterable[tuple[str, Any]]]
)


def choices_of(source: Choices) -> list[tuple[str, Any]]:
    """Keys and labels, asked anew for each request: by name from the country pack, a list, or a function."""
    if isinstance(source, str):
        return list(load_pack().value_set(source).choices())
    if isinstance(source, list | tuple):
        return list(source)
    return list(source() if callable(source) else source.choices())


class Choice(Typed):
    """One key of a set."""

    def __init__(self, source: Choices, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.error_messages["required"] = _l("Choose an answer.")

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if isinstance(value, str) and value in {key for key, _ in choices_of(self.source)}:
            return value
        raise refuse(_l("Choose one of the listed answers."))


class Several(Typed):
    """Any number of keys of a set, without repetition, in the order of the set."""

    def __init__(self, source: Choices, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.error_messages["required"] = _l("Choose at least one answer.")

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super().deserialize(missing_ if value == [] else value, *args, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[str]:
        given = [value] if isinstance(value, str) else value
        known = [key for key, _ in choices_of(self.source)]
        if not isinstance(given, list) or not all(isinstance(key, str) and key in known for key in given):
            raise refuse(_l("Choose only from the listed answers."))
        chosen = [key for key in known if key in given]
        if len(chosen) > 1 and any(key in ALONE for key in chosen):
            raise refuse(_l("“None” and “unknown” cannot be chosen together with another answer."))
        return chosen


_SEPARATOR = r"\s*[./\-, ]\s*"
_DAY = re.compile(rf"(\d{{1,2}}){_SEPARATOR}(\d{{1,2}}){_SEPARATOR}(\d{{4}})", re.ASCII)
_ISO_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_MONTH = re.compile(rf"(\d{{1,2}}){_SEPARATOR}(\d{{4}})", re.ASCII)
_ISO_MONTH = re.compile(r"(\d{4})-(\d{1,2})", re.ASCII)
_YEAR = re.compile(r"(\d{4})", re.ASCII)


def parts_of_date(text: str, *, partial: bool) -> tuple[int, int | None, int | None] | None:
    """Year, month, day as typed (22.11.2026, 22/11/2026, 2026-11-22; with `partial` also 11.2026, 2026), else None."""
    if found := _DAY.fullmatch(text):
        return int(found[3]), int(found[2]), int(found[1])
    if found := _ISO_DAY.fullmatch(text):
        return int(found[1]), int(found[2]), int(found[3])
    if partial and (found := _MONTH.fullmatch(text)):
        return int(found[2]), int(found[1]), None
    if partial and (found := _ISO_MONTH.fullmatch(text)):
        return int(found[1]), int(found[2]), None
    if partial and (found := _YEAR.fullmatch(text)):
        return int(found[1]), None, None
    return None


class Day(Typed):
    """A date. With `allow_partial` it loads to a `PartialDate`, which is a date too."""

    def __init__(
        self, *, not_future: bool = False, not_past: bool = False, allow_partial: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.not_future, self.not_past, self.allow_partial = not_future, not_past, allow_partial

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> date:
        parts = parts_of_date(as_text(value), partial=self.allow_partial)
        if parts is None:
            raise refuse(_l("Write the date as day, month and year, for example 22.11.2026."))
        year, month, day = parts
        if not EARLIEST_YEAR <= year <= LATEST_YEAR:
            raise refuse(_l("Check the year: four digits, for example 2026."))
        if month == 0 or day == 0:
            raise refuse(_l("This day is not in the calendar. Check the day and the month."))
        try:
            found = PartialDate.of(year, month, day)
        except ValueError:
            raise refuse(_l("This day is not in the calendar. Check the day and the month.")) from None
        if self.not_future and found > clock.today():
            raise refuse(_l("This date is in the future. Write today or an earlier day."))
        if self.not_past and date(year, month or 12, day or 28) < clock.today():
            raise refuse(_l("This date has passed. Write today or a later day."))
        return found if self.allow_partial else date(year, found.month, found.day)


class WholeNumber(Typed):
    def __init__(self, *, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high = low, high

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        digits = re.sub(r"[\s\u00a0]", "", as_text(value))
        if not re.fullmatch(r"-?\d{1,18}", digits, re.ASCII):
            raise refuse(_l("Write a whole number in digits."))
        if not self.low <= int(digits) <= self.high:
            raise refuse(_l("Write a number from %(low)s to %(high)s.", low=self.low, high=self.high))
        return int(digits)


class YesNo(Typed):
    """Yes or no. A check box that is not ticked sends nothing, which its `load_default` makes False."""

    _WORDS = {"yes": True, "no": False, "true": True, "false": False}

    def __init__(self, *, must: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.must = must
        self.error_messages["required"] = _l("Choose an answer.")

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        answer = (
            value if isinstance(value, bool) else self._WORDS.get(value if isinstance(value, str) else "")
        )
        if answer is None:
            raise refuse(_l("Choose one of the listed answers."))
        if self.must and not answer:
            raise refuse(_l("Tick this box to go on."))
        return answer


class Reference(Typed):
    """The id of a row that the use case looks up; whether it may be used is the use case's to say."""

    def __init__(self, *, message: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.message = message or _l("Choose one of the listed answers.")
        self.error_messages["required"] = self.message

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> uuid.UUID:
        try:
            return value if isinstance(value, uuid.UUID) else uuid.UUID(as_text(value))
        except ValueError:
            raise refuse(self.message) from None


class Identifier(Typed):
    """A document or personal number: letters and digits. A check digit warns elsewhere, it never blocks here."""

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        number = re.sub(r"\s", "", as_text(value)).upper()
        if not re.fullmatch(r"[^\W_]+(?:[-/№][^\W_]+)*", number):
            raise refuse(_l("Use digits and letters only."))
        if len(number) > self.max_length:
            raise refuse(_l("This number is too long. Check the document."))
        return number


class Phone(Typed):
    """A phone number, loaded as E.164. A number without a country code is one of the pack's country."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        number = re.sub(r"[\s\u00a0().\-\u2010-\u2013]", "", as_text(value))
        rule = load_pack().phone
        if re.fullmatch(rf"\d{{{rule.national_digits}}}", number, re.ASCII):
            number = f"+{rule.country_code}{number}"
        elif re.fullmatch(rf"{rule.country_code}\d{{{rule.national_digits}}}", number, re.ASCII):
            number = f"+{number}"
        own = re.fullmatch(rf"\+{rule.country_code}\d*", number, re.ASCII)
        wrong_length = own and len(number) != 1 + len(rule.country_code) + rule.national_digits
        if wrong_length or not re.fullmatch(r"\+[1-9]\d{6,14}", number, re.ASCII):
            raise refuse(
                _l("Write the phone number with its code, for example %(example)s.", example=rule.example)
            )
        return number
