"""Which concept sets an event belongs to, by one look-up of its code, as bits of whole numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from jobs.featurize.lookup import Lookup, lookup

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from workflows.covariates import CodeRow


def belonging(events: DataFrame, codes: Iterable[CodeRow], sets: Sequence[tuple[str, str]]) -> DataFrame:
    """The events of any of the sets, with a bit for each set in `_set<word>`.

    events: vocabulary_id, concept_code, `_start` (the day) and what else there is. codes: those of the sets, and of
    which days. sets: (collection, concept_set_name), in the order of their bits. A code stands for itself and for what
    is below it.
    """
    table = lookup(codes, sets)
    # Never null, so that Spark has nothing to ask about it before the join.
    before = sf.coalesce(sf.substring_index("concept_code", ".", 1), sf.lit(""))
    keyed = events.withColumn("_before", before)
    met = keyed.join(sf.broadcast(frame(table, events)), ["vocabulary_id", "_before"])
    if table.lengths:
        # Once for all words, which all ask for them.
        dot = sf.instr("concept_code", ".")
        rest = sf.when(dot > 0, sf.substring("concept_code", dot + 1, sf.lit(99))).otherwise("")
        met = met.select("*", rest.alias("_rest"), (stretch(table.starts) * table.words).alias("_place"))
    bits = {f"_set{word}": bits_of(table, word) for word in range(table.words)}
    found = met.select(*events.columns, *(column.alias(name) for name, column in bits.items()))
    # Where no code says more than what stands before its dot, all that was met belongs.
    return found.where(reduce(lambda a, b: a | b, (sf.col(name) != 0 for name in bits))) if table.lengths else found


def frame(table: Lookup, beside: DataFrame) -> DataFrame:
    """The look-up table in the session of `beside`."""
    whole = ", ".join(f"_whole{word} long" for word in range(table.words))
    rows = [(*key, *row.whole, row.more or None) for key, row in table.rows.items()]
    schema = f"vocabulary_id string, _before string, {whole}, _more map<string, array<long>>"
    return beside.sparkSession.createDataFrame(rows, schema)


def bits_of(table: Lookup, word: int) -> Column:
    """The bits of one word: of all that begins as the event does, and of each length of what follows the dot."""
    whole = sf.col(f"_whole{word}")
    if not table.lengths:
        return whole
    begun = [sf.substring("_rest", 1, length) for length in table.lengths]
    more = [sf.get(sf.element_at("_more", one), sf.col("_place") + word) for one in begun]
    either = reduce(lambda bits, one: bits.bitwiseOR(sf.coalesce(one, sf.lit(0))), more, whole)
    return sf.when(sf.col("_more").isNull(), whole).otherwise(either)


def stretch(starts: Sequence[date]) -> Column:
    """The number of the stretch of days that the event's day lies in (`lookup.stretches`)."""
    # One flat CASE: a sum of many would nest as deep as there are days, deeper than a plan can be sent.
    number = sf.when(sf.lit(False), sf.lit(0))
    for place, day in reversed(list(enumerate(starts, 2))):
        number = number.when(sf.col("_start") >= sf.lit(day), sf.lit(place))
    return number.when(sf.col("_start").isNotNull(), sf.lit(1)).otherwise(sf.lit(0))
