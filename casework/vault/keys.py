"""Data keys (DEK): one per subject and compartment, wrapped under a KEK, kept in `subject_key`.

Unwrapped keys live in a per-request ring and in a bounded cache with a time limit. The cache is asked with the wrapped
bytes of the row as it stands in the database now, so a destroyed key is gone in every process at once.
"""

from __future__ import annotations

import hmac
import os
import struct
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from flask import current_app
from sqlalchemy import Integer, LargeBinary, String, Uuid, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped

from casework.core import clock
from casework.core.columns import UTCDateTime, plain
from casework.core.database import db
from casework.vault.envelope import AES_256_GCM
from casework.vault.grant import Compartment, SealedError
from casework.vault.providers import KekProvider, KeyProblem

DEK_BYTES = 32
CACHE_SIZE = 4096
CACHE_SECONDS = 300.0
_RING = "casework_key_ring"


class SubjectKey(db.Model):  # type: ignore[name-defined,misc]
    """One wrapped data key. A destroyed one keeps its row, without the key."""

    __tablename__ = "subject_key"

    subject_id: Mapped[uuid.UUID] = plain("C1", Uuid, primary_key=True)
    compartment: Mapped[str] = plain("C1", String(8), primary_key=True)
    dek_version: Mapped[int] = plain("C1", Integer, primary_key=True)
    kek_id: Mapped[str] = plain("C1", String(64), index=True)
    wrapped: Mapped[bytes | None] = plain("C1", LargeBinary)
    commitment: Mapped[bytes | None] = plain("C1", LargeBinary)
    created_at: Mapped[datetime] = plain("C1", UTCDateTime)
    destroyed_at: Mapped[datetime | None] = plain("C1", UTCDateTime)


@dataclass(frozen=True, slots=True)
class DataKey:
    """An unwrapped key, ready for the envelope."""

    version: int
    cipher: AESGCM


def wrap_bound(subject_id: uuid.UUID, compartment: str, dek_version: int) -> bytes:
    """What a wrapped key is bound to."""
    return b"cw/wrap/v1" + subject_id.bytes + compartment.encode() + struct.pack(">I", dek_version)


def expand(dek: bytes, info: bytes) -> bytes:
    """HKDF-Expand (RFC 5869) with SHA-256 to 32 bytes."""
    return HKDFExpand(algorithm=SHA256(), length=32, info=info).derive(dek)


def commitment_of(dek: bytes) -> bytes:
    """Public value that fixes which key a row holds."""
    return expand(dek, b"cw/v1/commit")


def data_key(dek: bytes, version: int) -> DataKey:
    """The encryption key of the suite in use, from the data key."""
    return DataKey(version, AESGCM(expand(dek, b"cw/v1/aead/" + bytes((AES_256_GCM,)))))


class _Cache:
    """Bounded, forgetful memory of unwrapped keys, shared by the threads of one process."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, bytes], tuple[float, DataKey]] = OrderedDict()
        self._lock = Lock()

    def get(self, kek_id: str, wrapped: bytes) -> DataKey | None:
        with self._lock:
            held = self._held.get((kek_id, wrapped))
            if held is None or held[0] < time.monotonic():
                return None
            self._held.move_to_end((kek_id, wrapped))
            return held[1]

    def put(self, kek_id: str, wrapped: bytes, key: DataKey) -> None:
        with self._lock:
            self._held[(kek_id, wrapped)] = (time.monotonic() + CACHE_SECONDS, key)
            while len(self._held) > CACHE_SIZE:
                self._held.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._held.clear()


cache = _Cache()


class KeyRing:
    """The data keys of one unit of work. Loads a subject's keys once, makes missing ones when something is sealed."""

    def __init__(self, provider: KekProvider) -> None:
        self._provider = provider
        self._keys: dict[tuple[uuid.UUID, Compartment], dict[int, DataKey]] = {}
        self._loaded: set[uuid.UUID] = set()

    def load(self, subject_ids: Iterable[uuid.UUID]) -> None:
        """Reads the key rows of these subjects in one query; those already read are not asked again."""
        wanted = [subject_id for subject_id in dict.fromkeys(subject_ids) if subject_id not in self._loaded]
        if not wanted:
            return
        table = SubjectKey.__table__
        rows = db.session.execute(
            select(
                table.c.subject_id,
                table.c.compartment,
                table.c.dek_version,
                table.c.kek_id,
                table.c.wrapped,
                table.c.commitment,
            ).where(table.c.subject_id.in_(wanted), table.c.wrapped.is_not(None))
        ).all()
        self._loaded.update(wanted)
        for subject_id, compartment, version, kek_id, wrapped, commitment in rows:
            key = cache.get(kek_id, wrapped)
            if key is None:
                dek = self._provider.unwrap(kek_id, wrapped, wrap_bound(subject_id, compartment, version))
                if not hmac.compare_digest(commitment_of(dek), commitment):
                    raise SealedError("a data key is not the one that its row commits to")
                key = data_key(dek, version)
                cache.put(kek_id, wrapped, key)
            self._keys.setdefault((subject_id, Compartment(compartment)), {})[version] = key

    def for_opening(self, subject_id: uuid.UUID, compartment: Compartment, version: int) -> DataKey:
        """The key that opens a value. `SealedError` when it was destroyed or never was."""
        self.load([subject_id])
        try:
            return self._keys[(subject_id, compartment)][version]
        except KeyError:
            raise SealedError("the key of this record was destroyed") from None

    def for_sealing(self, subject_id: uuid.UUID, compartment: Compartment) -> DataKey:
        """The newest key of the subject's compartment; made now if there is none."""
        self.load([subject_id])
        versions = self._keys.get((subject_id, compartment))
        if not versions:
            self._make(subject_id, compartment)
            versions = self._keys[(subject_id, compartment)]
        return versions[max(versions)]

    def _make(self, subject_id: uuid.UUID, compartment: Compartment) -> None:
        dek, version = os.urandom(DEK_BYTES), 1
        kek_id, wrapped = self._provider.wrap(dek, wrap_bound(subject_id, compartment, version))
        dialect = db.session.get_bind().dialect.name
        insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
        made = db.session.execute(
            insert(SubjectKey.__table__)
            .values(
                subject_id=subject_id,
                compartment=compartment.value,
                dek_version=version,
                kek_id=kek_id,
                wrapped=wrapped,
                commitment=commitment_of(dek),
                created_at=clock.now(),
            )
            .on_conflict_do_nothing()
        )
        if made.rowcount:  # type: ignore[attr-defined]
            self._keys[(subject_id, compartment)] = {version: data_key(dek, version)}
            return
        self._loaded.discard(subject_id)  # somebody else made it first, or it was destroyed
        self.load([subject_id])
        if (subject_id, compartment) not in self._keys:
            raise SealedError("the key of this record was destroyed")


def key_ring() -> KeyRing:
    """The ring of the unit of work that is open now."""
    session = db.session()
    ring: KeyRing | None = session.info.get(_RING)
    if ring is None:
        ring = session.info[_RING] = KeyRing(provider())
    return ring


def forget_ring() -> None:
    """Drops the ring: the next unit of work reads the key rows afresh."""
    db.session().info.pop(_RING, None)


def provider() -> KekProvider:
    """The deployment's KEK provider. `KeyProblem` when the installation has none that works."""
    found: KekProvider | None = current_app.extensions.get("casework_keks")
    if found is None:
        raise KeyProblem("This installation has no keys yet. Run `casework init`.")
    return found
