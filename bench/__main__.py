"""`make bench`: everything that is measured, one part after the other, or those that are named.

    python -m bench [vault names …]

A part is a module of this folder with `run()`, or `main(argv)` that gives an exit code.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PARTS = [
    path.stem
    for path in sorted(HERE.glob("[!_]*.py"))
    if any(start in path.read_text(encoding="utf-8") for start in ("\ndef run(", "\ndef main(argv"))
]


def main(wanted: list[str]) -> int:
    """Runs the parts; 2 when one that was asked for does not exist."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    failed = 0
    for name in wanted or PARTS:
        print(f"== {name}", flush=True)
        part = importlib.import_module(f"bench.{name}")
        failed |= bool(part.run() if hasattr(part, "run") else part.main([]))
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
