"""The sealed spool, and what is taken from a document, without a database."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from casework.cases.attachments.cleaning import type_of, without_notes
from casework.vault.files import CHUNK, SealedSpool, _chunks
from tests.services.rights import a_picture


def spool(tmp_path: Path, content: bytes, limit: int = 10 * CHUNK) -> SealedSpool:
    made = SealedSpool(tmp_path, limit)
    made.write(content)
    return made


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17])
def test_a_spool_gives_back_what_was_written_from_any_place(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    with spool(tmp_path, content) as made:
        assert made.size == size
        made.seek(0)
        assert made.read() == content
        for at in (0, size // 2, max(0, size - 3)):
            made.seek(at)
            assert made.read(CHUNK // 2) == content[at : at + CHUNK // 2]
        assert b"".join(made.blocks()) == content
        made.seek(-min(size, 5), os.SEEK_END)
        assert made.read() == content[size - min(size, 5) :]


def test_what_a_spool_puts_on_the_disk_is_sealed(tmp_path: Path) -> None:
    with spool(tmp_path, b"plain words " * 20_000) as made:
        made._file.seek(0)
        assert b"plain words" not in made._file.read()
        assert list(tmp_path.iterdir()) == []


def test_a_spool_drops_what_is_beyond_its_limit_and_is_written_at_its_end_only(tmp_path: Path) -> None:
    with spool(tmp_path, b"a" * 100, limit=150) as made:
        made.write(b"b" * 100)
        assert made.too_large
        assert made.size == 100
        made.seek(10)
        with pytest.raises(io.UnsupportedOperation):
            made.write(b"c")


@given(some.lists(some.binary(max_size=3 * CHUNK), max_size=4))
def test_chunks_are_the_same_bytes_and_only_the_last_one_is_short_or_last(blocks: list[bytes]) -> None:
    made = list(_chunks(blocks))
    assert b"".join(chunk for chunk, _last in made) == b"".join(blocks)
    assert [last for _chunk, last in made] == [False] * (len(made) - 1) + [True]
    assert all(len(chunk) == CHUNK for chunk, last in made if not last)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("Oddiy matn – обычный текст".encode(), "text/plain"),
        (b"with \x07 a bell", None),
        (b"\xff\xfe\x00", None),
        (a_picture(), "image/jpeg"),
        (a_picture(kind="PNG"), "image/png"),
        (b"%PDF-1.4\n", "application/pdf"),
        (a_picture(kind="GIF"), None),
    ],
)
def test_the_type_is_told_by_the_content(tmp_path: Path, content: bytes, found: str | None) -> None:
    with spool(tmp_path, content) as made:
        assert type_of(made) == found


def test_a_picture_inside_a_pdf_loses_its_notes_and_stays_a_picture() -> None:
    noted = a_picture(comment=b"a place", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00")
    plain = without_notes(noted)
    assert b"a place" in noted
    assert b"a place" not in plain
    assert b"Exif" not in plain
    from PIL import Image

    with Image.open(io.BytesIO(plain)) as shown:
        shown.load()
        assert shown.size == (40, 30)
    assert without_notes(b"no picture") == b"no picture"
