"""A form keeps what was typed, whatever goes wrong."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from casework.core.errors import InvalidInput, StaleVersion
from casework.web.forms import Form
from casework.web.typed import PartialDate
from tests.unit.web.demo import DISTRICT, MAHALLA, REGION, WidgetSchema

GOOD = {"given_name": "Namuna", "birth_date": "04.03.2012", "sex": "female", "agreed": "yes"}


@pytest.fixture(autouse=True)
def request_in_english(demo: Flask) -> Iterator[None]:
    with demo.test_request_context("/?lang=en", method="POST"):
        yield


def typed(**values: Any) -> MultiDict[str, str]:
    return MultiDict(GOOD | values)


class Recorder:
    """A use case that remembers how it was called."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.refusals: list[tuple[Any, ...]] = []
        self.problem = problem

    def __call__(self, *args: Any) -> str:
        self.calls.append(args)
        if self.problem:
            raise self.problem
        return "done"

    def refused(self, reason: str, *args: Any) -> None:
        self.refusals.append((reason, *args))


def test_loads_every_field_of_the_schema() -> None:
    loaded = Form(
        WidgetSchema(), typed(skills="sewing", csrf_token="t", form_key="k", version="3", lang="uz")
    ).load()
    assert set(loaded) == set(WidgetSchema().fields)
    assert loaded["skills"] == ["sewing"]
    assert loaded["birth_date"] == date(2012, 3, 4)
    assert loaded["phone"] is None


def test_calls_the_use_case_with_the_clean_values() -> None:
    use_case = Recorder()
    assert Form(WidgetSchema(), typed()).submit(use_case, "actor", "case") == "done"
    ((actor, case, data),) = use_case.calls
    assert (actor, case, data["given_name"]) == ("actor", "case", "Namuna")
    assert use_case.refusals == []


def test_records_a_refusal_and_does_not_call_the_use_case_with_wrong_input() -> None:
    use_case = Recorder()
    form = Form(WidgetSchema(), typed(sex="x"))
    assert form.submit(use_case, "actor") is None
    assert use_case.calls == []
    assert use_case.refusals == [("invalid_input", "actor")]
    assert form.status == 422


def test_keeps_wrong_text_exactly_as_typed() -> None:
    form = Form(
        WidgetSchema(), typed(given_name="  Ali1 ", birth_date="31.02.2010", note=" a\r\n b ", hours="many")
    )
    form.submit(Recorder())
    assert [form[name].value for name in ("given_name", "birth_date", "note", "hours")] == [
        "  Ali1 ",
        "31.02.2010",
        " a\r\n b ",
        "many",
    ]


def test_never_gives_a_password_back() -> None:
    assert Form(WidgetSchema(), typed(pin="secret")).load()["pin"] == "secret"
    assert Form(WidgetSchema(), typed(pin="secret"))["pin"].value == ""


def test_links_every_error_to_its_field_in_the_order_of_the_page() -> None:
    form = Form(WidgetSchema(), typed(sex="x", given_name="1", unheard_of="1"))
    form.submit(Recorder())
    hrefs = [line.get("href") for line in form.error_summary]
    assert hrefs == [None, "#given_name", "#sex"]
    assert form.error_summary[0]["text"] == "Something was sent that this page does not ask for."
    assert form.error_summary[1]["text"].startswith("Given name: ")


def test_keeps_the_errors_that_the_use_case_finds() -> None:
    form = Form(WidgetSchema(), typed())
    problem = InvalidInput({"given_name": ["Taken."], "elsewhere": ["Also this."]})
    assert form.submit(Recorder(problem)) is None
    assert form["given_name"].error == "Taken."
    assert form.errors["_form"] == ["Also this."]
    assert form.status == 422


def test_shows_the_saved_value_beside_the_typed_one_when_somebody_saved_first() -> None:
    form = Form(WidgetSchema(), typed(note="mine", version="2"))
    saved = {"note": "theirs", "sex": "male", "given_name": "Namuna", "birth_date": date(2012, 3, 4)}
    assert form.submit(Recorder(StaleVersion(saved, version=5))) is None
    assert form.status == 409
    assert (form["note"].mine, form["note"].theirs) == ("mine", "theirs")
    assert (form["sex"].mine, form["sex"].theirs) == ("Female", "Male")
    assert form["given_name"].theirs is None
    assert form["birth_date"].theirs is None
    assert ("version", "5") in form.hidden


