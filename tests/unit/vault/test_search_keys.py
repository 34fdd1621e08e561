"""The index key: made once, readable by its owner only, rotated without a moment in which there is none."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from casework.vault.index_keys import (
    CURRENT,
    NEW,
    OLD,
    EnvIndexKeys,
    FileIndexKeys,
    home_of_index_keys,
    index_key,
    make_index_key,
)
from casework.vault.providers import KeyProblem, make_file_kek


def test_it_is_made_once_and_is_none_of_the_other_keys(tmp_path: Path) -> None:
    kek_id = make_file_kek(tmp_path)
    made = make_index_key(tmp_path)
    assert made
    assert make_index_key(tmp_path) is None
    path = tmp_path / CURRENT
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() != (tmp_path / f"{kek_id}.key").read_text()
    assert [key.id for key in FileIndexKeys(tmp_path).at_hand()] == [made]
    assert base64.b64decode(path.read_text()).hex() not in repr(FileIndexKeys(tmp_path).at_hand())


def test_a_missing_or_open_or_broken_key_says_what_to_do(tmp_path: Path) -> None:
    keys = FileIndexKeys(tmp_path)
    with pytest.raises(KeyProblem, match=r"index key .* is missing.*casework init"):
        keys.at_hand()
    make_index_key(tmp_path)
    (tmp_path / CURRENT).chmod(0o644)
    with pytest.raises(KeyProblem, match="chmod 600"):
        FileIndexKeys(tmp_path).at_hand()
    (tmp_path / CURRENT).chmod(0o600)
    (tmp_path / CURRENT).write_text("nothing")
    with pytest.raises(KeyProblem, match="no usable key"):
        FileIndexKeys(tmp_path).at_hand()


def test_while_a_rotation_runs_both_are_at_hand_and_another_process_sees_it(tmp_path: Path) -> None:
    old = make_index_key(tmp_path)
    here, elsewhere = FileIndexKeys(tmp_path), FileIndexKeys(tmp_path)
    assert len(elsewhere.at_hand()) == 1
    new = here.begin_rotation()
    assert new != old
    assert [key.id for key in elsewhere.at_hand()] == [new, old]
    assert here.begin_rotation() == new, "begun again it goes on with the same key"
    here.end_rotation()
    assert [key.id for key in elsewhere.at_hand()] == [new]
    assert not (tmp_path / OLD).exists()
    here.end_rotation()
    assert [key.id for key in here.at_hand()] == [new]


def test_a_rotation_that_was_killed_between_two_files_begins_again(tmp_path: Path) -> None:
    old = make_index_key(tmp_path)
    os.link(tmp_path / CURRENT, tmp_path / OLD)
    (tmp_path / NEW).write_text("half")
    keys = FileIndexKeys(tmp_path)
    assert [key.id for key in keys.at_hand()] == [old]
    new = keys.begin_rotation()
    assert [key.id for key in keys.at_hand()] == [new, old]
    assert not (tmp_path / NEW).exists()


def test_the_environment_holds_one_for_development(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = home_of_index_keys("env:TEST_KEK", tmp_path)
    assert isinstance(keys, EnvIndexKeys)
    monkeypatch.delenv("TEST_KEK_INDEX", raising=False)
    with pytest.raises(KeyProblem, match="TEST_KEK_INDEX"):
        keys.at_hand()
    raw = bytes(range(32))
    monkeypatch.setenv("TEST_KEK_INDEX", base64.b64encode(raw).decode())
    assert keys.at_hand() == [index_key(raw)]
    with pytest.raises(KeyProblem, match="file:"):
        keys.begin_rotation()


def test_with_a_transit_engine_it_is_a_file_of_the_home(tmp_path: Path) -> None:
    keys = home_of_index_keys("transit:https://vault.invalid:8200/transit/casework", tmp_path)
    assert isinstance(keys, FileIndexKeys)
    assert keys.folder == tmp_path / "keys"
