"""The register of places: importing it again and again, and finding a place in it."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.accounts import commands, queries
from casework.accounts.models import Place
from casework.accounts.place_file import WrongFile
from casework.accounts.place_register import Outcome, RegisterErrors
from casework.accounts.places import place_label
from casework.core.database import db
from tests.integration.accounts.conftest import Events
from tests.services.staff import TREE, sign_in

pytestmark = pytest.mark.both_engines


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the tests write a register."""
    return tmp_path / "places.csv"


def take(app: Flask, file: Path, text: str | bytes = TREE, *, dry_run: bool = False) -> Outcome:
    """Imports this text as `casework places import` does."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with app.app_context():
        return commands.import_register(file, dry_run=dry_run)


def stored(app: Flask) -> dict[str, Place]:
    with app.app_context():
        rows = {place.code: place for place in db.session.scalars(db.select(Place))}
        db.session.remove()
    return rows


def test_a_second_import_changes_nothing(app: Flask, file: Path) -> None:
    assert take(app, file).added == 9
    again = take(app, file)
    assert (again.changes, again.unchanged) == (0, 9)


def test_knows_the_region_and_district_of_each_unit(app: Flask, file: Path) -> None:
    take(app, file)
    rows = stored(app)
    mahalla, district, region = rows["11"], rows["1703202"], rows["1703"]
    assert (mahalla.district_id, mahalla.region_id) == (district.id, region.id)
    assert (district.district_id, district.region_id) == (district.id, region.id)
    assert (region.district_id, region.region_id) == (None, region.id)


def test_a_child_may_stand_before_its_parent(app: Flask, file: Path) -> None:
    head, *lines = TREE.splitlines()
    assert take(app, file, "\n".join([head, *reversed(lines)])).added == 9


def test_changes_what_changed_and_keeps_its_id(app: Flask, file: Path, events: Events) -> None:
    take(app, file)
    before = stored(app)
    done = take(app, file, TREE.replace("Doʻstlik MFY", "Yangi hayot MFY"))
    assert (done.changed, done.added, done.closed) == (1, 0, 0)
    assert stored(app)["13"].name_uz == "Yangi hayot MFY"
    assert stored(app)["13"].id == before["13"].id
    last = events()[-1]
    assert (last["code"], last["result_count"], last["agent_role"]) == ("place.imported", 1, "system")


def test_a_moved_unit_takes_what_is_inside_along(app: Flask, file: Path) -> None:
    take(app, file)
    take(app, file, TREE.replace("1703203,1703,", "1703203,1730,"))
    rows = stored(app)
    assert rows["12"].region_id == rows["1703203"].region_id == rows["1730"].id


def test_closes_what_vanished_and_all_inside_it_and_opens_it_again(app: Flask, file: Path) -> None:
    take(app, file)
    without = "\n".join(line for line in TREE.splitlines() if not line.startswith(("1703203", "12,")))
    done = take(app, file, without)
    assert done.closed == 2
    rows = stored(app)
    assert rows["1703203"].closed_on is not None
    assert rows["12"].closed_on is not None
    assert take(app, file, without).changes == 0
    assert take(app, file).reopened == 2
    assert stored(app)["12"].closed_on is None


def test_closes_only_where_the_file_covers(app: Flask, file: Path) -> None:
    take(app, file)
    head, *lines = TREE.splitlines()
    upper = "\n".join([head, *(line for line in lines if ",mahalla," not in line)])
    assert take(app, file, upper).closed == 0
    one_district = f"{head}\n14,1703202,mahalla,Yangi MFY,,\n"
    done = take(app, file, one_district)
    assert (done.added, done.closed) == (1, 1)
    rows = stored(app)
    assert rows["11"].closed_on is not None
    assert rows["12"].closed_on is None


def test_a_trial_changes_nothing(app: Flask, file: Path, events: Events) -> None:
    assert take(app, file, dry_run=True).added == 9
    assert stored(app) == {}
    assert events()[-1]["code"] == "place.import_checked"


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("14,1703202,mahalla,Nomi", "line 11: has 4 columns, not 6"),
        ("14,1703202,village,Nomi,,", "line 11: level 'village' is not one of"),
        ("14,999,mahalla,Nomi,,", "line 11: parent_code 999 is neither in the file nor stored"),
        ("13,1703202,mahalla,Nomi,,", "line 11: code 13 stands in line 10 already"),
        ("14,1703,mahalla,Nomi,,", "line 11: a mahalla cannot be inside a region"),
        ("14,1703202,mahalla,  ,,", "line 11: name_uz is empty"),
        (f"14,1703202,mahalla,{'x' * 201},,", "line 11: name_uz has 201 characters"),
        ("14,1703202,mahalla,No\u0007mi,,", "line 11: name_uz has characters that cannot be shown"),
        ("14,1703202,mahalla,No\u202emi,,", "line 11: name_uz has characters that cannot be shown"),
        (",1703202,mahalla,Nomi,,", "line 11: code must be letters and digits"),
        ("14,,mahalla,Nomi,,", "line 11: parent_code must be empty for a country, and only there"),
        ("18,,country,Another,,", "line 11: 18 is another country than 17"),
        ('14,1703202,mahalla,"two\nlines",,', "line 11: name_uz has characters"),
    ],
)
def test_says_which_row_is_wrong_and_changes_nothing(
    app: Flask, file: Path, row: str, complaint: str
) -> None:
    with pytest.raises(RegisterErrors) as found:
        take(app, file, TREE + row + "\n")
    assert len(found.value.rows) == 1
    assert str(found.value.rows[0]).startswith(complaint)
    assert stored(app) == {}


def test_tells_all_wrong_rows_at_once(app: Flask, file: Path, events: Events) -> None:
    with pytest.raises(RegisterErrors) as found:
        take(app, file, TREE + "14,999,mahalla,Nomi,,\n15,1703202,mahalla,,,\n")
    assert [row.line for row in found.value.rows] == [11, 12]
    assert (events()[-1]["outcome"], events()[-1]["outcome_reason"]) == ("error", "wrong_rows")


def test_a_level_does_not_change(app: Flask, file: Path) -> None:
    take(app, file)
    with pytest.raises(RegisterErrors) as found:
        take(app, file, TREE.replace("13,1730209,mahalla", "13,1730,district"))
    assert found.value.rows[0].message == "13 is a mahalla, it cannot become a district"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "is not a CSV file"),
        (TREE.encode("utf-16"), "is not a CSV file"),
        (TREE.replace("Oʻzbekiston", "Ozbekiston").encode("cp1251", "replace"), "is not UTF-8 text"),
        (b"name,surname\na,b\n", "is not a register of places"),
        (b"code,parent_code,level,name_uz,name_ru\n", "check: name_en"),
        (b"code,parent_code,level,name_uz,name_ru,name_en,colour\n", "check: colour"),
        (b"code,parent_code,level,name_uz,name_ru,name_en\n", "has no rows"),
        (b'code,parent_code,level,name_uz,name_ru,name_en\n17,,country,"open,,\n', "is not a CSV file"),
    ],
)
def test_refuses_a_wrong_file_in_one_sentence(app: Flask, file: Path, content: bytes, complaint: str) -> None:
    with pytest.raises(WrongFile) as found:
        take(app, file, content)
    [sentence] = found.value.errors["_form"]
    assert complaint in sentence
    assert stored(app) == {}


def test_refuses_a_file_that_is_not_there(app: Flask, file: Path) -> None:
    with app.app_context(), pytest.raises(WrongFile) as found:
        commands.import_register(file, dry_run=False)
    assert "cannot be read" in found.value.errors["_form"][0]


def test_takes_any_apostrophe_and_a_byte_order_mark(app: Flask, file: Path) -> None:
    take(app, file, b"\xef\xbb\xbf" + TREE.replace("ʻ", "'").encode())
    assert stored(app)["13"].name_uz == "Doʻstlik MFY"


@pytest.mark.parametrize("typed", ["Doʻstlik", "do'stlik", "dostlik", "DO‘ST", "дўстлик", "Дустлик", "ustli"])
def test_finds_a_place_in_any_spelling(
    client: FlaskClient, admin: uuid.UUID, places: dict[str, uuid.UUID], typed: str
) -> None:
    sign_in(client, "admin")
    found = client.get("/places/find", query_string={"q": typed}).get_json()["places"]
    assert str(places["13"]) in [each["id"] for each in found]


def test_the_same_name_says_where_each_is(
    client: FlaskClient, admin: uuid.UUID, places: dict[str, uuid.UUID]
) -> None:
    sign_in(client, "admin")
    found = client.get("/places/find?q=bo'ston&level=mahalla").get_json()["places"]
    assert [each["inside"] for each in found] == [
        "Andijan region › Andijan district",
        "Andijan region › Altinkul district",
    ]


def test_the_district_beside_the_name_narrows_the_search(
    client: FlaskClient, admin: uuid.UUID, places: dict[str, uuid.UUID]
) -> None:
    sign_in(client, "admin")
    found = client.get("/places/find", query_string={"q": "boston oltinko'l"}).get_json()["places"]
    assert [each["id"] for each in found] == [str(places["11"])]


def test_a_search_leaves_its_fingerprint_and_not_its_words(
    client: FlaskClient, admin: uuid.UUID, places: dict[str, uuid.UUID], events: Events
) -> None:
    sign_in(client, "admin")
    client.get("/places/find?q=boston")
    last = events()[-1]
    assert (last["code"], last["result_count"]) == ("place.searched", 2)
    assert last["query_hash"]
    assert "boston" not in str(last)


def test_the_tree_opens_level_by_level(
    client: FlaskClient, admin: uuid.UUID, places: dict[str, uuid.UUID]
) -> None:
    sign_in(client, "admin")
    top = client.get("/places/choose").get_data(as_text=True)
    assert "Andijan region" in top
    assert "Altinkul" not in top
    inside = client.get(f"/places/choose?parent={places['1703202']}").get_data(as_text=True)
    assert "Boʻston MFY" in inside
    assert client.get(f"/places/choose?parent={uuid.uuid4()}").status_code == 404
    assert client.get("/places/choose?parent=nonsense").status_code == 404


def test_a_closed_place_is_not_offered(
    app: Flask, client: FlaskClient, admin: uuid.UUID, places: dict[str, uuid.UUID], file: Path
) -> None:
    take(app, file, "\n".join(line for line in TREE.splitlines() if not line.startswith("12,")))
    sign_in(client, "admin")
    # The file names no unit inside 1703203 any more, so it does not cover it.
    assert len(client.get("/places/find?q=boston").get_json()["places"]) == 2
    take(app, file, TREE.splitlines()[0] + "\n15,1703203,mahalla,Yangi MFY,,\n")
    assert len(client.get("/places/find?q=boston").get_json()["places"]) == 1


def test_an_overlong_search_is_refused(client: FlaskClient, admin: uuid.UUID) -> None:
    sign_in(client, "admin")
    assert client.get("/places/find", query_string={"q": "x" * 81}).status_code == 422


def test_an_auditor_does_not_look_through_places(app: Flask, client: FlaskClient) -> None:
    from tests.services.staff import add_staff

    add_staff(app, "auditor", "auditor")
    sign_in(client, "auditor")
    assert client.get("/places/find?q=an").status_code == 403


def test_a_name_is_shown_in_the_readers_language(app: Flask, places: dict[str, uuid.UUID]) -> None:
    from flask_babel import force_locale

    with app.test_request_context():
        district, mahalla = (queries.place_with_code(code) for code in ("1730209", "13"))
        shown = {}
        for locale in ("uz", "uz_Cyrl", "ru", "en"):
            with force_locale(locale):
                shown[locale] = (place_label(district), place_label(mahalla))
        db.session.remove()
    assert shown == {
        "uz": ("Qoʻshtepa tumani", "Doʻstlik MFY"),
        "uz_Cyrl": ("Қўштепа тумани", "Дўстлик МФЙ"),
        "ru": ("Куштепинский район", "Doʻstlik MFY"),
        "en": ("Kushtepa district", "Doʻstlik MFY"),
    }
