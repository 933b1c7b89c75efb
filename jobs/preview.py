"""What a declared feature looks like on a stage's facts, before any job runs: `preview(model, "demographics")`.

For a notebook and for `mlops preview`. It reads facts alone, looks at the newest index encounter of each person, so
that counts are of persons, and shows no count of 1 to 10 of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jobs.bins import ALL, MISSING, Numbers, edges, of_levels, of_numbers, published, written
from jobs.disclosure import SMALLEST, few
from jobs.errors import TaskError
from jobs.featurize import engine
from jobs.featurize.cohort import of_model
from jobs.featurize.covariate_values import keys
from jobs.featurize.entries import KEY
from jobs.featurize.features import feature_table
from jobs.featurize.knowledge import FROM, TO, known_at
from jobs.featurize.matching import counting, spelled_unit
from jobs.io.session import current
from jobs.model.matrix import is_category
from jobs.quality import nested
from jobs.quality.kinds import Family, families
from jobs.quality.statistics import ORDER
from workflows.cohorts import used
from workflows.covariates import BITS, CodeRow, Covariate, code_rows, covariates, sets_of
from workflows.declare import Model
from workflows.feature_columns import FLAG, FeatureColumn, columns_of, feature_columns
from workflows.source import Source
from workflows.sources import named
from workflows.values import OfValues

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from jobs.featurize.matching import Counted

YES_NO = {0.0: "no", 1.0: "yes"}
MIDDLE = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Preview:
    """One column. distribution: value, persons, share. codes: vocabulary_id, concept_code, persons of what counted.

    A number of persons that may not be shown is empty, and so is every share made from it.
    """

    column: str
    sentence: str
    distribution: pd.DataFrame
    codes: pd.DataFrame

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        tables = [self.distribution.to_html(index=False, na_rep="not shown")]
        if len(self.codes):
            tables.append(self.codes.to_html(index=False, na_rep="not shown"))
        return f"<h4>{escape(self.column)}</h4><p>{escape(self.sentence)}</p>{''.join(tables)}"


def preview(model: Model, feature: str = "", *, spark: Any = None) -> list[Preview]:
    """A preview of each column of a feature, by the feature's name or a column's; of all features without a name.

    Reads `<source>_ra.fact_*` in the session's catalog. Raises TaskError for a name that the model does not have.
    """
    session = spark or current()
    source = named(model.source)
    sets = sets_of(model.of_events, source.collections)
    some = covariates(model.features, sets)
    chosen = wanted(model, feature, source, sets)
    encounters, events, *observation = (session.table(name) for name in used(source, of_model(model), model.features))
    codes = code_rows(model.of_events, sets)
    table = newest(feature_table(encounters, events, codes, model, source, sets, *observation))
    columns = [name for name in table.columns if name.startswith("f_") and name[2:] in chosen]
    rows: Any = table.select(*columns).toPandas()
    if rows.empty:
        raise TaskError(f"{model.name}: no encounter of {source.name} is of its cohort; run its featurize job first")
    of_events = [one for one in some if one.column in chosen]
    counted = matched(table, events, codes, of_events, len(rows), *observation) if of_events else {}
    declared = {one.name: one for one in feature_columns(model, source, sets)}
    found = []
    kept_back = beside(rows, declared, families(model.features, sets, codes))
    for column in columns:
        one = declared[column.removeprefix("f_")]
        if one.name in kept_back:
            found.append(nothing(one.name, one.meaning))
            continue
        cells, quartiles = distribution(rows[column].map(YES_NO) if one.holds == FLAG else rows[column])
        found.append(shown(one.name, one.meaning, cells, quartiles, counted.get(one.name, {})))
    return found


def beside(rows: pd.DataFrame, declared: Mapping[str, FeatureColumn], related: Sequence[Family]) -> set[str]:
    """The columns to keep back, since they tell beside related ones that are shown with them of 1 to 10 persons."""
    inside = {name for family in related for name in family.columns}
    counts = {}
    for name in (column.removeprefix("f_") for column in rows):
        if name in inside:
            values = rows[f"f_{name}"].astype("float64")
            some, none = int((values.notna() & (values != 0)).sum()), int((values == 0).sum())
            counts[name] = {
                nested.VALUE: some + none, nested.MISSING: int(values.isna().sum()), nested.ONES: some,
                nested.ZERO: none, nested.SUM: round(float(values.sum()), 3),
            }  # fmt: skip
    flags = frozenset(name for name in counts if declared[name].holds == FLAG)
    return nested.hidden_beside(nested.every_kind(related), frozenset(counts), flags, counts)


def nothing(name: str, title: str) -> Preview:
    """A column of which nothing is shown beside the others."""
    told = "kept back: beside related columns it would tell of 1 to 10 persons; preview it by itself"
    return Preview(
        name, f"{title}; {told}.", pd.DataFrame(columns=["value", "persons", "share"]),
        pd.DataFrame(columns=["vocabulary_id", "concept_code", "persons"]),
    )  # fmt: skip


def wanted(model: Model, feature: str, source: Source, sets: Mapping[str, Sequence[str]]) -> set[str]:
    """The columns that a name stands for."""
    columns = {one.name: {column.name for column in columns_of(one, source, sets)} for one in model.features}
    single = {name: {name} for names in columns.values() for name in names}
    if not feature:
        return set(single)
    if feature not in single | columns:
        raise TaskError(
            f"{model.name}: feature = {feature!r} is not valid; valid: {', '.join(sorted({*columns, *single}))}"
        )
    return columns.get(feature) or single[feature]


def newest(table: DataFrame) -> DataFrame:
    """The row of the newest index date of each person, as statistics have it: a stay's order is that of its end."""
    from pyspark.sql import Window
    from pyspark.sql import functions as sf

    order = [sf.desc(name) for name in ORDER if name in table.columns]
    place = sf.row_number().over(Window.partitionBy("person_id").orderBy(*order))
    return table.withColumn("_place", place).where("_place = 1").drop("_place")


