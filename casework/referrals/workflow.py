"""The life of a referral: one table of moves, and the few functions that walk it.

A row reads: in this state this side may do this, which leads there, under this audit code, and the clock does that.
What no row says is not possible. Source: data dictionary §3.11 (states, reasons), §2.3 (time to act).
Beside the dictionary's states stand `awaiting_review` and `returned`: a supervisor reads each referral before it leaves.
There is no automatic refusal and no automatic closing of a service (§7 R15): an unanswered referral is overdue and stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from casework.core.errors import IllegalMove


class State(StrEnum):
    """`referral_status` of the country pack."""

    DRAFT = "draft"
    AWAITING_REVIEW = "awaiting_review"
    RETURNED = "returned"
    SENT = "sent"
    RECEIVED = "received"
    NEEDS_INFO = "needs_info"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    IN_SERVICE = "in_service"
    COMPLETED = "completed"
    DISCONTINUED = "discontinued"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn_by_person"


class Action(StrEnum):
    """What can be done to a referral."""

    SAVE = "save"
    SUBMIT = "submit"
    APPROVE = "approve"
    RETURN = "return"
    RECEIVE = "receive"
    ACCEPT = "accept"
    ASK = "ask"
    INFORM = "inform"
    DECLINE = "decline"
    START = "start"
    COMPLETE = "complete"
    DISCONTINUE = "discontinue"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"

    @property
    def label(self) -> Any:
        """The action as a button says it."""
        return _LABELS[self]


class Side(StrEnum):
    """Who makes a move."""

    SENDER = "sender"
    """Who works with the person: caseworker, psychologist or supervisor with the case in their scope."""
    REVIEWER = "reviewer"
    """A supervisor of the sending office who did not write the referral."""
    RECIPIENT = "recipient"
    """A domain officer of the referral's domain and place."""
    SYSTEM = "system"
    """A job of the installation; never an answer, only the end of a share whose basis has lapsed."""


class Clock(StrEnum):
    """What a move does to the time to act."""

    KEEP = "keep"
    REVIEW = "review"
    """The age in the review queue starts."""
    ANSWER = "answer"
    """The recipient's time to act starts: the limit of the urgency, counted from now."""
    PAUSE = "pause"
    """The ball is with the sender: no due date until the answer."""
    STOP = "stop"
    """Answered: nothing is due any more."""
    END = "end"
    """The referral is over."""


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the table."""

    state: State
    action: Action
    side: Side
    to: State
    code: str
    clock: Clock


S, A, W, C = State, Action, Side, Clock

MOVES: tuple[Move, ...] = (
    # writing and review, inside the sending office
    Move(S.DRAFT, A.SAVE, W.SENDER, S.DRAFT, "referral.drafted", C.KEEP),
    Move(S.DRAFT, A.SUBMIT, W.SENDER, S.AWAITING_REVIEW, "referral.submitted", C.REVIEW),
    Move(S.DRAFT, A.WITHDRAW, W.SENDER, S.WITHDRAWN, "referral.withdrawn", C.END),
    Move(S.DRAFT, A.EXPIRE, W.SYSTEM, S.EXPIRED, "referral.expired", C.END),
    Move(S.AWAITING_REVIEW, A.APPROVE, W.REVIEWER, S.SENT, "referral.approved", C.ANSWER),
    Move(S.AWAITING_REVIEW, A.RETURN, W.REVIEWER, S.RETURNED, "referral.returned", C.KEEP),
    Move(S.AWAITING_REVIEW, A.WITHDRAW, W.SENDER, S.WITHDRAWN, "referral.withdrawn", C.END),
    Move(S.AWAITING_REVIEW, A.EXPIRE, W.SYSTEM, S.EXPIRED, "referral.expired", C.END),
    Move(S.RETURNED, A.SAVE, W.SENDER, S.RETURNED, "referral.drafted", C.KEEP),
    Move(S.RETURNED, A.SUBMIT, W.SENDER, S.AWAITING_REVIEW, "referral.submitted", C.REVIEW),
    Move(S.RETURNED, A.WITHDRAW, W.SENDER, S.WITHDRAWN, "referral.withdrawn", C.END),
    Move(S.RETURNED, A.EXPIRE, W.SYSTEM, S.EXPIRED, "referral.expired", C.END),
    # with the recipient, not answered yet
    Move(S.SENT, A.RECEIVE, W.RECIPIENT, S.RECEIVED, "referral.received", C.KEEP),
    Move(S.SENT, A.ACCEPT, W.RECIPIENT, S.ACCEPTED, "referral.accepted", C.STOP),
    Move(S.SENT, A.ASK, W.RECIPIENT, S.NEEDS_INFO, "referral.information_asked", C.PAUSE),
    Move(S.SENT, A.DECLINE, W.RECIPIENT, S.DECLINED, "referral.declined", C.END),
    Move(S.SENT, A.WITHDRAW, W.SENDER, S.WITHDRAWN, "referral.withdrawn", C.END),
    Move(S.SENT, A.EXPIRE, W.SYSTEM, S.EXPIRED, "referral.expired", C.END),
    Move(S.RECEIVED, A.ACCEPT, W.RECIPIENT, S.ACCEPTED, "referral.accepted", C.STOP),
    Move(S.RECEIVED, A.ASK, W.RECIPIENT, S.NEEDS_INFO, "referral.information_asked", C.PAUSE),
    Move(S.RECEIVED, A.DECLINE, W.RECIPIENT, S.DECLINED, "referral.declined", C.END),
    Move(S.RECEIVED, A.WITHDRAW, W.SENDER, S.WITHDRAWN, "referral.withdrawn", C.END),
    Move(S.RECEIVED, A.EXPIRE, W.SYSTEM, S.EXPIRED, "referral.expired", C.END),
    Move(S.NEEDS_INFO, A.INFORM, W.SENDER, S.RECEIVED, "referral.information_given", C.ANSWER),
    Move(S.NEEDS_INFO, A.ACCEPT, W.RECIPIENT, S.ACCEPTED, "referral.accepted", C.STOP),
    Move(S.NEEDS_INFO, A.DECLINE, W.RECIPIENT, S.DECLINED, "referral.declined", C.END),
    Move(S.NEEDS_INFO, A.WITHDRAW, W.SENDER, S.WITHDRAWN, "referral.withdrawn", C.END),
    Move(S.NEEDS_INFO, A.EXPIRE, W.SYSTEM, S.EXPIRED, "referral.expired", C.END),
    # the service
    Move(S.ACCEPTED, A.START, W.RECIPIENT, S.IN_SERVICE, "referral.started", C.KEEP),
    Move(S.ACCEPTED, A.DISCONTINUE, W.RECIPIENT, S.DISCONTINUED, "referral.discontinued", C.END),
    Move(S.ACCEPTED, A.WITHDRAW, W.SENDER, S.WITHDRAWN, "referral.withdrawn", C.END),
    Move(S.ACCEPTED, A.EXPIRE, W.SYSTEM, S.EXPIRED, "referral.expired", C.END),
    Move(S.IN_SERVICE, A.COMPLETE, W.RECIPIENT, S.COMPLETED, "referral.completed", C.END),
    Move(S.IN_SERVICE, A.DISCONTINUE, W.RECIPIENT, S.DISCONTINUED, "referral.discontinued", C.END),
    Move(S.IN_SERVICE, A.WITHDRAW, W.SENDER, S.WITHDRAWN, "referral.withdrawn", C.END),
)

_BY_PLACE = {(move.state, move.action): move for move in MOVES}

FINAL = frozenset(State) - {move.state for move in MOVES}
"""States that nothing leads out of."""

INSIDE = frozenset({S.DRAFT, S.AWAITING_REVIEW, S.RETURNED})
"""Not sent yet: nobody outside the sending office knows of it."""

BEFORE_SERVICE = INSIDE | {S.SENT, S.RECEIVED, S.NEEDS_INFO, S.ACCEPTED}
"""No service has begun: when the share ends here, the package's key is destroyed."""

