"""Kill -9 at random moments in writers and sequencers, 200 times on each engine; then the account must balance.

python -m bench.kill [--kills 200] [--seed N]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.engines import installations
from casework.audit.identity import identity_here
from casework.audit.sequencer import sequence_all, sign
from tests.services.audit_killing import imbalance, kill_often


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args(argv)
    failed = 0
    with installations(["sqlite", "postgresql"]) as each:
        for name, app in each:
            settings = app.extensions["casework_settings"]
            with tempfile.TemporaryDirectory() as folder:
                account = kill_often(
                    settings.home, settings.database_url, Path(folder), asked.kills, asked.seed
                )
            with app.app_context():
                sequence_all()
                sign(identity_here())
                wrong = imbalance(account)
            failed |= bool(wrong)
            said = "; ".join(wrong) or "no gap, no duplicate, every act has its event and every event its act"
            print(
                f"{name}: {account.kills} kills, {len(account.acknowledged):,} acts, seed {asked.seed}: {said}"
            )
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
