"""Factories for the fields of input schemas. Each makes a marshmallow field that also knows how to show itself.

Every factory takes the label first and these options: `required`, `hint`, `section` (a heading that begins with this
field), `when=(other_field, value)` (asked only with that answer; else neither shown by scripts nor loaded) and `width`
in characters. A field that is not required and not given loads to None (lists to [], tick boxes to False), so a loaded
dict has every field. Labels and messages are lazy: the language is that of the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict, Unpack

from flask_babel import lazy_gettext as _l
from marshmallow import RAISE, Schema, ValidationError, pre_load, validates_schema
from marshmallow.fields import Field

from casework.web import typed
from casework.web.typed import Choices, PartialDate, choices_of, wrong_alphabet

__all__ = [
    "Choices",
    "FormSchema",
    "PartialDate",
    "checkbox",
    "choice",
    "choices",
    "choices_of",
    "day",
    "hidden",
    "identifier",
    "name_part",
    "password",
    "phone",
    "place",
    "reference",
    "text",
    "whole_number",
    "yes_no",
]


class Options(TypedDict, total=False):
    """What every factory takes beside its own arguments."""

    required: bool
    hint: Any
    section: Any
    when: tuple[str, Any]
    width: int
    autocomplete: str


def _asked(options: Options, widget: str, label: Any, **more: Any) -> dict[str, Any]:
    """marshmallow's arguments for a field: whether it is required, and all that the page needs to know of it.

    A field under `when` is required only where it is asked, so the schema, not the field, checks that.
    """
    required, when = options.get("required", False), options.get("when")
    empty = more.pop("empty", None)
    metadata = {"widget": widget, "label": label, "required": required, **options, **more}
    metadata.setdefault("autocomplete", "off")
    if required and not when:
        return {"required": True, "metadata": metadata}
    return {"required": False, "allow_none": True, "load_default": empty, "metadata": metadata}


def text(
    label: Any,
    *,
    max_length: int = 200,
    script: str | None = None,
    rows: int | None = None,
    inputmode: str | None = None,
    **options: Unpack[Options],
) -> Field[Any]:
    """A line, or with `rows` a paragraph with a character count. `script` ("uz_Latn", "Cyrl") asks for one alphabet."""
    widget = "textarea" if rows else "text"
    more = {"max_length": max_length, "rows": rows, "inputmode": inputmode}
    return typed.Text(
        max_length=max_length, lines=bool(rows), script=script, **_asked(options, widget, label, **more)
    )


def name_part(
    label: Any,
    *,
    max_length: int = 80,
    script: str | None = None,
    script_from: str | None = None,
    **options: Unpack[Options],
) -> Field[Any]:
    """A part of a person's name: letters of one alphabet, hyphens, apostrophes (Uzbek ones are made canonical).

    `script_from` names the field that holds the script tag; the alphabet is then checked against its answer.
    """
    more = {"max_length": max_length, "script_from": script_from, "spellcheck": False}
    return typed.Text(
        max_length=max_length, name=True, script=script, **_asked(options, "text", label, **more)
    )


def choice(
    label: Any,
    value_set: Choices,
    *,
    widget: Literal["radios", "select"] = "radios",
    inline: bool = False,
    **options: Unpack[Options],
) -> Field[Any]:
    """One key of a value set: its name in the country pack, a list of (key, label), or a function that gives one."""
    return typed.Choice(value_set, **_asked(options, widget, label, source=value_set, inline=inline))


def choices(label: Any, value_set: Choices, **options: Unpack[Options]) -> Field[Any]:
    """Several keys of a value set, loaded as a list in the order of the set."""
    return typed.Several(value_set, **_asked(options, "checkboxes", label, source=value_set, empty=list))


def day(
    label: Any,
    *,
    not_future: bool = False,
    not_past: bool = False,
    allow_partial: bool = False,
    **options: Unpack[Options],
) -> Field[Any]:
    """A date in one text input: 22.11.2026, 22/11/2026 or 2026-11-22; loads to `datetime.date`.

    With `allow_partial` also 11.2026 and 2026; loads to `PartialDate`, a date that knows its `precision`.
    """
    if "hint" not in options:
        options["hint"] = (
            _l("For example, 22.11.2010. If the day is not known: 11.2010 or 2010.")
            if allow_partial
            else _l("For example, 22.11.2026")
        )
    options.setdefault("width", 10)
    return typed.Day(
        not_future=not_future,
        not_past=not_past,
        allow_partial=allow_partial,
        **_asked(options, "date", label),
    )


def whole_number(
    label: Any, *, low: int = 0, high: int = 1_000_000, **options: Unpack[Options]
) -> Field[Any]:
    """A whole number within bounds."""
    options.setdefault("width", 5)
    return typed.WholeNumber(low=low, high=high, **_asked(options, "text", label, inputmode="numeric"))


def yes_no(label: Any, **options: Unpack[Options]) -> Field[Any]:
    """Two radio buttons; loads to True, False, or None when it is not required and nothing was chosen."""
    return typed.YesNo(**_asked(options, "radios", label, source=_yes_and_no, inline=True))


def checkbox(label: Any, *, must: bool = False, **options: Unpack[Options]) -> Field[Any]:
    """One tick box; loads to True or False. With `must` it has to be ticked."""
    if must:
        options["required"] = True
    field = typed.YesNo(must=must, **_asked(options, "checkbox", label, empty=False))
    if must:
        field.error_messages["required"] = _l("Tick this box to go on.")
    return field


def place(label: Any, *, level: str | None = None, **options: Unpack[Options]) -> Field[Any]:
    """The id of a place, chosen in the tree or by part of its name; with `level` only a place of that level."""
    return typed.Reference(
        message=_l("Choose a place from the list."), **_asked(options, "place", label, level=level)
    )


def reference(
    label: Any,
    source: Choices,
    *,
    widget: Literal["radios", "select"] = "select",
    **options: Unpack[Options],
) -> Field[Any]:
    """The id of one of the rows that `source` offers to this actor; a forged id is the use case's to refuse."""
    return typed.Reference(**_asked(options, widget, label, source=source))