WAITING_FOR_RECIPIENT = frozenset({S.SENT, S.RECEIVED})
"""The recipient's time to act runs."""

OPEN_AT_RECIPIENT = frozenset({S.SENT, S.RECEIVED, S.NEEDS_INFO, S.ACCEPTED, S.IN_SERVICE})
"""On the recipient's desk."""

WITH_RECIPIENT = frozenset(State) - INSIDE
"""States in which a recipient may know of a referral, if it was sent."""

LIVE = frozenset(State) - FINAL
"""Not over."""


def code_of(action: Action) -> str:
    """The one audit code of an action, wherever in the table it stands."""
    (code,) = {move.code for move in MOVES if move.action is action}
    return code


def moves_from(state: State | str, sides: frozenset[Side]) -> list[Move]:
    """What these sides can do now, in the order of the table."""
    return [move for move in MOVES if move.state == state and move.side in sides]


def move(state: State | str, action: Action, sides: frozenset[Side]) -> Move:
    """The row for this action; `IllegalMove` with the labels of what is possible when the table has none."""
    found = _BY_PLACE.get((State(state), action))
    if found is None or found.side not in sides:
        raise IllegalMove([row.action.label for row in moves_from(state, sides)])
    return found


_LABELS: dict[Action, Any] = {
    Action.SAVE: _l("Change the referral"),
    Action.SUBMIT: _l("Send to review"),
    Action.APPROVE: _l("Approve and send"),
    Action.RETURN: _l("Return to the caseworker"),
    Action.RECEIVE: _l("Confirm receipt"),
    Action.ACCEPT: _l("Accept"),
    Action.ASK: _l("Ask for information"),
    Action.INFORM: _l("Answer the question"),
    Action.DECLINE: _l("Decline"),
    Action.START: _l("Start the service"),
    Action.COMPLETE: _l("Complete"),
    Action.DISCONTINUE: _l("End early"),
    Action.WITHDRAW: _l("Withdraw at the person’s wish"),
    Action.EXPIRE: _l("Lapse"),
}
