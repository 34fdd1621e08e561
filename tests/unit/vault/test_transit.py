"""Keys in a Vault transit engine, through the real client library and a stand-in that speaks the engine's HTTP API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.vault.providers import KeyProblem, open_provider
from casework.vault.transit import BATCH, TransitKeks
from tests.services import transit

DEK = b"d" * 32


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[transit.Engine, str]]:
    monkeypatch.setenv("CASEWORK_VAULT_TOKEN", "s.good")
    with transit.running() as (engine, address):
        yield engine, address


@pytest.fixture
def engine(served: tuple[transit.Engine, str]) -> transit.Engine:
    return served[0]


@pytest.fixture
def url(served: tuple[transit.Engine, str]) -> str:
    return f"transit:{served[1]}/transit/casework"


@pytest.fixture
def keks(url: str) -> TransitKeks:
    found = open_provider(url)
    assert isinstance(found, TransitKeks)
    return found


def test_wraps_and_unwraps_a_data_key(keks: TransitKeks) -> None:
    kek_id, wrapped = keks.wrap(DEK, b"bound")
    assert kek_id == keks.current() == "casework:v1"
    assert DEK not in wrapped
    assert keks.unwrap(kek_id, wrapped, b"bound") == DEK


def test_a_wrapped_key_opens_only_for_whom_it_was_wrapped(keks: TransitKeks) -> None:
    kek_id, wrapped = keks.wrap(DEK, b"one person")
    with pytest.raises(KeyProblem, match="casework:v1"):
        keks.unwrap(kek_id, wrapped, b"another person")


def test_many_are_asked_for_in_few_requests_and_come_back_in_order(
    keks: TransitKeks, engine: transit.Engine
) -> None:
    deks = [number.to_bytes(32, "big") for number in range(BATCH + 3)]
    wrapped = [(*keks.wrap(dek, dek[-2:]), dek[-2:]) for dek in deks]
    engine.requests.clear()
    assert keks.unwrap_many(wrapped) == deks
    assert engine.requests == ["POST /v1/transit/decrypt/casework"] * 2


def test_of_many_it_says_which_one_does_not_open(keks: TransitKeks) -> None:
    good = [(*keks.wrap(DEK, b"bound"), b"bound") for _number in range(3)]
    newer = keks.new_kek()
    bad = (*keks.wrap(DEK, b"bound"), b"elsewhere")
    with pytest.raises(KeyProblem, match=newer):
        keks.unwrap_many([*good, bad, *good])


def test_rotates_and_rewraps_with_what_binds_it(keks: TransitKeks) -> None:
    kek_id, wrapped = keks.wrap(DEK, b"bound")
    newer = keks.new_kek()
    assert newer == keks.current() == "casework:v2"
    assert keks.health() == [kek_id, newer]
    assert keks.unwrap(kek_id, wrapped, b"bound") == DEK
    again_id, again = keks.rewrap(kek_id, wrapped, b"bound")
    assert again_id == newer
    assert keks.unwrap(newer, again, b"bound") == DEK
    many = keks.rewrap_many([(kek_id, wrapped, b"bound")] * 3)
    assert keks.unwrap_many((*one, b"bound") for one in many) == [DEK] * 3


def test_the_engines_own_rewrap_cannot_do_it(keks: TransitKeks, engine: transit.Engine) -> None:
    """Why re-wrapping is decrypt and encrypt: `rewrap` passes no associated data."""
    _kek_id, wrapped = keks.wrap(DEK, b"bound")
    with pytest.raises(transit.Wrong):
        engine.rewrap("casework", {"ciphertext": wrapped.decode()})


def test_retires_and_destroys_old_versions(keks: TransitKeks, engine: transit.Engine) -> None:
    oldest, wrapped = keks.wrap(DEK, b"bound")
    keks.new_kek()
    with pytest.raises(KeyProblem, match="in use"):
        keks.retire("casework:v2")
    with pytest.raises(KeyProblem, match="not retired"):
        keks.destroy(oldest)
    keks.retire(oldest)
    assert keks.health() == ["casework:v2"]
    assert keks.retired() == [oldest]
    with pytest.raises(KeyProblem, match=r"casework:v1.*min_decryption_version"):
        keks.unwrap(oldest, wrapped, b"bound")
    keks.destroy(oldest)
    assert keks.retired() == []
    assert engine.keys["casework"][0] is None


def test_says_when_a_version_was_made(keks: TransitKeks) -> None:
    made = keks.made(keks.current())
    assert made is not None
    assert made.timestamp() == 1795000001


def test_says_what_to_do_when_the_token_is_refused(keks: TransitKeks, engine: transit.Engine) -> None:
    engine.token = "s.other"
    with pytest.raises(KeyProblem, match="refuses the token"):
        keks.wrap(DEK, b"bound")


def test_a_renewed_token_file_is_read_again(
    engine: transit.Engine, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("s.good\n")
    token.chmod(0o600)
    monkeypatch.delenv("CASEWORK_VAULT_TOKEN")
    monkeypatch.setenv("CASEWORK_VAULT_TOKEN_FILE", str(token))
    keks = open_provider(url)
    engine.token = "s.renewed"
    token.write_text("s.renewed\n")
    assert keks.health() == ["casework:v1"]
    token.chmod(0o644)
    engine.token = "s.again"
    with pytest.raises(KeyProblem, match="chmod 600"):
        keks.health()


def test_needs_a_token(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CASEWORK_VAULT_TOKEN")
    with pytest.raises(KeyProblem, match="needs a token"):
        open_provider(url)


def test_says_when_the_engine_is_sealed_or_away(
    keks: TransitKeks, engine: transit.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.sealed = True
    with pytest.raises(KeyProblem, match="does not answer"):
        keks.current()
    with pytest.raises(KeyProblem, match="does not answer"):
        open_provider("transit:http://127.0.0.1:9/transit/casework")


def test_says_when_there_is_no_such_key(url: str) -> None:
    with pytest.raises(KeyProblem, match="has no key nothing"):
        open_provider(url.replace("/casework", "/nothing"))


def test_refuses_a_key_id_of_another_provider(keks: TransitKeks) -> None:
    with pytest.raises(KeyProblem, match="kek-0123456789ab is missing"):
        keks.unwrap("kek-0123456789ab", b"x" * 60, b"bound")
    with pytest.raises(KeyProblem, match="not wrapped by it"):
        keks.unwrap("casework:v1", b"x" * 60, b"bound")


@pytest.mark.parametrize("bad", ["", "host", "ftp://host/transit/key", "https://host", "https://host/key"])
def test_refuses_an_address_that_names_no_key(bad: str) -> None:
    with pytest.raises(KeyProblem, match="must look like"):
        open_provider(f"transit:{bad}")


def test_production_asks_over_https_only(url: str) -> None:
    with pytest.raises(KeyProblem, match="https"):
        open_provider(url, production=True)
