from __future__ import annotations

import socket

import pytest

from tools import check_port


def test_a_free_port_may_be_had() -> None:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        port = finder.getsockname()[1]

    assert check_port.main(str(port)) == 0


def test_a_port_in_use_is_refused_in_one_sentence_that_says_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert check_port.main(str(port)) == 1

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"Port {port} is in use." in said
    assert "make run PORT=" in said


@pytest.mark.parametrize("wrong", ["0", "65536", "-1", "http", "", "80 80"])
def test_a_port_that_is_no_port_is_refused_in_one_sentence(
    wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_port.main(wrong) == 2
    assert capsys.readouterr().err.count("\n") == 1
