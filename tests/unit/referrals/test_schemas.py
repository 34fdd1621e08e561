"""Input of the referral forms: what is refused, at which field, in which words."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel
from werkzeug.datastructures import MultiDict

from casework.core.errors import InvalidInput
from casework.core.pack import load_pack
from casework.referrals import schemas
from casework.web.forms import Form

CONSENT = str(uuid.uuid4())
GOOD = {
    "domain": "psychosocial_health_education",
    "reason_code": "enrol",
    "urgency": "routine",
    "need_summary": "A place in the fourth grade from the spring on.",
    "minimum_dataset": ["birth_year", "level_sought"],
    "level_sought": "primary_1_4",
    "consent_id": CONSENT,
    "channel": "in_system",
}


@pytest.fixture(autouse=True)
def _english() -> Any:
    bare = Flask(__name__)
    Babel(bare, default_locale="en")
    with bare.test_request_context():
        yield


def load(domain: str = "psychosocial_health_education", **changes: Any) -> dict[str, Any]:
    given = {
        name: value for name, value in {**GOOD, "domain": domain, **changes}.items() if value is not None
    }
    posted: MultiDict[str, str] = MultiDict()
    for name, value in given.items():
        posted.setlist(name, value if isinstance(value, list) else [value])
    return Form(schemas.referral_input(domain), posted).load()


def errors(domain: str = "psychosocial_health_education", **changes: Any) -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as refused:
        load(domain, **changes)
    return refused.value.errors


def test_loads_what_a_complete_form_says() -> None:
    loaded = load()
    assert loaded["minimum_dataset"] == ["birth_year", "level_sought"]
    assert loaded["level_sought"] == "primary_1_4"
    assert loaded["consent_id"] == uuid.UUID(CONSENT)


@pytest.mark.parametrize("name", ["reason_code", "urgency", "need_summary", "channel"])
def test_asks_for_what_is_missing(name: str) -> None:
    assert set(errors(**{name: None})) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reason_code", "training"),  # of another domain
        ("urgency", "tomorrow"),
        ("channel", "pigeon"),
        ("minimum_dataset", ["birth_year", "religion"]),
        ("minimum_dataset", ["work_wish"]),  # of another domain
        ("level_sought", "kindergarten"),
        ("lawful_basis", "consent"),  # that is not another basis
        ("consent_id", "not-an-id"),
    ],
)
def test_refuses_a_value_outside_the_set_at_its_field(name: str, value: Any) -> None:
    assert set(errors(**{name: value})) == {name}


def test_refuses_an_unknown_field() -> None:
    assert list(errors(status="sent")) == ["status"]


def test_refuses_a_text_that_is_too_long_and_says_by_how_much() -> None:
    (message,) = errors(need_summary="x" * 1001)["need_summary"]
    assert "1000" in message
    assert "1001" in message


@pytest.mark.parametrize("text", ["a\x00b", "a\x1b[2Jb", "a\u202eb"])
def test_refuses_characters_that_cannot_be_seen(text: str) -> None:
    assert set(errors(need_summary=text)) == {"need_summary"}


def test_takes_every_script_and_a_smiling_face_in_a_text() -> None:
    text = "Oʻquvchi, ўқувчи, ученик 🙂\nsecond line"
    assert load(need_summary=text)["need_summary"] == text


def test_asks_for_the_answer_of_a_ticked_field() -> None:
    assert set(errors(level_sought=None)) == {"level_sought"}


def test_does_not_load_the_answer_of_a_field_that_is_not_ticked() -> None:
    assert load(minimum_dataset=["birth_year"])["level_sought"] is None


def test_a_basis_without_its_text_is_refused_at_the_text() -> None:
    assert set(errors(consent_id=None, lawful_basis="law")) == {"lawful_basis_text"}


def test_a_text_without_its_basis_is_refused_at_the_basis() -> None:
    assert set(errors(consent_id=None, lawful_basis_text="Because")) == {"lawful_basis"}


def test_consent_and_another_basis_together_are_refused() -> None:
    assert set(errors(lawful_basis="law", lawful_basis_text="Because")) == {"lawful_basis"}


def test_the_form_for_communities_offers_no_personal_field_at_all() -> None:
    names = set(schemas.referral_input("countering_terrorist_ideas").fields)
    assert names == {"domain", "reason_code", "urgency", "version", "need_summary", "channel"}


def test_a_personal_field_sent_to_the_domain_of_communities_is_refused() -> None:
    found = errors(
        "countering_terrorist_ideas",
        reason_code="school_awareness_requested",
        minimum_dataset=["name"],
        level_sought=None,
        consent_id=None,
    )
    assert list(found) == ["minimum_dataset"]


@pytest.mark.parametrize("domain", load_pack().domains)
def test_every_field_of_the_pack_can_be_filled(domain: str) -> None:
    from casework.referrals.package import _FROM_RECORD

    for field in schemas.tickable(load_pack(), domain):
        if schemas.is_personal(load_pack(), domain):
            assert field in _FROM_RECORD or field in schemas.TYPED_HERE


@pytest.mark.parametrize("domain", load_pack().domains)
def test_only_the_domain_of_communities_is_impersonal(domain: str) -> None:
    assert schemas.is_personal(load_pack(), domain) == (domain != "countering_terrorist_ideas")


def test_a_return_needs_a_reason_and_a_text() -> None:
    with pytest.raises(InvalidInput) as refused:
        Form(schemas.ReturnInput(), MultiDict({"version": "1"})).load()
    assert set(refused.value.errors) == {"return_reason", "text"}


def test_a_decline_takes_only_a_reason_of_the_list() -> None:
    for reason in ("returnee", "because_of_return", ""):
        with pytest.raises(InvalidInput) as refused:
            Form(schemas.DeclineInput(), MultiDict({"version": "1", "decline_reason": reason})).load()
        assert set(refused.value.errors) == {"decline_reason"}


def test_the_end_of_a_service_needs_an_outcome_and_a_report() -> None:
    with pytest.raises(InvalidInput) as refused:
        Form(schemas.end_input(lambda: [("enrolled", "Enrolled")]), MultiDict({"version": "1"})).load()
    assert set(refused.value.errors) == {"outcome", "service_report"}
