"""All features of events, of all windows, by one scan of `fact_person`.

Each event carries one bit for each concept set it belongs to and meets its person's index dates by an equi-join; every
feature is a conditional aggregate over that. Days are whole days from the index date. Values are held to six decimals
as whole numbers, since sums of doubles depend on the order of rows; one beyond `LARGEST` counts as no value.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from jobs.featurize.knowledge import FROM, TO, known_at
from jobs.featurize.observation import observed_spans
from workflows.covariates import Covariate
from workflows.time import Window

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

BITS = 62
SCALE = 1_000_000
LARGEST = 5e12
# Room for any scaled value beside the moment in one ordered number.
SPREAD = "1" + 19 * "0"
VALUES = ("latest", "min", "max", "mean", "trend")


def wide(
    index: DataFrame,
    events: DataFrame,
    concepts: DataFrame,
    some: Sequence[Covariate],
    *,
    key: str,
    observation: DataFrame | None = None,
    once: bool = False,
) -> DataFrame:
    """`key` and a column for each covariate, one row a row of `index`.

    index: person_id, `key` (unique), index_datetime. events: `fact_person`, of which an index date sees what was known
    by then. concepts: collection, concept_set_name,
    vocabulary_id, code. observation: `fact_observation_period`. once: events equal in every column count once.
    """
    base = index.select("person_id", key, "index_datetime", sf.to_date("index_datetime").alias("_index"))
    if any(one.feature.in_observation for one in some):
        assert observation is not None, "features in observation need the observation periods"
        base = observed(base, observation, key)
    if once:
        events = events.distinct()
    met = meetings(base, marked(events, concepts, some, key), some, key)
    aggregates: dict[str, Column] = {}
    for one in some:
        aggregates |= parts(one, some)
    found = met.groupBy("person_id", key).agg(*(column.alias(name) for name, column in aggregates.items()))
    return base.join(found.drop("person_id"), key, "left").select(
        key, *(value(one, some).cast("double").alias(f"f_{one.column}") for one in some)
    )


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


def keys(some: Sequence[Covariate]) -> list[tuple[str, str]]:
    """The concept sets in use, in the order of their bits."""
    return list(dict.fromkeys(one.key for one in some))


def place(one: Covariate, some: Sequence[Covariate]) -> tuple[str, int]:
    """The column and the bit of a covariate's concept set."""
    word, bit = divmod(keys(some).index(one.key), BITS)
    return f"_set{word}", bit


