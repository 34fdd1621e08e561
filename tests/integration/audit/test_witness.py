"""A witness follows the published log, cosigns what only grew, and keeps the evidence of anything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.app import create_app
from casework.audit import merkle
from casework.audit.export import Wanted, write_export
from casework.audit.identity import identity_here
from casework.audit.log_site import log_site
from casework.audit.note import (
    Checkpoint,
    Verifier,
    cosignature_time,
    open_checkpoint,
    open_note,
    sign_checkpoint,
)
from casework.audit.reasons import reason
from casework.audit.tiles import Tile
from casework.audit.witness import Folder, Refused, Witness, WitnessProblem, source_of
from casework.core.database import db
from config.settings import Settings
from tests.services.audit_log import grow

pytestmark = pytest.mark.both_engines


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, publish_log=True)


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@dataclass
class Published:
    """The log as the site under /log/ shows it."""

    client: FlaskClient

    def get(self, name: str) -> bytes | None:
        answer = self.client.get(f"/log/{name}")
        return answer.data if answer.status_code == 200 else None


@pytest.fixture
def site(client: FlaskClient) -> Published:
    return Published(client)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "state.json")


def log_key() -> str:
    return identity_here().verifier().vkey


def test_the_log_is_published_only_where_it_is_wanted(settings: Settings) -> None:
    quiet = create_app(replace(settings, publish_log=False))
    assert log_site.name not in quiet.blueprints
    assert quiet.test_client().get("/log/checkpoint").status_code == 404
    with quiet.app_context():
        db.session.remove()
        db.engine.dispose()


def test_the_site_shows_checkpoint_and_hash_tiles_of_the_signed_tree(
    site: Published, client: FlaskClient
) -> None:
    assert site.get("checkpoint") is None
    grow(300)
    note = site.get("checkpoint")
    assert note == identity_here().last_note()
    whole = client.get("/log/tile/0/000")
    assert len(whole.data) == 256 * 32
    assert whole.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Set-Cookie" not in whole.headers
    assert len(site.get("tile/0/001.p/44") or b"") == 44 * 32
    assert len(site.get("tile/0/001.p/9") or b"") == 9 * 32
    assert len(site.get("tile/1/000.p/1") or b"") == 32
    assert site.get("verifier.key") == (log_key() + "\n").encode()
    for unknown in (
        "tile/0/001",
        "tile/0/001.p/45",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/0/1",
        "tile/9/000",
    ):
        assert site.get(unknown) is None, unknown
    assert site.get("tile/entries/000") is None


def test_follows_a_growing_log_and_cosigns(site: Published, witness: Witness) -> None:
    sizes = []
    for step in (1, 254, 1, 1, 300, 0, 5):
        if step:
            grow(step)
        seen = witness.look(site, vkey=log_key(), name="witness/partner")
        sizes.append((seen.before, seen.checkpoint.size))
        opened = open_note(seen.note, [Verifier.from_vkey(log_key()), witness.signer().verifier])
        assert [signature.name for signature in opened.signatures] == ["casework/test", "witness/partner"]
        assert opened.signatures[1].time == cosignature_time(opened.signatures[1].blob)
    assert sizes == [(0, 1), (1, 255), (255, 256), (256, 257), (257, 557), (557, 557), (557, 562)]


def test_refuses_another_tree_of_the_same_size_and_keeps_both(
    site: Published, witness: Witness, tmp_path: Path
) -> None:
    grow(10)
    witness.look(site, vkey=log_key())
    forged = sign_checkpoint(Checkpoint("casework/test", 10, b"\1" * 32), identity_here().signer())
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "checkpoint").write_bytes(forged)
    before = witness.state.read_bytes()
    with pytest.raises(Refused, match="two histories") as refusal:
        witness.look(Folder(tmp_path / "log"))
    evidence = refusal.value.evidence
    assert (evidence / "seen-before").read_bytes() == identity_here().last_note()
    assert (evidence / "shown-now").read_bytes() == forged
    assert json.loads((evidence / "evidence.json").read_text())["shown_size"] == 10
    assert witness.state.read_bytes() == before


def test_refuses_a_longer_tree_that_does_not_extend_the_last_one(site: Published, witness: Witness) -> None:
    grow(10)
    witness.look(site, vkey=log_key())
    leaves = [bytes([number]) * 32 for number in range(20)]
    forged = sign_checkpoint(Checkpoint("casework/test", 20, merkle.root(leaves)), identity_here().signer())

    class Fork:
        def get(self, name: str) -> bytes | None:
            if name == "checkpoint":
                return forged
            return b"".join(leaves) if name == Tile(0, 0, 20).path else None

    with pytest.raises(Refused) as refusal:
        witness.look(Fork())
    assert json.loads((refusal.value.evidence / "evidence.json").read_text())["proof"]


def test_an_older_checkpoint_is_neither_cosigned_nor_a_fork(
    site: Published, witness: Witness, tmp_path: Path
) -> None:
    grow(10)
    old = identity_here().last_note()
    assert old is not None
    grow(10)
    witness.look(site, vkey=log_key())

    class Stale(Published):
        def get(self, name: str) -> bytes | None:
            return old if name == "checkpoint" else super().get(name)

    with pytest.raises(WitnessProblem, match="older than the last one seen"):
        witness.look(Stale(site.client))


def test_a_missing_tile_or_a_strange_key_is_no_fork(site: Published, witness: Witness) -> None:
    grow(10)
    witness.look(site, vkey=log_key())
    grow(10)

    class Poor(Published):
        def get(self, name: str) -> bytes | None:
            return super().get(name) if name == "checkpoint" else None

    with pytest.raises(WitnessProblem, match="Ask for a pack"):
        witness.look(Poor(site.client))
    with pytest.raises(WitnessProblem, match="another key"):
        witness.look(site, vkey="x+00000000+AA==")
    with pytest.raises(WitnessProblem, match="There is no log"):
        source_of("/nowhere/at/all")


def test_a_pack_since_the_last_checkpoint_is_enough(site: Published, tmp_path: Path) -> None:
    grow(10)
    identity = identity_here()
    state = Witness(tmp_path / "state.json")
    first = state.look(site)
    assert first.trusted_on_first_use
    held = identity.last_note()
    grow(30)
    note = identity.last_note()
    assert note is not None
    signed = open_checkpoint(note, identity.verifier())
    for name in ("pack", "pack.zip"):
        write_export(Wanted("pack", reason("a test"), since=held), tmp_path / name, identity, signed, note)
    for name in ("pack", "pack.zip", "pack/checkpoint"):
        again = Witness(tmp_path / f"{name.replace('/', '-')}.json")
        again.state.write_bytes(state.state.read_bytes())
        seen = again.look(source_of(str(tmp_path / name)))
        assert (seen.before, seen.checkpoint.size) == (10, 40)


def test_the_command_runs_without_an_installation(tmp_path: Path, live_server: str) -> None:
    grow(10)
    command = [
        sys.executable, "-m", "casework.cli", "audit", "witness", "--from", f"{live_server}/log/",
        "--state", str(tmp_path / "state.json"), "--key", log_key(), "--out", str(tmp_path / "cosigned"),
    ]  # fmt: skip
    nothing = {
        "PATH": os.environ["PATH"],
        "CASEWORK_HOME": str(tmp_path / "none"),
        "CASEWORK_ENV": "nonsense",
    }
    ran = subprocess.run(command, capture_output=True, text=True, env=nothing, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "0 to 10 events" in ran.stderr
    assert (tmp_path / "cosigned").read_bytes().count("—".encode()) == 2
    assert not (tmp_path / "none").exists()
