"""Observation periods as spans that do not overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as sf

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def observed_spans(observation: DataFrame) -> DataFrame:
    """`_observed`, `_span_from`, `_span_to`: a person's periods, those that overlap or follow on each other as one."""
    periods = observation.select(
        sf.col("person_id").alias("_observed"),
        sf.to_date("observation_period_start_date").alias("_start"),
        sf.to_date("observation_period_end_date").alias("_end"),
    ).where(sf.col("_start") <= sf.col("_end"))
    in_order = Window.partitionBy("_observed").orderBy("_start", "_end")
    before = sf.max("_end").over(in_order.rowsBetween(Window.unboundedPreceding, -1))
    opens = sf.coalesce(sf.col("_start") > sf.date_add(before, 1), sf.lit(True)).cast("int")
    numbered = periods.withColumn("_opens", opens).withColumn("_span", sf.sum("_opens").over(in_order))
    return (
        numbered.groupBy("_observed", "_span")
        .agg(sf.min("_start").alias("_span_from"), sf.max("_end").alias("_span_to"))
        .select("_observed", "_span_from", "_span_to")
    )
