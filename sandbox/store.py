"""The workspace store: every resource that terraform keeps in a local workspace, as JSON in one sqlite file.

terraform applies in parallel, in one provider process with several threads and in several processes: each change is
one transaction that takes the write lock first.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import ServiceError, StoreError, StoreVersionError

VERSION = 1
_BUSY_SECONDS = 60.0
_SCHEMA = """
CREATE TABLE resource (
    type TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (type, id)
) WITHOUT ROWID;
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Resource:
    """One stored resource; ``body`` has the shape of its terraform attributes, times are milliseconds since 1970."""

    type: str
    id: str
    body: dict[str, Any]
    created_at: int
    updated_at: int


class Store:
    """Resources by (type, id). Safe to use from several threads and processes; each call opens its own connection."""

    def __init__(self, path: Path) -> None:
        """Open or make the store; ``StoreVersionError`` when another version of the sandbox wrote it."""
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.transaction() as db:
            found = db.execute("PRAGMA user_version").fetchone()[0]
            if found == 0:
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {VERSION}")
            elif found != VERSION:
                raise StoreVersionError(self.path, found, VERSION)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection that holds the write lock; committed at the end, rolled back when an error leaves it.

        ``StoreError`` when the disk is full or the file is no store.
        """
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # an I/O error has ended it already
                    db.execute("ROLLBACK")
                raise

    def create(self, type_name: str, id_: str, body: dict[str, Any]) -> Resource:
        """Add a resource; ``ServiceError`` RESOURCE_ALREADY_EXISTS when (type, id) is taken."""
        now = _now()
        with self.transaction() as db:
            try:
                db.execute("INSERT INTO resource VALUES (?, ?, ?, ?, ?)", (type_name, id_, _dump(body), now, now))
            except sqlite3.IntegrityError:
                noun = type_name.removeprefix("databricks_").replace("_", " ")
                raise ServiceError("RESOURCE_ALREADY_EXISTS", f"{noun} '{id_}' already exists") from None
        return Resource(type_name, id_, body, now, now)

    def read(self, type_name: str, id_: str) -> Resource | None:
        """The resource, or None."""
        with self._reading() as db:
            row = db.execute("SELECT * FROM resource WHERE type = ? AND id = ?", (type_name, id_)).fetchone()
        return _resource(row) if row else None

    def update(self, type_name: str, id_: str, body: dict[str, Any]) -> Resource:
        """Replace a resource's body; ``ServiceError`` RESOURCE_DOES_NOT_EXIST when it is gone."""
        now = _now()
        with self.transaction() as db:
            changed = db.execute(
                "UPDATE resource SET body = ?, updated_at = ? WHERE type = ? AND id = ?",
                (_dump(body), now, type_name, id_),
            ).rowcount
            if not changed:
                noun = type_name.removeprefix("databricks_").replace("_", " ")
                raise ServiceError("RESOURCE_DOES_NOT_EXIST", f"{noun} '{id_}' does not exist")
            created = db.execute(
                "SELECT created_at FROM resource WHERE type = ? AND id = ?", (type_name, id_)
            ).fetchone()[0]
        return Resource(type_name, id_, body, created, now)

    def delete(self, type_name: str, id_: str) -> bool:
        """Remove a resource; whether it was there."""
        with self.transaction() as db:
            return db.execute("DELETE FROM resource WHERE type = ? AND id = ?", (type_name, id_)).rowcount > 0

    def list(self, type_name: str | None = None) -> list[Resource]:
        """All resources (of one type), ordered by type and time of creation."""
        where, values = ("WHERE type = ?", (type_name,)) if type_name else ("", ())
        with self._reading() as db:
            rows = db.execute(f"SELECT * FROM resource {where} ORDER BY type, created_at, id", values).fetchall()
        return [_resource(row) for row in rows]

    def number(self, name: str) -> int:
        """The next number of the sequence ``name`` (job ids and the like); a number is never given twice."""
        with self.transaction() as db:
            db.execute("INSERT INTO counter VALUES (?, 1000) ON CONFLICT (name) DO NOTHING", (name,))
            return int(
                db.execute("UPDATE counter SET value = value + 1 WHERE name = ? RETURNING value", (name,)).fetchone()[0]
            )

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._connect()) as db:
                yield db
        except sqlite3.DatabaseError as error:
            raise StoreError(self.path, error) from None


def seen(path: Path, *types: str) -> list[Resource]:
    """What another's store holds of these types, as ``Store.list``; nothing where there is none: a look makes none.

    ``sqlite3.Error`` while it is being made or removed.
    """
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS)) as db:
        where = f"type IN ({', '.join('?' * len(types))})"
        rows = db.execute(f"SELECT * FROM resource WHERE {where} ORDER BY type, created_at, id", types).fetchall()
    return [_resource(row) for row in rows]


def new_uuid() -> str:
    """A random UUID, as the workspace gives metastore objects."""
    return str(uuid.uuid4())


def new_hex() -> str:
    """Sixteen random hexadecimal digits, as the workspace gives cluster policies."""
    return secrets.token_hex(8).upper()


def _now() -> int:
    return int(time.time() * 1000)


def _dump(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _resource(row: tuple[str, str, str, int, int]) -> Resource:
    return Resource(row[0], row[1], json.loads(row[2]), row[3], row[4])
