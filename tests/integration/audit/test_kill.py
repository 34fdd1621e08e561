"""Kill -9 at random moments, in writers and sequencers: nothing acknowledged is lost, nothing happens twice.

`bench/kill.py` does the same 200 times on each engine.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from casework.audit.identity import identity_here
from casework.audit.sequencer import sequence_all, sign
from tests.services.audit_killing import imbalance, kill_often

KILLS = 12
SEED = 20261122


@pytest.mark.both_engines
def test_every_act_has_its_event_and_every_event_its_act(app: Flask, tmp_path: Path) -> None:
    settings = app.extensions["casework_settings"]
    account = kill_often(settings.home, settings.database_url, tmp_path, KILLS, SEED)
    with app.app_context():
        sequence_all()
        sign(identity_here())
        assert imbalance(account) == []
