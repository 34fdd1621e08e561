"""The table of unusual access, and the span of days that bounds it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from casework.audit import verifications
from casework.audit.export_jobs import KeptReason
from casework.audit.reasons import reason
from casework.audit.unusual import RULES, Span


def test_each_rule_has_a_name_of_its_own_a_sentence_and_a_threshold() -> None:
    assert len({rule.key for rule in RULES}) == len(RULES)
    assert all(rule.threshold >= 1 for rule in RULES)
    assert [rule.key for rule in RULES] == [
        "outside_place",
        "many_people",
        "night",
        "after_hand_over",
        "break_glass",
        "denials",
    ]


def test_a_span_is_of_local_days_both_included() -> None:
    span = Span.of_days(date(2026, 11, 20), date(2026, 11, 21))
    assert span.start == datetime(2026, 11, 19, 19, tzinfo=UTC)
    assert span.end == datetime(2026, 11, 21, 19, tzinfo=UTC)
    assert span.offset == 5


def test_a_kept_reason_has_the_fingerprint_of_the_words_and_not_the_words() -> None:
    said = reason("A yearly review")
    kept = KeptReason("", said.salt, said.commitment)
    assert kept.commitment == said.commitment
    assert kept.as_dict() == {"salt": said.salt.hex(), "commitment": said.commitment.hex()}


def test_every_break_is_one_sentence_also_one_of_a_kind_that_is_new() -> None:
    said = {verifications.in_words(kind) for kind in (*verifications.KINDS, "signature", "of_tomorrow")}
    assert len(said) == 5
    assert all(sentence.endswith(".") for sentence in said)
