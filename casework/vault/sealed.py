"""Sealed columns: a model's field that is an envelope in the database and a lazy `Secret` in memory.

    class Person(Sealing, Model):
        __subject__ = "id"
        surname = Sealed("person.surname", Compartment.CORE, "C2")

Setting the field seals the value at once under the subject's key, bound to field, row and subject. Reading it gives a
`Secret` that opens only inside the current Grant.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any, Literal, NoReturn, Self, overload

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask.json.provider import DefaultJSONProvider
from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy import Dialect, Insert, LargeBinary, Table, Update, event
from sqlalchemy.orm import ORMExecuteState, Session, mapped_column

from casework.vault.envelope import dek_version_of, is_envelope, open_envelope, seal
from casework.vault.grant import Compartment, Grant, NotGranted, SealedError, current_grant
from casework.vault.keys import key_ring
from casework.vault.providers import KeyProblem

log = logging.getLogger("casework.vault")

DOTS = "•••"

type_of_compartment = Compartment | Callable[[Any], Compartment]


class Secret:
    """A sealed value that has not been opened. It shows nothing: not in a repr, a log line, JSON or a pickle.

    A template prints it when the Grant allows and prints dots when not; `reveal()` gives the value or raises.
    """

    __slots__ = ("_compartment", "_envelope", "_field", "_row", "_subject")

    def __init__(
        self, envelope: bytes, field: str, row: uuid.UUID, subject: uuid.UUID, compartment: Compartment
    ) -> None:
        self._envelope = envelope
        self._field = field
        self._row = row
        self._subject = subject
        self._compartment = compartment

    def reveal(self) -> Any:
        """The value. `NotGranted` outside the Grant, `SealedError` when it cannot be opened."""
        grant = current_grant()
        if grant is None:
            raise NotGranted(f"{self._field} is not granted here")
        envelope = self._envelope
        ring = grant.ring
        if ring is not None and ring.ended:
            grant.keys.clear()
        # Keys stand in here only after the grant allowed them; closing it, or the transaction, takes them away.
        cipher = grant.keys.get((self._subject.int, self._compartment._value_, envelope[2:6]))
        if cipher is None:
            cipher = self._cipher(grant)
        value = open_envelope(cipher, envelope, self._field, self._row, self._subject)
        grant.note_opened(self._field)
        return value

    def _cipher(self, grant: Grant) -> AESGCM:
        if not grant.allows(self._subject, self._compartment):
            raise NotGranted(f"{self._field} is not granted here")
        version = dek_version_of(self._envelope)
        ring = key_ring()
        ring.load(grant.subjects)
        cipher = ring.for_opening(self._subject, self._compartment, version).cipher
        if grant.ring is not ring:
            grant.keys.clear()
            grant.ring = ring
        grant.keys[(self._subject.int, self._compartment._value_, self._envelope[2:6])] = cipher
        return cipher

    @property
    def granted(self) -> bool:
        """Whether `reveal` would be allowed now."""
        grant = current_grant()
        return grant is not None and grant.allows(self._subject, self._compartment)

    def __html__(self) -> Markup:
        if not self.granted:
            return escape(DOTS)
        try:
            value = self.reveal()
        except (SealedError, KeyProblem) as problem:
            # One damaged value must not take the page away. What it was is not known, so nothing of it is logged.
            log.error("%s of row %s cannot be opened: %s", self._field, self._row, problem)
            return escape(_("This cannot be opened."))
        return escape("" if value is None else value)

    def __str__(self) -> str:
        return DOTS

    def __format__(self, _spec: str) -> str:
        return DOTS

    def __repr__(self) -> str:
        return f"<sealed {self._field}>"

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __reduce__(self) -> NoReturn:
        raise SealedError("a sealed value is neither copied nor pickled")


class SealedJSON(DefaultJSONProvider):
    """JSON that refuses sealed values: the one of Flask would print them, since templates may."""

    @staticmethod
    def default(value: Any) -> Any:
        """What JSON has no form for. `SealedError` for a sealed value."""
        if isinstance(value, Secret):
            raise SealedError("a sealed value is not written as JSON: reveal it inside the Grant")
        return DefaultJSONProvider.default(value)


class SealedBytes(LargeBinary):
    """The type of a sealed column: only envelopes pass to the database, whichever way a value takes there."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Refuses anything but an envelope, then does what the engine needs."""
        after = super().bind_processor(dialect)  # type: ignore[no-untyped-call]

        def checked(value: Any) -> Any:
            if value is not None and not is_envelope(value):
                raise SealedError("only a sealed value is stored in a sealed field")
            return value if after is None or value is None else after(value)

        return checked


