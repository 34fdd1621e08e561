"""Sealed columns: a model's field that is an envelope in the database and a lazy `Secret` in memory.

    class Person(Sealing, Model):
        __subject__ = "id"
        surname = Sealed("person.surname", Compartment.CORE, "C2")

Setting the field seals the value at once under the subject's key, bound to field, row and subject. Reading it gives a
`Secret` that opens only inside the current Grant.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Literal, NoReturn, Self, overload

from markupsafe import Markup, escape
from sqlalchemy import LargeBinary, event
from sqlalchemy.orm import ORMExecuteState, Session, mapped_column

from casework.vault.envelope import dek_version_of, open_envelope, seal
from casework.vault.grant import Compartment, NotGranted, SealedError, current_grant
from casework.vault.keys import key_ring

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
        if grant is None or not grant.allows(self._subject, self._compartment):
            raise NotGranted(f"{self._field} is not granted here")
        ring = key_ring()
        ring.load(grant.subjects)
        key = ring.for_opening(self._subject, self._compartment, dek_version_of(self._envelope))
        value = open_envelope(key.cipher, self._envelope, self._field, self._row, self._subject)
        grant.note_opened(self._field)
        return value

    @property
    def granted(self) -> bool:
        """Whether `reveal` would be allowed now."""
        grant = current_grant()
        return grant is not None and grant.allows(self._subject, self._compartment)

    def __html__(self) -> Markup:
        if not self.granted:
            return escape(DOTS)
        value = self.reveal()
        return escape("" if value is None else value)

    def __str__(self) -> str:
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
        raise SealedError("a sealed value is not pickled")


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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        for name, found in list(vars(cls).items()):
            if isinstance(found, Sealed):
                found.attribute = f"{name}_sealed"
                column = mapped_column(
                    name, LargeBinary, nullable=True, info={"sensitivity": found.sensitivity}
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


@event.listens_for(Session, "do_orm_execute")
def _refuse_bulk_changes(state: ORMExecuteState) -> None:
    """A statement that writes many rows cannot bind each to its row."""
    if not (state.is_update or state.is_insert):
        return
    mapper = state.bind_mapper
    if mapper is None or not issubclass(mapper.class_, Sealing):
        return
    if state.is_insert:
        raise SealedError("rows with sealed fields are added one by one")
    sealed = {found.attribute for found in mapper.class_.sealed_fields().values()}
    columns = {mapper.attrs[name].columns[0].name for name in sealed}
    named = {
        getattr(column, "key", None) or str(column)
        for column in (getattr(state.statement, "_values", None) or {})
    }
    if named & (sealed | columns):
        raise SealedError("sealed fields are not changed in bulk")
