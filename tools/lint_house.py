"""House rules that a general linter does not know. Prints one line for each breach, with the fix; exit code 1."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ONLY_COMMIT = Path("casework/core/unit_of_work.py")


def commits(tree: ast.AST) -> Iterator[int]:
    """Lines that call `commit` on a session or a connection."""
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
        ):
            continue
        owner = node.func.value
        if not (isinstance(owner, ast.Name) and owner.id == "unit_of_work"):
            yield node.lineno


def main() -> int:
    breaches = []
    for path in sorted((ROOT / "casework").rglob("*.py")):
        relative = path.relative_to(ROOT)
        if relative == ONLY_COMMIT:
            continue
        for line in commits(ast.parse(path.read_text(encoding="utf-8"), filename=str(relative))):
            breaches.append(
                f"{relative}:{line}: only {ONLY_COMMIT} commits. A use case is committed with its audit event; "
                "a command opens `with unit_of_work():`."
            )
    for breach in breaches:
        print(breach, file=sys.stderr)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
