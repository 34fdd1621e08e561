"""Every kind of break that a verification can name has its sentence for the auditors' page."""

from __future__ import annotations

import re
from pathlib import Path

from casework.audit import verifications, verify

NOTES = {"clock"}
"""What is noted and breaks nothing."""
OF_PACKS = {"manifest", "csv", "consistency"}
"""What the live log does not have."""


def test_every_kind_of_break_has_its_sentence() -> None:
    folder = Path(verify.__file__).parent
    named: set[str] = set()
    for path in [folder / "verify.py", *folder.glob("live*.py")]:
        named |= set(
            re.findall(r'(?:Broken|Problem|keep)\(\s*"([a-z_]+)"', path.read_text()),
        )
    assert {"body_changed", "writer_hole", "writer_repeat", "projection", "fork"} <= named
    assert named - NOTES - OF_PACKS - verifications.KINDS.keys() == set()
    assert verifications.in_words("writer_hole") == verifications.GONE
