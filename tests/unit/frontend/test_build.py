"""What the front-end build made, as the pages will send it."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

BUILD = Path(__file__).parents[3] / "casework" / "web" / "static" / "build"


def built(name: str) -> Path:
    manifest: dict[str, str] = json.loads((BUILD / "manifest.json").read_text(encoding="utf-8"))
    return BUILD / manifest[name]


@pytest.mark.parametrize("name", ["app.css", "app.js"])
def test_the_name_carries_the_content_so_that_a_browser_may_keep_it_for_ever(name: str) -> None:
    content = built(name).read_bytes()

    assert hashlib.sha256(content).hexdigest()[:12] in built(name).name


@pytest.mark.parametrize("name", ["app.css", "app.js"])
def test_the_compressed_copy_is_the_same_content(name: str) -> None:
    assert (
        gzip.decompress(built(name).with_name(f"{built(name).name}.gz").read_bytes())
        == built(name).read_bytes()
    )


@pytest.mark.parametrize("name", ["app.css", "app.js"])
def test_nothing_points_outside(name: str) -> None:
    content = built(name).read_text(encoding="utf-8")

    assert not re.search(r"https?://(?!www\.w3\.org/)[a-z0-9]", content)
    assert not re.search(r"url\((?!['\"]?data:)", content)


def test_no_brand_of_another_service_is_left() -> None:
    content = built("app.css").read_text(encoding="utf-8")

    assert "GDS Transport" not in content
    assert "crest" not in content
    assert "@font-face" not in content


def test_styles_and_script_leave_room_in_the_first_page_of_100_kb() -> None:
    sent = sum(
        built(name).with_name(f"{built(name).name}.gz").stat().st_size for name in ("app.css", "app.js")
    )

    assert sent < 40_000
