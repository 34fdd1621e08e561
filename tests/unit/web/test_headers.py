"""Security headers, built files, safe redirects."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from flask import Flask

from casework.web import assets
from casework.web.headers import HEADERS
from casework.web.replies import safe_next
from tests.unit.web.demo import make_demo


@pytest.mark.parametrize("path", ["/", "/nowhere", "/assets/nowhere.css"])
def test_puts_every_header_on_every_page(demo: Flask, path: str) -> None:
    answer = demo.test_client().get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in answer.headers
    assert "Content-Encoding" not in answer.headers


def test_has_a_policy_without_any_way_for_inline_code() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy
    for part in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
        assert part in policy.split("; ")


def test_demands_https_in_production() -> None:
    answer = make_demo(SESSION_COOKIE_SECURE=True).test_client().get("/", base_url="https://localhost")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "static" / "build"
    folder.mkdir(parents=True)
    for name, content in {"app.1f.css": b"body{}", "app.2e.js": b"1;"}.items():
        (folder / name).write_bytes(content)
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    (folder / "manifest.json").write_text(json.dumps({"app.css": "app.1f.css", "app.js": "app.2e.js"}))
    monkeypatch.setattr(assets, "BUILD", folder)
    return folder


@pytest.mark.usefixtures("build")
def test_sends_a_built_file_compressed_and_for_a_year(demo: Flask) -> None:
    client = demo.test_client()
    with client.get("/assets/app.1f.css") as plain:
        assert plain.data == b"body{}"
        assert plain.mimetype == "text/css"
        assert "Content-Encoding" not in plain.headers
    with client.get("/assets/app.1f.css", headers={"Accept-Encoding": "gzip"}) as small:
        assert gzip.decompress(small.data) == b"body{}"
        assert small.headers["Content-Encoding"] == "gzip"
        assert small.mimetype == "text/css"
        assert small.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert small.headers["Vary"] == "Accept-Encoding"
        assert "Set-Cookie" not in small.headers


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize(
    "name", ["manifest.json", "app.1f.css.gz", "../build/app.1f.css", "%2e%2e/%2e%2e/setup.py", "app.css"]
)
def test_sends_nothing_that_the_manifest_does_not_name(demo: Flask, name: str) -> None:
    assert demo.test_client().get(f"/assets/{name}").status_code == 404


@pytest.mark.usefixtures("build")
def test_names_a_built_file_by_its_hash(demo: Flask) -> None:
    with demo.test_request_context():
        assert assets.asset_url("app.css") == "/assets/app.1f.css"
        with pytest.raises(assets.NotBuilt):
            assets.asset_url("other.css")


@pytest.mark.parametrize(
    "target",
    [
        "//other.example",
        "https://other.example",
        "/\\other.example",
        "javascript:1",
        "",
        None,
        "/a\nb",
        "/a b",
        "\t/a",
    ],
)
def test_leads_nobody_to_another_site(target: str | None) -> None:
    assert safe_next(target) == "/"


def test_leads_back_to_a_page_of_ours() -> None:
    assert safe_next("/cases?state=active&x=1#top") == "/cases?state=active&x=1#top"


def test_sends_nobodys_cookie_with_a_file_that_shared_caches_keep(demo: Flask) -> None:
    client = demo.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = "somebody's token"
    with client.get("/assets/icon.svg?lang=ru") as answer:
        assert answer.cache_control.public
        assert "Set-Cookie" not in answer.headers