def identifier(
    label: Any, *, max_length: int = 32, digits_only: bool = False, **options: Unpack[Options]
) -> Field[Any]:
    """A document or personal number; loads without spaces, in capitals."""
    inputmode = "numeric" if digits_only else None
    options.setdefault("width", 20)
    more = {"inputmode": inputmode, "spellcheck": False}
    return typed.Identifier(max_length=max_length, **_asked(options, "text", label, **more))


def phone(label: Any, **options: Unpack[Options]) -> Field[Any]:
    """A phone number; loads as E.164, like +998901234567."""
    options.setdefault("width", 20)
    return typed.Phone(**_asked(options, "text", label, inputmode="tel"))


def password(label: Any, **options: Unpack[Options]) -> Field[Any]:
    """A password, exactly as typed, never shown again. Say `autocomplete`: current-password or new-password."""
    options.setdefault("autocomplete", "current-password")
    return typed.Secret(**_asked(options, "password", label))


def hidden(*, max_length: int = 200) -> Field[Any]:
    """A value that the page carries along."""
    return typed.Text(max_length=max_length, **_asked({}, "hidden", ""))


def _yes_and_no() -> list[tuple[str, Any]]:
    return [("yes", _l("Yes")), ("no", _l("No"))]


class FormSchema(Schema):
    """The base of every input schema: unknown fields are refused, conditional fields follow their condition."""

    class Meta:
        unknown = RAISE

    error_messages = {
        "unknown": _l("Something was sent that this page does not ask for."),
        "type": _l("The input has the wrong form."),
    }

    @pre_load
    def _leave_out_what_is_not_asked(self, data: Any, **_kwargs: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        asked = dict(data)
        for name, field in self.load_fields.items():
            if not self._is_asked(field, asked):
                asked.pop(name, None)
        return asked

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _require_what_is_asked(self, data: Any, original: Any, **_kwargs: Any) -> None:
        if not isinstance(data, Mapping) or not isinstance(original, Mapping):
            return
        errors: dict[str, list[str]] = {}
        for name, field in self.load_fields.items():
            asked = field.metadata
            if asked.get("when") and asked.get("required") and self._is_asked(field, original):
                if name in data and data[name] in (None, [], False):
                    errors[name] = [str(field.error_messages["required"])]
            script = data.get(asked["script_from"]) if asked.get("script_from") else None
            if script and isinstance(data.get(name), str) and (wrong := wrong_alphabet(data[name], script)):
                errors[name] = [str(wrong)]
        if errors:
            raise ValidationError(errors)

    @staticmethod
    def _is_asked(field: Field[Any], data: Mapping[str, Any]) -> bool:
        if not field.metadata.get("when"):
            return True
        other, wanted = field.metadata["when"]
        given = data.get(other)
        spoken = {True: "yes", False: "no"}
        if isinstance(given, list):
            return wanted in given
        return bool(spoken.get(given, given) == spoken.get(wanted, wanted)) if given is not None else False
