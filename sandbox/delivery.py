"""Deliveries of source data, as the data manager's ETL makes them outside the platform: files become curated tables."""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.delivered_csv import fault, looked_at
from sandbox.errors import SandboxError
from sandbox.grants.published import DELIVERS
from sandbox.services import Services
from sandbox.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.connect.session import SparkSession

USER = DELIVERS
_FORMATS = {".csv": "csv", ".parquet": "parquet"}
_CHUNK_BYTES = 1 << 20


class DeliveryError(SandboxError):
    """A delivery that cannot be read; one line, fit to be shown."""


def deliver(
    workspace: Workspace,
    services: Services,
    schema: str,
    tables: Mapping[str, tuple[Sequence[str], str | None]],
    folder: Path,
) -> dict[str, int]:
    """Write a folder's files as new versions of the Delta tables ``<schema>.<table>``; the Delta version of each.

    tables: table -> (its files in the folder, the member of each that is a zip). CSV has a header and becomes strings;
    parquet keeps its types. Every file is opened before the first table is written, each table changes at once or not
    at all, and where one cannot be written the others are put back. Raises ``DeliveryError`` for a missing, truncated
    or unreadable file, for a CSV with a row of another length than its header, and for a table that cannot be written.
    """
    found = {table: [_found(folder, name) for name in files] for table, (files, _) in tables.items()}
    if not (workspace.warehouse / schema).is_dir():
        zones = sorted(path.name for path in workspace.warehouse.glob("*") if path.is_dir())
        raise DeliveryError(
            f"zone '{schema}' is not deployed in {workspace.name}; deployed: {', '.join(zones) or 'none'}"
        )
    workspace.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workspace.root, prefix="delivery-") as extracted:
        sources = {
            table: _plain(paths, tables[table][1], Path(extracted) / str(place))
            for place, (table, paths) in enumerate(found.items())
        }
        with services.session(USER) as spark:
            frames = {table: _read(spark, table, paths) for table, paths in sources.items()}
            with ThreadPoolExecutor(len(frames)) as pool:
                before = dict(zip(frames, pool.map(lambda table: _version(spark, schema, table), frames), strict=True))
                writes = {
                    table: pool.submit(_write, spark, schema, table, frame, sources[table])
                    for table, frame in frames.items()
                }
                broken = [error for write in writes.values() if (error := write.exception()) is not None]
                if not broken:
                    return {table: write.result() for table, write in writes.items()}
                for table, write in writes.items():
                    if write.exception() is None:
                        _put_back(spark, schema, table, before[table])
                raise broken[0]


def _found(folder: Path, name: str) -> Path:
    path = Path(folder) / name
    if not path.exists():
        raise DeliveryError(f"{name} is missing in {folder}")
    return path


def _plain(paths: list[Path], member: str | None, extracted: Path) -> list[Path]:
    """The files as Spark can read them: members of zips are extracted."""
    return [_extract(path, member, extracted) if path.suffix == ".zip" else path for path in paths]


def _extract(path: Path, member: str | None, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            wanted = member or (names[0] if len(names) == 1 else "")
            if wanted not in names:
                raise DeliveryError(
                    f"{path.name} has no member '{wanted}'; valid: {', '.join(sorted(names)) or 'none'}"
                )
            target = folder / f"{path.stem}-{os.path.basename(wanted)}"
            folder.mkdir(parents=True, exist_ok=True)
            # Reading to the end compares the member's checksum.
            with archive.open(wanted) as packed, target.open("wb") as plain:
                while chunk := packed.read(_CHUNK_BYTES):
                    plain.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DeliveryError(f"{path.name} is truncated or no zip file: {error}") from None
    return target


def _read(spark: SparkSession, table: str, paths: list[Path]) -> DataFrame:
    forms = {_FORMATS.get(path.suffix, "") for path in paths}
    if len(forms) != 1 or "" in forms:
        names = ", ".join(path.name for path in paths)
        raise DeliveryError(
            f"{table}: {names} are not all of one format; valid: {', '.join(_FORMATS)}, or a CSV in a zip"
        )
    form = forms.pop()
    # By itself Spark fills a row that is too short with nulls, cuts one that is too long, and ends a row in a value.
    split = [_split(path) for path in paths] if form == "csv" else []
    reader = spark.read.format(form).options(
        header=True, inferSchema=False, escape='"', mode="FAILFAST", multiLine=not all(split)
    )
    try:
        frame = reader.load([str(path) for path in paths])
        columns = frame.columns
    except Exception as error:
        raise DeliveryError(f"{', '.join(path.name for path in paths)} cannot be read: {_line(error)}") from None
    if not columns:
        raise DeliveryError(f"{', '.join(path.name for path in paths)} has no columns")
    return frame


def _split(path: Path) -> bool:
    """Whether several tasks may each read a part of the CSV; raises where it cannot be read."""
    in_one, wrong = looked_at(path)
    if wrong is not None:
        raise _refused(path, wrong)
    return not in_one


def _refused(path: Path, wrong: str) -> DeliveryError:
    return DeliveryError(f"{path.name} cannot be read: {wrong}; deliver it again")


def _version(spark: SparkSession, schema: str, table: str) -> int | None:
    """The newest version of a table; None where there is none yet."""
    if not spark.catalog.tableExists(f"{schema}.{table}"):
        return None
    return int(spark.sql(f"DESCRIBE HISTORY `{schema}`.`{table}` LIMIT 1").collect()[0]["version"])


def _put_back(spark: SparkSession, schema: str, table: str, version: int | None) -> None:
    """A table as it was before a delivery that another table of it broke."""
    name = f"`{schema}`.`{table}`"
    spark.sql(f"DROP TABLE {name}" if version is None else f"RESTORE TABLE {name} TO VERSION AS OF {version}").collect()


def _write(spark: SparkSession, schema: str, table: str, frame: DataFrame, paths: list[Path]) -> int:
    name = f"`{schema}`.`{table}`"
    try:
        if any(kind == "timestamp_ntz" for _, kind in frame.dtypes) and spark.catalog.tableExists(f"{schema}.{table}"):
            # A table that is there does not take times without a zone by itself.
            spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('delta.feature.timestampNtz' = 'supported')").collect()
        # What a history follows; a table that is there keeps its own properties.
        followed = frame.write.format("delta").option("delta.enableChangeDataFeed", "true")
        followed.mode("overwrite").option("overwriteSchema", "true").saveAsTable(name)
        version = _version(spark, schema, table)
        assert version is not None
        return version
    except Exception as error:
        for path in (one for one in paths if one.suffix == ".csv"):
            # Spark's own words quote the row.
            if (wrong := fault(path)) is not None:
                raise _refused(path, wrong) from None
        told = "the tables of this delivery stay as they were"
        raise DeliveryError(f"{schema}.{table} could not be written: {_line(error)}; {told}") from None


def _line(error: Exception) -> str:
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text[:300]
