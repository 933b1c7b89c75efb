"""Delta tables of one catalog, named `schema.table`: versions in, versions out, and who wrote what from what."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from jobs.errors import TaskError
from jobs.io.collisions import committed
from jobs.io.commits import Commits, checked, said_of
from jobs.io.lineage import CONTRACT_HASH, LINEAGE, LINEAGE_SCHEMA, Provenance, lineage_row, told

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameWriter, SparkSession

RECORDS = "delta.enableChangeDataFeed"
Found = TypeVar("Found")


# Not proved here: that files are kept so long and no longer. Why: nothing vacuums a local table. On Azure: predictive
# optimization does; `DESCRIBE HISTORY` of a feature table after a week, and a read of its oldest version.
def retention(days: int | None) -> dict[str, str]:
    """Delta's table properties by which the last so many days can be read as they were: the log and the files."""
    if days is None:
        return {}
    return dict.fromkeys(("delta.logRetentionDuration", "delta.deletedFileRetentionDuration"), f"interval {days} days")


class Tables:
    """Reads and writes Delta tables; each write is one commit, and a table is created by its first write."""

    def __init__(
        self, session: Callable[[], SparkSession], provenance: Provenance, as_of_days: Mapping[str, int] | None = None
    ) -> None:
        """as_of_days: schema -> how far back its tables can be read; of others Delta's default."""
        self._session = session
        self.provenance = provenance
        self._as_of_days = as_of_days or {}
        self.commits, self._written = Commits(session, self._as_of_days), list[tuple[Any, ...]]()
        # (table, version) -> the newest version, which upkeep made of the same rows.
        self._kept: dict[tuple[str, int], int] = {}
        self._appended: list[tuple[str, str, Mapping[str, int], datetime]] = []

    def read(self, name: str, version: int | None = None, at: datetime | None = None) -> DataFrame:
        """The table's rows: as of `version`, as of the moment `at`, or the latest."""
        # Delta itself refuses a moment after the last commit.
        version = self.commits.at(checked(name), at) if at is not None else version
        if version is None:
            return self._session().table(checked(name))
        # The files of a version that upkeep has put together since may be gone; the rows are the same.
        version = self._kept.get((name, version), version)
        return self._session().sql(f"SELECT * FROM {checked(name)} VERSION AS OF {int(version)}")

    def elsewhere(self, catalog: str, name: str) -> DataFrame:
        """The latest rows of a table of another catalog, which its workspace lets this one read."""
        return self._session().table(f"{catalog}.{checked(name)}")

    def exists(self, name: str) -> bool:
        """Whether the table has been written."""
        return self._session().catalog.tableExists(checked(name))

    def version(self, name: str) -> int | None:
        """The latest version that may have changed a row, or None where there is no table yet."""
        if not self.exists(name):
            return None
        row, newest = self.commits.newest(name)
        self._kept[name, row["version"]] = newest
        return int(row["version"])

    def inputs(self, *names: str) -> dict[str, int]:
        """The latest version of each table: what a write that reads these versions declares as its inputs."""
        found = dict(zip(names, self._side_by_side(self.version, names), strict=True))
        for name, version in found.items():
            if version is None:
                raise TaskError(f"table {name} does not exist; run the job that writes it first")
        return {name: version for name, version in found.items() if version is not None}

    def replace(
        self, name: str, frame: DataFrame, inputs: Mapping[str, int], note: Mapping[str, Any] | None = None,
        recorded: bool = False,
    ) -> int:  # fmt: skip
        """Put `frame` in the place of the table's rows, or leave the previous version untouched; the new version.

        note: what the commit says besides its inputs. recorded: a table that this creates keeps a change feed.
        """
        token = self._token(inputs, note)
        self._saved(checked(name), frame, "overwrite", token, {RECORDS: "true"} if recorded else {})
        return self._recorded(name, token, inputs)

    def append(
        self, name: str, frame: DataFrame, inputs: Mapping[str, int] | None = None,
        note: Mapping[str, Any] | None = None, grows: bool = False,
    ) -> None:  # fmt: skip
        """Add the rows of `frame`. Which version that made is asked when the lineage is written.

        grows: the table gets columns that only `frame` has; a table from an earlier release has fewer.
        """
        token = self._token(inputs or {}, note)
        self._saved(checked(name), frame, "append", token, {"mergeSchema": "true"} if grows else {})
        self._appended.append((name, token, inputs or {}, datetime.now(UTC)))

    def merge(
        self, name: str, frame: DataFrame, keys: Sequence[str], inputs: Mapping[str, int] | None = None,
        note: Mapping[str, Any] | None = None, first_stays: bool = False,
    ) -> int:  # fmt: skip
        """Update the rows whose `keys` are in the table, insert the others; the new version. note: as of `replace`.

        first_stays: what is in the table is not updated, be it that another task wrote it meanwhile.
        """
        on = " AND ".join(f"target.{key} <=> source.{key}" for key in keys)
        changes = f"{'' if first_stays else 'WHEN MATCHED THEN UPDATE SET * '}WHEN NOT MATCHED THEN INSERT *"
        return self._merged(
            checked(name), frame, f"{on} {changes}", inputs or {}, self._token(inputs or {}, note), makes=True
        )

    def amend(
        self, name: str, frame: DataFrame, inputs: Mapping[str, int], note: Mapping[str, Any],
        since: int | None = None, once: bool = False, other: str = "",
    ) -> int:  # fmt: skip
        """Close and open rows of a table of facts, as `jobs.featurize.changes` says, in one commit; the new version.

        What was applied before changes nothing when it is applied again. note: what the commit says besides its inputs.
        other: the error where a fact to be closed says something else than the row that closes it.
        since: the first version that opens a row, if none is closed: older rows need not be looked at. once: no row
        is opened and closed again, so that there is nothing to be changed either.
        """
        columns = [column for column in frame.columns if column != "closes"]
        content = [column for column in columns if column not in ("known_from", "known_to", "source_version")]
        same = " AND ".join(f"target.{column} <=> source.{column}" for column in content)
        on = (
            "target.person_id <=> source.person_id AND target.fact_id = source.fact_id AND "
            "(source.closes AND target.known_to IS NULL AND target.source_version < source.source_version "
            "OR NOT source.closes AND target.source_version = source.source_version)"
        )
        if since is not None:
            on = f"target.source_version >= {int(since)} AND {on}"
        closing = (
            "WHEN MATCHED AND target.known_to IS NULL AND source.known_to IS NOT NULL "
            f"THEN UPDATE SET known_to = CASE WHEN source.closes AND NOT ({same}) "
            f"THEN CAST(raise_error('{other}') AS timestamp) ELSE source.known_to END "
        )
        changes = (
            f"{'' if once else closing}WHEN NOT MATCHED AND NOT source.closes "
            f"THEN INSERT ({', '.join(columns)}) VALUES ({', '.join(f'source.{column}' for column in columns)})"
        )
        return self._merged(checked(name), frame, f"{on} {changes}", inputs, self._token(inputs, note))

    def align(
        self, name: str, frame: DataFrame, moments: Mapping[str, int], inputs: Mapping[str, int],
        note: Mapping[str, Any],
    ) -> int:  # fmt: skip
        """Close the open facts that `frame` does not have and open those that it has more, in one commit; its version.

        moments: of each curated table whose facts are compared, the microsecond at which they are closed.
        """
        content = [column for column in frame.columns if column not in ("known_from", "known_to", "source_version")]
        same = " AND ".join(f"target.{column} <=> source.{column}" for column in content)
        when = " ".join(f"WHEN '{table}' THEN timestamp_micros({at})" for table, at in sorted(moments.items()))
        some = ", ".join(map(repr, sorted(moments)))
        how = (
            f"target.known_to IS NULL AND {same} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(frame.columns)}) "
            f"VALUES ({', '.join(f'source.{column}' for column in frame.columns)}) "
            f"WHEN NOT MATCHED BY SOURCE AND target.known_to IS NULL AND target.source_table IN ({some}) "
            f"THEN UPDATE SET known_to = CASE target.source_table {when} END"
        )
        return self._merged(checked(name), frame, how, inputs, self._token(inputs, note))

    def schemas(self) -> tuple[str, ...]:
        """The zones there are."""
        return tuple(sorted(row[0] for row in self._session().sql("SHOW SCHEMAS").collect()))

    def names(self, schema: str) -> tuple[str, ...]:
        """The tables of a zone, without its name."""
        rows = self._session().sql(f"SHOW TABLES IN {schema}").collect()
        return tuple(sorted(row["tableName"] for row in rows if not row["isTemporary"]))

    def remove(self, name: str, keys: DataFrame, key: str) -> int | None:
        """Take out the rows whose `key`, an expression, is in the one column of `keys`; the new version, or None."""
        if self.read(checked(name)).selectExpr(f"{key} AS key").join(keys, "key").isEmpty():
            return None
        # A DELETE would write the keys into the table's history.
        gone = keys.selectExpr("key AS _key").distinct()
        # What is left was made from the same, by the same contracts.
        said = said_of(self.commits.newest(name)[0]["userMetadata"] or "")
        inputs, kept = said.get("inputs", {}), {CONTRACT_HASH: said.get(CONTRACT_HASH)}
        how = f"{key} = source._key WHEN MATCHED THEN DELETE"
        return self._merged(name, gone, how, inputs, self._token(inputs, kept))

    def changes(self, name: str, first: int, last: int) -> DataFrame:
        """The rows that the commits from `first` to `last` put in, changed or took out, each with its commit.

        A query that reads the table itself too must do so by its version: Spark takes two reads of one name for one.
        """
        feed = self._session().read.option("readChangeFeed", "true").option("startingVersion", first)
        return feed.option("endingVersion", last).table(checked(name))

    def at_hand(self, frame: DataFrame, most: int) -> DataFrame | None:
        """The rows of `frame` as they are now, for a query that reads them several times; None if more than `most`."""
        rows = frame.limit(most + 1).toArrow()
        if rows.num_rows == 0:
            return frame.limit(0)  # Spark takes no table without rows
        return None if rows.num_rows > most else self._session().createDataFrame(rows)

    def made(self, name: str, content: str, inputs: Mapping[str, int]) -> int | None:
        """As `Commits.made`, with its lineage: see `recall`."""
        if (version := self.commits.made(name, content, inputs)) is not None:
            self.recall(name)
        return version

    def recall(self, name: str) -> None:
        """Remember the lineage of the newest version for a task that died before it wrote it: next there is no work."""
        row, _ = self.commits.newest(name)
        said, version = said_of(row["userMetadata"] or ""), int(row["version"])
        ours = "task_run_id" in said
        if ours and not (self.exists(LINEAGE) and told(self.read(LINEAGE), name, version, said["task_run_id"])):
            at = datetime.fromtimestamp(self.commits.moment(name, version) / 1_000_000, UTC)
            self._written.append(lineage_row(said, name, version, said["inputs"], at))

    def note_since(self, name: str, version: int | None) -> int:
        """Remember lineage rows for commits of this task that another process made after `version`; how many."""
        history = self.commits.history(name).select("version", "userMetadata", "timestamp")
        found = 0
        for row in history.where(f"version > {-1 if version is None else version}").collect():
            said = json.loads(row["userMetadata"] or "{}")
            if said.get("task_run_id") == self.provenance.task_run_id:
                self.note(name, row["version"], said["inputs"], row["timestamp"])
                found += 1
        return found

    def flush(self) -> None:
        """Write the lineage rows of this task's writes in one commit; `run` calls it, also after a failure."""
        appended, self._appended = self._appended, []
        versions = self._side_by_side(lambda one: self._version_of(one[0], one[1]), appended)
        for (name, _, inputs, at), version in zip(appended, versions, strict=True):
            self.note(name, version, inputs, at)
        if not self._written:
            return
        rows, self._written = self._written, []
        frame = self._session().createDataFrame(rows, LINEAGE_SCHEMA)
        self._saved(LINEAGE, frame, "append", "lineage")

    def note(self, name: str, version: int | str, inputs: Mapping[str, Any], at: datetime | None = None) -> None:
        """Remember a lineage row for something other than a table, such as a model version."""
        self._written.append(lineage_row(vars(self.provenance), name, int(version), inputs, at or datetime.now(UTC)))

    def _token(self, inputs: Mapping[str, int], note: Mapping[str, Any] | None = None) -> str:
        """User metadata of one commit: provenance travels with the data even if the lineage table is lost.

        note: may say other contracts than this task's: those by which the rows were made.
        """
        said = {**vars(self.provenance), **(note or {}), "inputs": dict(inputs), "write": uuid.uuid4().hex}
        return json.dumps(said, sort_keys=True)

    def _merged(
        self, name: str, frame: DataFrame, how: str, inputs: Mapping[str, int], token: str, makes: bool = False
    ) -> int:
        """MERGE `frame`, called source, into the table, called target, in one commit; the new version.

        makes: where there is no table, it is made of `frame`.
        """
        session, view = self._session(), f"merge_{uuid.uuid4().hex}"

        def write() -> None:
            if makes and not self.exists(name):
                self._writer(name, frame, "error").saveAsTable(name)
            else:
                session.sql(f"MERGE INTO {name} AS target USING {view} AS source ON {how}").collect()

        frame.createOrReplaceTempView(view)
        try:
            # Where another task wrote first, be it the table itself, a MERGE looks again at what is there.
            committed(session, name, token, write, again=True)
        finally:
            session.catalog.dropTempView(view)
        return self._recorded(name, token, inputs)

    def _saved(
        self, name: str, frame: DataFrame, mode: str, token: str, properties: Mapping[str, str] | None = None
    ) -> None:
        writer = self._writer(name, frame, mode).options(**(properties or {}))
        # Tasks may create a table at once; those that lost add to what the first made, and replace nothing of it.
        committed(self._session(), name, token, lambda: writer.saveAsTable(name), again=mode == "append")

    def _writer(self, name: str, frame: DataFrame, mode: str) -> DataFrameWriter:
        writer = frame.write.format("delta").mode(mode)
        if mode == "overwrite":
            writer = writer.option("overwriteSchema", "true")
        # Properties of the table that this write creates; one that is there keeps its own.
        return writer.options(**retention(self._as_of_days.get(name.split(".")[0])))

    def _recorded(self, name: str, token: str, inputs: Mapping[str, int]) -> int:
        """The version of the commit that carries `token`, noted for the lineage."""
        version = self._version_of(name, token)
        self.note(name, version, inputs)
        return version

    # Not proved here: that a MERGE that changes no row makes a commit. Why: open-source Delta makes one with the
    # settings of the sandbox; the documentation does not say. On Azure: a second run of a featurization with
    # `history=True`, nothing delivered in between; it ends well.
    def _version_of(self, name: str, token: str) -> int:
        """The version of the commit that carries `token`: another writer may have come after it."""
        for version, text, _ in self.commits.told(name):
            if text == token:
                return version
        raise TaskError(
            f"the history of {name} does not hold the commit of this task; was the table replaced meanwhile?"
        )

    def _side_by_side(self, ask: Callable[[Any], Found], about: Sequence[Any]) -> list[Found]:
        """The answer about each, asked at the same time: a table's history is a wait, not work."""
        if len(about) < 2:
            return [ask(one) for one in about]
        self._session()  # one session, made before several threads ask for it
        with ThreadPoolExecutor(len(about)) as pool:
            return list(pool.map(ask, about))