def marked(events: DataFrame, concepts: DataFrame, some: Sequence[Covariate], key: str) -> DataFrame:
    """The events of any concept set in use, slim: whose, when, the value, and a bit for each set."""
    sets = keys(some)
    words = range((len(sets) + BITS - 1) // BITS)
    bits = {f"_set{word}": sf.bit_or(bit_of(sets, word)) for word in words}
    codes = concepts.groupBy("vocabulary_id", "code").agg(*(column.alias(name) for name, column in bits.items()))
    codes = sf.broadcast(codes.where(reduce(lambda a, b: a | b, (sf.col(name) != 0 for name in bits))))
    above = codes.select(
        sf.col("vocabulary_id").alias("_vocabulary"),
        sf.col("code").alias("_above"),
        *(sf.col(name).alias(f"_above{name}") for name in bits),
    )
    known = [sf.col(name).alias(f"_{name}") for name in (FROM, TO) if name in events.columns]
    slim = events.select(*slim_columns(some, key), *known, "vocabulary_id", sf.col("concept_code").alias("code"))
    # A set's code stands for itself and for what is below it, and the dot is where below begins: two hash look-ups.
    dotted = sf.when(sf.instr("code", ".") > 0, sf.substring_index("code", ".", 1))
    under = (slim["vocabulary_id"] == above["_vocabulary"]) & (dotted == above["_above"])
    both = slim.join(codes, ["vocabulary_id", "code"], "left").join(above, under, "left")
    merged = [
        sf.coalesce(sf.col(name), sf.lit(0)).bitwiseOR(sf.coalesce(sf.col(f"_above{name}"), sf.lit(0))).alias(name)
        for name in bits
    ]
    names = [column for column in slim.columns if column.startswith("_")]
    hit = sf.coalesce(*(sf.col(side) for name in bits for side in (name, f"_above{name}"))).isNotNull()
    return both.where(hit).select(*names, *merged)


def bit_of(sets: Sequence[tuple[str, str]], word: int) -> Column:
    """The bit of a concept's set in one word, 0 where it is not in use."""
    # One flat CASE: a sum of many would nest as deep as there are sets, deeper than a plan can be sent.
    column = sf.when(sf.lit(False), sf.lit(0).cast("bigint"))
    for bit, (collection, name) in enumerate(sets[word * BITS : (word + 1) * BITS]):
        here = (sf.col("collection") == collection) & (sf.col("concept_set_name") == name)
        column = column.when(here, sf.lit(1 << bit).cast("bigint"))
    return column.otherwise(sf.lit(0).cast("bigint"))


def slim_columns(some: Sequence[Covariate], key: str) -> list[Column]:
    """What the covariates need of an event, and no more: all of it is shuffled."""
    columns = [sf.col("person_id").alias("_person"), sf.to_date("event_start_datetime").alias("_start")]
    kinds = {one.feature.aggregation for one in some}
    if any(one.feature.rule == "overlap" for one in some):
        end = sf.coalesce(sf.to_date("event_end_datetime"), sf.to_date("event_start_datetime"))
        columns.append(end.alias("_end"))
    if any(one.feature.window is None for one in some):
        columns.append(sf.col(key).alias("_visit"))
    if kinds & set(VALUES):
        number = sf.col("value_as_number").cast("double")
        scaled = sf.floor(number * SCALE + 0.5).cast("bigint")
        columns.append(sf.when(sf.abs(number) < LARGEST, scaled).alias("_value"))
    if "latest" in kinds:
        columns.append(sf.unix_micros(sf.col("event_start_datetime").cast("timestamp")).alias("_moment"))
    return columns


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
    windows = [one.feature.window for one in some]
    reach = [window for window in windows if window is not None]
    if len(reach) == len(windows):
        first, last = min(window.start for window in reach), max(window.end for window in reach)
        late_enough = sf.col("_last") if "_end" in events.columns else sf.col("_day")
        pairs = pairs.where((sf.col("_day") <= last) & (late_enough >= first))
    if f"_{TO}" in events.columns:
        # What was entered, corrected or deleted after the index date was not there to be seen, or still was.
        pairs = pairs.where(known_at(sf.col("index_datetime"), sf.col(f"_{FROM}"), sf.col(f"_{TO}")))
    # What is in reach is shuffled once, slim as it is: half-filled groups of every feature would be far wider.
    return pairs.repartition("person_id")


def when(one: Covariate, key: str | None = None) -> Column:
    """Whether an event lies where a covariate looks, by its rule."""
    feature = one.feature
    if feature.window is None:
        return sf.col("_visit") == sf.col(key or "visit_occurrence_id")
    window: Window = feature.window
    if feature.rule == "overlap":
        inside = (sf.col("_day") <= window.end) & (sf.col("_last") >= window.start)
    else:
        inside = sf.col("_day").between(window.start, window.end)
    if feature.in_observation:
        inside = inside & sf.col("_start").between(sf.col("_from"), sf.col("_to"))
    return inside


def where_name(one: Covariate) -> str:
    """A name for `when`: what is the same for two covariates is aggregated once."""
    feature = one.feature
    span = f"{feature.window.start}_{feature.window.end}" if feature.window else "visit"
    return f"{span}_{feature.rule}{'_observed' if feature.in_observation else ''}"


def parts(one: Covariate, some: Sequence[Covariate]) -> dict[str, Column]:
    """The aggregates that a covariate is made from, by name."""
    word, bit = place(one, some)
    inside, here = when(one), where_name(one)
    kind = one.feature.aggregation
    if kind == "any":
        # One aggregate for all sets of a window: their bits together.
        return {f"any{word}_{here}": sf.bit_or(sf.when(inside, sf.col(word)))}
    hit = (sf.col(word).bitwiseAND(sf.lit(1 << bit)) != 0) & inside
    here = f"{word}_{bit}_{here}"
    if kind == "count":
        return {f"count{here}": sf.count(sf.when(hit, sf.lit(1)))}
    if kind in ("days_since", "last"):
        return {f"last{here}": sf.max(sf.when(hit, sf.col("_day")))}
    if kind == "first":
        return {f"first{here}": sf.min(sf.when(hit, sf.col("_day")))}
    number = sf.when(hit, sf.col("_value"))
    if kind == "latest":
        moment = sf.col("_moment").cast("decimal(18,0)") * sf.lit(SPREAD).cast("decimal(20,0)")
        order = (moment + sf.col("_value").cast("decimal(19,0)")).cast("decimal(38,0)")
        return {f"latest{here}": sf.max_by(sf.col("_value"), sf.when(hit & sf.col("_value").isNotNull(), order))}
    if kind == "min":
        return {f"min{here}": sf.min(number)}
    if kind == "max":
        return {f"max{here}": sf.max(number)}
    # Two halves of the scaled value: their sums are whole and stay far from the largest whole number.
    high, low = sf.shiftright(number, 20), number.bitwiseAND(sf.lit((1 << 20) - 1))
    sums = {f"n{here}": sf.count(number), f"high{here}": sf.sum(high), f"low{here}": sf.sum(low)}
    if kind == "trend":
        day = sf.when(number.isNotNull(), sf.col("_day")).cast("bigint")
        sums |= {
            f"x{here}": sf.sum(day), f"xx{here}": sf.sum(day * day),
            f"xhigh{here}": sf.sum(day * high), f"xlow{here}": sf.sum(day * low),
        }  # fmt: skip
    return sums


def value(one: Covariate, some: Sequence[Covariate]) -> Column:
    """A covariate from its aggregates, with what is not known left empty."""
    feature = one.feature
    word, bit = place(one, some)
    here, kind = f"{word}_{bit}_{where_name(one)}", feature.aggregation
    seen: Column
    if kind == "any":
        seen = sf.col(f"any{word}_{where_name(one)}").bitwiseAND(sf.lit(1 << bit)) != 0
        seen = sf.coalesce(seen, sf.lit(False))
        known = seen if feature.in_observation else sf.lit(True)
    elif kind == "count":
        seen, known = sf.coalesce(sf.col(f"count{here}"), sf.lit(0)), sf.lit(not feature.in_observation)
    elif kind in ("days_since", "last", "latest"):
        # What is not observed lies before what is, so the last that was seen is the last.
        name = "latest" if kind == "latest" else "last"
        seen, known = sf.col(f"{name}{here}"), sf.lit(True)
        seen = -seen if kind == "days_since" else seen / SCALE if kind == "latest" else seen
    else:
        seen, known = statistic(kind, here), sf.lit(not feature.in_observation)
    if not feature.in_observation or feature.window is None:
        return seen
    whole = sf.col("_from") <= sf.date_add("_index", feature.window.start)
    return sf.when(known | sf.coalesce(whole, sf.lit(False)), seen)


def statistic(kind: str, here: str) -> Column:
    """The first day, the smallest, largest and mean value, and the slope, from whole sums."""
    if kind == "first":
        return sf.col(f"first{here}")
    if kind in ("min", "max"):
        return sf.col(f"{kind}{here}") / SCALE
    n = sf.col(f"n{here}")
    total = (sf.col(f"high{here}") * sf.lit(float(1 << 20)) + sf.col(f"low{here}")) / SCALE
    if kind == "mean":
        return sf.when(n > 0, total / n)
    x, xx = sf.col(f"x{here}"), sf.col(f"xx{here}")
    product = (sf.col(f"xhigh{here}") * sf.lit(float(1 << 20)) + sf.col(f"xlow{here}")) / SCALE
    spread = n * xx - x * x
    return sf.when(spread > 0, (n * product - x * total) / spread)
