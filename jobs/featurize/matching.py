"""Which concept sets an event belongs to, by one look-up of its code, as bits of whole numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from jobs.featurize.lookup import Lookup, lookup
from workflows.covariates import BITS
from workflows.expressions import BLANKS

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from workflows.covariates import CodeRow

# Collection, concept set, and the units of the values that count; none where every event does.
Counted = tuple[str, str, tuple[str, ...]]


def counting(events: DataFrame, codes: Iterable[CodeRow], some: Sequence[Counted]) -> DataFrame:
    """The events that count for any of `some`, with a bit for each in `_set<word>`.

    events: as in `belonging`, and `_unit` as `spelled_unit` makes it where any of them names a unit.
    """
    met = belonging(events, codes, [(collection, name) for collection, name, _ in some])
    if not any(units for *_, units in some):
        return met
    bits = {name: sf.col(name).bitwiseAND(of_unit(some, int(name[4:]))) for name in met.columns if name[:4] == "_set"}
    return met.withColumns(bits).where(reduce(lambda a, b: a | b, (sf.col(name) != 0 for name in bits))).drop("_unit")


def of_unit(some: Sequence[Counted], word: int) -> Column:
    """The bits of a word for which an event of a unit can count: those of this unit, and of none."""
    here = [(1 << place, units) for place, (*_, units) in enumerate(some[word * BITS : (word + 1) * BITS])]
    always = sum(bit for bit, units in here if not units)
    # A unit that is not known is none of those that are named.
    bits = sf.when(sf.lit(False), sf.lit(0))
    for unit in sorted({unit for _, units in here for unit in units}):
        bits = bits.when(sf.col("_unit") == unit, sf.lit(always | sum(bit for bit, units in here if unit in units)))
    return bits.otherwise(sf.lit(always)).cast("bigint")


def spelled_unit() -> Column:
    """The unit of a fact, as units are compared (`workflows.values.unit_spelled`)."""
    return sf.lower(sf.btrim("unit_source_value", sf.lit(BLANKS)))


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
