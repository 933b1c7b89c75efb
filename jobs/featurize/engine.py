"""All features of events, of all windows, by one scan of `fact_person`.

Each event carries one bit for each concept set it belongs to and meets its person's index dates by an equi-join; what
is in reach of a window is accumulated person by person (`accumulate`, `covariate_values`). Days are whole days from the
index date. Values are held to six decimals as whole numbers, since sums of doubles depend on the order of rows; one
beyond `LARGEST` counts as no value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from jobs.featurize.accumulate import OF_VALUES
from jobs.featurize.covariate_values import batches, keys
from jobs.featurize.knowledge import FROM, TO, known_at
from jobs.featurize.matching import counting, spelled_unit
from jobs.featurize.observation import observed_spans
from workflows.covariates import LARGEST, SCALE, CodeRow, Covariate

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Dates = tuple[date, date]
EPOCH = date(1970, 1, 1)


def wide(
    index: DataFrame,
    events: DataFrame,
    codes: Iterable[CodeRow],
    some: Sequence[Covariate],
    *,
    key: str,
    observation: DataFrame | None = None,
    dates: Dates | None = None,
) -> DataFrame:
    """`key` and a column for each covariate, one row a row of `index`.

    index: person_id, `key` (unique), index_datetime. events: `fact_person`, of which an index date sees what was known
    by then. codes: those of the concept sets. observation: `fact_observation_period`. dates: the first and last
    index date, where they are known (`dates_of`): what no window reaches from there is not looked at.
    """
    base = index.select("person_id", key, "index_datetime", sf.to_date("index_datetime").alias("_index"))
    if any(one.feature.in_observation for one in some):
        assert observation is not None, "features in observation need the observation periods"
        base = observed(base, observation, key)
    if dates is not None:
        events = near(events, some, dates)
    met = meetings(base, marked(events, codes, some, key), some, key)
    columns = [f"f_{one.column}" for one in some]
    schema = ", ".join([f"`{key}` long", *(f"`{column}` double" for column in columns)])
    return met.mapInArrow(partial(batches, some=tuple(some), key=key), schema).select(key, *columns)


def dates_of(index: DataFrame) -> Dates | None:
    """The first and the last index date; None where there is none."""
    # As numbers: Spark has days before the first and after the last of Python's.
    day = sf.unix_date(sf.to_date("index_datetime"))
    row = index.agg(sf.min(day).alias("first"), sf.max(day).alias("last")).first()
    if row is None or row["first"] is None:
        return None
    return shifted(EPOCH, row["first"]), shifted(EPOCH, row["last"])


def near(events: DataFrame, some: Sequence[Covariate], dates: Dates) -> DataFrame:
    """The events that any window can reach from any of the dates: of a long history, a few files."""
    if (within := reach(some)) is None:
        return events
    first, last = (shifted(day, by) for day, by in zip(dates, within, strict=True))
    late_enough = sf.col("event_start_datetime") >= sf.lit(first)
    if any(one.feature.rule == "overlap" for one in some):
        late_enough |= sf.col("event_end_datetime") >= sf.lit(first)
    return events.where(late_enough & (sf.col("event_start_datetime") < sf.lit(shifted(last, 1))))


def shifted(day: date, by: int) -> date:
    """A day so many days later, and no further than days go."""
    return date.fromordinal(min(max(day.toordinal() + by, date.min.toordinal()), date.max.toordinal()))


def long(table: DataFrame, some: Sequence[Covariate], *, key: str) -> DataFrame:
    """A wide table as row_id, covariate_id, value: without rows for what absence already says (`missing_means`)."""
    cells = []
    for one in some:
        cell = sf.col(f"f_{one.column}")
        if one.missing == "zero":
            cell = sf.when(cell != 0, cell)
        cells.append(sf.struct(sf.lit(one.covariate_id).cast("bigint").alias("covariate_id"), cell.alias("value")))
    return (
        table.select(sf.col(key).alias("row_id"), sf.inline(sf.array(*cells)))
        .where(sf.col("value").isNotNull())
        .select("row_id", "covariate_id", "value")
    )


def marked(events: DataFrame, codes: Iterable[CodeRow], some: Sequence[Covariate], key: str) -> DataFrame:
    """The events of any concept set in use, slim: whose, when, the value, and a bit for each set."""
    known = [sf.col(name).alias(f"_{name}") for name in (FROM, TO) if name in events.columns]
    slim = events.select(*slim_columns(some, key), *known, "vocabulary_id", "concept_code")
    return counting(slim, codes, keys(some)).drop("vocabulary_id", "concept_code")


def slim_columns(some: Sequence[Covariate], key: str) -> list[Column]:
    """What the covariates need of an event, and no more: all of it is shuffled."""
    columns = [sf.col("person_id").alias("_person"), sf.to_date("event_start_datetime").alias("_start")]
    kinds = {one.feature.aggregation for one in some}
    if any(one.feature.rule == "overlap" for one in some):
        # `greatest` passes over what is null. An event that ends before it starts is there when it starts.
        end = sf.greatest(sf.to_date("event_end_datetime"), sf.to_date("event_start_datetime"))
        columns.append(end.alias("_end"))
    if any(one.feature.window is None for one in some):
        columns.append(sf.col(key).alias("_visit"))
    if kinds & set(OF_VALUES):
        columns.append(value().alias("_value"))
    if any(one.feature.units for one in some):
        columns.append(spelled_unit().alias("_unit"))
    if "latest" in kinds:
        columns.append(sf.unix_micros(sf.col("event_start_datetime").cast("timestamp")).alias("_moment"))
    return columns


def value() -> Column:
    """The value of an event in whole millionths; null where it has none that counts."""
    number = sf.col("value_as_number").cast("double")
    return sf.when(sf.abs(number) < LARGEST, sf.floor(number * SCALE + 0.5).cast("bigint"))


def observed(index: DataFrame, observation: DataFrame, key: str) -> DataFrame:
    """`index` with the observation period that its date lies in, `_from` and `_to`, both null outside any."""
    spans = observed_spans(observation)
    inside = sf.col("_index").between(sf.col("_span_from"), sf.col("_span_to"))
    # Spans of one person do not overlap, so that one at most holds the date.
    return (
        index.join(spans, index["person_id"] == spans["_observed"], "left")
        .groupBy("person_id", key, "index_datetime", "_index")
        .agg(
            sf.max(sf.when(inside, sf.col("_span_from"))).alias("_from"),
            sf.max(sf.when(inside, sf.col("_span_to"))).alias("_to"),
        )
    )


def reach(some: Sequence[Covariate]) -> tuple[int, int] | None:
    """The first and last day that any window looks at; None where the index encounter itself is looked at."""
    windows = [one.feature.window for one in some]
    ends = [(window.start, window.end) for window in windows if window is not None]
    if len(ends) < len(windows):
        return None
    return min(start for start, _ in ends), max(end for _, end in ends)


def meetings(index: DataFrame, events: DataFrame, some: Sequence[Covariate], key: str) -> DataFrame:
    """Each index row with each event of its person that any window can reach."""
    on = index["person_id"] == events["_person"]
    if all(one.feature.window is None for one in some):
        # Nothing but the index encounter's own events is asked for: do not pair them with the person's other stays.
        on = on & (index[key] == events["_visit"])
    pairs = events.join(index, on)
    day = sf.datediff(sf.col("_start"), sf.col("_index"))
    pairs = pairs.withColumn("_day", day)
    if "_end" in events.columns:
        pairs = pairs.withColumn("_last", sf.datediff(sf.col("_end"), sf.col("_index")))
    within = reach(some)
    if within is not None:
        first, last = within
        # By start or by overlap, whichever a covariate asks for.
        late_enough = sf.greatest("_last", "_day") if "_end" in events.columns else sf.col("_day")
        pairs = pairs.where((sf.col("_day") <= last) & (late_enough >= first))
    if f"_{TO}" in events.columns:
        # What was entered, corrected or deleted after the index date was not there to be seen, or still was.
        pairs = pairs.where(known_at(sf.col("index_datetime"), sf.col(f"_{FROM}"), sf.col(f"_{TO}")))
    columns = [sf.col(key).cast("bigint").alias(key), sf.col("_day").cast("bigint").alias("_day")]
    columns += [sf.col(name) for name in pairs.columns if name.startswith("_set") or name in ("_value", "_moment")]
    if "_end" in events.columns:
        columns.append(sf.col("_last").cast("bigint").alias("_last"))
    if within is None:
        columns.append(sf.coalesce(sf.col("_visit") == sf.col(key), sf.lit(False)).alias("_own"))
    if "_from" in index.columns:
        seen = sf.col("_start").between(sf.col("_from"), sf.col("_to"))
        columns.append(sf.coalesce(seen, sf.lit(False)).alias("_seen"))
        columns.append(sf.datediff("_from", "_index").cast("bigint").alias("_since"))
    # What is in reach is shuffled once, and slim: with nothing but what is accumulated.
    slim = pairs.select(*columns)
    return slim.unionByName(alone(index, slim, key)).repartition(key)


def alone(index: DataFrame, beside: DataFrame, key: str) -> DataFrame:
    """Each index row once more, with no event, in the columns of `beside`.

    So nothing of it is lost, and nothing has to be joined to it again.
    """
    since = sf.datediff("_from", "_index").cast("bigint") if "_since" in beside.columns else sf.lit(None)
    given = {key: sf.col(key).cast("bigint"), "_since": since, "_own": sf.lit(False), "_seen": sf.lit(False)}
    columns = [
        given.get(name, sf.lit(0 if name.startswith("_set") else None).cast(kind)).alias(name)
        for name, kind in beside.dtypes
    ]
    return index.select(*columns)
