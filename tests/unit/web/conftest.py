"""The demo app for the tests of the toolkit."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.web import catalogs
from tests.unit.web.demo import make_demo


@pytest.fixture
def demo() -> Flask:
    """The demo without a check of tokens."""
    return make_demo(WTF_CSRF_ENABLED=False)


@pytest.fixture
def visitor(demo: Flask) -> FlaskClient:
    """Somebody with a browser set to English."""
    client = demo.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


@pytest.fixture(scope="session")
def compiled() -> None:
    """The catalogs as the running product reads them."""
    catalogs.compile_all()
