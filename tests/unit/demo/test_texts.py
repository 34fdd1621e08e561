"""What the synthetic caseload says: neutral words, one alphabet a sentence, and only keys that the country pack knows."""

from __future__ import annotations

import re
from typing import Any

import pytest

from casework.core.pack import load_pack
from casework.demo import phrases
from casework.demo.answers import answers_of, kinds_for
from casework.demo.families import dice_of
from casework.demo.phrases import Pen
from casework.demo.referring import BEGUN, OUTCOMES, PATHS, REASONS
from casework.referrals import workflow
from casework.referrals.workflow import LIVE, Side, State
from casework.web.cyrillic import to_cyrillic
from casework.web.wording import alphabets

LABELS = re.compile(
    r"terror|jangari|\bishid\b|radikal|xavfli|gumon|nazorat|kuzatuv|repatriant|qaytgan"
    r"|террор|боевик|игил|радикал|опасн|подозрев|поднадзор|репатриант|вернувш|отказник",
    re.IGNORECASE,
)


def _pairs(found: Any) -> list[tuple[str, str]]:
    if isinstance(found, dict):
        return [pair for each in found.values() for pair in _pairs(each)]
    if isinstance(found, tuple) and found and isinstance(found[0], tuple):
        return [pair for pair in found if len(pair) == 2 and all(isinstance(each, str) for each in pair)]
    return []


SENTENCES = [pair for name, found in vars(phrases).items() if name.isupper() for pair in _pairs(found)]


def test_no_sentence_labels_anybody() -> None:
    assert len(SENTENCES) > 50
    assert not [text for pair in SENTENCES for text in pair if LABELS.search(text)]


def test_each_sentence_is_in_one_alphabet() -> None:
    for uzbek, russian in SENTENCES:
        assert alphabets(uzbek) == {"Latn"}, uzbek
        assert alphabets(russian) == {"Cyrl"}, russian
        assert alphabets(to_cyrillic(uzbek)) == {"Cyrl"}, uzbek
        assert not re.search("['`’‘]", uzbek), uzbek


@pytest.mark.parametrize("age", [1, 5, 9, 14, 17, 19, 40])
def test_every_answer_is_one_of_its_set(age: int) -> None:
    pack = load_pack()
    prefixes = {"psychosocial": "psy_", "education": "edu_", "employment": "emp_"}
    free = {"note", "session_count", "work_history_gap", "work_wish", "training_name"}
    dice = dice_of("answers", age)
    for kind in kinds_for(age)[0]:
        for turn in range(1, 60):
            answers = answers_of(kind, age, turn / 60, turn, Pen("uz-Latn", dice), dice)
            for name, value in answers.items():
                if name in free:
                    continue
                values = pack.value_set(name if name in pack.value_sets else prefixes[kind] + name)
                assert set(value if isinstance(value, list) else [value]) <= set(values), (kind, name, value)


def test_no_child_of_primary_school_age_looks_for_work() -> None:
    assert "employment" not in kinds_for(12)[0]
    assert kinds_for(2)[0] == ("psychosocial",)


def test_each_path_walks_the_table_to_its_state() -> None:
    assert set(PATHS) == set(State)
    for target, paths in PATHS.items():
        for path in paths:
            state = State.DRAFT
            for action in path:
                state = workflow.move(state, action, frozenset(Side)).to
            assert state is target, path


def test_what_still_waits_was_begun_lately() -> None:
    assert set(BEGUN) == LIVE


def test_every_reason_and_outcome_is_one_of_the_pack() -> None:
    pack = load_pack()
    assert set(REASONS) == set(pack.domains)
    for domain, by_age in REASONS.items():
        for reasons in by_age.values():
            assert set(reasons) <= set(pack.referral_reasons(domain))
    assert {each for found in OUTCOMES.values() for each in found} <= set(pack.value_set("referral_outcome"))
