"""Walls that are visible in the source itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = sorted(path for path in (ROOT / "casework").rglob("*.py"))


def calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == name:
                yield node


def test_only_the_policy_widens_a_grant() -> None:
    widening = {
        path.relative_to(ROOT).as_posix()
        for path in ROOMS
        for call in calls(path, "widen")
        if isinstance(call.func, ast.Attribute)
    }
    assert widening == {"casework/access/policy.py"}


def test_only_the_unit_of_work_commits_the_session() -> None:
    committing = {
        path.relative_to(ROOT).as_posix()
        for path in ROOMS
        for call in calls(path, "commit")
        if "session" in ast.unparse(call.func)
    }
    assert committing == {"casework/core/unit_of_work.py"}


@pytest.mark.parametrize("room", ["cases", "referrals"])
def test_rows_with_an_owner_are_selected_in_queries_only(room: str) -> None:
    owned = {"Case", "Person", "PersonName", "SupportRecord", "FollowUp", "Draft", "Consent", "Referral"}
    for path in sorted((ROOT / "casework" / room).rglob("*.py")):
        if path.stem == "queries" or path.parent.name == "queries":
            continue
        for name in ("select", "get"):
            for call in calls(path, name):
                named = {ast.unparse(argument).split(".")[0] for argument in call.args[:1]}
                assert not named & owned, (
                    f"{path.relative_to(ROOT)}:{call.lineno}: ask queries.py, which shows only visible rows"
                )


def test_no_template_has_an_inline_script_or_style() -> None:
    for path in (ROOT / "casework").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for forbidden in (
            "<style",
            " style=",
            " onclick=",
            " onsubmit=",
            " onchange=",
            "javascript:",
            "|safe",
            "| safe",
        ):
            assert forbidden not in text, f"{path.relative_to(ROOT)}: {forbidden}"
        for line in text.splitlines():
            if "<script" in line:
                assert "src=" in line, f"{path.relative_to(ROOT)}: an inline script"
