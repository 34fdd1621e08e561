"""The table of states against the data dictionary §2.1."""

from __future__ import annotations

import pytest

from casework.access.roles import Role
from casework.cases import workflow
from casework.core.errors import IllegalMove
from casework.core.pack import load_pack

STATUSES = set(load_pack().value_set("case_status"))


def test_the_table_speaks_of_every_status_and_of_no_other() -> None:
    named = {each.target for each in workflow.MOVES} | {
        each for move in workflow.MOVES for each in move.sources
    }
    assert named == STATUSES


def test_the_main_line_leads_from_referral_to_closing_and_back() -> None:
    line = [
        ("begin_intake", Role.CASEWORKER, "intake"),
        ("record_consent", Role.CASEWORKER, "assessment"),
        ("sign_assessment", Role.SUPERVISOR, "planning"),
        ("agree_plan", Role.CASEWORKER, "active"),
        ("review", Role.CASEWORKER, "review"),
        ("go_on", Role.CASEWORKER, "active"),
        ("step_down", Role.CASEWORKER, "step_down"),
        ("close", Role.SUPERVISOR, "closed"),
        ("reopen", Role.SUPERVISOR, "reopened"),
        ("review", Role.SUPERVISOR, "review"),
    ]
    status = "referred_in"
    for act, role, target in line:
        status = workflow.move(status, act, role)
        assert status == target


def test_a_caseworker_can_neither_sign_nor_close() -> None:
    for status, act in (("assessment", "sign_assessment"), ("step_down", "close")):
        with pytest.raises(IllegalMove) as refused:
            workflow.move(status, act, Role.CASEWORKER)
        assert act not in refused.value.possible


@pytest.mark.parametrize("act", ["sign_assessment", "agree_plan", "close", "step_down", "reopen"])
def test_intake_cannot_be_jumped(act: str) -> None:
    with pytest.raises(IllegalMove):
        workflow.move("intake", act, None)


def test_no_move_is_made_by_the_clock_alone() -> None:
    assert all(each.roles for each in workflow.MOVES)


def test_what_has_ended_leads_nowhere_but_through_reopening() -> None:
    leading_out = {each.act for each in workflow.MOVES if set(each.sources) & set(workflow.ENDED)}
    assert leading_out == {"reopen"}
