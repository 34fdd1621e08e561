"""Data keys (DEK): one per subject and compartment, wrapped under a KEK, kept in `subject_key`.

Unwrapped keys live in a ring, which ends with its transaction, and in a bounded cache with a time limit. The cache is
asked with the wrapped bytes of the row as it stands in the database now: once a row's key is destroyed, no process can
ask for it any more, however long its cache would have kept it.
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
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from flask import current_app
from sqlalchemy import Integer, LargeBinary, Select, String, Uuid, event, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session

from casework.core import clock
from casework.core.columns import UTCDateTime, plain
from casework.core.database import db
from casework.vault.envelope import AES_256_GCM, NEWEST_DEK_VERSION
from casework.vault.grant import Compartment, SealedError
from casework.vault.providers import KekProvider, KeyProblem, open_provider

DEK_BYTES = 32
CACHE_SIZE = 4096
CACHE_SECONDS = 300.0
_RING = "casework_key_ring"
DESTROYED = "the key of this record was destroyed"


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


_keys: Any = SubjectKey.__table__


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


_Name = tuple[str, bytes, bytes]


class _Cache:
    """Bounded, forgetful memory of unwrapped keys, shared by the threads of one process.

    A key is known by everything that unwrapping it would check: KEK, wrapped bytes, and what they are bound to.
    """

    def __init__(self) -> None:
        self._held: OrderedDict[_Name, tuple[float, DataKey]] = OrderedDict()
        self._lock = Lock()
        self._sweep_at = 0.0

    def get(self, name: _Name) -> DataKey | None:
        with self._lock:
            held = self._held.get(name)
            if held is None:
                return None
            if held[0] < time.monotonic():
                del self._held[name]
                return None
            self._held.move_to_end(name)
            return held[1]

    def put(self, name: _Name, key: DataKey) -> None:
        now = time.monotonic()
        with self._lock:
            if now > self._sweep_at:  # nobody may ask for an outdated key again, so they are looked for
                self._sweep_at = now + CACHE_SECONDS / 10
                for old in [old for old, held in self._held.items() if held[0] < now]:
                    del self._held[old]
            self._held[name] = (now + CACHE_SECONDS, key)
            while len(self._held) > CACHE_SIZE:
                self._held.popitem(last=False)

    def drop(self, name: _Name) -> None:
        with self._lock:
            self._held.pop(name, None)

    def clear(self) -> None:
        with self._lock:
            self._held.clear()

    def __len__(self) -> int:
        return len(self._held)


cache = _Cache()


class KeyRing:
    """The data keys of one transaction. Loads a subject's keys once, makes missing ones when something is sealed.

    `ended` turns true when the transaction ends: a key made in it may not exist, and one read in it may be gone.
    """

    def __init__(self, provider: KekProvider) -> None:
        self._provider = provider
        self._keys: dict[tuple[uuid.UUID, Compartment], dict[int, DataKey]] = {}
        self._loaded: set[uuid.UUID] = set()
        self._erased: set[uuid.UUID] = set()
        self._broken: dict[tuple[uuid.UUID, Compartment], KeyProblem | SealedError] = {}
        self._held: set[tuple[uuid.UUID, Compartment]] = set()
        self.ended = False

    def load(self, subject_ids: Iterable[uuid.UUID]) -> None:
        """Reads the key rows of these subjects in one query; those already read are not asked again."""
        wanted = [subject_id for subject_id in dict.fromkeys(subject_ids) if subject_id not in self._loaded]
        if not wanted:
            return
        rows = db.session.execute(
            select(
                _keys.c.subject_id,
                _keys.c.compartment,
                _keys.c.dek_version,
                _keys.c.kek_id,
                _keys.c.wrapped,
                _keys.c.commitment,
            ).where(_keys.c.subject_id.in_(wanted))
        ).all()
        live = [row for row in rows if row.wrapped is not None]
        cold = []
        for row in live:
            bound = wrap_bound(row.subject_id, row.compartment, row.dek_version)
            key = cache.get((row.kek_id, row.wrapped, bound))
            if key is None:
                cold.append((row, (row.kek_id, row.wrapped, bound)))
            else:
                self._put(row, key)
        for (row, name), dek in zip(cold, self._unwrap([name for _row, name in cold]), strict=True):
            if isinstance(dek, bytes) and not hmac.compare_digest(commitment_of(dek), row.commitment or b""):
                dek = SealedError("a data key is not the one that its row commits to")
            if isinstance(dek, bytes):
                key = data_key(dek, row.dek_version)
                cache.put(name, key)
                self._put(row, key)
            else:
                self._broken[(row.subject_id, Compartment(row.compartment))] = dek
        self._erased |= {row.subject_id for row in rows} - {row.subject_id for row in live}
        self._loaded.update(wanted)

    def _unwrap(self, names: list[_Name]) -> list[bytes | KeyProblem | SealedError]:
        """Each data key, or what is wrong with it: one person's damaged key must not shut the others' records."""
        try:
            return list(self._provider.unwrap_many(names))
        except KeyProblem as problem:
            if len(names) == 1:
                return [problem]
        return [each for name in names for each in self._unwrap([name])]

    def _put(self, row: Any, key: DataKey) -> None:
        self._keys.setdefault((row.subject_id, Compartment(row.compartment)), {})[row.dek_version] = key

    def for_opening(self, subject_id: uuid.UUID, compartment: Compartment, version: int) -> DataKey:
        """The key that opens a value. `SealedError` when it was destroyed or never was, `KeyProblem` without its KEK."""
        self.load([subject_id])
        try:
            return self._keys[(subject_id, compartment)][version]
        except KeyError:
            raise self._broken.get((subject_id, compartment)) or SealedError(DESTROYED) from None

    def living(self, subject_id: uuid.UUID, compartment: Compartment) -> dict[int, DataKey]:
        """Every key of the subject's compartment that is not destroyed, by its version."""
        self.load([subject_id])
        return self._keys.get((subject_id, compartment), {})

    def for_sealing(self, subject_id: uuid.UUID, compartment: Compartment) -> DataKey:
        """The newest key of the subject's compartment; made now if there is none.

        Held until the transaction ends: who destroys or renews it waits until what is sealed here is stored.
        """
        self.load([subject_id])
        if (subject_id, compartment) not in self._held:
            if subject_id in self._erased:
                raise SealedError(DESTROYED)
            if (subject_id, compartment) in self._broken:
                raise self._broken[(subject_id, compartment)]
            if not self._keys.get((subject_id, compartment)):
                self._make(subject_id, compartment)
            elif not self._hold(subject_id, compartment):
                self.reload(subject_id)
                if not self._keys.get((subject_id, compartment)) or not self._hold(subject_id, compartment):
                    raise SealedError(DESTROYED)
            self._held.add((subject_id, compartment))
        versions = self._keys[(subject_id, compartment)]
        return versions[max(versions)]

    def reload(self, subject_id: uuid.UUID) -> None:
        """Reads a subject's key rows again."""
        self._loaded.discard(subject_id)
        self._erased.discard(subject_id)
        for name in [name for name in (*self._keys, *self._broken) if name[0] == subject_id]:
            self._keys.pop(name, None)
            self._broken.pop(name, None)
        self.load([subject_id])

    def _hold(self, subject_id: uuid.UUID, compartment: Compartment | None) -> bool:
        """Holds the newest key of the compartment (None: any key of the subject) in place; False when it is not so.

        SQLite has one writer at a time, so nothing can move there.
        """
        if not _has_row_locks():
            return True
        living = select(_keys.c.dek_version).where(
            _keys.c.subject_id == subject_id, _keys.c.wrapped.is_not(None)
        )
        if compartment is None:
            return db.session.execute(_key_share(living.limit(1))).first() is not None
        newest = max(self._keys[(subject_id, compartment)])
        living = living.where(_keys.c.compartment == compartment.value, _keys.c.dek_version >= newest)
        return db.session.execute(_key_share(living)).scalars().all() == [newest]

    def _make(self, subject_id: uuid.UUID, compartment: Compartment) -> None:
        known = any(name[0] == subject_id for name in self._keys)
        if known and not self._hold(subject_id, None):
            raise SealedError(DESTROYED)
        key = add_key(self._provider, subject_id, compartment, 1)
        if key is not None:
            self._keys[(subject_id, compartment)] = {key.version: key}
            return
        self.reload(subject_id)  # somebody else made it first, or it was destroyed
        if (subject_id, compartment) not in self._keys:
            raise SealedError(DESTROYED)


