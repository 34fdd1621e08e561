"""What a document may be, and what is taken from it before it is kept.

The type is told by the content, never by a name. Pictures are drawn anew, so that nothing stays but the picture: no place,
no camera, no thumbnail, nothing behind its end. A PDF keeps its pages only: no author, no scripts, no files inside, no links
or actions. A text is a text: UTF-8 without control characters.
"""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

import filetype
from flask_babel import lazy_gettext as _l
from PIL import Image, ImageOps
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, StreamObject

from casework.core.errors import InvalidInput
from casework.vault.files import SealedSpool

MOST_PIXELS = 50_000_000
MOST_PAGES = 2_000
MOST_OBJECTS = 500_000

EXTENSIONS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "text/plain": "txt"}

WRONG_TYPE = _l("This is not a PDF, a photo or picture, or a plain text. Choose another file.")
BROKEN = _l(
    "This file is damaged or has something in it that is not accepted. Save it anew or scan it again."
)
LOCKED = _l("This PDF is locked with a password. Save it without one.")
TOO_MANY_PIXELS = _l("This picture is too large. Make it smaller.")
TOO_MANY_PAGES = _l("This PDF has too many pages. Send it in parts.")


class _Refused(Exception):
    """What the person is told."""


def type_of(spool: SealedSpool) -> str | None:
    """The media type of the content, among those that are accepted."""
    spool.seek(0)
    guess = filetype.guess_mime(spool.read(8192))
    if guess in ("application/pdf", "image/jpeg", "image/png"):
        return str(guess)
    return "text/plain" if guess is None and _is_text(spool) else None


def cleaned(spool: SealedSpool, into: SealedSpool) -> str:
    """Writes what is left of the document after cleaning; gives its type. `InvalidInput` at `file` for anything else."""
    media_type = type_of(spool)
    if media_type is None:
        raise InvalidInput({"file": [WRONG_TYPE]})
    spool.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _CLEANERS[media_type](spool, into)
    except _Refused as problem:
        raise InvalidInput({"file": [problem.args[0]]}) from None
    except Exception:  # whatever a parser says of a hostile file, the file is not kept
        raise InvalidInput({"file": [BROKEN]}) from None
    if into.too_large:
        raise InvalidInput({"file": [TOO_MANY_PIXELS if media_type.startswith("image/") else BROKEN]})
    return media_type


# -- text


