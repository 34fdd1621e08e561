"""Places on this room's pages where rooms above put something of theirs: the case page, My work, a consent withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec

from casework.access.actor import Actor
from casework.access.permissions import Permission
from casework.access.policy import role_has
from casework.cases.models import Case, Consent

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Panel(Generic[P]):
    """`template` is included with `panel` = what `load` gave; None means that there is nothing to show."""

    template: str
    load: Callable[P, Any]
    permission: Permission
    order: int = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with its content."""

    template: str
    panel: Any


_case_panels: dict[str, Panel[[Actor, Case]]] = {}
_work_panels: dict[str, Panel[[Actor]]] = {}
_on_withdrawal: list[Callable[[Actor, Consent], None]] = []


def register_case_panel(
    template: str, load: Callable[[Actor, Case], Any], *, permission: Permission, order: int = 50
) -> None:
    """Adds a panel to the case page, for roles that have `permission`. `load(actor, case)` runs in the same use case."""
    _case_panels[template] = Panel(template, load, permission, order)


def register_work_panel(
    template: str, load: Callable[[Actor], Any], *, permission: Permission, order: int = 50
) -> None:
    """Adds a panel to My work, for roles that have `permission`. `load(actor)` runs in the same use case."""
    _work_panels[template] = Panel(template, load, permission, order)


def on_consent_withdrawn(act: Callable[[Actor, Consent], None]) -> None:
    """Calls `act(actor, consent)` in the transaction of a withdrawal: what the consent carried closes the same day."""
    if act not in _on_withdrawal:
        _on_withdrawal.append(act)


def case_panels(actor: Actor, case: Case) -> list[Shown]:
    """The panels of this case that have something to show to the actor."""
    return _shown(_case_panels, actor, case)


def work_panels(actor: Actor) -> list[Shown]:
    """The panels of My work that have something to show to the actor."""
    return _shown(_work_panels, actor)


def consent_was_withdrawn(actor: Actor, consent: Consent) -> None:
    """Tells every room that asked."""
    for act in _on_withdrawal:
        act(actor, consent)


def _shown(panels: dict[str, Panel[Any]], actor: Actor, *args: Any) -> list[Shown]:
    found = []
    for panel in sorted(panels.values(), key=lambda panel: panel.order):
        if role_has(actor.role, panel.permission):
            content = panel.load(actor, *args)
            if content is not None:
                found.append(Shown(panel.template, content))
    return found
