"""Key files over time: a second process's key is met, old ones are put aside and destroyed, half-made ones do no harm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from casework.vault import providers
from casework.vault.providers import FileKeks, KeyProblem, kek_id_of, make_file_kek, write_key_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_file_kek(tmp_path / "keys")
    return tmp_path / "keys"


def test_a_process_that_started_earlier_wraps_under_the_new_key_at_once(folder: Path) -> None:
    earlier = FileKeks(folder)
    newer = make_file_kek(folder)
    kek_id, wrapped = earlier.wrap(b"d" * 32, b"bound")
    assert kek_id == newer
    assert FileKeks(folder).unwrap(kek_id, wrapped, b"bound") == b"d" * 32


def test_an_unknown_key_is_looked_for_once_before_it_is_called_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = FileKeks(folder)
    raw = os.urandom(32)
    write_key_file(folder / f"{kek_id_of(raw)}.key", raw)  # made elsewhere, copied here, not current
    cipher = providers.AESGCM(raw)
    assert earlier.unwrap(kek_id_of(raw), bytes(12) + cipher.encrypt(bytes(12), b"d" * 32, b"b"), b"b")
    looked: list[bool] = []
    monkeypatch.setattr(earlier, "reload", lambda: looked.append(True))
    with pytest.raises(KeyProblem, match="kek-gone is missing"):
        earlier.unwrap("kek-gone", bytes(60), b"bound")
    assert looked == [True]


def test_a_key_file_without_the_pointer_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rotation that was killed between the two leaves a key that nothing is under."""
    before = FileKeks(folder).current()

    def killed(_path: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        make_file_kek(folder)
    keks = FileKeks(folder)
    assert keks.current() == before
    assert len(keks.health()) == 2


def test_a_retired_key_is_put_aside_and_says_where_it_is(folder: Path) -> None:
    keks = FileKeks(folder)
    old, wrapped = keks.wrap(b"d" * 32, b"bound")
    with pytest.raises(KeyProblem, match="in use"):
        keks.retire(old)
    keks.new_kek()
    keks.retire(old)
    assert keks.retired() == [old]
    assert keks.made(old) is not None
    with pytest.raises(KeyProblem, match=r"retired too early: move .*retired"):
        keks.unwrap(old, wrapped, b"bound")
    (folder / "retired" / f"{old}.key").rename(folder / f"{old}.key")
    assert keks.unwrap(old, wrapped, b"bound") == b"d" * 32


def test_only_a_retired_key_is_destroyed(folder: Path) -> None:
    keks = FileKeks(folder)
    old = keks.current()
    keks.new_kek()
    with pytest.raises(KeyProblem, match="not retired"):
        keks.destroy(old)
    with pytest.raises(KeyProblem, match="no key"):
        keks.retire("kek-unknown")
    keks.retire(old)
    keks.destroy(old)
    assert keks.retired() == []
    assert keks.made(old) is None
    assert old not in keks.health()
