"""A witness follows the published log, cosigns what only grew, and keeps the evidence of anything else."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
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
from casework.audit.witness import Refused, Witness
from casework.audit.witness_sources import Folder, Site, WitnessProblem, at_most, source_of
from casework.commands.audit import audit
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
        "tile/0/x000/000",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/63/000.p/1",
        "tile/0/" + "x999/" * 50 + "999",
        "tile/0/%30%30%30",
        "tile/0/../0/000",
        "tile/",
    ):
        answer = client.get(f"/log/{unknown}")
        assert answer.status_code == 404 or unknown == "tile/0/%30%30%30", unknown
        assert "immutable" not in answer.headers["Cache-Control"] or answer.status_code == 200
    assert client.get("/log/checkpoint").headers["Cache-Control"] == "no-store"
    head = client.head("/log/tile/0/000")
    assert (head.status_code, head.headers["Content-Length"], head.data) == (200, str(256 * 32), b"")
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
    (offered,) = json.loads((refusal.value.evidence / "evidence.json").read_text())["proofs"]
    start, proof = base64.b64decode(offered["start"]), list(map(base64.b64decode, offered["proof"]))
    last = open_checkpoint((refusal.value.evidence / "seen-before").read_bytes(), identity_here().verifier())
    by_proof = merkle.roots_from_consistency(10, 20, start, proof)
    assert by_proof[1] == merkle.root(leaves)
    assert by_proof[0] != last.root


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


# A hostile log, a careless operator


def forged(size: int, root: bytes) -> bytes:
    """A checkpoint that the log's own key signed, whatever the tree says."""
    return sign_checkpoint(Checkpoint("casework/test", size, root), identity_here().signer())


@dataclass
class Offering:
    """A log that shows what it likes."""

    files: dict[str, bytes]

    def get(self, name: str) -> bytes | None:
        return self.files.get(name)


@pytest.mark.parametrize("size", [8, 10])
def test_a_fork_is_claimed_only_where_the_logs_own_hashes_prove_it(
    site: Published, witness: Witness, size: int
) -> None:
    grow(size)
    witness.look(site, vkey=log_key())
    state = witness.state.read_bytes()
    grow(10)
    honest = {name: site.get(name) or b"" for name in ("checkpoint", f"tile/0/000.p/{size + 10}")}
    tile = f"tile/0/000.p/{size + 10}"
    flipped = bytes([honest[tile][0] ^ 1]) + honest[tile][1:]
    with pytest.raises(WitnessProblem, match="does not belong to its own checkpoint"):
        witness.look(Offering({**honest, tile: flipped}))
    wrong = {"size1": size, "proof": [base64.b64encode(b"x" * 32).decode()] * 4}
    with pytest.raises(WitnessProblem, match="is not there"):
        witness.look(
            Offering({"checkpoint": honest["checkpoint"], "consistency.json": json.dumps(wrong).encode()})
        )
    assert witness.state.read_bytes() == state
    leaves = [bytes([number]) * 32 for number in range(size + 10)]
    fork = {"checkpoint": forged(size + 10, merkle.root(leaves)), tile: b"".join(leaves)}
    with pytest.raises(Refused, match=f"{size + 10} events do not extend {size}"):
        witness.look(Offering(fork))
    assert witness.state.read_bytes() == state
    seen = witness.look(Offering({**honest, "consistency.json": json.dumps(wrong).encode()}))
    assert seen.checkpoint.size == size + 10  # bad advice beside honest tiles does no harm


def test_what_is_shown_again_and_again_is_kept_once(site: Published, witness: Witness) -> None:
    grow(10)
    witness.look(site, vkey=log_key())
    for _ in range(3):
        with pytest.raises(Refused):
            witness.look(Offering({"checkpoint": forged(10, b"\1" * 32)}))
    assert len(list(witness.state.with_name("state.json.evidence").iterdir())) == 1


def test_two_runs_at_once_cosign_one_history(site: Published, witness: Witness) -> None:
    grow(10)
    witness.look(site, vkey=log_key())
    other = Witness(witness.state)
    told: list[str] = []

    class Meanwhile(Published):
        def get(self, name: str) -> bytes | None:
            if name == "checkpoint":
                with pytest.raises(WitnessProblem, match="still under way"):
                    other.look(site)
                told.append(name)
            return super().get(name)

    witness.look(Meanwhile(site.client))
    assert told == ["checkpoint"]


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b'{"log": 5, "note": 5}',
        b"[" * 100_000,
        b'{"note": "x", "log": "y"}',
    ],
)
def test_a_damaged_state_is_said_in_a_sentence(site: Published, witness: Witness, state: bytes) -> None:
    grow(3)
    witness.state.write_bytes(state)
    with pytest.raises(WitnessProblem, match="cannot be read"):
        witness.look(site, vkey=log_key())
    assert witness.state.read_bytes() == state


