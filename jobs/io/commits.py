"""What the commits of Delta tables say of themselves: by which code, from what, and whatever else was noted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jobs.errors import TaskError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession

NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
LATELY = 20  # commits that are looked at first
UPKEEP = ("OPTIMIZE", "VACUUM START", "VACUUM END")  # commits that change no row
DEFAULT_DAYS = 7  # Delta keeps the files of a replaced version so long, unless a table says otherwise


def checked(name: str) -> str:
    """`name` if it is `schema.table` in lower case."""
    if not NAME.fullmatch(name):
        raise TaskError(f"table name {name!r} is not valid; valid: schema.table in lower case")
    return name


def commit_of(metadata: str | None) -> str | None:
    """The code that wrote a version, by its user metadata; None where it is not ours or was not committed."""
    try:
        commit = json.loads(metadata or "{}").get("commit")
    except (ValueError, AttributeError):
        return None
    return commit if isinstance(commit, str) and not commit.endswith("+dirty") else None


def said_of(text: str) -> dict[str, Any]:
    """What one of our commits says of itself, by its user metadata; nothing where another wrote it."""
    return dict(json.loads(text)) if text.startswith("{") else {}


class Commits:
    """Reads the history of tables, named `schema.table`."""

    def __init__(self, session: Callable[[], SparkSession], as_of_days: Mapping[str, int]) -> None:
        """as_of_days: schema -> how far back its tables can be read."""
        self._session, self._as_of_days = session, as_of_days

    def history(self, name: str, newest: int | None = None) -> DataFrame:
        """The commits of a table, newest first; all of them, or so many."""
        return self._session().sql(f"DESCRIBE HISTORY {checked(name)}{'' if newest is None else f' LIMIT {newest}'}")

    def told(self, name: str) -> Iterator[tuple[int, str, int]]:
        """Each version, what its commit says of itself, and the microsecond of it, newest first; the older ones are
        asked for only then."""
        for newest in (LATELY, None):
            some = self.history(name, newest).selectExpr("version", "userMetadata", "unix_micros(timestamp) AS at")
            for row in sorted(some.collect(), key=lambda row: -row["version"]):
                yield int(row["version"]), row["userMetadata"] or "", int(row["at"])

    def newest(self, name: str) -> tuple[Row, int]:
        """The newest commit that may have changed a row (version, operation, userMetadata), and the newest version.

        Both have the same rows: the platform puts small files together by itself, in commits of its own.
        """
        for many in (1, LATELY, None):
            rows = self.history(name, many).select("version", "operation", "userMetadata").collect()
            some = sorted(rows, key=lambda row: -row["version"])
            for row in some:
                if row["operation"] not in UPKEEP:
                    return row, int(some[0]["version"])
        raise TaskError(f"the history of {name} holds no commit but those of its upkeep")

    def moment(self, name: str, version: int) -> int:
        """When a version was committed, in microseconds."""
        at = self.told_at(name, version)
        assert at is not None, f"{name} has no version {version}"
        return at

    def at(self, name: str, moment: datetime) -> int:
        """The version of a table as it was at a moment."""
        micros = round(moment.timestamp() * 1_000_000)
        by_then = self.history(name).where(f"unix_micros(timestamp) <= {micros}").selectExpr("max(version) AS version")
        row = by_then.first()
        if row is None or row["version"] is None:
            raise TaskError(f"{name} has no version that is as old as {moment.isoformat()}")
        return int(row["version"])

    def told_at(self, name: str, version: int) -> int | None:
        """As `moment`; None where the history does not tell of that version any more."""
        row = self.history(name).where(f"version = {int(version)}").selectExpr("unix_micros(timestamp) AS at").first()
        return None if row is None else int(row["at"])

    def another(self, name: str, version: int, at: int) -> bool:
        """Whether a version is not the one that was read before the microsecond `at`: the table was made again."""
        committed = self.told_at(name, version)
        return committed is not None and committed > at

    def made_again(self, versions: Mapping[str, int], at: int) -> list[str]:
        """The tables of which these are not the versions that were read before the microsecond `at`."""
        self._session()  # one session, made before several threads ask for it
        with ThreadPoolExecutor(max(1, len(versions))) as pool:
            found = pool.map(lambda one: self.another(one[0], one[1], at), versions.items())
            return [name for name, other in zip(versions, found, strict=True) if other]

    def same_code(self, name: str, earlier: int, version: int) -> bool:
        """Whether the same code wrote two versions, so that what differs between them is the data's.

        False also where the earlier one was replaced so long ago that its files may be gone.
        """
        days = self._as_of_days.get(name.split(".")[0], DEFAULT_DAYS)
        recent = f"timestamp > current_timestamp() - INTERVAL {days} DAYS AS recent"
        rows = self.history(name, LATELY).selectExpr("version", "userMetadata", recent).collect()
        wrote = {int(row["version"]): commit_of(row["userMetadata"]) for row in rows}
        kept = any(row["recent"] for row in rows if int(row["version"]) == earlier + 1)
        known = wrote.get(version)
        return kept and known is not None and wrote.get(earlier) == known

    def made(self, name: str, content: str, inputs: Mapping[str, int]) -> int | None:
        """The latest version if it was made by this definition from these inputs, and nothing changed it since."""
        if not self._session().catalog.tableExists(checked(name)):
            return None
        version, said = self.latest(name)
        if (said.get("content"), said.get("inputs")) != (content, dict(inputs)):
            return None
        # A table that was dropped and made again may have as many versions as it had.
        return None if self.made_again(inputs, self.moment(name, version)) else version

    def latest(self, name: str) -> tuple[int, dict[str, Any]]:
        """The latest version and what its commit says of itself: nothing where committed code did not make it."""
        row, _ = self.newest(name)
        # Code that is not committed may have changed since.
        known = commit_of(row["userMetadata"]) not in (None, "unknown")
        return int(row["version"]), json.loads(row["userMetadata"]) if known else {}

    def merged(self, name: str, first: int, last: int) -> int | None:
        """How many rows the commits from `first` to `last` put in, changed or took out; None where one is more than
        a MERGE, or is not told of any more."""
        rows = self.history(name).where(f"version BETWEEN {first} AND {last}").collect()
        changing = [row for row in rows if row["operation"] not in UPKEEP]
        if len(rows) <= last - first or any(row["operation"] != "MERGE" for row in changing):
            return None
        counted = [f"numTargetRows{what}" for what in ("Inserted", "Updated", "Deleted")]
        return sum(int(row["operationMetrics"].get(name, 0)) for row in changing for name in counted)

    def done(self, name: str, key: str, content: str, inputs: Mapping[str, int]) -> bool:
        """Whether committed code has noted `content` under `key` for these inputs; `name` need not exist."""
        if not self._session().catalog.tableExists(checked(name)):
            return False
        said, at = self.noting(name, key)
        known = commit_of(json.dumps(said)) not in (None, "unknown")
        same = known and (said[key], said["inputs"]) == (content, dict(inputs))
        return same and not self.made_again(inputs, at)

    def every(self, name: str, key: str) -> list[Any]:
        """What each commit, newest first, says of `key`; `name` need not exist."""
        if not self._session().catalog.tableExists(checked(name)):
            return []
        told = [row["userMetadata"] or "" for row in self.history(name).select("userMetadata").collect()]
        return [said[key] for text in told if key in (said := said_of(text))]

    def saying(self, name: str, version: int, key: str) -> Any:
        """What the newest commit up to a version that says anything of `key` says of it; None where none does."""
        for number, text, _ in self.told(name):
            if number <= version and key in (said := said_of(text)):
                return said[key]
        return None

    def says(self, name: str, version: int) -> dict[str, Any]:
        """What the commit of a version says of itself; nothing where another wrote it, or where it is not told of."""
        return next((said_of(text) for number, text, _ in self.told(name) if number == version), {})

    def noted(self, name: str, key: str) -> dict[str, Any]:
        """What the newest commit that says anything of `key` says of itself; empty where none does."""
        return self.noting(name, key)[0]

    def noting(self, name: str, key: str) -> tuple[dict[str, Any], int]:
        """What that commit says, and its microsecond; empty and 0 where there is none."""
        for _, text, at in self.told(name):
            if key in (said := said_of(text)):
                return said, at
        return {}, 0
