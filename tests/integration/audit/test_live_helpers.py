"""The live log, looked at by several processes: the same answers as one gives."""

from __future__ import annotations

import multiprocessing

import pytest
from flask import Flask

from casework.audit import live
from casework.audit.verify import Unusable
from tests.services.audit_log import attacker_of, grow, verified

CHANGES = [
    "UPDATE audit_event SET code = 'x' WHERE id = (SELECT max(id) - 7 FROM audit_event)",
    "UPDATE audit_event SET body = :body WHERE id = (SELECT min(id) + 9 FROM audit_event)",
    "DELETE FROM audit_leaf WHERE idx = 4200",
    "UPDATE audit_tile SET hashes = :body WHERE level = 0 AND n = 16",
]


@pytest.mark.both_engines
def test_several_processes_find_the_same_as_one(app: Flask) -> None:
    attacker = attacker_of(app)
    with app.app_context():
        grow(4500)
        heard: list[int] = []
        whole = verified(jobs=2, progress=lambda done, _of: heard.append(done))
        assert whole.problem is None
        assert whole.checked == 4500
        assert whole == verified(jobs=1)
        assert heard == [4096, 4500]
        for change in reversed(
            CHANGES
        ):  # Each is found before those that were made earlier, or instead of them.
            attacker.does(change, **({"body": b"{}"} if ":body" in change else {}))
            found = verified(jobs=2)
            assert not found.ok
            assert found == verified(jobs=1)


def test_a_helper_that_is_ended_from_outside_leaves_no_verdict(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_helpers(_done: int, _of: int) -> None:
        for child in multiprocessing.active_children():
            child.kill()
            child.join()

    monkeypatch.setattr(live, "CHUNK", 256)
    with app.app_context():
        grow(4000)
        with pytest.raises(Unusable, match="ended from outside"):
            verified(jobs=2, progress=end_helpers)
