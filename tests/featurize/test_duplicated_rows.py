"""Rows that a delivery says twice, word for word: where the contract counts them once, facts and features are the same."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from random_features import PERIODS, features

from jobs.featurize import engine
from jobs.featurize.columns import typed
from jobs.featurize.facts import fact_encounter_index, fact_person
from synthetic.sources.population import FIRST, OBSERVED_DAYS, population
from synthetic.sources.write import SHAPES
from workflows.codes import Codes
from workflows.covariates import Covariate, code_rows, covariates
from workflows.declare import CountOf, days
from workflows.features import OfConcepts
from workflows.source import Source
from workflows.sources import named

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1", "6")]
EVENTS = 1_000
SETS = [
    Codes("some", tuple(("ICD10CM", f"{letter}{n}") for letter in "IP" for n in range(5))
          + tuple(("ICD10CM", f"J{n:02d}") for n in range(0, 150, 6))),
    Codes("tests", tuple(("LOINC", f"L{n}") for n in range(5))
          + tuple(("LOINC", f"{n}-{n % 9}") for n in range(1_000, 1_030))),
]  # fmt: skip
# The generator gives each code of these a number of its own; by its last digit there are ten, that features meet.
NUMBERED = ("encounterdiagnosiscode", "problemcode", "practicecode")
EVERY = [CountOf(one, days(-OBSERVED_DAYS, -1), label=f"all_{one.name}") for one in SETS]


def delivered(source: Source, seed: int) -> dict[str, pa.Table]:
    """A random delivery of a source, all text as a CSV has it."""

    def text(name: str, column: pa.Array) -> pa.Array:
        said = column.cast(pa.string())
        return pc.replace_substring_regex(said, r"\d*(\d)$", r"\1") if name in NUMBERED else said

    made = SHAPES[source.name](population(EVENTS, seed))
    return {one: pa.table({name: text(name, column) for name, column in columns.items()})
            for one, columns in made.items()}  # fmt: skip


def repeated(table: pa.Table, share: float, chance: np.random.Generator) -> pa.Table:
    """The rows of a table and copies of some, one or several, in any order."""
    size = table.num_rows
    copies = chance.integers(0, size, max(1, int(size * share)))
    return table.take(pa.array(chance.permutation(np.concatenate([np.arange(size), copies]))))


def read(spark: SparkSession, source: Source, tables: dict[str, pa.Table]) -> dict[str, DataFrame]:
    return {one.table: typed(spark.createDataFrame(tables[one.table]), one) for one in source.contracts}


def asked(spark: SparkSession, persons: list[int], seed: int) -> tuple[DataFrame, DataFrame]:
    """An index date and an observation period of each person, at random."""
    chance, first = random.Random(seed), datetime.combine(FIRST.item(), datetime.min.time())

    def day(low: int, high: int) -> datetime:
        return first + timedelta(days=chance.randint(low, high))

    dates = [(person, row, day(200, OBSERVED_DAYS)) for row, person in enumerate(persons)]
    spans = [(person, day(0, 400).date(), day(401, OBSERVED_DAYS).date()) for person in persons]
    index = spark.createDataFrame(dates, "person_id long, row_id long, index_datetime timestamp")
    return index, spark.createDataFrame(spans, PERIODS)


def sorted_rows(frame: DataFrame) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in frame.collect()), key=repr)


def computed(
    spark: SparkSession, facts: DataFrame, some: tuple[Covariate, ...], persons: list[int], seed: int
) -> list[dict[str, Any]]:
    index, observation = asked(spark, persons, seed)
    codes = code_rows([one.feature for one in some], {})
    table = engine.wide(index, facts, codes, some, key="row_id", observation=observation)
    return sorted((row.asDict() for row in table.collect()), key=lambda row: row["row_id"])


@pytest.mark.parametrize("name", ["abfm", "premier"])
@settings(max_examples=2, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(
    declared=features(SETS, (0, 1, 30, 365, 1_500), 14, apart=False), seed=st.integers(0, 2**32),
    share=st.sampled_from([0.3, 1.0, 0.02]),
)  # fmt: skip
def test_rows_that_are_repeated_word_for_word_make_no_fact_and_change_no_feature(
    name: str, spark: SparkSession, declared: list[OfConcepts], seed: int, share: float
):
    source, chance = named(name), np.random.default_rng(seed)
    tables = delivered(source, seed)
    more = {one.table: repeated(tables[one.table], share, chance) for one in source.contracts if one.once}
    assert len(more) > 6
    right, wrong = (read(spark, source, some) for some in (tables, tables | more))

    def encounters(some: dict[str, DataFrame]) -> DataFrame:
        return fact_encounter_index(some, source, person_sample=1.0, outcomes_through=1.0)

    facts = [fact_person(some, source, person_sample=1.0) for some in (right, wrong)]
    said = sorted_rows(facts[0])
    assert len(said) > EVENTS / 2
    assert sorted_rows(facts[1]) == said
    assert sorted_rows(encounters(wrong)) == sorted_rows(encounters(right))

    some = covariates([*declared, *EVERY], {})
    found = [computed(spark, one, some, sorted({row[0] for row in said}), seed) for one in facts]
    assert found[0] == found[1]
    for every in EVERY:
        assert sum(row[f"f_{covariates([every], {})[0].column}"] for row in found[0]) > 10, "some counts are of many"