def distribution(values: pd.Series) -> tuple[dict[str, int | None], list[float | None]]:
    """The published counts of a column by bin, and its quartiles, each where 11 persons lie beyond it on both sides."""
    there = values.dropna()
    missing = len(values) - len(there)
    if is_category(values):
        levels = there.astype(str).value_counts()
        return published(of_levels({str(level): int(count) for level, count in levels.items()}), missing), []
    numbers = there.astype("float64").to_numpy()
    if not len(numbers):
        return published({}, missing), []
    low, first, middle, third, high = (float(end) for end in np.quantile(numbers, MIDDLE, method="lower"))
    if len(numbers) * MIDDLE[0] < SMALLEST:
        low, high = first, third
    kind = Numbers(low, high, bool((numbers == np.floor(numbers)).all()), bool((numbers < 0).any()))
    cuts = edges(kind)
    held = np.bincount(np.searchsorted(cuts, numbers, side="right"), minlength=len(cuts) + 1)
    some = (first, middle, third) if len(numbers) >= 4 * SMALLEST else ()
    quartiles = [one if inside(numbers, one) else None for one in some]
    return published(of_numbers(cuts, [int(count) for count in held], kind), missing), quartiles


def inside(numbers: np.ndarray, number: float) -> bool:
    """Whether at least 11 persons have less and at least 11 have more."""
    return min((numbers < number).sum(), (numbers > number).sum()) >= SMALLEST


def matched(
    index: DataFrame, events: DataFrame, codes: Iterable[CodeRow], some: Sequence[Covariate], persons: int,
    observation: DataFrame | None = None,
) -> dict[str, dict[tuple[str, str], int | None]]:  # fmt: skip
    """The source codes whose events counted for each column, with their persons as they may be shown."""
    from pyspark.sql import functions as sf

    base = index.select("person_id", KEY, "index_datetime", sf.to_date("index_datetime").alias("_index"))
    if any(one.feature.in_observation for one in some):
        assert observation is not None, "features in observation need the observation periods"
        base = engine.observed(base, observation, KEY)
    sets, begun = keys(some), sf.to_date("event_start_datetime")
    known = [name for name in (FROM, TO) if name in events.columns]
    units = [spelled_unit().alias("_unit")] if any(one.feature.units for one in some) else []
    slim = events.select(
        sf.col("person_id").alias("_person"), sf.col(KEY).alias("_visit"), begun.alias("_start"),
        sf.greatest(sf.to_date("event_end_datetime"), begun).alias("_end"), *known, "vocabulary_id", "concept_code",
        engine.value().isNotNull().alias("_valued"), *units,
    )  # fmt: skip
    of_sets = counting(slim, codes, sets)
    met = of_sets.join(base, of_sets["_person"] == base["person_id"])
    if known:
        met = met.where(known_at(sf.col("index_datetime"), sf.col(FROM), sf.col(TO)))
    met = met.withColumn("_day", sf.datediff("_start", "_index")).withColumn("_last", sf.datediff("_end", "_index"))
    hits = [sf.when(of_set(one, sets) & looked_at(one), sf.lit(one.column)) for one in some]
    by = met.select("person_id", "vocabulary_id", "concept_code", sf.explode(sf.array(*hits)).alias("column"))
    grouped = [[sf.col("column")], [sf.col("column"), sf.col("vocabulary_id"), sf.col("concept_code")]]
    # In all of a column and by code, at once.
    of = by.where(sf.col("column").isNotNull()).groupingSets(grouped, "column", "vocabulary_id", "concept_code")
    both = of.agg(sf.count_distinct("person_id").alias("persons")).collect()
    found: dict[str, dict[tuple[str, str], int | None]] = {}
    every = {row["column"]: row["persons"] for row in both if row["vocabulary_id"] is None}
    for column in every:
        counts = {
            (row["vocabulary_id"], row["concept_code"]): int(row["persons"])
            for row in both
            if row["column"] == column and row["vocabulary_id"] is not None
        }
        found[column] = safe(counts, every[column], persons)
    return found


