"""How a document comes in: the request's file goes to a sealed spool piece by piece, never to the disk in plain."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, cast

from flask import Flask, Request, current_app

from casework.core import clock
from casework.vault.files import SealedSpool

ENDPOINT = "cases.add_attachment"
FORM_BYTES = 64 * 1024
"""What the rest of the form may take."""
PATIENCE = 4
"""A file of up to so many times the limit is read to its end and refused at its field; beyond, the connection is cut short."""


def folder_of(app: Flask | None = None) -> Path:
    """Where the sealed files of this installation are; made when it is not there."""
    home: Path = (app or current_app).extensions["casework_settings"].home
    folder = home / "attachments"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def limit() -> int:
    """Bytes that a document may have."""
    most: int = current_app.extensions["casework_settings"].max_file_bytes
    return most


def new_spool(most: int | None = None) -> SealedSpool:
    """A place for one file in the making."""
    return SealedSpool(folder_of(), most or limit())


class UploadRequest(Request):
    """The product's request: larger where a document is sent, and never a plain temporary file anywhere."""

    @property
    def max_content_length(self) -> int | None:
        """As everywhere, but more on the one page that takes documents."""
        if self.endpoint == ENDPOINT and self._max_content_length is None:
            return PATIENCE * limit() + FORM_BYTES
        return super().max_content_length

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        self._max_content_length = value

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self.endpoint == ENDPOINT:
            return cast("IO[bytes]", new_spool())
        return io.BytesIO()  # at most what a form may have


def sweep(known: set[str]) -> int:
    """Removes files without a row that are older than a day: of transactions that failed. Gives how many."""
    gone = 0
    for path in folder_of().iterdir():
        if path.name not in known and clock.now().timestamp() - path.stat().st_mtime > 86_400:
            path.unlink(missing_ok=True)
            gone += 1
    return gone