def _is_text(spool: SealedSpool) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8-sig")("strict")
    try:
        for block in spool.blocks():
            if _NO_TEXT.search(decoder.decode(block)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
"""Control characters and what is no character at all."""


def _clean_text(spool: SealedSpool, into: SealedSpool) -> None:
    for block in spool.blocks():
        into.write(block)


def _file(spool: SealedSpool) -> IO[bytes]:
    """What it is to the libraries."""
    return cast("IO[bytes]", spool)


# -- pictures


def _clean_picture(spool: SealedSpool, into: SealedSpool) -> None:
    with Image.open(_file(spool), formats=("JPEG", "PNG")) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise _Refused(TOO_MANY_PIXELS)
        kind = opened.format
        opened.draft("RGB", None) if kind == "JPEG" else None
        picture = ImageOps.exif_transpose(opened)  # how it was held goes into the picture itself
    with_holes = picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info
    mode = "L" if picture.mode in ("1", "L") and not with_holes else "RGBA" if with_holes else "RGB"
    picture = picture.convert(mode if kind == "PNG" or mode == "L" else "RGB")
    picture.info.clear()
    if kind == "JPEG":
        picture.save(_file(into), "JPEG", quality=90, optimize=False, exif=b"", icc_profile=None)
    else:
        picture.save(_file(into), "PNG", exif=b"", icc_profile=None)


# -- PDF

_DROPPED = frozenset(
    [
        "/A",
        "/AA",
        "/AF",
        "/Action",
        "/CreationDate",
        "/EF",
        "/Embedded",
        "/FS",
        "/JavaScript",
        "/JS",
        "/LastModified",
        "/Metadata",
        "/ModDate",
        "/M",
        "/Names",
        "/NM",
        "/OpenAction",
        "/OPI",
        "/PA",
        "/PieceInfo",
        "/RichMediaContent",
        "/RichMediaSettings",
        "/Sig",
        "/T",
        "/TU",
        "/URI",
        "/V3D",
        "/XFA",
    ]
)
"""Keys of actions, scripts, files inside, and words about the document, wherever they stand."""
_SHOWN = frozenset(
    [
        "/Widget",
        "/FreeText",
        "/Highlight",
        "/Underline",
        "/StrikeOut",
        "/Squiggly",
        "/Ink",
        "/Stamp",
        "/Line",
        "/Square",
        "/Circle",
        "/Polygon",
        "/PolyLine",
    ]
)
"""Marks on a page that are a part of what one sees."""


def _clean_pdf(spool: SealedSpool, into: SealedSpool) -> None:
    reader = PdfReader(_file(spool), strict=False)
    if reader.is_encrypted:
        raise _Refused(LOCKED)
    if len(reader.pages) > MOST_PAGES:
        raise _Refused(TOO_MANY_PAGES)
    writer = PdfWriter()
    writer.metadata = None
    for page in reader.pages:
        _strip_annotations(page)
        _strip(page, set())
        writer.add_page(page)
    for found in list(_objects(writer)):
        _strip(found, set())
    writer.compress_identical_objects(remove_duplicates=False, remove_unreferenced=True)
    if not writer.pages:
        raise _Refused(BROKEN)
    writer.write(_file(into))


def _objects(writer: PdfWriter) -> Iterator[Any]:
    for found in writer._objects:
        if found is not None:
            yield found


def _strip_annotations(page: DictionaryObject) -> None:
    marks = page.get("/Annots")
    if marks is None:
        return
    kept = ArrayObject()
    for mark in marks.get_object() or ():
        shown = mark.get_object()
        if isinstance(shown, DictionaryObject) and shown.get("/Subtype") in _SHOWN:
            for key in ("/Parent", "/Popup", "/IRT", "/RC", "/Contents", "/P", "/MK"):
                shown.pop(NameObject(key), None)
            kept.append(mark)
    page[NameObject("/Annots")] = kept


def _strip(thing: Any, seen: set[int]) -> None:
    """Takes the dropped keys from an object and from all that hangs on it."""
    waiting = [thing]
    while waiting:
        here = waiting.pop()
        if isinstance(here, IndirectObject):
            here = here.get_object()
        if id(here) in seen or here is None:
            continue
        seen.add(id(here))
        if len(seen) > MOST_OBJECTS:
            raise _Refused(BROKEN)
        if isinstance(here, DictionaryObject):
            for key in [key for key in here if key in _DROPPED]:
                del here[key]
            if isinstance(here, StreamObject) and here.get("/Filter") in ("/DCTDecode", ["/DCTDecode"]):
                here._data = without_notes(here._data)
            waiting += [value for key, value in here.items() if key != "/Parent"]
        elif isinstance(here, ArrayObject):
            waiting += list(here)


def without_notes(jpeg: bytes) -> bytes:
    """A JPEG without what stands beside the picture: APP1 to APP13, APP15 and comments. APP14 says how colours are meant."""
    if not jpeg.startswith(b"\xff\xd8"):
        return jpeg
    kept, at = bytearray(jpeg[:2]), 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big") + 2
        if not (0xE1 <= marker <= 0xED or marker in (0xEF, 0xFE)):
            kept += jpeg[at : at + length]
        at += length
    return bytes(kept + jpeg[at:])


_CLEANERS: dict[str, Callable[[SealedSpool, SealedSpool], None]] = {
    "application/pdf": _clean_pdf,
    "image/jpeg": _clean_picture,
    "image/png": _clean_picture,
    "text/plain": _clean_text,
}
