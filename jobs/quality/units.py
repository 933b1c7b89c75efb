"""Whether the values of a code have one unit: no feature converts any, so that a mean over several means nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from jobs.featurize.matching import spelled_unit
from jobs.quality.result import Behind, Result, version_of
from workflows.rules import CONVENTION

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

WHAT = "values in another unit than most values of their code"


def one_unit(facts: DataFrame, table: str) -> Result:
    """Of the values with a unit, those in another than the most frequent of their code. facts: `fact_person`.

    Units are compared as features compare them.
    """
    code = ["vocabulary_id", "concept_code"]
    unit = sf.when(sf.col("value_as_number").isNotNull(), sf.nullif(spelled_unit(), sf.lit(""))).alias("_unit")
    rows = facts.select("person_id", *code, unit)
    counted = rows.where(sf.col("_unit").isNotNull()).groupBy(*code, "_unit").agg(sf.count(sf.lit(1)).alias("_rows"))
    most = counted.groupBy(*code).agg(sf.max_by("_unit", sf.struct("_rows", "_unit")).alias("_most"))
    same = sf.col("_unit") == sf.col("_most")
    each = rows.join(sf.broadcast(most), code, "left").groupBy("person_id").agg(
        sf.count_if(~same).alias("broken"), sf.count_if(same).alias("kept"), sf.count(sf.lit(1)).alias("every")
    )  # fmt: skip
    apart = sf.col("every") > sf.col("broken") + sf.col("kept")
    row = each.agg(
        *(sf.coalesce(sf.sum(name), sf.lit(0)).alias(name) for name in ("broken", "kept", "every")),
        *(sf.count_if(sf.col(name) > 0).alias(f"{name}_persons") for name in ("broken", "kept")),
        sf.count_if(apart).alias("apart_persons"),
    ).first()
    assert row is not None
    of = row["broken"] + row["kept"]
    return Result(
        table=table, check="one_unit", what=WHAT, severity=CONVENTION, rows=row["broken"], of=of, all_rows=row["every"],
        state="failed" if row["broken"] else "passed" if of else "not applicable",
        behind=Behind(broken=row["broken_persons"], kept=row["kept_persons"], apart=row["apart_persons"]),
        about=("value_as_number", "unit_source_value"), version=version_of("one_unit", WHAT),
    )  # fmt: skip
