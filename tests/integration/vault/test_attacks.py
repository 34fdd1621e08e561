"""What somebody with the database in hand can do to sealed values, and what careless code can: a clear error each time."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import traceback
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, render_template_string
from sqlalchemy import insert, text, update

from casework.cases.models import Person, PersonName
from casework.core.database import db
from casework.vault import keys
from casework.vault.grant import Compartment, Grant, NotGranted, SealedError, granting
from casework.vault.keys import SubjectKey, key_ring
from casework.vault.providers import KeyProblem
from casework.vault.sealed import DOTS, Secret
from tests.integration.vault.conftest import Records

CANARY = "Kanareyka"
both = pytest.mark.both_engines


@pytest.fixture
def two(records: Records) -> tuple[uuid.UUID, uuid.UUID]:
    """Two people: the first bears the canary name."""
    return records.person(CANARY), records.person("Another")


# Moved or changed in the database


@both
def test_another_persons_value_does_not_open(records: Records, two: tuple[uuid.UUID, uuid.UUID]) -> None:
    first, second = two
    records.store(PersonName, second, "surname", records.stored(PersonName, first, "surname"))
    with pytest.raises(SealedError, match="does not belong here"):
        records.surname(second)


def test_another_rows_value_of_the_same_person_does_not_open(records: Records) -> None:
    person = records.person(CANARY)

    def add() -> uuid.UUID:
        row = PersonName(person_id=person, position=1, surname="Former")
        db.session.add(row)
        return row.id

    other = records.write(add)
    records.store(PersonName, other, "surname", records.stored(PersonName, person, "surname"))
    with records.granted(person), pytest.raises(SealedError, match="does not belong here"):
        db.session.get_one(PersonName, other).surname.reveal()  # type: ignore[union-attr]


def test_another_columns_value_does_not_open(records: Records, two: tuple[uuid.UUID, uuid.UUID]) -> None:
    first, _second = two
    records.store(PersonName, first, "given_name", records.stored(PersonName, first, "surname"))
    with records.granted(first), pytest.raises(SealedError, match="does not belong here"):
        db.session.get_one(PersonName, first).given_name.reveal()  # type: ignore[union-attr]


@both
def test_a_row_given_to_another_person_does_not_open(
    records: Records, two: tuple[uuid.UUID, uuid.UUID]
) -> None:
    first, second = two
    table: Any = PersonName.__table__
    records.run(table.update().where(table.c.id == first).values(person_id=second, position=7))
    with records.granted(first, second), pytest.raises(SealedError, match="does not belong here"):
        db.session.get_one(PersonName, first).surname.reveal()  # type: ignore[union-attr]


@pytest.mark.parametrize("stolen", ["wrapped", "wrapped and commitment", "all"])
@both
def test_another_persons_key_does_not_take_this_ones_place(
    records: Records, two: tuple[uuid.UUID, uuid.UUID], stolen: str
) -> None:
    """Neither cold nor with the other's key unwrapped in the cache."""
    first, second = two
    assert records.surname(first) == CANARY
    table: Any = SubjectKey.__table__
    theirs = records.run(table.select().where(table.c.subject_id == first))[0]
    values = {"wrapped": theirs.wrapped}
    if stolen != "wrapped":
        values["commitment"] = theirs.commitment
    if stolen == "all":
        values["kek_id"] = theirs.kek_id
    records.run(table.update().where(table.c.subject_id == second).values(**values))
    with pytest.raises(Exception, match="not the one"):
        records.surname(second)


def test_a_key_of_another_compartment_or_version_does_not_open(
    records: Records, two: tuple[uuid.UUID, uuid.UUID]
) -> None:
    first, _second = two
    envelope = records.stored(PersonName, first, "surname")
    records.store(PersonName, first, "surname", envelope[:2] + (9).to_bytes(4, "big") + envelope[6:])
    with pytest.raises(SealedError, match="destroyed"):
        records.surname(first)
    table: Any = SubjectKey.__table__
    records.store(PersonName, first, "surname", envelope)
    records.run(table.update().where(table.c.subject_id == first).values(compartment="PSY"))
    with pytest.raises(SealedError, match="destroyed"):
        records.surname(first)
    with records.granted(first), pytest.raises(KeyProblem, match="damaged or moved"):
        key_ring().for_opening(first, Compartment.PSY, 1)


@both
def test_a_commitment_that_was_changed_is_noticed(records: Records, two: tuple[uuid.UUID, uuid.UUID]) -> None:
    first, _second = two
    keys.cache.clear()
    records.run(
        update(SubjectKey.__table__).where(SubjectKey.subject_id == first).values(commitment=bytes(32))
    )
    with pytest.raises(SealedError, match="commits to"):
        records.surname(first)


def test_an_old_value_of_the_same_field_still_opens_and_the_log_says_who_wrote(
    records: Records, two: tuple[uuid.UUID, uuid.UUID]
) -> None:
    """What AEAD alone cannot stop, and what does: versions and audit; renewing the key ends it."""
    first, _second = two
    old = records.stored(PersonName, first, "surname")
    records.write(lambda: setattr(db.session.get_one(PersonName, first), "surname", "Newer"))
    records.store(PersonName, first, "surname", old)
    assert records.surname(first) == CANARY
    assert [event["code"] for event in records.events()].count("test.wrote") == 3


