"""Blueprints whose routes cannot forget their permission: `permission=` has no default, and `PUBLIC` is said aloud."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from flask import Blueprint, Flask

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.access.policy import require


class _Public:
    """The mark of a page that needs no sign-in."""

    def __repr__(self) -> str:
        return "PUBLIC"


PUBLIC: Final = _Public()

RoutePermission = Permission | _Public
View = Callable[..., Any]


class ProtectedBlueprint(Blueprint):
    """A blueprint whose `get` and `post` demand a permission."""

    def get(self, rule: str, *, permission: RoutePermission, **options: Any) -> Callable[[View], View]:  # type: ignore[override]
        """A page that only reads."""
        return self._protected(rule, permission, "GET", options)

    def post(self, rule: str, *, permission: RoutePermission, **options: Any) -> Callable[[View], View]:  # type: ignore[override]
        """An action that changes something."""
        return self._protected(rule, permission, "POST", options)

    def _protected(
        self, rule: str, permission: RoutePermission, method: str, options: dict[str, Any]
    ) -> Callable[[View], View]:
        if not isinstance(permission, Permission | _Public):
            raise TypeError(f"{self.name}: {rule} needs a Permission, or PUBLIC")

        def declare(view: View) -> View:
            guarded = _guard(view, permission)
            endpoint = options.pop("endpoint", view.__name__)
            self.add_url_rule(
                rule,
                endpoint=endpoint,
                view_func=guarded,
                methods=[method],
                provide_automatic_options=False,  # it would answer without the guard, and so without an event
                **options,
            )
            return view

        return declare


def _guard(view: View, permission: RoutePermission) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if isinstance(permission, Permission):
            require(current_actor(), permission)
        return view(*args, **kwargs)

    guarded.permission = permission  # type: ignore[attr-defined]
    return guarded


def permission_of(app: Flask, endpoint: str | None) -> RoutePermission | None:
    """What the route was declared with; None when it was not declared through a `ProtectedBlueprint`."""
    view = app.view_functions.get(endpoint or "")
    return getattr(view, "permission", None)


def refuse_unprotected_routes(app: Flask) -> None:
    """Called when the app is composed: a route without a declared permission stops the boot."""
    bare = [rule.endpoint for rule in app.url_map.iter_rules() if permission_of(app, rule.endpoint) is None]
    if bare:
        raise RuntimeError(f"routes without a permission: {', '.join(sorted(set(bare)))}")
