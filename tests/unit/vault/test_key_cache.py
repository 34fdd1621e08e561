"""The memory of unwrapped keys is bounded, forgetful and shared by threads."""

from __future__ import annotations

import threading
import time

import pytest

from casework.vault import keys
from casework.vault.keys import DataKey, data_key

KEY = data_key(bytes(32), 1)


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> keys._Cache:
    monkeypatch.setattr(keys, "CACHE_SIZE", 8)
    return keys._Cache()


def name(number: int) -> tuple[str, bytes, bytes]:
    return "kek-x", number.to_bytes(4, "big"), b"bound"


def test_keeps_the_most_recently_used(cache: keys._Cache) -> None:
    for number in range(8):
        cache.put(name(number), KEY)
    assert cache.get(name(0)) is KEY
    cache.put(name(8), KEY)
    assert cache.get(name(0)) is KEY
    assert cache.get(name(1)) is None
    assert len(cache) == 8


def test_a_key_is_known_by_all_that_unwrapping_would_check(cache: keys._Cache) -> None:
    cache.put(("kek-x", b"wrapped", b"one person"), KEY)
    assert cache.get(("kek-x", b"wrapped", b"another person")) is None
    assert cache.get(("kek-y", b"wrapped", b"one person")) is None


def test_forgets_with_time_also_what_nobody_asks_for(
    cache: keys._Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = time.monotonic()
    monkeypatch.setattr(keys.time, "monotonic", lambda: moment)
    cache.put(name(1), KEY)
    cache.put(name(2), KEY)
    moment += keys.CACHE_SECONDS + 1
    assert cache.get(name(1)) is None
    cache.put(name(3), KEY)
    assert len(cache) == 1


def test_drops_and_clears(cache: keys._Cache) -> None:
    cache.put(name(1), KEY)
    cache.put(name(2), KEY)
    cache.drop(name(1))
    cache.drop(name(7))
    assert cache.get(name(1)) is None
    cache.clear()
    assert len(cache) == 0


def test_threads_get_the_right_key_or_none(cache: keys._Cache) -> None:
    made: dict[int, DataKey] = {number: data_key(number.to_bytes(32, "big"), number) for number in range(32)}
    wrong: list[int] = []

    def work(start: int) -> None:
        for step in range(2000):
            number = (start + step * 7) % 32
            found = cache.get(name(number))
            if found is None:
                cache.put(name(number), made[number])
            elif found is not made[number]:
                wrong.append(number)
            if step % 50 == 0:
                cache.drop(name(number))

    threads = [threading.Thread(target=work, args=(start,)) for start in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert 0 < len(cache) <= 8
