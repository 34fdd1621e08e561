"""What a check of `casework doctor` found, how bad it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from config.settings import Settings

Level = Literal["ok", "note", "warning", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One check: what was found, and what to do unless it is all well. Only what is wrong keeps Casework from its work."""

    name: str
    level: Level
    found: str
    fix: str = ""

    @property
    def ok(self) -> bool:
        """Whether Casework can do its work."""
        return self.level != "wrong"

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "check": self.name,
            "ok": self.ok,
            "level": self.level,
            "found": self.found,
            "fix": self.fix or None,
        }


class Wrong(Exception):
    """A check found something that keeps Casework from its work."""

    level: Level = "wrong"

    def __init__(self, found: str, fix: str) -> None:
        super().__init__(found)
        self.found, self.fix = found, fix


class Loose(Wrong):
    """It works, but a wall is missing: a warning in production, a note elsewhere."""

    def __init__(self, settings: Settings, found: str, fix: str) -> None:
        super().__init__(found, fix)
        self.level = "warning" if settings.production else "note"


def check(name: str, look: Callable[[], str]) -> Finding:
    """What `look` says when all is well, or what it raises."""
    try:
        return Finding(name, "ok", look())
    except Wrong as wrong:
        return Finding(name, wrong.level, wrong.found, wrong.fix)
