"""Which concept sets an event belongs to, by one look-up of its code, as bits of whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from workflows.covariates import BITS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

DAYS = ("valid_start_date", "valid_end_date")


def belonging(events: DataFrame, concepts: DataFrame, sets: Sequence[tuple[str, str]]) -> DataFrame:
    """The events of any of the sets, with a bit for each set in `_set<word>`.

    events: vocabulary_id, concept_code, `_start` (the day) and what else there is. concepts: `CODE_SCHEMA`. sets:
    (collection, concept_set_name), in the order of their bits. A code stands for itself and for what is below it.
    """
    words = range((len(sets) + BITS - 1) // BITS)
    bits = {f"_set{word}": sf.bit_or(bit_of(sets, word)) for word in words}
    table = sf.broadcast(looked_up(concepts, bits))
    code, dot = sf.col("concept_code"), sf.instr("concept_code", ".")
    keyed = events.select(
        "*",
        sf.substring_index(code, ".", 1).alias("_before"),
        sf.when(dot > 0, sf.substring(code, dot + 1, sf.lit(99))).alias("_rest"),
    )
    merged = [sf.coalesce(sf.col(name), sf.lit(0)).bitwiseOR(below(name)).alias(name) for name in bits]
    found = keyed.join(table, ["vocabulary_id", "_before"]).select(*events.columns, *merged)
    return found.where(reduce(lambda a, b: a | b, (sf.col(name) != 0 for name in bits)))


def looked_up(concepts: DataFrame, bits: dict[str, Column]) -> DataFrame:
    """One row a code's part before its dot: the bits of all that begins so, and a list of what says more."""
    dot = sf.instr("code", ".")
    after = sf.when(dot > 0, sf.substring("code", dot + 1, sf.lit(99))).otherwise("")
    keyed = concepts.select("*", sf.substring_index("code", ".", 1).alias("_before"), after.alias("_after"))
    codes = keyed.groupBy("vocabulary_id", "_before", "_after", *DAYS).agg(
        *(bit.alias(name) for name, bit in bits.items())
    )
    codes = codes.where(reduce(lambda a, b: a | b, (sf.col(name) != 0 for name in bits)))
    plain = (sf.col("_after") == "") & sf.coalesce(*DAYS).isNull()
    whole = [sf.bit_or(sf.when(plain, sf.col(name))).alias(name) for name in bits]
    deeper = sf.collect_list(sf.when(~plain, sf.struct("_after", *DAYS, *bits))).alias("_deeper")
    return codes.groupBy("vocabulary_id", "_before").agg(*whole, deeper)


def below(name: str) -> Column:
    """The bits of the sets' codes that reach beyond the dot, or are of some days only, and that an event belongs to."""

    def gathered(bits: Column, one: Column) -> Column:
        first, last = (one[day] for day in DAYS)
        begins = sf.coalesce("_rest", sf.lit("")).startswith(one["_after"])
        on_day = (first.isNull() | (sf.col("_start") >= first)) & (last.isNull() | (sf.col("_start") <= last))
        return sf.when(begins & on_day, bits.bitwiseOR(one[name])).otherwise(bits)

    none = sf.lit(0).cast("bigint")
    # Few categories are divided: those that are not skip what Spark does not compile.
    return sf.when(sf.size("_deeper") > 0, sf.aggregate("_deeper", none, gathered)).otherwise(none)


def bit_of(sets: Sequence[tuple[str, str]], word: int) -> Column:
    """The bit of a concept's set in one word, 0 where it is not in use."""
    # One flat CASE: a sum of many would nest as deep as there are sets, deeper than a plan can be sent.
    column = sf.when(sf.lit(False), sf.lit(0).cast("bigint"))
    for bit, (collection, name) in enumerate(sets[word * BITS : (word + 1) * BITS]):
        here = (sf.col("collection") == collection) & (sf.col("concept_set_name") == name)
        column = column.when(here, sf.lit(1 << bit).cast("bigint"))
    return column.otherwise(sf.lit(0).cast("bigint"))
