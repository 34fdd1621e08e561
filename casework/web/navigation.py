"""The main menu. Feature rooms register their pages; a person sees those that their role may open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Flask, current_app, request, url_for

from casework.access.actor import actor_or_none
from casework.access.permissions import Permission
from casework.access.policy import role_has

_KEY = "casework.navigation"


@dataclass(frozen=True)
class NavItem:
    """A page of the main menu: endpoint, (lazy) label, the permission of its route; lower `order` comes first."""

    endpoint: str
    label: Any
    permission: Permission
    order: int = 50


@dataclass(frozen=True)
class NavLink:
    """An item as shown: `here` on the page itself, `inside` on pages of the same blueprint or below its address."""

    text: str
    href: str
    here: bool
    inside: bool


def register_nav(app: Flask, *items: NavItem) -> None:
    """Adds items to the app's menu; an item registered twice stands once."""
    listed: list[NavItem] = app.extensions.setdefault(_KEY, [])
    listed.extend(item for item in items if item not in listed)
    listed.sort(key=lambda item: item.order)


def nav_links() -> list[NavLink]:
    """The menu of whoever is signed in; empty for nobody."""
    actor = actor_or_none()
    if actor is None or actor.role is None:
        return []
    links: list[NavLink] = []
    for item in current_app.extensions.get(_KEY, []):
        if item.endpoint not in current_app.view_functions or not role_has(actor.role, item.permission):
            continue
        href = url_for(item.endpoint)
        here = request.path == href
        inside = here or (href != "/" and request.path.startswith(href.rstrip("/") + "/"))
        links.append(NavLink(str(item.label), href, here, inside))
    # A page that stands below two items belongs to the nearer one.
    nearest = max((len(link.href) for link in links if link.inside), default=0)
    return [replace(link, inside=link.inside and len(link.href) == nearest) for link in links]


def place_find_url() -> str | None:
    """Where the place picker's script asks; None in an app without places."""
    return url_for("accounts.find_places") if "accounts.find_places" in current_app.view_functions else None


def sign_out_url() -> str | None:
    """Where the sign-out button posts to; None in an app without accounts."""
    return url_for("accounts.sign_out") if "accounts.sign_out" in current_app.view_functions else None
