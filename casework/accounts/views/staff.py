"""The administrator's pages for staff."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.access.roles import Role
from casework.accounts import staffing
from casework.accounts.places import place_label
from casework.accounts.schemas import AddStaffSchema, ChangeStaffSchema
from casework.accounts.views.blueprint import bp
from casework.core.pack import load_pack
from casework.web.forms import Form
from casework.web.replies import done
from casework.web.wording import has_control_characters, tidy


@bp.get("/admin/staff", permission=Permission.STAFF_MANAGE)
def staff() -> ResponseReturnValue:
    """Everybody who works here."""
    part, after = (_line(request.args.get(name, "")) for name in ("part", "after"))
    page = staffing.list_staff(current_actor(), after, part)
    domains = load_pack().value_set("domain")
    rows = [
        {
            "id": each.id,
            "name": each.display_name,
            "username": each.username,
            "role": Role(each.role).label,
            "domain": domains.label(each.domain) if each.domain else "",
            "office": place_label(page.places.get(each.place_id)) if each.place_id else "",
            "active": each.active,
        }
        for each in page.staff
    ]
    next_href = None
    if page.next_after:
        next_href = url_for("accounts.staff", after=page.next_after, part=part or None)
    return render_template("accounts/staff.html", rows=rows, part=part, next_href=next_href)


def _line(given: str) -> str:
    """What stands in the address, as far as a user name or a name can be it: PostgreSQL takes no NUL in a text."""
    asked = tidy(given)[:64]
    return "" if has_control_characters(asked, lines=False) else asked


@bp.get("/admin/staff/new", permission=Permission.STAFF_MANAGE)
def new_staff() -> ResponseReturnValue:
    """The form for somebody new."""
    staffing.open_staff_form(current_actor())
    return render_template("accounts/staff_new.html", form=Form(AddStaffSchema()))


@bp.post("/admin/staff/new", permission=Permission.STAFF_MANAGE)
def add_staff() -> ResponseReturnValue:
    """Adds somebody and shows their one-time password, this once."""
    form = Form(AddStaffSchema(), request.form)
    added = form.submit(staffing.add_staff, current_actor())
    if added is None:
        return render_template("accounts/staff_new.html", form=form), 200 if form.step else form.status
    person, password = added
    return render_template("accounts/staff_password.html", staff=person, password=password, added=True)


@bp.get("/admin/staff/<uuid:staff_id>", permission=Permission.STAFF_MANAGE)
def staff_member(staff_id: uuid.UUID) -> ResponseReturnValue:
    """One member of staff."""
    return _member_page(staff_id, None), 200


def _member_page(staff_id: uuid.UUID, form: Form | None) -> str:
    found = staffing.view_staff(current_actor(), staff_id)
    person = found.staff
    initial: dict[str, Any] = {
        "display_name": person.display_name,
        "role": person.role,
        "domain": person.domain,
        "place": person.place_id,
    }
    form = form or Form(ChangeStaffSchema(), initial=initial, version=person.version)
    return render_template(
        "accounts/staff_member.html",
        staff=person,
        form=form,
        open_sessions=found.open_sessions,
        myself=person.id == current_actor().id,
    )


@bp.post("/admin/staff/<uuid:staff_id>", permission=Permission.STAFF_MANAGE)
def change_staff(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Changes name, role, domain and office."""
    form = Form(ChangeStaffSchema(), request.form)
    changed = form.submit(staffing.change_staff, current_actor(), staff_id, form.version)
    if changed is None:
        return _member_page(staff_id, form), 200 if form.step else form.status
    return done(_("Stored."), url_for("accounts.staff_member", staff_id=staff_id))


@bp.post("/admin/staff/<uuid:staff_id>/disable", permission=Permission.STAFF_MANAGE)
def disable_staff(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Shuts somebody out."""
    return _acted(
        staffing.disable_staff, staff_id, _("This person can no longer sign in. Their sessions have ended.")
    )


@bp.post("/admin/staff/<uuid:staff_id>/enable", permission=Permission.STAFF_MANAGE)
def enable_staff(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Lets somebody in again."""
    return _acted(staffing.enable_staff, staff_id, _("This person can sign in again."))


@bp.post("/admin/staff/<uuid:staff_id>/end-sessions", permission=Permission.STAFF_MANAGE)
def end_staff_sessions(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Ends all sessions of somebody."""
    return _acted(staffing.end_sessions, staff_id, _("All sessions of this person have ended."))


@bp.post("/admin/staff/<uuid:staff_id>/reset-password", permission=Permission.STAFF_MANAGE)
def reset_staff_password(staff_id: uuid.UUID) -> ResponseReturnValue:
    """A one-time password, shown this once."""
    person, password = staffing.reset_password(current_actor(), staff_id)
    return render_template("accounts/staff_password.html", staff=person, password=password, added=False)


def _acted(verb: Callable[..., Any], staff_id: uuid.UUID, said: str) -> ResponseReturnValue:
    verb(current_actor(), staff_id)
    return done(said, url_for("accounts.staff_member", staff_id=staff_id))