def add_key(
    keks: KekProvider, subject_id: uuid.UUID, compartment: Compartment, version: int
) -> DataKey | None:
    """A fresh data key in a row of its own; None when there is such a row already."""
    if not 1 <= version <= NEWEST_DEK_VERSION:
        raise ValueError("a data key's version has 32 bits")
    dek = os.urandom(DEK_BYTES)
    kek_id, wrapped = keks.wrap(dek, wrap_bound(subject_id, compartment, version))
    insert = postgresql.insert if _has_row_locks() else sqlite.insert
    made = db.session.execute(
        insert(_keys)
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
    return data_key(dek, version) if made.rowcount else None  # type: ignore[attr-defined]


def destroy_keys(subject_id: uuid.UUID, compartments: Iterable[Compartment] | None = None) -> int:
    """Destroys a subject's data keys (of these compartments only), in this transaction. Returns how many there were.

    Waits for transactions that are sealing under them. From the commit on no process opens what they sealed, and
    nothing new is sealed for a subject without a living key.
    """
    which = [_keys.c.subject_id == subject_id, _keys.c.wrapped.is_not(None)]
    if compartments is not None:
        which.append(_keys.c.compartment.in_([compartment.value for compartment in compartments]))
    if _has_row_locks():
        # First the lock on all of the subject's keys, then a statement of its own, which sees what was waited for.
        db.session.execute(
            select(_keys.c.dek_version).where(_keys.c.subject_id == subject_id).with_for_update()
        )
    for row in db.session.execute(select(_keys).where(*which)).all():
        cache.drop((row.kek_id, row.wrapped, wrap_bound(subject_id, row.compartment, row.dek_version)))
    done = db.session.execute(
        update(_keys).where(*which).values(wrapped=None, commitment=None, destroyed_at=clock.now())
    )
    forget_ring()
    return int(done.rowcount)  # type: ignore[attr-defined]


def newest_version(subject_id: uuid.UUID, compartment: Compartment) -> int:
    """The highest version there ever was, 0 for none."""
    found = db.session.execute(
        select(func.max(_keys.c.dek_version)).where(
            _keys.c.subject_id == subject_id, _keys.c.compartment == compartment.value
        )
    ).scalar()
    return int(found or 0)


def _has_row_locks() -> bool:
    return bool(db.session.get_bind().dialect.name == "postgresql")


def _key_share(statement: Select[Any]) -> Select[Any]:
    # Lets a re-wrap pass, which leaves the row's key columns alone, but not a destruction.
    return statement.with_for_update(read=True, key_share=True)


def key_ring() -> KeyRing:
    """The ring of the unit of work that is open now."""
    session = db.session()
    ring: KeyRing | None = session.info.get(_RING)
    if ring is None:
        ring = session.info[_RING] = KeyRing(provider())
    return ring


def forget_ring() -> None:
    """Drops the ring: the next unit of work reads the key rows afresh."""
    _end_ring(db.session())


def _end_ring(session: Session) -> None:
    ring: KeyRing | None = session.info.pop(_RING, None)
    if ring is not None:
        ring.ended = True


@event.listens_for(Session, "after_commit")
def _end_with_commit(session: Session) -> None:
    _end_ring(session)


@event.listens_for(Session, "after_soft_rollback")
def _end_with_rollback(session: Session, _transaction: object) -> None:
    """Also after a savepoint: a key that was made in it is no key."""
    _end_ring(session)


def provider() -> KekProvider:
    """The deployment's KEK provider. `KeyProblem` when the installation has none that works.

    An app that started without keys looks for them again each time, so that mended keys need no restart.
    """
    found: KekProvider | None = current_app.extensions.get("casework_keks")
    if found is None:
        settings = current_app.extensions.get("casework_settings")
        if settings is None:
            raise KeyProblem("This installation has no keys yet. Run `casework init`.")
        found = open_provider(settings.kek, production=settings.production)
        current_app.extensions["casework_keks"] = found
    return found