def test_keeps_the_key_of_the_form_so_that_a_second_post_is_known() -> None:
    first = Form(WidgetSchema())
    key = dict(first.hidden)["form_key"]
    assert str(uuid.UUID(key)) == key
    assert dict(first.hidden)["form_key"] == key
    assert dict(Form(WidgetSchema(), typed(form_key=key)).hidden)["form_key"] == key
    assert dict(Form(WidgetSchema()).hidden)["form_key"] != key
    assert "<" not in dict(Form(WidgetSchema(), typed(form_key="<script>")).hidden)["form_key"]


@pytest.mark.parametrize(
    ("sent", "version"), [("3", 3), ("", None), ("-1", None), ("x", None), ("9" * 30, None)]
)
def test_reads_the_version_that_travels(sent: str, version: int | None) -> None:
    assert Form(WidgetSchema(), typed(version=sent)).version == version


def test_begins_with_the_initial_values_as_a_person_writes_them() -> None:
    initial = {
        "birth_date": PartialDate.of(2012, 3),
        "works": True,
        "skills": ["sewing", "cooking"],
        "hours": 7,
    }
    form = Form(WidgetSchema(), initial=initial, version=4)
    assert form["birth_date"].value == "03.2012"
    assert form["works"].value == "yes"
    assert form["skills"].values == ["sewing", "cooking"]
    assert form["hours"].value == "7"
    assert ("version", "4") in form.hidden


def test_walks_the_tree_of_places_without_sending_the_form() -> None:
    use_case = Recorder()
    form = Form(WidgetSchema(), typed(given_name="1", _step=f"place:open:{REGION}", _place_part=""))
    assert form.submit(use_case) is None
    assert use_case.calls == []
    assert form.errors == {}
    picker = form["place"].place
    assert [option.id for option in picker.options] == [DISTRICT]
    assert [option.name for option in picker.above] == ["Namuna viloyati"]
    assert form["given_name"].value == "1"


def test_finds_places_by_part_of_a_name_of_the_asked_level_only() -> None:
    found = Form(WidgetSchema(), typed(_step="place:find", _place_part="doʻst"))["place"].place
    assert [option.id for option in found.options] == [MAHALLA]
    assert Form(WidgetSchema(), typed(_step="place:find", _place_part="namuna"))["place"].place.options == []
    assert Form(WidgetSchema(), typed(_step="place:find", _place_part="d"))["place"].place.options == []


@pytest.mark.parametrize(
    "step", ["place:open:not-an-id", f"place:open:{uuid.UUID(int=99)}", "place", ":::", "x:open:1"]
)
def test_takes_a_forged_step_for_the_top_of_the_tree(step: str) -> None:
    picker = Form(WidgetSchema(), typed(_step=step))["place"].place
    assert [option.id for option in picker.options] == [REGION]


def test_opens_the_tree_where_the_chosen_place_is() -> None:
    picker = Form(WidgetSchema(), typed(place=str(MAHALLA)))["place"].place
    assert picker.chosen_path == "Namuna viloyati › Namuna tumani › Doʻstlik MFY"
    assert picker.above[-1].id == DISTRICT


def test_names_in_the_page_are_the_names_of_the_schema(demo: Flask) -> None:
    page = demo.test_client().get("/").text
    named = set(re.findall(r'name="(\w+)"', page)) - {"viewport", "robots", "csrf_token", "form_key", "_step"}
    assert named >= set(WidgetSchema().fields) - {"place"}


def test_refuses_two_values_where_the_form_asks_for_one() -> None:
    data = typed()
    data.add("sex", "male")
    form = Form(WidgetSchema(), data)
    with pytest.raises(InvalidInput) as refused:
        form.load()
    assert list(refused.value.errors) == ["sex"]


def test_says_only_once_that_unknown_fields_were_sent() -> None:
    form = Form(WidgetSchema(), typed(**{f"f{number}": "x" for number in range(50)}))
    assert form.submit(Recorder()) is None
    assert len(form.errors["_form"]) == 1