class Sealed:
    """The descriptor of one sealed field. `field` is its stable id: a renamed column still opens."""

    def __init__(
        self, field: str, compartment: type_of_compartment, sensitivity: Literal["C2", "C3", "C4"]
    ) -> None:
        self.field = field
        self.compartment = compartment
        self.sensitivity = sensitivity
        self.attribute = ""

    def compartment_of(self, row: Any) -> Compartment:
        """Which key ring this row's value belongs to."""
        return self.compartment if isinstance(self.compartment, Compartment) else self.compartment(row)

    @overload
    def __get__(self, row: None, owner: type) -> Self: ...
    @overload
    def __get__(self, row: object, owner: type) -> Secret | None: ...
    def __get__(self, row: Any, owner: type) -> Self | Secret | None:
        if row is None:
            return self
        envelope = getattr(row, self.attribute)
        if envelope is None:
            return None
        return Secret(envelope, self.field, row.id, row.sealed_subject, self.compartment_of(row))

    def __set__(self, row: Any, value: Any) -> None:
        if value is None or value == "":
            setattr(row, self.attribute, None)
            return
        if isinstance(value, Secret):
            raise SealedError("a sealed value is not copied: reveal it inside the Grant and set it again")
        subject: uuid.UUID | None = row.sealed_subject
        if subject is None:
            raise SealedError(f"{self.field} needs its subject before it can be sealed")
        key = key_ring().for_sealing(subject, self.compartment_of(row))
        setattr(row, self.attribute, seal(key.cipher, key.version, self.field, row.id, subject, value))


class Sealing:
    """Mixin of models with sealed fields. `__subject__` names the attribute that holds whose keys are used.

    Put it before `Model` in the bases. A sealed field `surname` has the column `surname` and the mapped attribute
    `surname_sealed`.
    """

    __subject__ = "id"
    __insert_only__ = False
    """True where the database refuses a change of a row: its fields keep the data key that they were sealed under."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        for name, found in list(vars(cls).items()):
            if isinstance(found, Sealed):
                found.attribute = f"{name}_sealed"
                column = mapped_column(
                    name, SealedBytes, nullable=True, info={"sensitivity": found.sensitivity}
                )
                setattr(cls, found.attribute, column)
        super().__init_subclass__(**kwargs)

    @property
    def sealed_subject(self) -> uuid.UUID:
        """Whose keys seal this row's fields."""
        subject: uuid.UUID = getattr(self, self.__subject__)
        return subject

    @classmethod
    def sealed_fields(cls) -> dict[str, Sealed]:
        """Every sealed field by its name."""
        return {
            name: found
            for base in cls.__mro__
            for name, found in vars(base).items()
            if isinstance(found, Sealed)
        }


def sealed_models(registry: Any) -> dict[Table, type[Sealing]]:
    """Every model with sealed fields of a declarative registry, by its table."""
    return {
        mapper.local_table: mapper.class_
        for mapper in registry.mappers
        if issubclass(mapper.class_, Sealing) and mapper.class_.sealed_fields()
    }


@event.listens_for(Session, "do_orm_execute")
def _refuse_bulk_changes(state: ORMExecuteState) -> None:
    """A statement that writes many rows cannot bind each to its row."""
    statement = state.statement
    if not isinstance(statement, Update | Insert) or state.execution_options.get(RESEALING):
        return
    columns = [column for column in statement.table.c if isinstance(column.type, SealedBytes)]
    if not columns:
        return
    if isinstance(statement, Insert):
        raise SealedError("rows with sealed fields are added one by one")
    sealed = {name for column in columns for name in (column.name, column.key, f"{column.name}_sealed")}
    if _columns_set_by(statement, state.parameters) & sealed:
        raise SealedError("sealed fields are not changed in bulk")


RESEALING = "casework_resealing"
"""Execution option of the one statement that may write envelopes by itself: the background re-sealing."""


def _columns_set_by(statement: Update, parameters: Any) -> set[str]:
    """The names of what an UPDATE sets, in its own clause or in its parameters."""
    named: set[Any] = set(getattr(statement, "_values", None) or ())
    named |= {name for name, _value in getattr(statement, "_ordered_values", None) or ()}
    for given in parameters if isinstance(parameters, list | tuple) else [parameters or {}]:
        named |= set(given)
    return {str(getattr(name, "key", None) or name) for name in named}
