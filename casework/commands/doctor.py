"""`casework doctor`: looks at everything that this installation needs, and says what to do about what is wrong."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from importlib import metadata

from packaging.requirements import Requirement

from casework.commands.database_checks import look_at_database
from casework.commands.findings import Finding, Wrong, check
from casework.vault.index_keys import home_of_index_keys
from casework.vault.providers import KeyProblem, open_provider
from casework.web.assets import BUILD
from casework.web.catalogs import PO, catalog_directories
from config.settings import Settings, SettingsProblem, from_environment

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 1024**3


def examine() -> list[Finding]:
    """Every check, in the order in which things depend on each other."""
    findings = [check("python", _python), check("packages", _packages)]
    try:
        settings = from_environment()
    except SettingsProblem as problem:
        return [
            *findings,
            Finding(
                "settings", "wrong", str(problem), "Set the environment variables as docs/operations.md says."
            ),
        ]
    findings.append(Finding("settings", "ok", f"{settings.environment}, home {settings.home}"))
    findings += [
        check("home", lambda: _home(settings)),
        check("disk", lambda: _disk(settings)),
        check("keys", lambda: _keys(settings)),
        check("index key", lambda: _index_key(settings)),
        check("cookie secret", lambda: _cookie_secret(settings)),
        check("front end", _front_end),
        check("languages", _languages),
        *look_at_database(settings),
    ]
    return findings


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        raise Wrong(version, "Install Python 3.11 or newer.")
    return version


def _packages() -> str:
    wrong, count = [], 0
    for line in metadata.requires("casework") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            installed = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} is {installed}, needed is {requirement.specifier}")
    if wrong:
        raise Wrong(
            "; ".join(wrong),
            "Install the locked packages again: make run, or pip install -r requirements.lock.",
        )
    return f"{count} packages fit"


def _home(settings: Settings) -> str:
    home = settings.home
    if not home.is_dir():
        raise Wrong(f"{home} is not there", "Run: casework init")
    if not os.access(home, os.W_OK | os.X_OK):
        raise Wrong(
            f"{home} cannot be written", f"Give it to the user that runs Casework: chown -R USER {home}"
        )
    if home.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Wrong(f"{home} is open to others", f"Run: chmod 700 {home}")
    return f"{home} can be written, by its owner only"


def _disk(settings: Settings) -> str:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    said = f"{free / 1024**3:.1f} GiB free"
    if free < LEAST_FREE_BYTES:
        raise Wrong(said, "Make room: with a full disk nothing can be stored.")
    return said


def _keys(settings: Settings) -> str:
    try:
        at_hand = open_provider(settings.kek, production=settings.production).health()
    except KeyProblem as problem:
        raise Wrong(
            str(problem), "Run: casework init, or put the key files back from your key backup."
        ) from problem
    return f"{len(at_hand)} at hand: {', '.join(at_hand)}"


def _index_key(settings: Settings) -> str:
    try:
        at_hand = home_of_index_keys(settings.kek, settings.home).at_hand()
    except KeyProblem as problem:
        raise Wrong(
            str(problem), "Put the key file back from your key backup, or run: casework init"
        ) from problem
    return f"{len(at_hand)} at hand: {', '.join(key.id for key in at_hand)}"


def _cookie_secret(settings: Settings) -> str:
    if os.environ.get("CASEWORK_SECRET_KEY"):
        return "from CASEWORK_SECRET_KEY"
    path = settings.home / "keys" / "cookie.secret"
    if not path.exists():
        raise Wrong(f"{path} is not there, so everybody is signed out at each restart", "Run: casework init")
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Wrong(f"{path} can be read by others", f"Run: chmod 600 {path}")
    return str(path)


def _front_end() -> str:
    try:
        names = json.loads((BUILD / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise Wrong(
            "the style sheet and the script are not built", "Run: make run (it builds them)"
        ) from problem
    missing = [name for name in names.values() if not (BUILD / name).is_file()]
    if missing:
        raise Wrong(
            f"{', '.join(missing)} is not there", "Build the front end again: make clean, then make run"
        )
    return ", ".join(names.values())


def _languages() -> str:
    catalogs = [path for folder in catalog_directories() for path in folder.glob(f"*/{PO}")]
    stale = []
    for path in catalogs:
        compiled = path.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < path.stat().st_mtime:
            stale.append(path)
    if stale:
        raise Wrong(
            f"{len(stale)} of {len(catalogs)} catalogs are not compiled",
            "Run: python -m casework.web.catalogs compile",
        )
    return f"{len(catalogs)} catalogs are compiled"
