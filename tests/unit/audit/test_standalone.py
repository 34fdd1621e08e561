"""The formats' own files are usable by others: they need Python and `cryptography`, and nothing else of the product."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from casework.audit import merkle

NEEDS = {
    "merkle": set(),
    "note": {"cryptography"},
    "tiles": {"casework.audit.merkle"},
    "verify": {"cryptography"},
}
"""Beside the standard library."""


@pytest.mark.parametrize("name", NEEDS)
def test_each_file_of_the_formats_stands_alone(name: str) -> None:
    needed: set[str] = set()
    for each in ast.walk(ast.parse(Path(merkle.__file__).with_name(f"{name}.py").read_text())):
        if isinstance(each, ast.Import):
            needed |= {alias.name for alias in each.names}
        elif isinstance(each, ast.ImportFrom):
            assert each.level == 0
            needed.add(each.module or "")
    beyond = {module for module in needed if module.partition(".")[0] not in sys.stdlib_module_names}
    assert {
        module if module.startswith("casework") else module.partition(".")[0] for module in beyond
    } == NEEDS[name]
