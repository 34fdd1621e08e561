"""The rows that live verification compares, fetched as plain text on either engine, and what a body says of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from casework.audit.reading import Reader, as_bytes
from casework.audit.verify import EVENT_KEYS, WIDTH, event_of, usual_cells


class Stored(NamedTuple):
    """One event as the tables hold it. UUIDs are 32 hex digits; `idx` is None while the event waits.

    `body` is None where the row of the event is gone, and empty where retention dropped it.
    """

    idx: int | None
    leaf: bytes | None
    body: bytes | None
    event_hash: bytes | None
    event_uid: str
    recorded: str
    writer_id: str
    writer_seq: int
    action: str
    category: str
    code: str
    outcome: str
    agent_id: str
    agent_role: str
    entity_type: str
    entity_id: str

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Stored:
        """A row that may hold anything."""
        stored = cls._make(row)
        leaf, body, event_hash = (
            None if value is None else as_bytes(value)
            for value in (stored.leaf, stored.body, stored.event_hash)
        )
        return stored._replace(leaf=leaf, body=body, event_hash=event_hash)

    @property
    def columns(self) -> tuple[Any, ...]:
        """What the body says as well."""
        return self[4:]


COLUMNS = Stored._fields[4:]
_UUIDS = ("event_uid", "writer_id", "agent_id", "entity_id")


class Said(NamedTuple):
    """What a body says: the same columns, and the people concerned."""

    columns: tuple[Any, ...]
    subjects: frozenset[str]
    recorded: str


_PLACES = [EVENT_KEYS.index(name) for name in COLUMNS]
_SUBJECTS = EVENT_KEYS.index("subject_ids")


def said(body: bytes) -> Said:
    """Reads a body. ValueError when it is not an event."""
    event = event_of(body)
    if event is None or not {*COLUMNS, "subject_ids"} <= event.keys():
        raise ValueError("it is not an event")
    texts = {name: str(event[name] if event[name] is not None else "") for name in COLUMNS}
    values = [text.replace("-", "") if name in _UUIDS else text for name, text in texts.items()]
    values[COLUMNS.index("writer_seq")] = int(texts["writer_seq"])  # type: ignore[call-overload]
    subjects = frozenset(str(subject).replace("-", "") for subject in event["subject_ids"] or ())
    return Said(tuple(values), subjects, texts["recorded"])


def all_say_the_same(first: int, stored: Any, people: dict[int, set[str]]) -> list[tuple[bytes, ...]] | None:
    """Compares the rows of consecutive indices with their bodies. `stored` is a `Stored` that holds a column of values
    in each field, `people` whom the tables say the events concern.

    The cells of the bodies, as `usual_cells` gives them, when every column says the same as they do; None when one
    does not, or when that takes a closer look.
    """
    cells = usual_cells(list(stored.body)) if all(stored.body) else None
    if cells is None:
        return None
    told = list(zip(*cells, strict=True))
    for name, place, column in zip(COLUMNS, _PLACES, stored.columns, strict=True):
        text = b"\n".join(told[place]).decode()
        if name in _UUIDS:
            text = text.replace("-", "")
        if "\n".join(map(str, column)) != text:
            return None
    for index, listed in enumerate(told[_SUBJECTS], first):
        here = people.get(index)
        if (set(listed.decode().replace("-", "").split('","')) if listed else None) != here:
            return None
    return cells


def _selected(is_postgresql: bool) -> str:
    def text_of(name: str) -> str:
        column = f"e.{name}"
        if name in _UUIDS:
            column = f"replace(CAST({column} AS text), '-', '')" if is_postgresql else column
        elif name == "recorded":
            return (
                "to_char(e.recorded AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
                if is_postgresql
                else "replace(e.recorded, ' ', 'T') || 'Z'"
            )
        return column if name == "writer_seq" else f"coalesce({column}, '')"

    return ", ".join(map(text_of, COLUMNS))


def rows_by_index(reader: Reader, first: int, last: int) -> list[tuple[Any, ...]]:
    """The rows of the tree with their events, as `Stored` takes them, for the indices `first` up to, not including,
    `last`."""
    statement = (
        f"SELECT l.idx, l.leaf_hash, e.body, e.leaf_hash, {_selected(reader.is_postgresql)} "  # noqa: S608 -- no input
        "FROM audit_leaf l LEFT JOIN audit_event e ON e.event_uid = l.event_uid "
        "WHERE l.idx >= :first AND l.idx < :last ORDER BY l.idx"
    )
    return reader.rows(statement, first=first, last=last)


def subjects_by_index(reader: Reader, first: int, last: int) -> dict[int, set[str]]:
    """Whom the tables say these events concern."""
    found: dict[int, set[str]] = {}
    subject = "replace(CAST(s.subject_id AS text), '-', '')" if reader.is_postgresql else "s.subject_id"
    statement = (
        f"SELECT l.idx, {subject} FROM audit_leaf l "  # noqa: S608 -- no input
        "JOIN audit_event_subject s ON s.event_uid = l.event_uid WHERE l.idx >= :first AND l.idx < :last"
    )
    for index, person in reader.rows(statement, first=first, last=last):
        found.setdefault(index, set()).add(person)
    return found


def subjects_of(reader: Reader, event_uid: str) -> set[str]:
    """Whom the tables say one event concerns."""
    subject, wanted = "subject_id", ":uid"
    if reader.is_postgresql:
        subject, wanted = "replace(CAST(subject_id AS text), '-', '')", "CAST(:uid AS uuid)"
    statement = f"SELECT {subject} FROM audit_event_subject WHERE event_uid = {wanted}"  # noqa: S608 -- no input
    return {person for (person,) in reader.rows(statement, uid=event_uid)}


def tiles_by_index(reader: Reader, first: int, last: int) -> dict[int, bytes]:
    """The lowest tiles over these indices, by number."""
    statement = "SELECT n, hashes FROM audit_tile WHERE level = 0 AND n >= :first AND n < :last"
    found = reader.rows(statement, first=first // WIDTH, last=-(-last // WIDTH))
    return {n: as_bytes(hashes) for n, hashes in found}


def waiting_rows(reader: Reader, after: str, limit: int) -> list[tuple[str, Stored]]:
    """(uid in the outbox, the event) of the outbox, by uid, after one. The event's body is None where it is gone."""
    uid = "replace(CAST(p.event_uid AS text), '-', '')" if reader.is_postgresql else "p.event_uid"
    after_uid = "CAST(:after AS uuid)" if reader.is_postgresql else ":after"
    statement = (
        f"SELECT {uid}, NULL, NULL, e.body, e.leaf_hash, {_selected(reader.is_postgresql)} "  # noqa: S608 -- no input
        "FROM audit_pending p LEFT JOIN audit_event e ON e.event_uid = p.event_uid "
        f"WHERE p.event_uid > {after_uid} ORDER BY p.event_uid LIMIT {int(limit)}"
    )
    return [(row[0], Stored.of(row[1:])) for row in reader.rows(statement, after=after)]


def stray_events(reader: Reader, limit: int = 1) -> list[Stored]:
    """Events that neither stand in the tree nor wait in the outbox, oldest rows first."""
    statement = (
        f"SELECT NULL, NULL, e.body, e.leaf_hash, {_selected(reader.is_postgresql)} FROM audit_event e "  # noqa: S608
        "WHERE NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.event_uid = e.event_uid) "
        "AND NOT EXISTS (SELECT 1 FROM audit_pending p WHERE p.event_uid = e.event_uid) "
        f"ORDER BY e.id LIMIT {int(limit)}"
    )
    return list(map(Stored.of, reader.rows(statement)))
