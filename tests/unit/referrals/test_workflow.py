"""The table of moves: read against the dictionary, and walked."""

from __future__ import annotations

import pytest

from casework.core.errors import IllegalMove
from casework.core.pack import load_pack
from casework.referrals import workflow
from casework.referrals.course import PERMISSION_OF
from casework.referrals.use_cases import ending
from casework.referrals.use_cases.reading import DONE, REASON_SETS
from casework.referrals.workflow import Action, Clock, Side, State

RECIPIENT = frozenset({Side.RECIPIENT})
SENDER = frozenset({Side.SENDER})


def test_states_are_exactly_the_value_set_of_the_country_pack() -> None:
    assert {state.value for state in State} == set(load_pack().value_set("referral_status"))


def test_a_state_has_an_action_once_so_that_the_table_gives_one_answer() -> None:
    places = [(move.state, move.action) for move in workflow.MOVES]
    assert len(places) == len(set(places))


def test_every_state_can_be_reached_from_a_draft() -> None:
    reached, border = {State.DRAFT}, [State.DRAFT]
    while border:
        here = border.pop()
        for move in workflow.MOVES:
            if move.state is here and move.to not in reached:
                reached.add(move.to)
                border.append(move.to)
    assert reached == set(State)


def test_the_path_of_the_dictionary_is_in_the_table() -> None:
    path = [
        (Action.SUBMIT, Side.SENDER, State.AWAITING_REVIEW),
        (Action.RETURN, Side.REVIEWER, State.RETURNED),
        (Action.SUBMIT, Side.SENDER, State.AWAITING_REVIEW),
        (Action.APPROVE, Side.REVIEWER, State.SENT),
        (Action.ASK, Side.RECIPIENT, State.NEEDS_INFO),
        (Action.INFORM, Side.SENDER, State.RECEIVED),
        (Action.ACCEPT, Side.RECIPIENT, State.ACCEPTED),
        (Action.START, Side.RECIPIENT, State.IN_SERVICE),
        (Action.COMPLETE, Side.RECIPIENT, State.COMPLETED),
    ]
    state = State.DRAFT
    for action, side, expected in path:
        state = workflow.move(state, action, frozenset({side})).to
        assert state is expected


def test_nothing_leads_out_of_an_end() -> None:
    ends = {State.DECLINED, State.COMPLETED, State.DISCONTINUED, State.EXPIRED, State.WITHDRAWN}
    assert ends == workflow.FINAL


def test_the_person_can_withdraw_from_every_state_that_is_not_an_end() -> None:
    can = {
        move.state for move in workflow.MOVES if move.action is Action.WITHDRAW and move.side is Side.SENDER
    }
    assert can == workflow.LIVE


def test_the_installation_by_itself_never_declines_and_never_ends_a_service() -> None:
    own = [move for move in workflow.MOVES if move.side is Side.SYSTEM]
    assert own
    assert {move.to for move in own} == {State.EXPIRED}
    assert State.IN_SERVICE not in {move.state for move in own}


def test_only_a_reviewer_sends() -> None:
    assert {move.side for move in workflow.MOVES if move.to is State.SENT} == {Side.REVIEWER}


def test_the_time_to_act_starts_with_the_sending_and_anew_with_an_answer() -> None:
    starting = {(move.state, move.action) for move in workflow.MOVES if move.clock is Clock.ANSWER}
    assert starting == {(State.AWAITING_REVIEW, Action.APPROVE), (State.NEEDS_INFO, Action.INFORM)}


def test_every_end_stops_the_clock() -> None:
    assert all((move.clock is Clock.END) == (move.to in workflow.FINAL) for move in workflow.MOVES)


@pytest.mark.parametrize("action", list(Action))
def test_an_action_has_one_audit_code_and_words(action: Action) -> None:
    assert workflow.code_of(action).startswith("referral.")
    assert str(DONE[action])
    assert str(action.label)


def test_every_action_of_a_person_has_a_permission() -> None:
    assert set(PERMISSION_OF) == set(Action) - {Action.EXPIRE}


def test_an_impossible_step_says_what_is_possible_for_this_side() -> None:
    with pytest.raises(IllegalMove) as refused:
        workflow.move(State.IN_SERVICE, Action.ACCEPT, RECIPIENT)
    assert [str(label) for label in refused.value.possible] == ["Complete", "End early"]


def test_a_step_of_the_other_side_is_impossible() -> None:
    with pytest.raises(IllegalMove):
        workflow.move(State.SENT, Action.ACCEPT, SENDER)


def test_having_returned_is_no_reason_to_decline() -> None:
    reasons = load_pack().value_set(REASON_SETS[Action.DECLINE])
    assert set(reasons) == {
        "outside_mandate",
        "no_capacity",
        "missing_document",
        "wrong_area",
        "unsafe",
        "duplicate",
    }
    assert not any("return" in label.casefold() for _key, label in reasons.choices())


def test_a_draft_left_lying_keeps_its_copy_for_thirty_days() -> None:
    assert ending.DRAFT_DAYS == 30
