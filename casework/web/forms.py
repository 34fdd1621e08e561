"""A form: a schema bound to what a person typed. Views parse with it, templates render it; nothing typed is lost."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeVar

from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf
from marshmallow import Schema, ValidationError
from marshmallow.fields import Field
from werkzeug.datastructures import MultiDict

from casework.core.errors import InvalidInput, StaleVersion
from casework.core.unit_of_work import rollback
from casework.web import places, typed
from casework.web.fields import choices_of

Result = TypeVar("Result")

FORM_ERROR = "_form"
CARRIED = ("csrf_token", "form_key", "version", "lang")
"""Names that travel in every form or address beside the schema's own fields."""


def as_typed(value: Any) -> str:
    """A stored value as a person would have typed it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date) and not isinstance(value, datetime):
        pattern = {"year": "%Y", "month": "%m.%Y"}.get(getattr(value, "precision", "day"), "%d.%m.%Y")
        return value.strftime(pattern)
    return str(value)


class BoundField:
    """One field of a form as a page shows it. `id` equals the field's name, so an error can link to it."""

    def __init__(self, form: Form, name: str, field: Field[Any]) -> None:
        self.form, self.name, self.id, self.field = form, name, name, field
        self.metadata = field.metadata
        self.widget: str = self.metadata.get("widget", "text")

    @property
    def label(self) -> str:
        return str(self.metadata.get("label", self.name))

    @property
    def hint(self) -> str | None:
        hint = self.metadata.get("hint")
        return str(hint) if hint else None

    @property
    def section(self) -> str | None:
        section = self.metadata.get("section")
        return str(section) if section else None

    @property
    def required(self) -> bool:
        return bool(self.metadata.get("required", self.field.required))

    @property
    def autocomplete(self) -> str:
        return str(self.metadata.get("autocomplete", "off"))

    @property
    def inputmode(self) -> str | None:
        return self.metadata.get("inputmode")

    @property
    def max_length(self) -> int | None:
        return self.metadata.get("max_length")

    @property
    def rows(self) -> int | None:
        return self.metadata.get("rows")

    @property
    def width(self) -> int | None:
        return self.metadata.get("width")

    @property
    def inline(self) -> bool:
        return bool(self.metadata.get("inline"))

    @property
    def level(self) -> str | None:
        return self.metadata.get("level")

    @property
    def spellcheck(self) -> bool | None:
        return self.metadata.get("spellcheck")

    @property
    def when(self) -> tuple[str, str] | None:
        """The other field and its answer under which this one is asked."""
        when = self.metadata.get("when")
        return (when[0], as_typed(when[1])) if when else None

    @cached_property
    def choices(self) -> list[tuple[str, str]]:
        source = self.metadata.get("source")
        return [(str(key), str(label)) for key, label in choices_of(source)] if source is not None else []

    @property
    def values(self) -> list[str]:
        """The chosen keys of check boxes."""
        return self.form.raw(self.name)

    @property
    def value(self) -> str:
        """What was typed, verbatim even when wrong; else the initial value. A password is never given back."""
        if self.widget == "password":
            return ""
        found = self.form.raw(self.name)
        return found[0] if found else ""

    @property
    def errors(self) -> list[str]:
        return self.form.errors.get(self.name, [])

    @property
    def error(self) -> str | None:
        return " ".join(self.errors) or None

    @property
    def place(self) -> places.Picker:
        """The state of the place picker."""
        return places.Picker(
            self.name, self.value, self.form.raw(f"_{self.name}_part"), self.form.step, self.level
        )

    def revealed_by(self, key: str) -> list[BoundField]:
        """The fields that are asked only with this answer."""
        return [field for field in self.form if field.when == (self.name, key)]

    @property
    def reveals(self) -> bool:
        """Whether further fields stand under some answer of this one."""
        return any(field.when is not None and field.when[0] == self.name for field in self.form)

    @property
    def alone(self) -> frozenset[str]:
        """Answers that a script unticks beside another one."""
        return typed.ALONE

    @property
    def counting(self) -> dict[str, Any]:
        """The texts of the character count; the script puts its number where %{count} stands."""
        left, over = (
            _("Characters left: %(count)s", count="%{count}"),
            _("Characters too many: %(count)s", count="%{count}"),
        )
        every = ("one", "few", "many", "other")
        return {
            "described": _("At most %(count)s characters.", count=self.max_length),
            "none_left": _("No characters left"),
            "left": dict.fromkeys(every, left),
            "over": dict.fromkeys(every, over),
        }

    def readable(self, value: Any) -> str:
        """A value in words: labels for keys."""
        labels: dict[str, str] = dict(self.choices)
        if isinstance(value, list | tuple | set | frozenset):
            return ", ".join(labels.get(str(key), str(key)) for key in value)
        if self.widget == "checkbox":
            return str(_("Yes") if value in (True, "yes") else _("No"))
        if self.widget == "place" and value:
            return places.path_of(value)
        text = as_typed(value)
        return labels.get(text, text)

    @property
    def theirs(self) -> str | None:
        """The saved value in words, where somebody saved meanwhile and it differs from what was typed here."""
        if not self.form.stale or self.name not in self.form.theirs or self.widget in ("password", "hidden"):
            return None
        saved = self.readable(self.form.theirs[self.name])
        return None if saved == self.mine else saved

    @property
    def mine(self) -> str:
        """What was typed here, in words."""
        return self.readable(self.values if self.widget == "checkboxes" else self.value)


