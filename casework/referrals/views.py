"""The pages of referrals. Each parses, calls one use case and renders; the pages of the moves come from one table."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from casework.access.actor import current_actor
from casework.access.blueprint import ProtectedBlueprint
from casework.access.permissions import Permission
from casework.access.roles import Role
from casework.core.pack import load_pack
from casework.referrals import schemas, use_cases
from casework.referrals.course import PERMISSION_OF
from casework.referrals.use_cases.reading import ReferralPage
from casework.referrals.use_cases.writing import Writing
from casework.referrals.workflow import WITH_RECIPIENT, Action, State
from casework.web.forms import Form
from casework.web.replies import done

bp = ProtectedBlueprint("referrals", __name__, template_folder="templates")


def _after() -> uuid.UUID | None:
    """Where the page begins; anything else than an id is the first page."""
    try:
        return uuid.UUID(request.args.get("after", ""))
    except ValueError:
        return None


# Lists


@bp.get("/referrals", permission=Permission.REFERRAL_LIST)
def index() -> ResponseReturnValue:
    """What was sent, or a domain officer's inbox."""
    asked = MultiDict({"status": request.args["status"]} if request.args.get("status") else {})
    shown = WITH_RECIPIENT if current_actor().role is Role.DOMAIN_OFFICER else State
    form = Form(schemas.list_filter(shown), asked)
    page = form.submit(lambda data: use_cases.list_referrals(current_actor(), data["status"], _after()))
    if page is None:
        page = use_cases.list_referrals(current_actor(), None, None)
    narrowed = {name: value for name, value in asked.items() if value}
    return render_template("referrals/index.html", form=form, page=page, narrowed=narrowed), form.status


@bp.get("/review", permission=Permission.REFERRAL_REVIEW)
def reviews() -> ResponseReturnValue:
    """The supervisor's queue."""
    return render_template("referrals/reviews.html", page=use_cases.list_reviews(current_actor(), _after()))


# Writing


@bp.get("/cases/<uuid:case_id>/referrals/new", permission=Permission.REFERRAL_MAKE)
def new(case_id: uuid.UUID) -> ResponseReturnValue:
    """Asks for the domain first, then for what the domain needs."""
    domain = request.args.get("domain")
    if domain is None or domain not in load_pack().domains:
        writing = use_cases.prepare_referral(current_actor(), case_id, None)
        return _choose_domain(writing, domain)
    writing = use_cases.prepare_referral(current_actor(), case_id, domain)
    form = Form(schemas.referral_input(domain, lambda: writing.consents), initial={"domain": domain})
    return _write(form, writing, url_for("referrals.make", case_id=case_id))


@bp.post("/cases/<uuid:case_id>/referrals/new", permission=Permission.REFERRAL_MAKE)
def make(case_id: uuid.UUID) -> ResponseReturnValue:
    """Keeps a draft and shows exactly what would travel."""
    domain = request.form.get("domain", "")
    if domain not in load_pack().domains:
        use_cases.draft_referral.refused("invalid_input")
        return _choose_domain(use_cases.prepare_referral(current_actor(), case_id, None), domain)
    offered: list[tuple[str, str]] = []
    form = Form(schemas.referral_input(domain, lambda: offered), request.form)
    referral = form.submit(use_cases.draft_referral, current_actor(), case_id)
    if referral is None:
        writing = use_cases.prepare_referral(current_actor(), case_id, domain)
        offered.extend(writing.consents)
        return _write(form, writing, url_for("referrals.make", case_id=case_id))
    return done(_("The draft is kept."), url_for("referrals.show", referral_id=referral.id))


