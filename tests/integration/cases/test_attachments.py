"""Documents on a case: what is taken in, what is taken out of it, how it lies, and how it comes back."""

from __future__ import annotations

import io
import tempfile
import uuid
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from tests.contracts.test_canary import every_stored_byte, holds_canary
from tests.integration.cases.conftest import Events
from tests.services import rights, staff
from tests.services.cases import CANARY, Office, open_case

both_engines = pytest.mark.both_engines


@pytest.fixture
def worker(office: Office) -> FlaskClient:
    return office.client("caseworker")


@pytest.fixture
def case_id(office: Office, worker: FlaskClient) -> uuid.UUID:
    return open_case(office, worker)


def documents(client: FlaskClient, case_id: uuid.UUID) -> list[str]:
    text = client.get(f"/cases/{case_id}").get_data(as_text=True)
    begin = f"/cases/{case_id}/documents/"
    paths = {begin + part[:36] for part in text.split(begin)[1:] if not part.startswith("new")}
    return sorted(paths)


def a_pdf() -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.add_metadata({"/Author": CANARY, "/Title": CANARY})
    script = {"/S": NameObject("/JavaScript"), "/JS": TextStringObject(f"app.alert('{CANARY}')")}
    action = DictionaryObject({NameObject(key): value for key, value in script.items()})
    writer.root_object[NameObject("/OpenAction")] = action
    writer.pages[0][NameObject("/AA")] = DictionaryObject({NameObject("/O"): action})
    writer.add_attachment("inside.txt", CANARY.encode())
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


@both_engines
def test_a_picture_comes_back_as_a_download_without_its_metadata(
    office: Office, app: Flask, worker: FlaskClient, case_id: uuid.UUID, home: Path, events: Events
) -> None:
    exif = Image.Exif()
    exif[0x010E] = CANARY
    exif[0x8825] = {1: "N", 2: (41.0, 20.0, 0.0)}
    picture = rights.a_picture(exif=exif.tobytes(), comment=CANARY.encode())
    assert CANARY.encode() in picture
    assert rights.upload(worker, case_id, picture + CANARY.encode(), description=CANARY).status_code == 303
    (path,) = documents(worker, case_id)
    answer = worker.get(path)
    code = rights.code_of(app, case_id)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{code}-1.jpg"'
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].endswith("; sandbox")
    content = answer.get_data()
    assert len(content) == int(answer.headers["Content-Length"])
    assert CANARY.encode() not in content
    with Image.open(io.BytesIO(content)) as shown:
        assert shown.size == (40, 30)
        assert not shown.getexif()
    files = [each for each in home.rglob("*") if each.is_file()]
    assert not [
        each for each in files if holds_canary(each.read_bytes()) or b"\xff\xd8\xff" in each.read_bytes()
    ]
    assert not [name for name, raw in every_stored_byte(app) if holds_canary(raw)]
    codes = [event["code"] for event in events()]
    assert "attachment.added" in codes
    assert codes[-1] == "attachment.downloaded"
    assert "attachment.content" in events()[-1]["fields_accessed"]


def test_a_pdf_keeps_its_pages_and_nothing_else(worker: FlaskClient, case_id: uuid.UUID) -> None:
    assert CANARY.encode() in a_pdf()
    assert rights.upload(worker, case_id, a_pdf(), "x.pdf").status_code == 303
    content = worker.get(documents(worker, case_id)[0]).get_data()
    assert content.startswith(b"%PDF-")
    assert CANARY.encode() not in content
    for word in (b"/JavaScript", b"/EmbeddedFile", b"/JS", b"/Author", b"/OpenAction"):
        assert word not in content
    assert len(PdfReader(io.BytesIO(content)).pages) == 1


@both_engines
def test_a_large_text_is_kept_in_chunks_and_comes_back_byte_by_byte(
    worker: FlaskClient, case_id: uuid.UUID, home: Path
) -> None:
    written = ("Salom, dunyo! Салом! " * 40_000).encode()
    scratch = home.parent / "scratch"
    scratch.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(scratch)
    try:
        assert rights.upload(worker, case_id, written, "a.txt").status_code == 303
        assert worker.get(documents(worker, case_id)[0]).get_data() == written
        assert list(scratch.iterdir()) == []
    finally:
        tempfile.tempdir = before


