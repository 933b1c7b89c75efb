"""Attributes of old encounters that change when newer data arrive: what looks ahead gives itself away so.

The version of the fact table before is the source with its newest rows deleted. What is known at an index date is the
same in both; a count over all time, a rate over all outcomes or a column of a later encounter is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jobs.disclosure import SMALLEST, shown_of
from jobs.errors import TaskError
from jobs.featurize.entries import KEY
from workflows.cohorts import InpatientStays, as_cohort
from workflows.declare import Model
from workflows.features import AtIndex
from workflows.source import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SHARE = 0.01  # of the encounters in both versions: what a source corrects is less


def attributes(model: Model) -> list[str]:
    """The attributes of the index encounter that a model is given."""
    return [feature.attribute for feature in model.features if isinstance(feature, AtIndex)]


def index_column(model: Model, source: Source) -> str | None:
    """The column of the index date of its stays; None where events enter, or the source's time is only an order."""
    entry, stays = as_cohort(model.cohort).entry, source.encounters
    if not isinstance(entry, InpatientStays) or stays.start is None or stays.end is None:
        return None
    return "visit_end_datetime" if entry.index == "discharge" else "visit_start_datetime"


def changed(
    before: DataFrame, after: DataFrame, names: Sequence[str], index: str | None = None
) -> tuple[int, dict[str, int]]:
    """How many encounters two versions share, and in how many of them each attribute differs.

    index: the column of the index date. A stay that had none before is not judged: what it says since came with it.
    """
    from pyspark.sql import functions as sf

    columns = [f"attr_{name}" for name in names if f"attr_{name}" in before.columns and f"attr_{name}" in after.columns]
    judged = before if index is None else before.where(sf.col(index).isNotNull())
    old = judged.select(sf.col(KEY), *(sf.col(name).alias(f"_{name}") for name in columns))
    both = after.select(KEY, *columns).join(old, KEY)
    differ = (sf.count_if(~sf.col(name).eqNullSafe(sf.col(f"_{name}"))).alias(name) for name in columns)
    row = both.agg(sf.count(sf.lit(1)).alias("shared"), *differ).collect()[0]
    return int(row["shared"]), {name.removeprefix("attr_"): int(row[name]) for name in columns}


def refuse(model: str, shared: int, differ: Mapping[str, int]) -> None:
    """Raise TaskError if an attribute changed in more encounters than corrections explain."""
    for name, count in sorted(differ.items(), key=lambda pair: -pair[1]):
        if count >= SMALLEST and count > SHARE * shared:
            raise TaskError(
                f"{model}: features.{name}: restated: its value changed in {shown_of(count, shared)} "
                "encounters that were there before, so that it is not known at the index date; valid: an attribute "
                f"that newer data leave as it is. If the source corrected it, run the job with corrected={name}"
            )
