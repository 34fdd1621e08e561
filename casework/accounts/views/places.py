"""Looking through the public tree of places."""

from __future__ import annotations

import uuid

from flask import jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.accounts import places
from casework.accounts.schemas import FindPlaceSchema
from casework.accounts.views.blueprint import bp
from casework.core.errors import NotFound
from casework.web.forms import Form


def _asked() -> Form:
    return Form(
        FindPlaceSchema(),
        MultiDict((name, request.args[name]) for name in ("q", "level") if name in request.args),
    )


@bp.get("/places/choose", permission=Permission.PLACE_CHOOSE)
def choose_place() -> ResponseReturnValue:
    """The tree one level at a time (`parent`), or what a part of a name (`q`) finds."""
    form = _asked()
    if request.args.get("q"):
        found = form.submit(places.find_places, current_actor())
        return render_template(
            "accounts/places.html", form=form, above=(), options=found or (), searched=True
        ), form.status
    shown = places.list_places(current_actor(), _parent())
    return render_template(
        "accounts/places.html", form=form, above=shown.above, options=shown.inside, searched=False
    )


def _parent() -> uuid.UUID | None:
    text = request.args.get("parent")
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        raise NotFound from None


@bp.get("/places/find", permission=Permission.PLACE_CHOOSE)
def find_places() -> ResponseReturnValue:
    """The same search as JSON for the script: `places`, each with id, name, inside, level, opens."""
    form = _asked()
    found = form.submit(places.find_places, current_actor())
    if found is None:
        return jsonify(errors=form.errors), form.status
    return jsonify(
        places=[
            {
                "id": str(each.id),
                "name": each.name,
                "inside": each.inside,
                "level": each.level,
                "opens": each.opens,
            }
            for each in found
        ]
    )
