"""What the product imports is what it says it needs: nothing works only because a development tool brought it along."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN = {"casework", "config", "migrations"}


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found.group(0)).lower()


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_every_package_that_the_product_imports_is_among_its_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {name_of(each) for each in project["dependencies"]}
    declared |= {name_of(each) for extra in project["optional-dependencies"].values() for each in extra}
    distributions = packages_distributions()

    undeclared = {
        f"{path.relative_to(ROOT)} imports {package}"
        for folder in ("casework", "config", "migrations")
        for path in (ROOT / folder).rglob("*.py")
        for package in imported(path) - OWN - sys.stdlib_module_names
        if not declared & {name_of(each) for each in distributions.get(package, [])}
    }

    assert not undeclared, "add to `dependencies` in pyproject.toml and run `make lock`"
