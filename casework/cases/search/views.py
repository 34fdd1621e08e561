"""The search page, and suggestions while typing. What is typed is sent by POST: it stands in no address and no history."""

from __future__ import annotations

from flask import jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from casework.access.actor import current_actor
from casework.access.permissions import Permission
from casework.cases.search import use_cases
from casework.cases.search.schemas import SearchSchema
from casework.cases.search.words import REASONS
from casework.cases.views.blueprint import bp
from casework.core import unit_of_work
from casework.web.forms import Form


@bp.get("/search", permission=Permission.PERSON_SEARCH)
def search() -> ResponseReturnValue:
    """The empty form."""
    use_cases.search_form(current_actor())
    return render_template("cases/search.html", form=Form(SearchSchema()), found=None, reasons=REASONS)


@bp.post("/search", permission=Permission.PERSON_SEARCH)
def search_now() -> ResponseReturnValue:
    """The form with what was found."""
    _only_read()
    form = Form(SearchSchema(), request.form)
    found = form.submit(use_cases.search, current_actor())
    return render_template("cases/search.html", form=form, found=found, reasons=REASONS), form.status


@bp.post("/search/suggest", permission=Permission.PERSON_SEARCH)
def suggest() -> ResponseReturnValue:
    """The best few as JSON, for the script of the search page."""
    _only_read()
    form = Form(SearchSchema(), request.form)
    found = form.submit(use_cases.suggest, current_actor())
    hits = found.hits if found is not None else []
    answer = {
        "status": _("Found: %(count)s", count=len(hits)),
        "hits": [
            {
                "href": url_for("cases.show", case_id=hit.case_id),
                "name": hit.name,
                "facts": [fact for fact in (hit.code, hit.age_band, str(REASONS[hit.reason])) if fact],
            }
            for hit in hits
        ],
    }
    return jsonify(answer), form.status


def _only_read() -> None:
    """A POST takes the write lock of the embedded database; a search gives it back, so that nobody waits for it."""
    unit_of_work.rollback()
    unit_of_work.begin(write=False)
