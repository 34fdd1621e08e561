"""People who work in a test installation: a small tree of places, staff of every role, signing in like a browser."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "a long enough test sentence"
TREE = """code,parent_code,level,name_uz,name_ru,name_en
17,,country,Oʻzbekiston Respublikasi,Республика Узбекистан,Republic of Uzbekistan
1703,17,region,Andijon viloyati,Андижанская область,Andijan region
1730,17,region,Fargʻona viloyati,Ферганская область,Fergana region
1703202,1703,district,Oltinkoʻl tumani,Алтынкульский район,Altinkul district
1703203,1703,district,Andijon tumani,Андижанский район,Andijan district
1730209,1730,district,Qoʻshtepa tumani,Куштепинский район,Kushtepa district
11,1703202,mahalla,Boʻston MFY,,
12,1703203,mahalla,Boʻston MFY,,
13,1730209,mahalla,Doʻstlik MFY,,
"""
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
_FORM_KEY = re.compile(r'name="form_key" value="([^"]+)"')
_VERSION = re.compile(r'name="version" value="([^"]+)"')
_hashes: dict[str, str] = {}


def add_places(app: Flask, text: str = TREE) -> dict[str, uuid.UUID]:
    """Imports a register; gives the ids by code."""
    from casework.access.actor import SYSTEM
    from casework.accounts import queries
    from casework.accounts.place_file import COLUMNS, RegisterRow
    from casework.accounts.place_register import import_places
    from casework.audit.boundary import acting
    from casework.core.pack import load_pack

    rows = []
    for line, text_line in enumerate(text.splitlines()[1:], start=2):
        values = dict(zip(COLUMNS, text_line.split(","), strict=True))
        rows.append(
            RegisterRow(line=line, **{name: value or None for name, value in values.items() if name.startswith("name")},
                        code=values["code"], parent_code=values["parent_code"], level=values["level"])  # type: ignore[arg-type]
        )  # fmt: skip
    with app.app_context(), acting(SYSTEM, "test"):
        import_places(SYSTEM, rows, load_pack().admin_levels)
        return {row.code: row.id for row in queries.all_places()}


def add_staff(app: Flask, username: str, role: str, **more: Any) -> uuid.UUID:
    """Adds somebody who signs in with `PASSWORD`. `more`: place (id), domain, display_name, locale."""
    from casework.access.actor import SYSTEM
    from casework.accounts import passwords, staffing
    from casework.audit.boundary import acting

    data = {
        "username": username,
        "display_name": f"Test {username}",
        "role": role,
        "place": None,
        "domain": None,
    }
    if PASSWORD not in _hashes:  # hashing is slow on purpose; once a process is enough
        _hashes[PASSWORD] = passwords.hash_of(PASSWORD)
    data |= {"password": PASSWORD, "password_hash": _hashes[PASSWORD], "locale": "en", **more}
    with app.app_context(), acting(SYSTEM, "test"):
        staff, _password = staffing.add_staff(SYSTEM, data)
        return staff.id


def hidden(page: TestResponse) -> dict[str, str]:
    """The token, form key and version that the last form of a page carries."""
    text = page.get_data(as_text=True)
    found = {"csrf_token": _CSRF, "form_key": _FORM_KEY, "version": _VERSION}
    return {
        name: html.unescape(values[-1])
        for name, pattern in found.items()
        if (values := pattern.findall(text))
    }


def post(
    client: FlaskClient, path: str, data: Mapping[str, Any], *, opened: str | None = None
) -> TestResponse:
    """Opens the page with the form (`opened`, else `path`) and sends the form."""
    carried = hidden(client.get(opened or path))
    return client.post(path, data={**carried, **data}, headers={"Accept-Language": "en"})


def sign_in(client: FlaskClient, username: str, password: str = PASSWORD) -> TestResponse:
    """Signs in through the page; gives its answer."""
    return post(client, "/sign-in", {"username": username, "password": password})