def test_one_persons_damaged_key_does_not_shut_the_others(
    records: Records, two: tuple[uuid.UUID, uuid.UUID]
) -> None:
    first, second = two
    keys.cache.clear()
    records.run(update(SubjectKey.__table__).where(SubjectKey.subject_id == second).values(wrapped=bytes(60)))
    with records.granted(first, second):
        names = [db.session.get_one(PersonName, person) for person in two]
        page = render_template_string("{% for name in names %}{{ name.surname }}|{% endfor %}", names=names)
        with pytest.raises(KeyProblem, match="damaged"):
            names[1].surname.reveal()  # type: ignore[union-attr]
    assert page.startswith(f"{CANARY}|")
    assert "Another" not in page
    with pytest.raises(KeyProblem, match="damaged"):
        records.write(lambda: setattr(db.session.get_one(PersonName, second), "surname", "Newer"))


# Careless code


@pytest.fixture
def secret(records: Records, two: tuple[uuid.UUID, uuid.UUID]) -> Iterator[Secret]:
    """The canary, inside its Grant: where it could be opened."""
    first, _second = two
    with records.granted(first):
        value = db.session.get_one(PersonName, first).surname
        assert value is not None
        assert value.reveal() == CANARY
        yield value


def logged(secret: Secret) -> str:
    stream = io.StringIO()
    log = logging.getLogger("attack")
    handler = logging.StreamHandler(stream)
    log.addHandler(handler)
    try:
        log.warning("%s %r and %s", secret, secret, [secret])
        try:
            raise ValueError(secret)
        except ValueError:
            log.exception("failed with %s", secret)
    finally:
        log.removeHandler(handler)
    return stream.getvalue()


def traced(secret: Secret) -> str:
    held = [secret]
    try:
        raise RuntimeError(f"about {held}")
    except RuntimeError as problem:
        return "".join(traceback.TracebackException.from_exception(problem, capture_locals=True).format())


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        logged,
        traced,
        "{}".format,
        "{:>20}".format,
        lambda secret: f"{secret}{secret!r}{secret!s}{secret!a}",
        lambda secret: "%s" % secret,  # noqa: UP031 -- the old way, too
        lambda secret: str({"name": secret}),
        lambda secret: str(ValueError(secret)),
        lambda secret: "".join(map(str, dir(secret))),
    ],
)
def test_shows_nothing_even_inside_the_grant(secret: Secret, show: Callable[[Any], str]) -> None:
    shown = show(secret)
    assert shown
    assert CANARY not in shown


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_is_not_pickled(secret: Secret, protocol: int) -> None:
    with pytest.raises(SealedError):
        pickle.dumps(secret, protocol)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_is_not_copied(secret: Secret, copied: Callable[[Any], Any]) -> None:
    with pytest.raises(SealedError):
        copied(secret)


def test_is_not_written_as_json(app: Flask, secret: Secret) -> None:
    with pytest.raises(TypeError):
        json.dumps({"name": secret})
    with pytest.raises(SealedError):
        app.json.dumps({"name": secret})
    with pytest.raises(SealedError):
        render_template_string("{{ name|tojson }}", name=secret)
    assert app.json.dumps({"day": uuid.UUID(int=1)}) == f'{{"day": "{uuid.UUID(int=1)}"}}'


