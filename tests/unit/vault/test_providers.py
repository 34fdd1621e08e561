"""Key files: made for their owner only, refused when others can read them, and never silently replaced."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from casework.vault.providers import (
    EnvKeks,
    FileKeks,
    KeyProblem,
    make_file_kek,
    open_provider,
    read_key_file,
    write_key_file,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_file_kek(tmp_path / "keys")
    return tmp_path / "keys"


def key_file(folder: Path) -> Path:
    return next(folder.glob("kek-*.key"))


def test_wraps_and_unwraps_a_data_key(folder: Path) -> None:
    keks = FileKeks(folder)
    kek_id, wrapped = keks.wrap(b"d" * 32, b"bound")
    assert kek_id == keks.current() == key_file(folder).stem
    assert keks.unwrap(kek_id, wrapped, b"bound") == b"d" * 32
    assert keks.unwrap_many([(kek_id, wrapped, b"bound")]) == [b"d" * 32]


def test_a_wrapped_key_opens_only_for_whom_it_was_wrapped(folder: Path) -> None:
    keks = FileKeks(folder)
    kek_id, wrapped = keks.wrap(b"d" * 32, b"one person")
    with pytest.raises(KeyProblem):
        keks.unwrap(kek_id, wrapped, b"another person")


def test_an_older_key_still_unwraps_after_a_new_one_was_made(folder: Path) -> None:
    kek_id, wrapped = FileKeks(folder).wrap(b"d" * 32, b"bound")
    newer = make_file_kek(folder)
    keks = FileKeks(folder)
    assert keks.current() == newer != kek_id
    again_id, again = keks.rewrap(kek_id, wrapped, b"bound")
    assert again_id == newer
    assert keks.unwrap(newer, again, b"bound") == b"d" * 32
    assert set(keks.health()) == {kek_id, newer}


def test_key_files_are_for_their_owner_only(folder: Path) -> None:
    assert key_file(folder).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_refuses_a_key_that_others_can_read_and_says_the_cure(folder: Path, mode: int) -> None:
    key_file(folder).chmod(mode)
    with pytest.raises(KeyProblem, match="chmod 600"):
        FileKeks(folder)


def test_says_which_key_is_missing(folder: Path) -> None:
    kek_id, wrapped = FileKeks(folder).wrap(b"d" * 32, b"bound")
    make_file_kek(folder)
    (folder / f"{kek_id}.key").unlink()
    with pytest.raises(KeyProblem, match=kek_id):
        FileKeks(folder).unwrap(kek_id, wrapped, b"bound")


def test_refuses_a_file_that_holds_another_key_than_its_name_says(folder: Path, tmp_path: Path) -> None:
    path = key_file(folder)
    path.unlink()
    write_key_file(path, b"x" * 32)
    with pytest.raises(KeyProblem, match="does not hold the key"):
        FileKeks(folder)


@pytest.mark.parametrize("text", ["", "no key", "QUJD", "\x00\x01"])
def test_refuses_a_file_without_a_key(folder: Path, text: str) -> None:
    key_file(folder).write_text(text)
    with pytest.raises(KeyProblem):
        FileKeks(folder)


def test_refuses_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyProblem, match="casework init"):
        open_provider(f"file:{tmp_path}")


def test_never_writes_over_a_key(folder: Path) -> None:
    with pytest.raises(FileExistsError):
        write_key_file(key_file(folder), b"y" * 32)
    assert read_key_file(key_file(folder)) != b"y" * 32


def test_a_key_from_the_environment_is_for_development_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", base64.b64encode(b"k" * 32).decode())
    keks = open_provider("env:A_KEY")
    assert isinstance(keks, EnvKeks)
    kek_id, wrapped = keks.wrap(b"d" * 32, b"")
    assert keks.unwrap(kek_id, wrapped, b"") == b"d" * 32
    with pytest.raises(KeyProblem, match="development only"):
        open_provider("env:A_KEY", production=True)


def test_refuses_an_unknown_provider() -> None:
    with pytest.raises(KeyProblem, match="no known key provider"):
        open_provider("carrier-pigeon:coop")
