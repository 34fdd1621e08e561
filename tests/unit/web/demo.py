"""A small app with every widget, for the tests of the toolkit. Its people and places are made up."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from flask import Flask, request
from flask import render_template_string as render

from casework.access.actor import Actor, set_actor
from casework.access.roles import Role
from casework.core.errors import InvalidInput, StaleVersion
from casework.web import setup
from casework.web.fields import (
    FormSchema,
    checkbox,
    choice,
    choices,
    day,
    hidden,
    identifier,
    name_part,
    password,
    phone,
    place,
    text,
    whole_number,
    yes_no,
)
from casework.web.forms import Form
from casework.web.places import PlaceOption, register_places
from casework.web.replies import done

REGION, DISTRICT, MAHALLA = (uuid.UUID(int=number) for number in (1, 2, 3))
WORKER = Actor(uuid.UUID(int=9), Role.CASEWORKER, display_name="Demo worker", locale="ru")

PAGE = """
{% extends "base.html" %}
{% from "macros/form.html" import render_form with context %}
{% block title %}Every widget{% endblock %}
{% block content %}
<h1 class="govuk-heading-l">Every widget</h1>
{{ render_form(form, "Save", {"text": "Cancel", "href": "/"}) }}
{% endblock %}
"""

PANELS = """
{% extends "base.html" %}
{% from "macros/form.html" import render_filters, action_button with context %}
{% from "macros/panels.html" import identity_bar, timeline, work_list, counts %}
{% from "macros/pagination.html" import render_pagination %}
{% from "macros/summary.html" import render_summary %}
{% from "macros/table.html" import render_table %}
{% from "macros/tag.html" import render_tag %}
{% block title %}Every panel{% endblock %}
{% block content %}
<h1 class="govuk-heading-l">Every panel</h1>
{{ identity_bar("Demova Sinova Namuna qizi", "QX-4F7K", ["12–14", "Namuna MFY"], "Safe to visit in the morning") }}
{{ counts([{"number": 12345, "text": "open", "href": "/"}, {"number": 3, "text": "late"}]) }}
{{ render_filters(filters, "Show", "Filter", "/panels") }}
{{ work_list([{"title": "Visit QX-4F7K", "href": "/", "meta": ["22.11.2026", "education"],
               "tag": render_tag("late", "late")}, {"title": "Answer a referral", "href": "/",
               "meta": ["23.11.2026"], "tag": render_tag("waiting", "wait")}]) }}
<h2 class="govuk-heading-m">What happened</h2>
{{ timeline([{"at": when, "title": "Education support", "href": "/", "body": "First line\nSecond line",
              "who": "Demo worker", "tag": render_tag("done", "good")},
             {"at": when, "title": "Case opened"}]) }}
{{ render_table("Cases", ["Code", "State", "Next"], [[{"text": "QX-4F7K", "href": "/"},
    {"html": render_tag("active")}, "22.11.2026"],
   [{"text": "QX-5G8L", "href": "/"}, {"html": render_tag("closed", "off")}, "—"]]) }}
{{ render_summary([("Name", "Namuna"), ("Note", none), {"key": "Phone", "value": "+998901234567", "href": "/"}]) }}
{{ action_button("Accept", "/", csrf_token()) }}
{{ render_pagination("/?after=2", "/?before=1") }}
{% endblock %}
"""


class WidgetSchema(FormSchema):
    given_name = name_part("Given name", required=True, hint="As in the document", section="Person")
    birth_date = day("Birth date", required=True, not_future=True, allow_partial=True)
    sex = choice("Sex", [("female", "Female"), ("male", "Male"), ("unknown", "Unknown")], required=True)
    number = identifier("Personal number", digits_only=True)
    phone = phone("Phone")
    works = yes_no("Has work", section="Work")
    work = text("What work", when=("works", True), required=True)
    skills = choices("Skills", [("sewing", "Sewing"), ("cooking", "Cooking"), ("none", "None")])
    level = choice("Level", [("a", "Primary"), ("b", "Secondary")], widget="select")
    hours = whole_number("Hours a week", high=60)
    next_step_on = day("Next step", not_past=True)
    note = text("Note", rows=4, max_length=300)
    agreed = checkbox("The family was asked", must=True)
    place = place("Place", level="mahalla")
    pin = password("Password")
    carried = hidden()


class FilterSchema(FormSchema):
    code = text("Code", max_length=20)
    state = choice("State", [("active", "Active"), ("closed", "Closed")], widget="select")


class DemoPlaces:
    """One region, one district, one mahalla."""

    tree = (
        PlaceOption(REGION, "Namuna viloyati", "region", opens=True),
        PlaceOption(DISTRICT, "Namuna tumani", "district", opens=True, inside="Namuna viloyati"),
        PlaceOption(
            MAHALLA, "Doʻstlik MFY", "mahalla", opens=False, inside="Namuna viloyati › Namuna tumani"
        ),
    )

    def children(self, parent: uuid.UUID | None) -> Sequence[PlaceOption]:
        return [option for option in self.tree if option.id.int == (parent.int if parent else 0) + 1]

    def find(self, part: str, level: str | None) -> Sequence[PlaceOption]:
        return [
            option
            for option in self.tree
            if part.lower() in option.name.lower() and level in (None, option.level)
        ]

    def path(self, place: uuid.UUID) -> Sequence[PlaceOption]:
        return self.tree[: place.int] if 1 <= place.int <= len(self.tree) else ()


UseCase = Callable[[dict[str, Any]], Any]


def stored(data: dict[str, Any]) -> dict[str, Any]:
    """The use case of the demo: answers like a real one."""
    if data["given_name"] == "Band":
        raise InvalidInput({"given_name": ["This name is taken."], "nowhere": ["And something more."]})
    if data["given_name"] == "Eski":
        raise StaleVersion({"given_name": "Yangi", "note": "saved by another", "sex": "male"}, version=7)
    return data


def make_demo(*, actor: Actor | None = None, **config: Any) -> Flask:
    """The app; everybody who comes is `actor`."""
    app = Flask("demo")
    app.config.update(SECRET_KEY="demo-demo-demo-demo-demo-demo-demo", TESTING=True, **config)
    app.before_request(lambda: set_actor(actor))
    setup.init_app(app)
    register_places(app, DemoPlaces())

    @app.get("/")
    def first() -> str:
        return render(
            PAGE, form=Form(WidgetSchema(), initial={"birth_date": date(2012, 3, 4), "sex": "female"})
        )

    @app.post("/")
    def send() -> Any:
        form = Form(WidgetSchema(), request.form)
        if form.submit(stored) is None:
            return render(PAGE, form=form), form.status
        return done("Saved.", "/")

    @app.get("/panels")
    def panels() -> str:
        return render(PANELS, filters=Form(FilterSchema()), when=date(2026, 11, 22))

    return app
