"""What travels, in words."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel

from casework.referrals import package


@pytest.fixture(autouse=True)
def _english() -> Any:
    bare = Flask(__name__)
    Babel(bare, default_locale="en")
    with bare.test_request_context():
        yield


def test_shows_fields_in_the_order_of_the_pack_with_their_labels() -> None:
    shown = package.in_words({"sex": "female", "name": "Ism", "birth_year": 2014})
    assert shown == [("Name", "Ism"), ("Year of birth", "2014"), ("Sex", "Female")]


def test_says_so_where_the_record_has_nothing() -> None:
    assert package.in_words({"languages": [], "birth_year": None}) == [
        ("Year of birth", "Not recorded"),
        ("Languages", "Not recorded"),
    ]


def test_shows_keys_as_labels() -> None:
    assert package.in_words(
        {"languages": ["uz", "ru"], "interpreter_needed": False, "document_types": ["id_card"]}
    ) == [
        ("Languages", "Uzbek, Russian"),
        ("Interpreter needed", "No"),
        ("Documents concerned", "Identity card"),
    ]


def test_shows_a_phone_only_where_it_was_copied() -> None:
    by_phone = {"by": "phone", "phone": "+998901234567", "owner": "self", "hours": "after 18:00"}
    assert package.in_words({"safe_contact": by_phone}) == [
        ("Safe way to contact", "Phone, +998901234567 (Own phone), after 18:00")
    ]
    assert package.in_words({"safe_contact": {"by": "visit_home"}}) == [("Safe way to contact", "Home visit")]
