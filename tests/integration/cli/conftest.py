"""Runs the command line in this process, as an operator would in the environment of an installation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from casework.cli import main
from config.settings import Settings


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is not there yet, as CASEWORK_HOME."""
    home = tmp_path / "state"
    monkeypatch.setenv("CASEWORK_HOME", str(home))
    return home


@pytest.fixture
def installed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An initialised installation that the environment points to."""
    monkeypatch.setenv("CASEWORK_HOME", str(settings.home))
    monkeypatch.setenv("CASEWORK_DATABASE_URL", settings.database_url)
    return settings


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `casework …`; gives exit code, stdout and stderr."""

    def call(*arguments: str) -> Done:
        capfd.readouterr()
        code = main(list(arguments))
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return call
