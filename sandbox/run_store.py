"""The file of a workspace's runs: its tables, its version, and where the logs are.

Times are seconds since 1970; states and results are named as Databricks names them. ``sandbox.runs`` reads,
``sandbox.runner.ledger`` writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sandbox.errors import StoreVersionError

VERSION = 2
# A row of `task` with `for_each` is one iteration of that task. `epoch` counts the owners that a run has had.
SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
    run_id INTEGER PRIMARY KEY, job_id TEXT NOT NULL, job_name TEXT NOT NULL, run_as TEXT NOT NULL,
    parameters TEXT NOT NULL, parent_run_id INTEGER, trigger TEXT NOT NULL, life_cycle TEXT NOT NULL, result TEXT,
    reason TEXT NOT NULL, queued REAL NOT NULL, started REAL NOT NULL, ended REAL, at_once INTEGER NOT NULL,
    owner_pid INTEGER NOT NULL, epoch INTEGER NOT NULL, repairs INTEGER NOT NULL, cancel_asked REAL, notify TEXT
);
CREATE TABLE IF NOT EXISTS repair (
    run_id INTEGER NOT NULL, repair INTEGER NOT NULL, started REAL NOT NULL, ended REAL, result TEXT, reason TEXT,
    PRIMARY KEY (run_id, repair)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS task (
    task_run_id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL, task_key TEXT NOT NULL, position INTEGER NOT NULL,
    kind TEXT NOT NULL, life_cycle TEXT NOT NULL, result TEXT, reason TEXT NOT NULL, outcome TEXT,
    child_run_id INTEGER, started REAL, ended REAL, for_each INTEGER, iteration INTEGER, input TEXT, notify TEXT,
    UNIQUE (run_id, task_key)
);
CREATE INDEX IF NOT EXISTS iterations ON task (for_each) WHERE for_each IS NOT NULL;
CREATE TABLE IF NOT EXISTS attempt (
    task_run_id INTEGER NOT NULL, attempt INTEGER NOT NULL, repair INTEGER NOT NULL, life_cycle TEXT NOT NULL,
    result TEXT, reason TEXT NOT NULL, started REAL NOT NULL, ended REAL, PRIMARY KEY (task_run_id, attempt)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS value (
    task_run_id INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (task_run_id, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notification (
    notification_id INTEGER PRIMARY KEY, at REAL NOT NULL, run_id INTEGER NOT NULL, task_key TEXT NOT NULL,
    event TEXT NOT NULL, channel TEXT NOT NULL, recipient TEXT NOT NULL, subject TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS trigger_state (job_id TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
"""


def database(folder: Path) -> Path:
    """The sqlite file of a workspace's runs."""
    return folder / "runs.sqlite"


def log_path(folder: Path, run_id: int, task_key: str, attempt: int) -> Path:
    """The file of an attempt's log: a line is `<ISO time> <out|err> <text>`."""
    return folder / "logs" / str(run_id) / f"{task_key}.{attempt}.log"


def lock_path(folder: Path, run_id: int) -> Path:
    """The file whose lock is held as long as anything works on the run."""
    return folder / "locks" / str(run_id)


def connect(folder: Path) -> sqlite3.Connection:
    """A writer's connection; makes the file. ``StoreVersionError`` when another version of the sandbox wrote it."""
    folder.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(database(folder), timeout=60, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("BEGIN IMMEDIATE")
        if not _made(db):
            for statement in SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
        _check(db, folder)
    except BaseException:
        db.close()
        raise
    return db


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A reader's connection; to empty tables where nothing ran yet."""
    path = database(folder)
    with closing(sqlite3.connect(path if path.exists() else ":memory:", timeout=60)) as db:
        # Nothing ran yet, or the first runner is making the file at this moment.
        if not _made(db):
            with closing(sqlite3.connect(":memory:")) as empty:
                empty.executescript(SCHEMA)
                yield empty
        else:
            _check(db, folder)
            yield db


def _made(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'run'").fetchone() is not None


def _check(db: sqlite3.Connection, folder: Path) -> None:
    found = int(db.execute("PRAGMA user_version").fetchone()[0])
    if found != VERSION:
        raise StoreVersionError(database(folder), found, VERSION)
