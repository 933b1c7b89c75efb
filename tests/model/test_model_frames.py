"""A table in memory: what its columns are does not depend on which rows were read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from model_cohort import cohort, sided
from model_workspace import Workspace
from pyspark.sql import SparkSession

from jobs.io import frames
from jobs.io.context import Task
from jobs.model.leaks import alone
from jobs.model.matrix import columns_of, fit, fitted_columns, learnable, probabilities
from jobs.model.side import TEST, TRAIN
from workflows.methods import GradientBoosting, LogisticRegression, Method

pytestmark = [pytest.mark.spark]
METHODS: list[Method] = [LogisticRegression(C=1.0), GradientBoosting()]


@pytest.fixture
def task(spark: SparkSession, tmp_path: Path) -> Iterator[Task]:
    """A table of two sides; `f_text` is empty on the train side, and `f_numb` on both."""
    rows = sided(cohort(encounters=1500))
    rows["f_text"] = np.where(rows["side"] == TEST, "a", None)
    made = pa.Table.from_pandas(rows, preserve_index=False).append_column("f_numb", pa.nulls(len(rows), pa.float64()))
    spark.sql("CREATE SCHEMA IF NOT EXISTS scratch")
    spark.createDataFrame(made).write.format("delta").mode("overwrite").saveAsTable("scratch.t")
    yield Workspace(tmp_path, spark).task("0", "sp-train")
    spark.sql("DROP TABLE scratch.t")


def test_text_that_is_empty_on_the_train_side_is_a_category_and_the_test_side_is_predicted(task: Task) -> None:
    train, test = (frames.read(task, "scratch.t", where=f"side = '{side}'") for side in (TRAIN, TEST))
    assert train["f_text"].isna().all()
    assert columns_of(train) == columns_of(test)
    assert columns_of(train).categories == ("f_sex", "f_text", "f_ward")
    assert "f_text" in alone(train)
    for method in METHODS:
        fitted = fit(method, method.parameters, train, learnable(train))
        assert "f_text" in fitted_columns(fitted).categories
        assert np.isfinite(probabilities(fitted, test)).all()


def test_one_side_of_a_whole_table_has_the_same_columns_as_the_other(task: Task) -> None:
    rows = frames.read(task, "scratch.t")
    train, test = (rows[rows["side"] == side] for side in (TRAIN, TEST))
    assert columns_of(train) == columns_of(test)
    assert "f_numb" in columns_of(rows).numbers