@pytest.mark.parametrize(
    "proof",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"size1": 10}',
        b'{"size1": 10, "proof": 5}',
        b'{"size1": 10, "proof": [5]}',
        b'{"size1": 10, "proof": ["!"]}',
        b'{"size1": 1e999, "proof": []}',
        b'{"size1": NaN, "proof": []}',
        b'{"size1": "10", "proof": []}',
        b'{"size1": 10, "proof": ["AA=="]}',
    ],
)
def test_a_hostile_proof_is_no_fork_and_no_crash(site: Published, witness: Witness, proof: bytes) -> None:
    grow(10)
    witness.look(site, vkey=log_key())
    state = witness.state.read_bytes()
    grow(1)
    with pytest.raises(WitnessProblem):
        witness.look(Offering({"checkpoint": site.get("checkpoint") or b"", "consistency.json": proof}))
    assert witness.state.read_bytes() == state


def test_a_checkpoint_full_of_signatures_is_not_cosigned(site: Published, witness: Witness) -> None:
    grow(3)
    note = site.get("checkpoint") or b""
    signature = note[note.rindex("\u2014".encode()) :]
    with pytest.raises(WitnessProblem, match="cannot be cosigned"):
        witness.look(Offering({"checkpoint": note + signature * 99}), vkey=log_key())
    assert not witness.state.exists()


@pytest.mark.parametrize("name", ["two words", "a+b", ""])
def test_a_witness_without_a_possible_name(site: Published, witness: Witness, name: str) -> None:
    grow(1)
    if name:
        with pytest.raises(WitnessProblem, match="key name"):
            witness.look(site, vkey=log_key(), name=name)
    else:
        witness.look(site, vkey=log_key(), name=name)
        assert witness.signer().name.startswith("witness/")


@contextmanager
def answering(answer: bytes, pause: float = 0) -> Iterator[str]:
    """A server that says this to whoever comes, with a pause between any two bytes, and then nothing more."""
    gone = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(65536)
                        if not pause:
                            connection.sendall(answer)
                        for at in range(len(answer) if pause else 0):
                            connection.sendall(answer[at : at + 1])
                            gone.wait(pause)
                    except OSError:
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/log/"
        finally:
            gone.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "cannot be reached"),
        (b"nonsense\r\n\r\n", "cannot be reached"),
        (b"HTTP/1.1 500 Oh\r\n\r\n", "answers 500"),
        (OK + b"Content-Length: 1000\r\n\r\nshort", "not signed"),
        (OK + b"Content-Length: -5\r\n\r\nshort", "not signed"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "cannot be reached"),
        (OK + b"X: " + b"x" * 70_000 + b"\r\n\r\n", "cannot be reached"),
        (OK + b"X: y\r\n" * 200 + b"\r\n", "cannot be reached"),
        (OK + b"\r\n" + b"x" * 1_000_001, "longer than it can be"),
        (b"HTTP/1.1 302 Go\r\nLocation: file:///etc/passwd\r\n\r\n", "302"),
        (b"HTTP/1.1 302 Go\r\nLocation: ftp://127.0.0.1/x\r\n\r\n", "cannot be reached"),
        (b"HTTP/1.1 302 Go\r\nLocation: /log/checkpoint\r\n\r\n", "302"),
        (b"HTTP/1.1 404 No\r\n\r\n", "no checkpoint"),
        (OK + b"\r\n\xff\xfe", "not signed"),
    ],
)
def test_whatever_a_site_answers_is_a_sentence(witness: Witness, answer: bytes, said: str) -> None:
    with answering(answer) as address, pytest.raises(WitnessProblem, match=said):
        witness.look(source_of(address), vkey=log_key())
    assert not witness.state.exists()


def test_a_site_that_sends_a_byte_now_and_then_is_left(witness: Witness) -> None:
    with (
        answering(OK + b"X: " + b"x" * 1000, pause=0.02) as address,
        pytest.raises(WitnessProblem, match=r"within 0\.2 seconds"),
        at_most(0.2),
    ):
        witness.look(Site(address), vkey=log_key())


def test_a_zip_file_that_is_none_or_too_large_inside(witness: Witness, tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("checkpoint", b"0" * 50_000_000)
    with pytest.raises(WitnessProblem, match="longer than it can be"):
        witness.look(source_of(str(path)), vkey=log_key())
    damaged = bytearray(path.read_bytes())
    damaged[45:80] = b"\xff" * 35
    path.write_bytes(damaged)
    with pytest.raises(WitnessProblem, match="cannot be read"):
        witness.look(source_of(str(path)), vkey=log_key())


def test_the_commands_exit_code_tells_a_fork_from_a_bad_line(tmp_path: Path) -> None:
    grow(10)
    folder, state = tmp_path / "log", tmp_path / "state.json"
    folder.mkdir()

    def run(*more: str) -> tuple[int, str]:
        asked = ["witness", "--from", str(folder), "--state", str(state), "--key", log_key(), *more]
        result = CliRunner().invoke(audit, asked)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    assert run()[0] == 2
    (folder / "checkpoint").write_bytes(identity_here().last_note() or b"")
    assert run()[0] == 0
    assert run("--out", str(tmp_path)) == (2, f"{tmp_path}: Is a directory.\n")
    (folder / "checkpoint").write_bytes(forged(10, b"\1" * 32))
    code, said = run()
    assert code == 1
    assert "two histories" in said
    (folder / "checkpoint").write_bytes(b"nonsense")
    assert run()[0] == 2
    code, said = run("--key", str(tmp_path / "nowhere"))
    assert code == 2
    assert "verifier key cannot be read" in said or "another key" in said
