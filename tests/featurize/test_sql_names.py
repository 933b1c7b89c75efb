"""What is read of an expression without Spark holds beside what Spark does with it."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf

from jobs.featurize.facts import fact_encounter_index, fact_person
from workflows.declare import replace
from workflows.sources.synthetic_omop import synthetic_omop
from workflows.sql import NESTED, beyond, names

COLUMNS = ("person", "readmitted", "re-admitted", "30day")
READS = [
    "readmitted", "READMITTED", "`Readmitted`", "e . readmitted", "e./* x */`readmitted`", "`re-admitted`", "30day",
    "upper(readmitted)", "transform(array(1), x -> readmitted)", "if(readmitted = '<30', 1, 2)",
    "to_json(struct(*))", "to_json(struct(e.*))", "concat_ws('|', 2 * person, *)",
    """concat("'", readmitted, "'")""", r"concat('\'', readmitted, '\'')", r"concat(r'\', readmitted, r'\')",
    "concat('''', readmitted, '''')", "/* ' */ readmitted /* ' */", "1 -- '\r + length(readmitted) -- '",
    "CASE WHEN person > 0 THEN readmitted END",
    "'readmitted'", "\"readmitted\"", r"'\' readmitted'", "1 -- readmitted", "/* readmitted */ 1", "-2 * person",
    "concat(r'readmitted \\', 'x')", "concat('it''s readmitted', 'x')", "named_struct('readmitted', 1).readmitted",
]  # fmt: skip
# Of whom nothing but text and comments is named so.
ELSEWHERE = READS[READS.index("'readmitted'") :]
OTHERS = [
    "max(readmitted) OVER ()", "count(*) over (PARTITION BY 1)", "(SELECT max(x) FROM rows_of)", "(TABLE sum_of)",
    "((((TABLE sum_of))))", "(FROM sum_of)", "(FROM rows_of |> AGGREGATE sum(x))", "person IN (TABLE rows_of)",
    "(TABLE rows_of |> AGGREGATE max(x))", "(WITH q AS (TABLE sum_of) TABLE q)", "(VALUES 1)", "(/* ( */ FROM `sum_of`)",
    "person IN (FROM rows_of)", "exists(TABLE rows_of)", "((VALUES 1) UNION (TABLE sum_of) LIMIT 1)",
    """concat("'", (SELECT max(x) FROM rows_of), "'")""",
]  # fmt: skip
OWN = [
    "extract(year FROM date'2020-02-03')", "trim(BOTH ' ' FROM readmitted)", "'(SELECT x) OVER'", "`30day` * 2",
    "substring(readmitted FROM 1 FOR 1)", "readmitted IS DISTINCT FROM 'NO'", "aggregate(array(1), 0, (a, b) -> a + b)",
]  # fmt: skip


def values(spark: SparkSession, rows: list[tuple[Any, ...]], expressions: list[str]) -> list[Any]:
    """What each expression is of the first row."""
    frame = spark.createDataFrame(rows, "person int, readmitted string, `re-admitted` string, `30day` int").alias("e")
    columns = [sf.expr(text).cast("string").alias(f"_{at}") for at, text in enumerate(expressions)]
    return list(frame.select(*columns, sf.col("person").alias("_p")).where("_p = 1").drop("_p").collect()[0])


@pytest.mark.spark
def test_an_expression_reads_a_column_where_its_value_follows_it(spark: SparkSession):
    first = values(spark, [(1, "<30", "<30", 1)], READS)
    other = values(spark, [(1, "NO !", "NO", 2)], READS)
    assert {text for text, one, two in zip(READS, first, other, strict=True) if one == two} == set(ELSEWHERE)
    hidden = {"readmitted", "re-admitted", "30day"}
    for text in READS:
        # A field of a struct is taken for a column.
        assert bool(names(text, COLUMNS) & hidden) == (text not in ELSEWHERE or ")." in text), text


@pytest.mark.spark
def test_a_comment_inside_of_a_comment_which_no_regular_expression_ends_is_refused(spark: SparkSession):
    text = "/* /* */ ' */ readmitted /* ' */"
    assert values(spark, [(1, "<30", "", 1)], [text]) == ["<30"]
    assert beyond(text) == NESTED


@pytest.mark.spark
def test_an_expression_sees_other_rows_where_its_value_follows_them(spark: SparkSession):
    found = []
    for rows, start, end in (([], 2, 3), ([(2, "ZZ", "", 3)], 1, 9)):
        spark.range(start, end).selectExpr("id AS x").createOrReplaceTempView("rows_of")
        spark.sql("SELECT sum(x) AS x FROM rows_of").createOrReplaceTempView("sum_of")
        found.append(values(spark, [(1, "<30", "<30", 1), *rows], OTHERS + OWN))
    same = {text for text, one, two in zip(OTHERS + OWN, *found, strict=True) if one == two}
    assert same >= set(OWN)
    # They are queries, whose value only here is the same.
    assert set(OTHERS) & same == {"(VALUES 1)", "exists(TABLE rows_of)", "((VALUES 1) UNION (TABLE sum_of) LIMIT 1)"}
    assert [text for text in OTHERS if beyond(text) is None] == []
    assert [text for text in OWN if beyond(text)] == []
    for name in ("rows_of", "sum_of"):
        spark.catalog.dropTempView(name)


@pytest.mark.spark
def test_spark_lets_no_fact_count_over_rows_without_a_window(spark: SparkSession):
    contracts = {one.table: one for one in synthetic_omop.contracts}
    types = {"long": "bigint"}
    tables = {
        name: spark.createDataFrame(
            [], ", ".join(f"`{c.name}` {types.get(c.type, c.type)}" for c in contract.columns)
        )
        for name, contract in contracts.items()
    }  # fmt: skip
    (kind,), one = synthetic_omop.events, synthetic_omop.encounters
    counted = replace(kind, vocabulary="string(count(*))")
    with pytest.raises(AnalysisException, match="MISSING_GROUP_BY"):
        _ = fact_person(tables, replace(synthetic_omop, events=(counted,)), person_sample=1.0).schema
    rated = replace(one, attributes=(*one.attributes, ("rate", "avg(visit_concept_id)")))
    with pytest.raises(AnalysisException, match="MISSING_GROUP_BY"):
        _ = fact_encounter_index(
            tables, replace(synthetic_omop, encounters=rated), person_sample=1.0, outcomes_through=1.0
        ).schema
