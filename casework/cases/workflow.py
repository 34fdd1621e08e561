"""The states of a case and the moves between them (data dictionary §2, §2.1): one table, walked by `move`.

`gate` names what must be so before a move; the use case that makes the move proves it. Moves that a later part of the product
makes (assessment, plan, closing) stand here already, so that the table is read whole against the dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from casework.access.roles import Role
from casework.core.errors import IllegalMove

FIRST = "intake"
"""The status of a case that is opened here; one that another service sends in begins as `referred_in`."""

OPEN = ("referred_in", "intake", "assessment", "planning", "active", "review", "step_down", "reopened")
AT_WORK = ("active", "reopened")
ENDED = ("closed", "transferred", "not_opened", "duplicate", "entered_in_error")

Gate = Literal[
    "",
    "consent_or_lawful_basis",
    "assessment_signed",
    "plan_agreed",
    "two_stable_reviews",
    "supervisor_is_not_worker",
    "reason",
    "reason_and_until",
    "consent_to_transfer",
]


@dataclass(frozen=True, slots=True)
class Move:
    """`act` leads from each of `sources` to `target`, done by one of `roles`, when `gate` holds."""

    act: str
    sources: tuple[str, ...]
    target: str
    roles: frozenset[Role]
    gate: Gate = ""


CASEWORKER = frozenset({Role.CASEWORKER})
SUPERVISOR = frozenset({Role.SUPERVISOR})
EITHER = CASEWORKER | SUPERVISOR

MOVES: tuple[Move, ...] = (
    Move("begin_intake", ("referred_in",), "intake", EITHER),
    Move("record_consent", ("intake",), "assessment", CASEWORKER, "consent_or_lawful_basis"),
    Move("sign_assessment", ("assessment",), "planning", SUPERVISOR, "assessment_signed"),
    Move("agree_plan", ("planning",), "active", CASEWORKER, "plan_agreed"),
    Move("review", AT_WORK, "review", EITHER),
    Move("go_on", ("review",), "active", EITHER),
    Move("step_down", ("active", "reopened", "review"), "step_down", EITHER, "two_stable_reviews"),
    Move("close", ("step_down",), "closed", SUPERVISOR, "supervisor_is_not_worker"),
    Move("reopen", ("closed",), "reopened", SUPERVISOR, "reason"),
    Move("hold", OPEN[1:], "on_hold", EITHER, "reason_and_until"),
    Move("resume", ("on_hold",), "active", EITHER, "plan_agreed"),
    Move("resume_assessment", ("on_hold",), "assessment", EITHER, "consent_or_lawful_basis"),
    Move("ask_transfer", OPEN[1:], "transfer_pending", SUPERVISOR, "consent_to_transfer"),
    Move("keep_here", ("transfer_pending",), "active", SUPERVISOR, "plan_agreed"),
    Move("transfer", ("transfer_pending",), "transferred", SUPERVISOR, "consent_to_transfer"),
    Move("not_open", ("referred_in", "intake"), "not_opened", EITHER, "reason"),
    Move("mark_duplicate", OPEN, "duplicate", SUPERVISOR, "reason"),
    Move("mark_in_error", OPEN, "entered_in_error", SUPERVISOR, "reason"),
)


def possible(status: str, role: Role | None) -> list[Move]:
    """The moves from `status` that `role` may make; of the system itself, all of them."""
    return [each for each in MOVES if status in each.sources and (role is None or role in each.roles)]


def move(status: str, act: str, role: Role | None) -> str:
    """The status after `act`. `IllegalMove` names what is possible instead."""
    acts = possible(status, role)
    for each in acts:
        if each.act == act:
            return each.target
    raise IllegalMove([each.act for each in acts])
