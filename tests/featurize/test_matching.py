"""Which sets an event belongs to: the look-up that Spark compiles against the sentence about codes, on random codes."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.featurize.dimension import code_dimension
from jobs.featurize.matching import belonging
from workflows.covariates import BITS, CodeRow

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1")]

FIRST = date(2020, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(8)]
CODES = ["A", "A.1", "A.12", "A.1.2", "A.2", "AB", "AB.12345678", "B", "2160-0", "ü.ß", ".5"]
EVENTS = [*CODES, None, ".", ".5", "A.", "A.123", "A12", "AB.1234567", "AB.123456789", "ü.ßß", "a.1", "C", ""]
VOCABULARIES = ["ICD10CM", "ICD9CM"]


def codes(chance: random.Random, sets: list[tuple[str, str]]) -> list[CodeRow]:
    """A few codes of each set, most of all days; of some both."""
    found: list[CodeRow] = []
    for collection, name in sets:
        for _ in range(chance.randint(0, 3)):
            first, last = sorted(chance.choices(DAYS, k=2))
            span = chance.choice([(None, None)] * 3 + [(first, None), (None, last), (first, last), (first, date.max)])
            found.append((collection, name, chance.choice(VOCABULARIES), chance.choice(CODES), *span))
    return found


def belongs(row: CodeRow, vocabulary: str, code: str | None, day: date | None) -> bool:
    """A code stands for itself and for what is below it, on the days of its list, both inclusive."""
    _, _, of, own, first, last = row
    if code is None:
        return False
    below = code == own or code.startswith(own if "." in own else own + ".")
    if day is None:
        return vocabulary == of and below and first is None and last is None
    return vocabulary == of and below and (first is None or first <= day) and (last is None or day <= last)


@pytest.mark.parametrize(("seed", "number"), [(1, 3), (2, BITS), (3, BITS + 1), (4, 2 * BITS + 9)])
def test_random_events_belong_to_the_sets_that_the_sentence_says(spark: SparkSession, seed: int, number: int):
    chance = random.Random(seed)
    sets = [("" if n % 3 else "collection", f"s{n}") for n in range(number)]
    rows = codes(chance, sets)
    strangers: list[CodeRow] = [("other", "s0", "ICD10CM", "A", None, None)]
    events: list[Any] = [
        (vocabulary, code, day) for vocabulary in (*VOCABULARIES, "CPT4") for code in EVENTS for day in (*DAYS, None)
    ]
    frame = spark.createDataFrame(
        [(n, *event) for n, event in enumerate(events)],
        "id long, vocabulary_id string, concept_code string, _start date",
    )
    found = {row["id"]: row for row in belonging(frame, [*rows, *strangers], sets).collect()}
    expected = {}
    for n, event in enumerate(events):
        mine = {(row[0], row[1]) for row in rows if belongs(row, *event)}
        if mine:
            expected[n] = mine
    assert {
        n: {key for place, key in enumerate(sets) if row[f"_set{place // BITS}"] >> place % BITS & 1}
        for n, row in found.items()
    } == expected
    assert expected


def test_codes_as_a_dimension_join_by_equality_to_what_belongs_to_a_set(spark: SparkSession):
    chance = random.Random(5)
    names = [("collection", f"s{n}") for n in range(12)]
    rows = [(*row[:4], None, None) for row in codes(chance, names) for _ in range(2)]
    facts = spark.createDataFrame(
        [(of, code) for of in VOCABULARIES for code in EVENTS for _ in range(2)],
        "vocabulary_id string, concept_code string",
    )
    sets = spark.createDataFrame(
        [(collection, name, 1, of, code, None, None) for collection, name, of, code, *_ in rows],
        "collection string, concept_set_name string, version long, vocabulary_id string, concept_code string, "
        "valid_start_date date, valid_end_date date",
    )
    made = code_dimension(facts, sets)
    joined = facts.join(made, ["vocabulary_id", "concept_code"]).groupBy("concept_set_name", "vocabulary_id",
                                                                         "concept_code").count()  # fmt: skip
    expected = {
        (row[1], of, code) for row in rows for of in VOCABULARIES for code in EVENTS if belongs(row, of, code, None)
    }
    # Every event twice, as there were two of each; of a set that lists a code and one below it not four times.
    twice = {"": 1} | {code: EVENTS.count(code) for code in EVENTS if code}
    assert {tuple(row) for row in joined.collect()} == {(*key, 2 * twice[key[2]]) for key in expected}
    assert made.columns == sets.columns
    assert {tuple(row) for row in sets.collect()} <= {tuple(row) for row in made.collect()}


@pytest.mark.usefixtures("compiled")
def test_what_tells_the_sets_is_compiled_by_spark(spark: SparkSession):
    """Breaking it on purpose: the same by a function that Spark interprets leaves its compiled stage."""
    frame = spark.range(9).selectExpr(
        "'ICD10CM' vocabulary_id", "concat('A.', id) concept_code", "current_date() _start"
    )
    rows: list[CodeRow] = [("", "s", "ICD10CM", "A.1", FIRST, None), ("", "s", "ICD10CM", "B", None, None)]
    session: Any = spark
    before = session.conf.get("spark.sql.codegen.wholeStage")
    session.conf.set("spark.sql.codegen.wholeStage", "true")
    try:
        mine: Any = belonging(frame, rows, [("", "s")])
        folded: Any = mine.selectExpr("aggregate(map_values(map('a', _set0)), 0L, (a, b) -> a + b) AS bits")
        assert "* Project" in stages(mine)
        assert "\nProject" not in stages(mine)
        assert "\nProject" in stages(folded)
    finally:
        session.conf.set("spark.sql.codegen.wholeStage", before)


def stages(frame: Any) -> str:
    """The physical plan, one operator a line; a star marks what is compiled."""
    plan = str(frame._explain_string(mode="formatted"))
    return "\n".join(line.lstrip(" +-:") for line in plan.partition("\n\n")[0].splitlines())