@bp.get("/referrals/<uuid:referral_id>/change", permission=Permission.REFERRAL_MAKE)
def change(referral_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a draft or a returned referral."""
    writing = use_cases.prepare_change(current_actor(), referral_id)
    schema = schemas.referral_input(writing.domain, lambda: writing.consents)
    form = Form(schema, initial=writing.initial, version=writing.version)
    return _write(form, writing, url_for("referrals.save_change", referral_id=referral_id))


@bp.post("/referrals/<uuid:referral_id>/change", permission=Permission.REFERRAL_MAKE)
def save_change(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Keeps the changed draft."""
    domain = request.form.get("domain", "")
    offered: list[tuple[str, str]] = []
    schema = schemas.referral_input(
        domain if domain in load_pack().domains else load_pack().domains[0], lambda: offered
    )
    form = Form(schema, request.form)
    referral = form.submit(use_cases.change_referral, current_actor(), referral_id)
    if referral is None:
        writing = use_cases.prepare_change(current_actor(), referral_id)
        offered.extend(writing.consents)
        return _write(form, writing, url_for("referrals.save_change", referral_id=referral_id))
    return done(_("The draft is kept."), url_for("referrals.show", referral_id=referral_id))


def _choose_domain(writing: Writing, domain: str | None) -> ResponseReturnValue:
    form = Form(schemas.ChooseDomain(), MultiDict({"domain": domain}) if domain else None)
    if domain is not None:
        form.add_error("domain", _("Choose one of the listed answers.") if domain else _("Choose an answer."))
    return render_template("referrals/choose_domain.html", form=form, writing=writing), form.status


def _write(form: Form, writing: Writing, action: str) -> ResponseReturnValue:
    pack = load_pack()
    domain = writing.domain
    page = render_template(
        "referrals/write.html",
        form=form,
        writing=writing,
        action=action,
        domain_label=pack.value_set("domain").label(domain),
        personal=schemas.is_personal(pack, domain),
    )
    return page, form.status


# One referral and its moves


@bp.get("/referrals/<uuid:referral_id>", permission=Permission.REFERRAL_VIEW)
def show(referral_id: uuid.UUID) -> ResponseReturnValue:
    """One referral, as its reader may see it."""
    return _show(use_cases.view_referral(current_actor(), referral_id))


def _show(page: ReferralPage, stale: bool = False, errors: list[str] | None = None) -> ResponseReturnValue:
    status = 409 if stale else 422 if errors else 200
    text = render_template(
        "referrals/show.html",
        page=page,
        asks=ASKS,
        stale=stale,
        errors=[{"text": error} for error in errors or []],
        form_key=uuid.uuid4,  # one for each button
    )
    return text, status


@dataclass(frozen=True, slots=True)
class Asks:
    """A move as its pages need it: `schema` makes its form; one that asks nothing is only a button."""

    use_case: Any
    message: Any
    schema: Callable[[ReferralPage | None], schemas.Step] | None = None
    warning: bool = False


def _end(page: ReferralPage | None) -> schemas.Step:
    offered = page.outcomes if page else [(key, key) for key in _all_outcomes()]
    return schemas.end_input(lambda: offered)


def _all_outcomes() -> list[str]:
    """Every outcome of every section: the use case refuses one that is not of the referral's."""
    sets = load_pack().value_sets
    return [key for name in sets if name.endswith("_outcome") for key in sets[name]]


ASKS: dict[Action, Asks] = {
    Action.SUBMIT: Asks(use_cases.submit_referral, _l("Sent to review.")),
    Action.APPROVE: Asks(use_cases.approve_referral, _l("Approved and sent.")),
    Action.RETURN: Asks(
        use_cases.return_referral, _l("Returned to the caseworker."), lambda _page: schemas.ReturnInput()
    ),
    Action.RECEIVE: Asks(use_cases.confirm_receipt, _l("Receipt confirmed.")),
    Action.ACCEPT: Asks(use_cases.accept_referral, _l("Accepted.")),
    Action.ASK: Asks(
        use_cases.ask_for_information, _l("Your question was sent."), lambda _page: schemas.AskInput()
    ),
    Action.INFORM: Asks(
        use_cases.give_information, _l("Your answer was sent."), lambda _page: schemas.InformInput()
    ),
    Action.DECLINE: Asks(
        use_cases.decline_referral, _l("Declined."), lambda _page: schemas.DeclineInput(), True
    ),
    Action.START: Asks(use_cases.start_service, _l("The service has started.")),
    Action.COMPLETE: Asks(use_cases.complete_referral, _l("Completed."), _end),
    Action.DISCONTINUE: Asks(use_cases.discontinue_referral, _l("Ended early."), _end, True),
    Action.WITHDRAW: Asks(
        use_cases.withdraw_referral, _l("Withdrawn."), lambda _page: schemas.WithdrawInput(), True
    ),
}


def _add_pages(action: Action, asks: Asks) -> None:
    rule, permission = f"/referrals/<uuid:referral_id>/{action}", PERMISSION_OF[action]

    def ask(referral_id: uuid.UUID) -> ResponseReturnValue:
        page = use_cases.view_referral(current_actor(), referral_id)
        if action not in page.actions or asks.schema is None:
            return _show(page, stale=True)
        return _ask(action, page, Form(asks.schema(page), version=page.version))

    def act(referral_id: uuid.UUID) -> ResponseReturnValue:
        form = Form(asks.schema(None) if asks.schema else schemas.Step(), request.form)
        if form.submit(asks.use_case, current_actor(), referral_id) is not None:
            return done(asks.message, url_for("referrals.show", referral_id=referral_id))
        page = use_cases.view_referral(current_actor(), referral_id)
        if asks.schema is None or action not in page.actions:
            return _show(page, stale=form.stale, errors=[line["text"] for line in form.error_summary])
        again = Form(asks.schema(page), request.form, theirs=form.theirs if form.stale else None)
        again.errors, again.version = form.errors, page.version
        return _ask(action, page, again)

    if asks.schema is not None:
        bp.get(rule, permission=permission, endpoint=f"{action}_form")(ask)
    bp.post(rule, permission=permission, endpoint=str(action))(act)


def _ask(action: Action, page: ReferralPage, form: Form) -> ResponseReturnValue:
    text = render_template(
        "referrals/act.html", action=action, page=page, form=form, warning=ASKS[action].warning
    )
    return text, form.status


for _action, _asks in ASKS.items():
    _add_pages(_action, _asks)
