"""Files sealed at rest in chunks, so that one of any size is written and read with the memory of one chunk.

    0   4  "CWF1"
    4   1  suite: 1 = AES-256-GCM
    5   4  dek_version, u32 big-endian
    9   4  plain bytes of a chunk, u32 big-endian
    13  …  chunks: 12 bytes of random nonce, ciphertext, 16 bytes of tag

The associated data of a chunk bind the header, the subject, the chunk's number and whether it is the last one: a chunk
that is cut off, repeated, swapped, or taken from another file does not open, and neither does a file that ends early.
"""

from __future__ import annotations

import io
import os
import struct
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from casework.vault.envelope import AES_256_GCM
from casework.vault.grant import Compartment, NotGranted, SealedError, current_grant
from casework.vault.keys import DataKey, key_ring

CHUNK = 64 * 1024
MAGIC = b"CWF1"
NONCE, TAG = 12, 16
_HEADER = struct.Struct(">4sBII")
_WHERE = struct.Struct(">Q?")
FIELD = "attachment.content"
CHANGED = "the sealed file was changed or is incomplete"


def _bound(header: bytes, subject: uuid.UUID, number: int, last: bool) -> bytes:
    return b"cw/file/v1" + header + subject.bytes + _WHERE.pack(number, last)


def _chunks(blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The same bytes in chunks of equal size, each with whether it is the last; an empty file is one empty chunk."""
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) > CHUNK:
            yield bytes(held[:CHUNK]), False
            del held[:CHUNK]
    yield bytes(held), True


def seal_file(path: Path, subject: uuid.UUID, blocks: Iterable[bytes]) -> int:
    """Writes a new sealed file under the subject's newest key; gives the number of plain bytes. Nothing stays on an error.

    FileExistsError when there is such a file. It is on the disk when this returns.
    """
    key = key_ring().for_sealing(subject, Compartment.FILE)
    total = 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            total = _seal_into(file, key, subject, blocks)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return total


def _seal_into(file: IO[bytes], key: DataKey, subject: uuid.UUID, blocks: Iterable[bytes]) -> int:
    header = _HEADER.pack(MAGIC, AES_256_GCM, key.version, CHUNK)
    file.write(header)
    total = 0
    for number, (plain, last) in enumerate(_chunks(blocks)):
        nonce = os.urandom(NONCE)
        file.write(nonce + key.cipher.encrypt(nonce, plain, _bound(header, subject, number, last)))
        total += len(plain)
    return total


class Blocks:
    """The plain bytes of a sealed file, chunk by chunk, once. Close it when it is not read to its end."""

    def __init__(self, file: IO[bytes], cipher: AESGCM, header: bytes, subject: uuid.UUID) -> None:
        self._file = file
        self._opened = _opened(file, cipher, header, subject)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._opened)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def __del__(self) -> None:
        self.close()


def open_file(path: Path, subject: uuid.UUID) -> Blocks:
    """The plain bytes, chunk by chunk. All of them are checked before the first one is given.

    `NotGranted` outside the Grant, `SealedError` when the file is missing, changed, cut short, or its key was destroyed.
    The blocks may be read after the Grant has ended: it was asked when the file was opened.
    """
    grant = current_grant()
    if grant is None or not grant.allows(subject, Compartment.FILE):
        raise NotGranted("this file is not granted here")
    try:
        file = path.open("rb")
    except OSError:
        raise SealedError("the sealed file is missing") from None
    try:
        header = file.read(_HEADER.size)
        cipher = _cipher_for(header, subject)
        for _plain in _opened(file, cipher, header, subject):
            pass
    except BaseException:
        file.close()
        raise
    grant.note_opened(FIELD)
    file.seek(_HEADER.size)
    return Blocks(file, cipher, header, subject)


def _cipher_for(header: bytes, subject: uuid.UUID) -> AESGCM:
    try:
        magic, suite, version, size = _HEADER.unpack(header)
    except struct.error:
        raise SealedError(CHANGED) from None
    if (magic, suite, size) != (MAGIC, AES_256_GCM, CHUNK):
        raise SealedError("the sealed file has an unknown format")
    return key_ring().for_opening(subject, Compartment.FILE, version).cipher


def _opened(file: IO[bytes], cipher: AESGCM, header: bytes, subject: uuid.UUID) -> Iterator[bytes]:
    number, sealed = 0, file.read(NONCE + CHUNK + TAG)
    while True:
        following = file.read(NONCE + CHUNK + TAG)
        last = not following
        try:
            yield cipher.decrypt(sealed[:NONCE], sealed[NONCE:], _bound(header, subject, number, last))
        except (InvalidTag, ValueError):
            raise SealedError(CHANGED) from None
        if last:
            return
        number, sealed = number + 1, following


class SealedSpool(io.RawIOBase):
    """A file in the making: written once from its beginning, then read anywhere. On the disk it is only ever sealed.

    The key is in memory only and ends with the object. What is written beyond `limit` bytes is dropped, and `too_large`
    says so. The memory is that of two chunks, whatever the size.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 -- closed by close()
        self._cipher = AESGCM(os.urandom(32))
        self._tail = bytearray()
        self._full = 0
        self._at = 0
        self._held: tuple[int, bytes] | None = None
        self.limit = limit
        self.too_large = False

    @property
    def size(self) -> int:
        """Plain bytes kept."""
        return self._full * CHUNK + len(self._tail)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("before the beginning")
        self._at = start + offset
        return self._at

    def write(self, block: object) -> int:
        """Appends; writing anywhere else than at the end is refused."""
        data = bytes(block)  # type: ignore[call-overload]
        if self._at != self.size:
            raise io.UnsupportedOperation("only the end can be written")
        if self.size + len(data) > self.limit:
            self.too_large = True
            return len(data)
        self._tail += data
        while len(self._tail) >= CHUNK:
            nonce = os.urandom(NONCE)
            sealed = self._cipher.encrypt(nonce, bytes(self._tail[:CHUNK]), self._full.to_bytes(8, "big"))
            self._file.seek(self._full * (NONCE + CHUNK + TAG))
            self._file.write(nonce + sealed)
            del self._tail[:CHUNK]
            self._full += 1
        self._at = self.size
        return len(data)

    def read(self, size: int | None = -1) -> bytes:
        end = self.size if size is None or size < 0 else min(self.size, self._at + size)
        found = bytearray()
        while self._at < end:
            chunk, begin = divmod(self._at, CHUNK)
            part = self._chunk(chunk)[begin : begin + end - self._at]
            found += part
            self._at += len(part)
        return bytes(found)

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        found = self.read(len(view))
        view[: len(found)] = found
        return len(found)

    def blocks(self) -> Iterator[bytes]:
        """Everything from the beginning, chunk by chunk."""
        self.seek(0)
        while block := self.read(CHUNK):
            yield block

    def _chunk(self, number: int) -> bytes:
        if number == self._full:
            return bytes(self._tail)
        if self._held is None or self._held[0] != number:
            self._file.seek(number * (NONCE + CHUNK + TAG))
            sealed = self._file.read(NONCE + CHUNK + TAG)
            plain = self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], number.to_bytes(8, "big"))
            self._held = (number, plain)
        return self._held[1]

    def close(self) -> None:
        self._file.close()
        self._tail.clear()
        self._held = None
        super().close()
