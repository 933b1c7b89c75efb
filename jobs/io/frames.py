"""Delta tables as pandas frames and back: where the single-node part of a model's life meets Spark."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from jobs.digest import digest
from jobs.errors import TaskError
from jobs.featurize.withdrawal import TOMBSTONES
from jobs.io.context import Task
from jobs.io.lineage import CONTRACT_HASH
from jobs.model.definition import DEFINITION, of_table
from jobs.model.lineage import direct, newest_of, upstream
from jobs.model.matrix import PREFIX
from jobs.model.names import Names

# What is missing stays NaN, as in a column of objects.
TEXT = pd.StringDtype("python", na_value=np.nan)


def read(
    task: Task, table: str, version: int | None = None, where: str = "true", columns: Sequence[str] = ("*",)
) -> pd.DataFrame:
    """The rows of a table that satisfy `where`, in memory; feature columns of text say so, be they all empty."""
    found = task.tables.read(table, version).where(where).select(*columns)
    texts = {name: TEXT for name, kind in found.dtypes if kind == "string" and name.startswith(PREFIX)}
    rows: pd.DataFrame = found.toPandas()
    return rows.astype(texts)


def types(task: Task, table: str, columns: Sequence[str], version: int | None = None) -> dict[str, str]:
    """'long' or 'string' for each key column: what a table made from these keys declares."""
    found = dict(task.tables.read(table, version).select(*columns).dtypes)
    return {name: "long" if kind in ("bigint", "int") else "string" for name, kind in found.items()}


def frame(task: Task, rows: pd.DataFrame, kinds: Mapping[str, str]) -> Any:
    """`rows` as a Spark frame with the columns of `kinds` (string, long, double, boolean, timestamp); NaN is null."""
    import pyarrow as pa

    if rows.empty:
        return task.spark.createDataFrame([], ", ".join(f"`{name}` {kind}" for name, kind in kinds.items()))
    known = {
        "string": pa.string(), "long": pa.int64(), "double": pa.float64(), "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }  # fmt: skip
    schema = pa.schema([(name, known[kind]) for name, kind in kinds.items()])
    return task.spark.createDataFrame(pa.Table.from_pandas(rows[list(kinds)], schema=schema, preserve_index=False))


def dataset_version(text: str) -> int:
    """The Delta version in a parameter; raises TaskError if it is none."""
    if not text.isdigit():
        raise TaskError(f"dataset_version = {text!r} is not valid; valid: the version that the prepare task set")
    return int(text)


def sources_of(task: Task, names: Names, features_version: int) -> dict[str, Any]:
    """Every table and version that a version of the feature table was made from."""
    return upstream(records(task), names.features, features_version)


def provenance(task: Task, names: Names, version: int) -> dict[str, str]:
    """The data tags of a dataset version: what it is, the feature table it holds, its meaning, and its sources."""
    found = records(task)
    dataset = names.table("dataset")
    made_from = direct(found, dataset, version)
    if names.features not in made_from:
        raise TaskError(f"ml.lineage has no record of {dataset} version {version}; run the prepare task again")
    features = made_from[names.features]
    means = of_table(task.tables.commits, names.features, features)
    tags = {} if means is None else {DEFINITION: json.dumps(means, sort_keys=True)}
    return tags | {
        "dataset": dataset,
        "dataset_version": str(version),
        "feature_table": names.features,
        "feature_table_version": str(features),
        "source_versions": json.dumps(upstream(found, names.features, features), sort_keys=True),
    }


def contracts(task: Task, names: Names, sources: Mapping[str, Any]) -> str:
    """A digest of the contracts and mappings by which the fact tables among `sources` were made, as their commits say.

    sources: as of `upstream`. Those of the wheel may be newer than the facts.
    """
    # Who withdrew is read beside the curated tables, and no contract made it.
    zone, withdrawn = f"{names.source}_ra.", f"{names.source}_ra.{TOMBSTONES}"
    above = (name for name in sources if name.startswith(zone) and name != withdrawn)
    facts = [name for name in above if task.tables.exists(name)]
    said = {name: task.tables.commits.saying(name, newest_of(sources[name]), CONTRACT_HASH) for name in facts}
    return digest(sorted(said.items()))


def records(task: Task) -> list[dict[str, Any]]:
    """The lineage records of written tables, oldest first."""
    found = task.tables.read("ml.lineage").select("object", "version", "inputs", "written_at").collect()
    return [row.asDict() for row in sorted(found, key=lambda row: row["written_at"])]
