from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools import lint_house


@pytest.mark.parametrize(
    "source",
    [
        "db.session.commit()",
        "session.commit()",
        "def f(connection):\n    with x:\n        connection.commit()",
    ],
)
def test_a_commit_of_a_session_is_found(source: str) -> None:
    assert list(lint_house.commits(ast.parse(source)))


@pytest.mark.parametrize("source", ["unit_of_work.commit()", "commit", "note = 'session.commit()'"])
def test_the_unit_of_work_may_be_asked_to_commit(source: str) -> None:
    assert not list(lint_house.commits(ast.parse(source)))


def test_a_breach_names_the_line_and_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    room = tmp_path / "casework" / "cases"
    room.mkdir(parents=True)
    (room / "queries.py").write_text("def save(session):\n    session.commit()\n")
    monkeypatch.setattr(lint_house, "ROOT", tmp_path)

    assert lint_house.main() == 1

    said = capsys.readouterr().err
    assert "casework/cases/queries.py:2:" in said
    assert "unit_of_work" in said
