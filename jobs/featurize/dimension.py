"""Codes as a dimension of the facts: each recorded code with the sets that it belongs to, joined by equality."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def code_dimension(facts: DataFrame, sets: DataFrame) -> DataFrame:
    """The sets with every recorded code that belongs to them beside the listed ones, each once for each span of days.

    facts: vocabulary_id, concept_code. sets: as in `ml.concept_sets`, of whose columns none is lost. A code stands for
    itself and for what is below it, as in features (`jobs.featurize.matching`).
    """
    from pyspark.sql import functions as sf

    before = sf.substring_index("concept_code", ".", 1).alias("_before")
    recorded = facts.select("vocabulary_id", "concept_code", before).distinct()
    listed = sets.select("*", before).withColumnRenamed("concept_code", "_listed")
    below = (sf.instr("_listed", ".") == 0) | sf.col("concept_code").startswith(sf.col("_listed"))
    met = listed.join(recorded, ["vocabulary_id", "_before"]).where(below)
    return sets.unionByName(met.select(sets.columns)).distinct()
