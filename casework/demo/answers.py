"""What the three support forms say, by age and by how far the work has come (data dictionary §4.1, §4.3, §4.4)."""

from __future__ import annotations

from random import Random
from typing import Any

from casework.demo import phrases
from casework.demo.phrases import Pen

Answers = dict[str, Any]


def kinds_for(age: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Which kinds of support somebody of this age gets, and how often each."""
    if age < 4:
        return ("psychosocial",), (1,)
    if age < 16:
        return ("psychosocial", "education"), (45, 55)
    if age < 20:
        return ("psychosocial", "education", "employment"), (35, 45, 20)
    return ("psychosocial", "education", "employment"), (50, 8, 42)


def answers_of(kind: str, age: int, how_far: float, number: int, pen: Pen, dice: Random) -> Answers:
    """The answers of one record, `number`th of its kind. `how_far`: from 0 at the first contact to 1 now."""
    found: Answers = {
        "contact_type": dice.choice(_CONTACTS[kind] if age >= 7 else ("home_visit", "office")),
        "duration_band": dice.choice(("under_15", "from_15_to_45", "from_15_to_45", "from_45_to_90")),
    }
    found |= _WRITERS[kind](age, how_far, number, pen, dice)
    if dice.random() < 0.7:
        found["note"] = pen.write(phrases.NOTES[kind])
    return found


_CONTACTS = {
    "psychosocial": ("home_visit", "home_visit", "office", "group", "phone"),
    "education": ("school", "school", "home_visit", "phone", "accompaniment"),
    "employment": ("office", "office", "accompaniment", "phone", "home_visit"),
}


def _psychosocial(age: int, how_far: float, number: int, _pen: Pen, dice: Random) -> Answers:
    needs: tuple[str, ...] = ("sleep", "fear_stress", "isolation", "grief", "rest_safety")
    needs += ("child_behaviour",) if age < 18 else ("parenting", "stigma")
    services = (
        ("art_play", "group", "family_counselling") if age < 12 else ("individual_counselling", "group")
    )
    return {
        "wellbeing_self_report": _rising(("hard", "ok", "ok", "good"), how_far, dice),
        "support_needed": sorted(dice.sample(needs, dice.randint(1, 2))),
        "service_type": dice.choice(services),
        "mhpss_layer": dice.choice(
            ("layer_1_basic", "layer_2_community", "layer_2_community", "layer_3_focused")
        ),
        "session_count": number,
        "attendance": dice.choices(("attended", "excused", "missed"), (86, 9, 5))[0],
        "progress": "not_assessed"
        if number == 1
        else dice.choices(("better", "same", "worse"), (55, 39, 6))[0],
    }


def _education(age: int, how_far: float, _number: int, _pen: Pen, dice: Random) -> Answers:
    status = _rising(("not_enrolled", "applied", "enrolled", "attending", "attending"), how_far, dice)
    found: Answers = {
        "level_sought": level_for(age),
        "enrolment_status": status,
        "years_missed": "zero"
        if age < 7
        else dice.choice(("zero", "from_1_to_2", "from_1_to_2", "from_3_to_4")),
        "language_support": dice.choices(("none", "uzbek", "russian"), (60, 32, 8))[0],
        "catch_up": dice.choice(("none", "tutoring", "after_school")),
        "school_told": dice.choices(("needs_only", "nothing"), (70, 30))[0],
    }
    if status == "attending":
        found["attendance_band"] = dice.choices(("from_90", "from_75_to_89", "from_50_to_74"), (64, 28, 8))[0]
        found["bullying_reported"] = dice.choices(("no", "yes_handled"), (94, 6))[0]
    else:
        found["barrier"] = [dice.choice(("no_document", "clothing_supplies", "waiting_place", "language"))]
    return found


def level_for(age: int) -> str:
    """The level of education that fits an age."""
    for below, level in ((7, "preschool"), (11, "primary_1_4"), (16, "basic_5_9"), (18, "secondary_10_11")):
        if age < below:
            return level
    return "vocational"


def _employment(age: int, how_far: float, _number: int, pen: Pen, dice: Random) -> Answers:
    first = "studying" if age < 18 else "caring_full_time"
    status = _rising((first, "seeking", "seeking", "self_employed", "employed"), how_far, dice)
    found: Answers = {
        "labour_status": status,
        "education_level": dice.choice(("basic", "secondary", "secondary", "vocational")),
        "skills": sorted(
            dice.sample(("crafts", "service_sales", "agriculture", "elementary"), dice.randint(1, 2))
        ),
        "work_history_gap": dice.random() < 0.6,
        "work_wish": pen.write(phrases.WORK_WISH),
        "service": [dice.choice(("counselling", "registration_employment_centre", "vocational_training"))],
        "employer_told": "nothing",
    }
    if status in ("employed", "self_employed"):
        found["job_form"] = "self" if status == "self_employed" else "formal"
        found["job_time"] = dice.choice(("full", "part", "part"))
        found["income_enough"] = dice.choice(("partly", "partly", "yes"))
    else:
        found["barriers"] = [dice.choice(("childcare", "document", "transport", "no_vacancy"))]
        if dice.random() < 0.4:
            found["training_name"] = pen.write(phrases.TRAINING)
            found["training_status"] = dice.choice(("applied", "attending", "completed"))
    return found


def _rising(ladder: tuple[str, ...], how_far: float, dice: Random) -> str:
    """A rung of the ladder, higher the further the work has come."""
    rung = how_far * (len(ladder) - 1) + dice.uniform(-0.8, 0.8)
    return ladder[max(0, min(len(ladder) - 1, round(rung)))]


_WRITERS = {"psychosocial": _psychosocial, "education": _education, "employment": _employment}