class Form:
    """`formdata` is what was posted (None on the first showing), `initial` the values to begin with.

    `version` is the version that the shown values have; it travels with the form. `theirs` are saved values to show
    beside the typed ones. Iterating gives the fields in the schema's order.
    """

    def __init__(
        self,
        schema: Schema,
        formdata: MultiDict[str, str] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
        version: int | None = None,
        theirs: Mapping[str, Any] | None = None,
    ) -> None:
        self.schema = schema
        self.formdata = formdata
        self.initial = dict(initial or {})
        self.errors: dict[str, list[str]] = {}
        self.theirs: dict[str, Any] = dict(theirs or {})
        self.stale = theirs is not None
        self.version = version if version is not None else self._posted_version()
        self._fields = {name: BoundField(self, name, field) for name, field in schema.load_fields.items()}

    def __iter__(self) -> Iterator[BoundField]:
        return iter(self._fields.values())

    def __getitem__(self, name: str) -> BoundField:
        return self._fields[name]

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def raw(self, name: str) -> list[str]:
        """The texts under this name: typed ones if the form was sent, else the initial ones."""
        if self.formdata is not None:
            return self.formdata.getlist(name)
        value = self.initial.get(name)
        if isinstance(value, list | tuple | set | frozenset):
            return [as_typed(each) for each in value]
        return [as_typed(value)] if value is not None else []

    def _posted_version(self) -> int | None:
        text = self.formdata.get("version", "") if self.formdata is not None else ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

    @property
    def step(self) -> str | None:
        """The step inside the page that was asked for (walking the place tree), instead of sending the form."""
        return self.formdata.get("_step") or None if self.formdata is not None else None

    @property
    def given(self) -> bool:
        """Whether anything was typed or chosen: a panel of filters stands open then."""
        return any(text for field in self for text in self.raw(field.name))

    @property
    def status(self) -> int:
        """The HTTP status that a page with this form should have."""
        return 409 if self.stale else 422 if self.errors else 200

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """Names and values that travel unseen: CSRF token, idempotency key, version, hidden fields of the schema."""
        unseen = [("csrf_token", generate_csrf()), ("form_key", self.form_key)]
        if self.version is not None:
            unseen.append(("version", str(self.version)))
        seen = {"version"}
        return unseen + [(f.name, f.value) for f in self if f.widget == "hidden" and f.name not in seen]

    @cached_property
    def form_key(self) -> str:
        """One per form that was opened: posting it twice does its work once."""
        posted = self.formdata.get("form_key", "") if self.formdata is not None else ""
        try:
            return str(uuid.UUID(posted))
        except ValueError:
            return str(uuid.uuid4())

    @property
    def error_summary(self) -> list[dict[str, str]]:
        """Every error with the link to its field, for the box on top of the page."""
        lines = [{"text": message} for message in self.errors.get(FORM_ERROR, [])]
        for field in self:
            lines += [
                {"text": f"{field.label}: {message}", "href": f"#{field.id}"} for message in field.errors
            ]
        return lines

    def add_error(self, name: str, message: Any) -> None:
        """Adds one message at a field, or at the whole form when it has no such field."""
        found = self.errors.setdefault(name if name in self._fields else FORM_ERROR, [])
        if str(message) not in found:
            found.append(str(message))

    def load(self) -> dict[str, Any]:
        """The clean values of all fields. Raises InvalidInput with one list of messages per field."""
        if twice := [name for name in self._fields if self._sent_differently(name)]:
            raise InvalidInput({name: [self.schema.error_messages["type"]] for name in twice})
        try:
            loaded: dict[str, Any] = self.schema.load(self._given())
        except ValidationError as problem:
            found = problem.messages if isinstance(problem.messages, dict) else {"_schema": problem.messages}
            raise InvalidInput(_flat(found)) from problem
        return loaded

    def _sent_differently(self, name: str) -> bool:
        """Whether a field that takes one value was sent with several: which one was meant, nobody knows."""
        if self.formdata is None or isinstance(self.schema.load_fields[name], typed.Several):
            return False
        return len(set(self.formdata.getlist(name))) > 1

    def _given(self) -> dict[str, Any]:
        given: dict[str, Any] = {}
        posted = self.formdata if self.formdata is not None else MultiDict[str, str]()
        for name in posted:
            if name.startswith("_") or (name in CARRIED and name not in self._fields):
                continue
            field = self.schema.load_fields.get(name)
            given[name] = posted.getlist(name) if isinstance(field, typed.Several) else posted[name]
        return given

    def submit(self, use_case: Callable[..., Result], *args: Any) -> Result | None:
        """Loads, calls `use_case(*args, data)` and gives its result; None when the form must be shown again.

        Wrong input keeps its errors, a newer saved version its values in `theirs`; nothing is stored then. A button
        that only walks the place tree (`step`) sends nothing.
        """
        try:
            if self.step:
                raise InvalidInput({})
            data = self.load()
        except InvalidInput as problem:
            if refused := getattr(use_case, "refused", None):
                refused("form_step" if self.step else "invalid_input", *args)
            self._refuse(problem)
            return None
        try:
            return use_case(*args, data)
        except InvalidInput as problem:
            self._refuse(problem)
        except StaleVersion as problem:
            rollback()
            self.stale, self.theirs, self.version = True, dict(problem.theirs), problem.version
        return None

    def _refuse(self, problem: InvalidInput) -> None:
        rollback()
        for name, messages in problem.errors.items():
            for message in messages:
                self.add_error(name, message)


def _flat(messages: Mapping[str, Any]) -> dict[str, list[str]]:
    """marshmallow's messages with one list of texts per field."""
    flat: dict[str, list[str]] = {}
    for name, found in messages.items():
        key = FORM_ERROR if name == "_schema" else str(name)
        flat.setdefault(key, []).extend(dict.fromkeys(_texts(found)))
    return flat


def _texts(found: Any) -> Iterator[str]:
    if isinstance(found, Mapping):
        for each in found.values():
            yield from _texts(each)
    elif isinstance(found, list | tuple):
        for each in found:
            yield from _texts(each)
    else:
        yield str(found)
