"""Answers of a form in words: labels for keys, dates as people write them, in the order and sections of the form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

from casework.web.forms import Form

OUT_OF_SIGHT = ("reason", "note", "clinical_note", "crisis_plan_text")


@dataclass(slots=True)
class Answer:
    """One question with its answer. `changed` marks what differs from the version before."""

    label: str
    text: str
    changed: bool = False


@dataclass(slots=True)
class Section:
    """Answers under one heading."""

    title: str
    answers: list[Answer] = field(default_factory=list)


def sections_of(
    schema: Schema, given: Mapping[str, Any], changed: Collection[str] = (), *, without: Collection[str] = ()
) -> list[Section]:
    """Every answer that was given, and those that a change emptied, section by section."""
    found: list[Section] = [Section("")]
    for bound in Form(schema, initial=given):
        if bound.section:
            found.append(Section(bound.section))
        if bound.name in without:
            continue
        value = given.get(bound.name)
        if value in (None, [], "") and bound.name not in changed:
            continue
        text = "" if value in (None, [], "") else bound.readable(value)
        found[-1].answers.append(Answer(bound.label, text, bound.name in changed))
    return [each for each in found if each.answers]


def one_line(schema: Schema, given: Mapping[str, Any], names: Collection[str]) -> str:
    """A few answers in one line, for the timeline."""
    form = Form(schema, initial=given)
    return " · ".join(form[name].readable(given[name]) for name in names if name in form and given.get(name))