@pytest.mark.parametrize("use", [len, iter, list, sorted, sum, "".join, lambda secret: secret + "a"])
def test_is_no_text_to_work_with(secret: Secret, use: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        use(secret)


def test_equals_nothing_that_could_be_guessed(secret: Secret) -> None:
    assert secret != CANARY
    assert hash(secret) != hash(CANARY)
    assert CANARY not in {secret: 1}


def test_a_template_prints_it_inside_the_grant_and_dots_outside(
    app: Flask, records: Records, two: tuple[uuid.UUID, uuid.UUID]
) -> None:
    first, second = two
    with records.granted(second):
        name = db.session.get_one(PersonName, first)
        assert render_template_string("{{ name.surname }}", name=name) == DOTS
        with pytest.raises(NotGranted):
            name.surname.reveal()  # type: ignore[union-attr]
    with records.granted(first):
        name = db.session.get_one(PersonName, first)
        assert render_template_string("{{ name.surname }}", name=name) == CANARY
        assert render_template_string("{{ name.surname|safe }}", name=name) == CANARY


def test_what_was_opened_once_does_not_open_after_the_grant(
    records: Records, two: tuple[uuid.UUID, uuid.UUID]
) -> None:
    first, _second = two
    with records.granted(first):
        surname = db.session.get_one(PersonName, first).surname
        assert surname is not None
        assert surname.reveal() == CANARY
    with pytest.raises(NotGranted):
        surname.reveal()
    with records.app.app_context(), granting(Grant(None)), pytest.raises(NotGranted):
        surname.reveal()


def test_another_compartment_of_the_same_person_stays_shut(
    app: Flask, two: tuple[uuid.UUID, uuid.UUID]
) -> None:
    first, _second = two
    grant = Grant(None)
    grant.widen(first, [compartment for compartment in Compartment if compartment != Compartment.CORE])
    with app.app_context(), granting(grant), pytest.raises(NotGranted):
        db.session.get_one(PersonName, first).surname.reveal()  # type: ignore[union-attr]
    db_session_ended(app)


def db_session_ended(app: Flask) -> None:
    with app.app_context():
        db.session.remove()


def test_a_template_survives_a_damaged_value_and_says_so(
    app: Flask, records: Records, two: tuple[uuid.UUID, uuid.UUID], caplog: pytest.LogCaptureFixture
) -> None:
    first, _second = two
    envelope = records.stored(PersonName, first, "surname")
    records.store(PersonName, first, "surname", envelope[:-1] + bytes([envelope[-1] ^ 1]))
    with records.granted(first):
        name = db.session.get_one(PersonName, first)
        page = render_template_string("<p>{{ name.surname }}</p>", name=name)
    assert page not in ("<p></p>", f"<p>{DOTS}</p>")
    assert CANARY not in page
    assert str(first) in caplog.text
    assert CANARY not in caplog.text


# Ways around the sealing


def bulk_update(person: uuid.UUID, value: Any) -> None:
    db.session.execute(update(PersonName).where(PersonName.id == person).values(surname_sealed=value))


def bulk_update_by_key(person: uuid.UUID, value: Any) -> None:
    db.session.execute(update(PersonName), [{"id": person, "surname_sealed": value}])


def query_update(person: uuid.UUID, value: Any) -> None:
    db.session.query(PersonName).filter_by(id=person).update({"surname_sealed": value})


def core_update(person: uuid.UUID, value: Any) -> None:
    table: Any = PersonName.__table__
    db.session.execute(table.update().where(table.c.id == person).values(surname=value))


def core_update_by_parameters(person: uuid.UUID, value: Any) -> None:
    table: Any = PersonName.__table__
    db.session.execute(table.update(), {"surname": value})


def bulk_insert(person: uuid.UUID, value: Any) -> None:
    row = {"id": uuid.uuid4(), "person_id": person, "position": 3, "surname_sealed": value}
    db.session.execute(insert(PersonName), [row])


def core_insert(person: uuid.UUID, value: Any) -> None:
    row = {"id": uuid.uuid4(), "person_id": person, "position": 3, "surname": value}
    db.session.execute(insert(PersonName.__table__), [row])


def update_mappings(person: uuid.UUID, value: Any) -> None:
    db.session.bulk_update_mappings(PersonName, [{"id": person, "surname_sealed": value}])  # type: ignore[arg-type]


def insert_mappings(person: uuid.UUID, value: Any) -> None:
    row = {"id": uuid.uuid4(), "person_id": person, "position": 3, "surname_sealed": value}
    db.session.bulk_insert_mappings(PersonName, [row])  # type: ignore[arg-type]


def save_objects(person: uuid.UUID, value: Any) -> None:
    db.session.bulk_save_objects([PersonName(person_id=person, position=3, surname_sealed=value)])


def the_attribute_behind_it(person: uuid.UUID, value: Any) -> None:
    db.session.get_one(PersonName, person).surname_sealed = value  # type: ignore[attr-defined]
    db.session.flush()


WAYS = [
    bulk_update,
    bulk_update_by_key,
    query_update,
    core_update,
    core_update_by_parameters,
    bulk_insert,
    core_insert,
    update_mappings,
    insert_mappings,
    save_objects,
    the_attribute_behind_it,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", [CANARY, CANARY.encode(), b"\x01\x01" + CANARY.encode()])
@both
def test_no_way_puts_plain_text_into_a_sealed_column(
    records: Records, way: Callable[[uuid.UUID, Any], None], value: Any
) -> None:
    person = records.person("Another")
    with pytest.raises(Exception, match="seal") as refused:
        records.write(lambda: way(person, value))
    found: BaseException | None = refused.value
    while found is not None and not isinstance(found, SealedError):
        found = found.__cause__ or found.__context__
    assert isinstance(found, SealedError)
    assert records.surname(person) == "Another"


def test_a_sealed_value_is_not_set_from_another_field(
    records: Records, two: tuple[uuid.UUID, uuid.UUID]
) -> None:
    first, second = two

    def copy_over() -> None:
        name = db.session.get_one(PersonName, first)
        db.session.get_one(PersonName, second).surname = name.surname

    with pytest.raises(SealedError, match="not copied"):
        records.write(copy_over)


def test_the_database_and_its_journal_hold_no_name(
    records: Records, two: tuple[uuid.UUID, uuid.UUID]
) -> None:
    home = records.app.extensions["casework_settings"].home
    found = [path for path in home.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert found == []
    assert records.run(text("SELECT count(*) FROM person_name")) == [(2,)]
    assert Person.__table__.c["phone"].info["sensitivity"] == "C2"
