"""My work, the caseload, the case page, and the small pages beside it."""

from __future__ import annotations

import uuid
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.cases.queries import Cursor
from casework.cases.schemas.intake import NeedsLevelSchema
from casework.cases.schemas.work import CaseloadSchema, ReassignSchema
from casework.cases.use_cases import caseload
from casework.cases.views.blueprint import bp
from casework.core import clock
from casework.web.forms import Form
from casework.web.replies import done

NOT_A_FILTER = ("lang", "after")


@bp.get("/", permission=Permission.WORK_VIEW)
def my_work() -> ResponseReturnValue:
    """What waits for whoever is signed in."""
    return render_template("cases/work.html", work=caseload.my_work(current_actor()))


@bp.get("/cases", permission=Permission.CASE_LIST)
def listing() -> ResponseReturnValue:
    """The caseload, 25 at a time."""
    given = MultiDict([(n, v) for n, v in request.args.items(multi=True) if n not in NOT_A_FILTER])
    form = Form(CaseloadSchema(), given)
    page = form.submit(caseload.list_cases, current_actor(), Cursor.of(request.args.get("after")))
    following = page.following if page else None
    address: dict[str, Any] = given.to_dict(flat=False)
    following_href = url_for("cases.listing", **address, after=str(following)) if following else None
    return (
        render_template(
            "cases/list.html", form=form, page=page, following_href=following_href, today=clock.today()
        ),
        form.status,
    )


@bp.get("/cases/<uuid:case_id>", permission=Permission.CASE_VIEW)
def show(case_id: uuid.UUID) -> ResponseReturnValue:
    """One case."""
    page = caseload.view_case(current_actor(), case_id, Cursor.of(request.args.get("after")))
    if isinstance(page, caseload.ErasedPage):
        return render_template("cases/rights_erased.html", page=page)
    following = url_for("cases.show", case_id=case_id, after=str(page.following)) if page.following else None
    return render_template("cases/show.html", page=page, following_href=following, today=clock.today())


@bp.get("/cases/<uuid:case_id>/needs-level", permission=Permission.CASE_EDIT)
def needs_level(case_id: uuid.UUID) -> ResponseReturnValue:
    """The level now."""
    page = caseload.needs_level_page(current_actor(), case_id)
    form = Form(NeedsLevelSchema(), initial={"needs_level": page.case.needs_level}, version=page.case.version)
    return render_template("cases/needs_level.html", page=page, form=form)


@bp.post("/cases/<uuid:case_id>/needs-level", permission=Permission.CASE_EDIT)
def set_needs_level(case_id: uuid.UUID) -> ResponseReturnValue:
    """Stores the level."""
    form = Form(NeedsLevelSchema(), request.form)
    if form.submit(caseload.set_needs_level, current_actor(), case_id, form.version) is None:
        page = caseload.needs_level_page(current_actor(), case_id)
        return render_template("cases/needs_level.html", page=page, form=form), form.status
    return done(_("The needs level is set."), url_for("cases.show", case_id=case_id))


@bp.get("/cases/<uuid:case_id>/reassign", permission=Permission.CASE_REASSIGN)
def reassign_page(case_id: uuid.UUID) -> ResponseReturnValue:
    """Whom the case can be given to."""
    page = caseload.reassign_page(current_actor(), case_id)
    form = Form(ReassignSchema(), version=page.case.version)
    return render_template("cases/reassign.html", page=page, form=form)


@bp.post("/cases/<uuid:case_id>/reassign", permission=Permission.CASE_REASSIGN)
def reassign(case_id: uuid.UUID) -> ResponseReturnValue:
    """Gives the case."""
    form = Form(ReassignSchema(), request.form)
    if form.submit(caseload.reassign, current_actor(), case_id, form.version) is None:
        page = caseload.reassign_page(current_actor(), case_id)
        return render_template("cases/reassign.html", page=page, form=form), form.status
    return done(_("The case is given."), url_for("cases.show", case_id=case_id))
