from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import check_dependencies

HASHED = "flask==3.1.3 \\\n    --hash=sha256:00\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose locks are in order."""
    for lock in check_dependencies.LOCKS:
        (tmp_path / lock).write_text("# made by make lock\n" + HASHED)
    (tmp_path / "frontend").mkdir()
    package = {"version": "1.0.0", "integrity": "sha512-00", "license": "MIT"}
    (tmp_path / "frontend/package-lock.json").write_text(
        json.dumps({"packages": {"": {"license": "Apache-2.0"}, "node_modules/sass": package}})
    )
    monkeypatch.setattr(check_dependencies, "ROOT", tmp_path)
    return tmp_path


def test_locks_in_order_have_no_findings(checkout: Path) -> None:
    assert check_dependencies.hash_findings() == []


def test_an_entry_without_a_hash_is_found(checkout: Path) -> None:
    (checkout / "requirements.lock").write_text(HASHED + "jinja2==3.1.6\n" + HASHED)

    assert check_dependencies.hash_findings() == ["requirements.lock: jinja2==3.1.6 has no hash"]


@pytest.mark.parametrize(
    "line", ["--index-url https://example.org/simple", "-i x", "--find-links wheels", "--extra-index-url x"]
)
def test_an_address_in_a_lock_is_found(checkout: Path, line: str) -> None:
    (checkout / "requirements-dev.lock").write_text(f"{line}\n{HASHED}")

    assert len(check_dependencies.hash_findings()) == 1


def test_an_address_in_the_front_end_lock_is_found(checkout: Path) -> None:
    (checkout / "frontend/package-lock.json").write_text(
        json.dumps({"packages": {"node_modules/sass": {"resolved": "x", "license": "MIT"}}})
    )

    assert len(check_dependencies.hash_findings()) == 2


@pytest.mark.parametrize(
    "licence",
    [
        "MIT",
        "LGPL-3.0-only",
        "MIT AND PSF-2.0",
        "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)",
    ],
)
def test_a_licence_that_lets_the_product_be_passed_on_is_allowed(licence: str) -> None:
    assert check_dependencies.allowed(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "GPL-3.0-or-later",
        "AGPL-3.0-only",
        "MIT AND GPL-2.0-only",
        "License :: OSI Approved :: GNU Affero General Public License v3",
        "License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
        "proprietary",
        "unknown",
    ],
)
def test_a_licence_that_binds_the_product_or_is_not_known_is_refused(licence: str) -> None:
    assert not check_dependencies.allowed(licence)