def _bomb() -> bytes:
    made = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(made, "PNG")
    return made.getvalue()


def _locked() -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(10, 10)
    writer.encrypt("a", algorithm="AES-256")
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def _archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a", "b")
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not empty"),
        (_archive(), "not a PDF"),
        (b"MZ\x90\x00" + bytes(200), "not a PDF"),
        (b"GIF89a" + bytes(100), "not a PDF"),
        (b"text with \x00 in it", "not a PDF"),
        (b"\xff\xfe" + "text".encode("utf-16-le"), "not a PDF"),
        (b"%PDF-1.7 nothing more", "damaged"),
        (rights.a_picture()[:200], "damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "damaged"),
        (_bomb(), "too large"),
        (_locked(), "locked"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_not_accepted_is_said_at_the_field_and_not_kept(
    worker: FlaskClient, case_id: uuid.UUID, home: Path, content: bytes, said: str
) -> None:
    answer = rights.upload(worker, case_id, content, "scan.pdf", "My words stay")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in text
    assert 'href="#file"' in text
    assert "My words stay" in text
    assert documents(worker, case_id) == []
    assert list((home / "attachments").iterdir()) == []


def test_a_file_above_the_limit_is_refused_at_its_field(
    app: Flask, worker: FlaskClient, case_id: uuid.UUID, home: Path
) -> None:
    settings = app.extensions["casework_settings"]
    too_much = b"a" * (settings.max_file_bytes + 1)
    answer = rights.upload(worker, case_id, too_much, "a.txt")
    assert answer.status_code == 422
    assert "at most 20 MB" in answer.get_data(as_text=True)
    assert list((home / "attachments").iterdir()) == []
    elsewhere = worker.post("/cases/new", data={"surname": "a" * (3 * 1024 * 1024)})
    assert elsewhere.status_code == 413


@both_engines
def test_documents_are_for_who_has_the_case_and_their_supervisor(
    office: Office, worker: FlaskClient, case_id: uuid.UUID
) -> None:
    assert rights.upload(worker, case_id, rights.a_picture()).status_code == 303
    (path,) = documents(worker, case_id)
    assert office.client("supervisor").get(path).status_code == 200
    for name in ("caseworker2", "other_supervisor", "psychologist"):
        client = office.client(name)
        assert client.get(path).status_code in (403, 404)
        assert client.get(f"/cases/{case_id}/documents/new").status_code in (403, 404)
    assert worker.get(path.replace(path[-4:], "0000")).status_code == 404


@both_engines
def test_a_removed_document_is_gone_with_its_file_and_its_number_is_not_used_again(
    worker: FlaskClient, case_id: uuid.UUID, home: Path, events: Events
) -> None:
    assert rights.upload(worker, case_id, rights.a_picture()).status_code == 303
    (path,) = documents(worker, case_id)
    removed = staff.post(worker, f"{path}/remove", {}, opened=f"/cases/{case_id}")
    assert removed.status_code == 303
    assert events()[-1]["code"] == "attachment.removed"
    assert worker.get(path).status_code == 404
    assert list((home / "attachments").iterdir()) == []
    assert rights.upload(worker, case_id, rights.a_picture()).status_code == 303
    assert "-2.jpg" in worker.get(documents(worker, case_id)[0]).headers["Content-Disposition"]


def test_a_changed_file_is_a_clear_refusal(worker: FlaskClient, case_id: uuid.UUID, home: Path) -> None:
    for _number in range(2):
        assert rights.upload(worker, case_id, b"a text" * 30_000, "a.txt").status_code == 303
    first, second = sorted((home / "attachments").iterdir())
    content, other = first.read_bytes(), second.read_bytes()
    for changed in (content[:-1], content[:70_000], b"", other, content[:-1] + bytes([content[-1] ^ 1])):
        first.write_bytes(changed)
        answer = worker.get(f"/cases/{case_id}/documents/{first.name}")
        assert answer.status_code == 404
        assert "cannot be opened" in answer.get_data(as_text=True)
    first.write_bytes(content)
    assert worker.get(f"/cases/{case_id}/documents/{first.name}").status_code == 200