def of_set(one: Covariate, sets: Sequence[Counted]) -> Column:
    """Whether an event is of a covariate's concept set, and of its unit."""
    from pyspark.sql import functions as sf

    word, bit = divmod(sets.index(one.counted), BITS)
    return sf.col(f"_set{word}").bitwiseAND(sf.lit(1 << bit)) != 0


def looked_at(one: Covariate) -> Column:
    """Whether an event lies where a covariate looks, by its rule, and has a value where it is of values."""
    from pyspark.sql import functions as sf

    feature, window = one.feature, one.feature.window
    if window is None:
        return sf.col("_visit") == sf.col(KEY)
    last = sf.col("_last" if feature.rule == "overlap" else "_day")
    inside = (sf.col("_day") <= window.end) & (last >= window.start)
    if isinstance(feature, OfValues):
        inside &= sf.col("_valued")
    return inside & sf.col("_start").between(sf.col("_from"), sf.col("_to")) if feature.in_observation else inside


def safe(codes: Mapping[tuple[str, str], int], any_of_them: int, persons: int) -> dict[tuple[str, str], int | None]:
    """Persons by code as they may be shown: neither they are few, nor those who have another code only, nor those of
    all persons who do not have it."""
    return {code: None if few(count, any_of_them - count, persons - count) else count for code, count in codes.items()}


def short(number: float) -> str:
    """A whole number with all its digits, another with six."""
    return written(number) if number.is_integer() else f"{number:g}"


def shown(
    name: str, title: str, cells: Mapping[str, int | None], quartiles: Sequence[float | None],
    codes: Mapping[tuple[str, str], int | None],
) -> Preview:  # fmt: skip
    """A column's figures as tables and one sentence."""
    persons = cells[ALL]
    values = [(value, count) for value, count in cells.items() if value != ALL]
    shares = [count / persons if persons and count is not None else None for _, count in values]
    distribution = pd.DataFrame({
        "value": [value for value, _ in values],
        "persons": pd.array([count for _, count in values], dtype="Int64"),
        "share": pd.array(shares, dtype="Float64"),
    })  # fmt: skip
    listed = sorted(codes.items(), key=lambda pair: (-(pair[1] or 0), pair[0]))
    table = pd.DataFrame({
        "vocabulary_id": [pair[0] for pair, _ in listed],
        "concept_code": [pair[1] for pair, _ in listed],
        "persons": pd.array([count for _, count in listed], dtype="Int64"),
    })  # fmt: skip
    told = [title]
    told.append("few persons" if persons is None else f"{persons:,} persons, each at the newest index date")
    none = cells[MISSING]
    if none != 0:
        without = "a few or few less than all" if none is None or not persons else f"{none / persons:.0%}"
        told.append(f"{without} without a value")
    first, middle, third = quartiles or (None, None, None)
    lies = [] if middle is None else [f"median {short(middle)}"]
    if first is not None and third is not None:
        lies.append(f"middle half {short(first)} to {short(third)}")
    if lies:
        told.append(", ".join(lies))
    if (yes := cells.get("yes")) and persons:
        told.append(f"yes for {yes / persons:.0%}")
    return Preview(name, "; ".join(told) + ".", distribution, table)
