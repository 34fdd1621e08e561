"""A new key comes, the old one goes, and everything can be read all the while, whoever is killed on the way."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from casework.access.actor import SYSTEM, Actor
from casework.access.roles import Role
from casework.audit.boundary import acting
from casework.cases.models import PersonName
from casework.commands import key_changes
from casework.core.database import db
from casework.core.errors import Denied
from casework.core.unit_of_work import unit_of_work
from casework.vault import keys, rotation
from casework.vault.keys import SubjectKey
from casework.vault.providers import FileKeks, KeyProblem, make_file_kek
from config.settings import Settings
from tests.integration.vault.conftest import Records

pytestmark = pytest.mark.both_engines
SCRIPT = Path(__file__).with_name("killed_rotation.py")


def quiet(_done: int, _of: int) -> None:
    """No progress."""


def people(records: Records, count: int = 8) -> dict[uuid.UUID, str]:
    surnames = [f"Synthetic{number}" for number in range(count)]
    return {records.person(surname): surname for surname in surnames}


def all_open(records: Records, known: dict[uuid.UUID, str]) -> None:
    keys.cache.clear()
    assert {person: records.surname(person) for person in known} == known


def kek_ids(records: Records) -> set[str]:
    return {row[0] for row in records.run(select(SubjectKey.kek_id).distinct())}


def test_rotating_brings_every_data_key_under_a_new_key_and_says_so_once(
    app: Flask, records: Records
) -> None:
    known = people(records)
    old = kek_ids(records)
    shown: list[tuple[int, int]] = []
    with app.app_context():
        done = key_changes.rotate(lambda *numbers: shown.append(numbers), batch=3)
        status = rotation.status()
    assert (done.new, done.rewrapped, done.pending) == (True, len(known), 0)
    assert kek_ids(records) == {done.kek_id}
    assert done.kek_id not in old
    assert shown[-1] == (len(known), len(known))
    assert {kek.kek_id: kek.state for kek in status.keks} == {done.kek_id: "current", old.pop(): "unused"}
    all_open(records, known)
    codes = [event["code"] for event in records.events() if event["code"].startswith("keys.")]
    assert codes == ["keys.rotation_begun", "keys.rotated"]
    assert records.events()[-1]["result_count"] == len(known)
    assert records.events()[-1]["agent_role"] == "system"


@pytest.mark.parametrize("what", ["rotate", "renew"])
def test_a_killed_run_leaves_everything_readable_and_the_next_one_ends_it(
    what: str, settings: Settings, app: Flask, records: Records
) -> None:
    known = people(records)
    chance = random.Random(f"{what} 2026")
    killed = 0
    for last in (*sorted(chance.sample(range(2, 40), 2)), 0):
        done = subprocess.run(
            [sys.executable, SCRIPT, what, settings.home, settings.database_url, str(last)],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == (-9 if last else 0), done.stderr
        killed += bool(last)
        all_open(records, known)
    assert killed == 2
    with app.app_context():
        status = rotation.status()
    assert (status.to_rewrap, status.to_reseal) == (0, 0)
    begun = [event for event in records.events() if event["code"] == "keys.rotation_begun"]
    if what == "rotate":
        # A run that finds a rotation begun goes on with it: at most those killed before their first batch made a key.
        assert len(begun) <= 3  # the last run included
        assert kek_ids(records) == {keys_folder(settings).current()}


def keys_folder(settings: Settings) -> FileKeks:
    return FileKeks(settings.home / "keys")


def test_people_read_and_write_while_keys_rotate(app: Flask, records: Records) -> None:
    known = people(records, 12)
    made: dict[uuid.UUID, str] = {}
    wrong: list[BaseException] = []
    ended = threading.Event()

    def work() -> None:
        number = 0
        try:
            while not ended.is_set() or number < 3:
                number += 1
                surname = f"Meanwhile{number}"
                made[records.person(surname)] = surname
                for person, name in known.items():
                    assert records.surname(person) == name
        except BaseException as problem:
            wrong.append(problem)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        with app.app_context():
            for _time in range(2):
                key_changes.rotate(quiet, batch=2)
            key_changes.renew(quiet, batch=2)
    finally:
        ended.set()
        worker.join()
    assert wrong == []
    assert made
    all_open(records, known | made)
    with app.app_context():
        assert rotation.to_rewrap() == 0
        assert rotation.outdated_count() == 0


def test_renewing_seals_anew_and_destroys_what_the_old_keys_opened(app: Flask, records: Records) -> None:
    known = people(records, 5)
    before = {person: records.stored(PersonName, person, "surname") for person in known}
    with app.app_context():
        done = key_changes.renew(quiet, batch=2)
    assert (done.new_versions, done.resealed, done.destroyed, done.damaged) == (5, 5, 5, 0)
    all_open(records, known)
    one, envelope = next(iter(before.items()))
    assert records.stored(PersonName, one, "surname")[2:6] == (2).to_bytes(4, "big")
    records.store(PersonName, one, "surname", envelope)
    with pytest.raises(keys.SealedError, match="destroyed"):
        records.surname(one)


def test_renewing_one_person_leaves_the_others_alone(app: Flask, records: Records) -> None:
    one, other = people(records, 2)
    with app.app_context():
        done = key_changes.renew(quiet, subject_id=one)
    assert (done.new_versions, done.resealed, done.destroyed) == (1, 1, 1)
    assert records.stored(PersonName, other, "surname")[2:6] == (1).to_bytes(4, "big")
    assert records.events()[-1]["subject_ids"] == [str(one)]


def test_a_damaged_field_keeps_its_old_key_and_the_rest_goes_on(app: Flask, records: Records) -> None:
    known = people(records, 3)
    damaged = next(iter(known))
    whole = records.stored(PersonName, damaged, "surname")
    records.store(PersonName, damaged, "surname", whole[:-1] + bytes([whole[-1] ^ 1]))
    with app.app_context():
        done = key_changes.renew(quiet)
    assert (done.resealed, done.destroyed, done.damaged) == (2, 2, 1)
    records.store(PersonName, damaged, "surname", whole)
    all_open(records, known)
    with app.app_context():
        ended = key_changes.renew(quiet, new_versions=False)
    assert (ended.resealed, ended.destroyed, ended.damaged) == (1, 1, 0)
    all_open(records, known)


def test_two_processes_meet_keys_that_the_other_made(
    settings: Settings, app: Flask, records: Records
) -> None:
    known = people(records, 2)
    other = keys_folder(settings)  # a process that started before the rotation
    with app.app_context():
        done = key_changes.rotate(quiet)
    app.extensions["casework_keks"] = other
    all_open(records, known)
    newer = records.person("Newer")
    assert records.run(select(SubjectKey.kek_id).where(SubjectKey.subject_id == newer)) == [(done.kek_id,)]


def test_a_process_without_the_key_says_which_for_what_and_changes_nothing(
    settings: Settings, app: Flask, records: Records
) -> None:
    known = people(records, 3)
    folder = settings.home / "keys"
    lost = keys_folder(settings).current()
    (folder / f"{lost}.key").rename(settings.home / "elsewhere")
    present = make_file_kek(folder)
    app.extensions["casework_keks"] = FileKeks(folder)
    keys.cache.clear()
    person = next(iter(known))
    with pytest.raises(KeyProblem, match=lost):
        records.surname(person)
    with app.app_context():
        assert rotation.missing_keks() == {lost: 3}
        with pytest.raises(KeyProblem, match=rf"{lost}.*3 data keys of 3 .*CORE 3.*{lost}\.key back"):
            rotation.refuse_missing()
        db.session.remove()
        with pytest.raises(KeyProblem, match=lost):
            key_changes.rotate(quiet)
        assert {kek.kek_id: kek.state for kek in rotation.status().keks} == {
            present: "current",
            lost: "missing",
        }
    assert kek_ids(records) == {lost}
    (settings.home / "elsewhere").rename(folder / f"{lost}.key")
    all_open(records, known)
    with app.app_context():
        assert rotation.missing_keks() == {}


def test_a_key_is_let_go_only_when_nothing_needs_it(settings: Settings, app: Flask, records: Records) -> None:
    known = people(records, 2)
    folder = settings.home / "keys"
    old = keys_folder(settings).current()

    def retire(kek_id: str) -> None:
        with app.app_context(), acting(SYSTEM, "test"):
            key_changes.retire_kek(SYSTEM, kek_id)

    def destroy(kek_id: str) -> None:
        with app.app_context(), acting(SYSTEM, "test"):
            key_changes.destroy_kek(SYSTEM, kek_id)

    with pytest.raises(KeyProblem, match="still needed: 2 data keys"):
        retire(old)
    with app.app_context():
        new = key_changes.rotate(quiet).kek_id
    with pytest.raises(KeyProblem, match="still needed"):
        retire(new)
    with pytest.raises(KeyProblem, match="not retired"):
        destroy(old)
    retire(old)
    assert (folder / "retired" / f"{old}.key").exists()
    assert not (folder / f"{old}.key").exists()
    all_open(records, known)
    destroy(old)
    assert list((folder / "retired").iterdir()) == []
    all_open(records, known)
    codes = [(event["code"], event["outcome"]) for event in records.events()]
    assert codes[-2:] == [("keys.retired", "success"), ("keys.destroyed", "success")]
    assert ("keys.retired", "error") in codes


def test_only_the_installation_itself_handles_keys(app: Flask, records: Records) -> None:
    admin = Actor(id=uuid.uuid4(), role=Role.ADMIN)
    for act, arguments in (
        (key_changes.begin_rotation, ()),
        (key_changes.retire_kek, ("kek-x",)),
        (key_changes.destroy_kek, ("kek-x",)),
        (key_changes.begin_renewal, (None,)),
    ):
        with pytest.raises(Denied), app.app_context(), acting(admin, "test"):
            act(admin, *arguments)


def test_erasure_reaches_every_process_at_once(settings: Settings, app: Flask, records: Records) -> None:
    person = records.person("Forgotten")
    assert records.surname(person) == "Forgotten"  # the key is in this process's cache now
    records.run(
        update(SubjectKey.__table__).where(SubjectKey.subject_id == person).values(wrapped=None)
    )  # as another process does it
    with pytest.raises(keys.SealedError, match="destroyed"):
        records.surname(person)
    with pytest.raises(keys.SealedError, match="destroyed"):
        records.write(lambda: setattr(db.session.get_one(PersonName, person), "surname", "Again"))


def test_a_write_that_runs_beside_an_erasure_never_survives_it(app: Flask, records: Records) -> None:
    person = records.person("Forgotten")
    sealed, erased = threading.Event(), threading.Event()
    outcomes: list[str] = []

    def change() -> None:
        name = db.session.get_one(PersonName, person)
        name.surname = "Too late"
        sealed.set()
        erased.wait(0.3)  # an eraser that did not wait for this transaction would be through by then
        outcomes.append("written")  # said before the commit, which lets the eraser go on

    def write() -> None:
        records.write(change)

    def erase() -> None:
        sealed.wait()
        records.write(lambda: keys.destroy_keys(person))
        outcomes.append("erased")
        erased.set()

    threads = [threading.Thread(target=each) for each in (write, erase)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["written", "erased"]
    with pytest.raises(keys.SealedError, match="destroyed"):
        records.surname(person)


def test_an_erased_person_gets_no_key_of_a_compartment_that_had_none(app: Flask, records: Records) -> None:
    person = records.person("Forgotten")
    assert records.write(lambda: keys.destroy_keys(person)) == 1

    def seal_elsewhere() -> None:
        keys.key_ring().for_sealing(person, keys.Compartment.PSY)

    with pytest.raises(keys.SealedError, match="destroyed"):
        records.write(seal_elsewhere)


def test_a_key_made_in_a_transaction_that_failed_is_not_used_again(app: Flask, records: Records) -> None:
    person = uuid.uuid4()
    with app.app_context():

        def fail() -> None:
            rings.append(keys.key_ring())
            rings[0].for_sealing(person, keys.Compartment.CORE)
            raise ValueError("something else went wrong")

        rings: list[keys.KeyRing] = []
        with pytest.raises(ValueError, match="something else"), unit_of_work():
            fail()
        assert rings[0].ended
        with unit_of_work():
            keys.key_ring().for_sealing(person, keys.Compartment.CORE)
    stored = text("SELECT count(*) FROM subject_key WHERE wrapped IS NOT NULL")
    assert records.run(stored) == [(1,)]
