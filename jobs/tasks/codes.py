"""The codes that a source records, held against the reference data that are loaded; part of the task `check`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from jobs.codes.known import TELLS, Known, known
from jobs.io.context import Task
from workflows.contracts.reference import NAMES
from workflows.source import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from jobs.quality.result import Result


def loaded(task: Task) -> dict[str, int]:
    """The versions of the reference tables that say which codes exist; empty where none is loaded."""
    zones = {NAMES[name].partition(".")[0] for name in TELLS}
    every = {f"{zone}.{table}" for zone in sorted(zones) for table in task.tables.names(zone)}
    there = [NAMES[name] for name in TELLS if NAMES[name] in every]
    return task.tables.inputs(*there) if there else {}


def known_of(task: Task, versions: Mapping[str, int], vocabularies: Iterable[str], codes: Iterable[str]) -> Known:
    """What these reference tables know of the vocabularies in use, and of the codes in use in any other."""
    from pyspark.sql import functions as sf

    tables = {}
    for name in (name for name in TELLS if NAMES[name] in versions):
        frame = task.tables.read(NAMES[name], versions[NAMES[name]])
        if name == "concept":
            used = sf.col("vocabulary_id").isin(*vocabularies) | sf.col("concept_code").isin(*codes)
            frame = frame.where(used).select(
                "vocabulary_id", "concept_code", "concept_class_id", "valid_end_date", "invalid_reason"
            )
        elif name.endswith("_gem"):
            frame = frame.select("source_vocabulary_id", "source_code").distinct()
        tables[name] = frame.toArrow().to_pylist()
    return known(tables)


def of_codes(
    task: Task,
    source: Source,
    readable: Mapping[str, DataFrame],
    all_rows: Mapping[str, int],
    reference: Mapping[str, int],
) -> dict[str, list[Result]]:
    """By table: the checks of its columns of codes. all_rows: of the tables that were checked, how many rows they have.

    Without reference data nothing is asked: every check is not applicable.
    """
    from jobs.quality import codes

    recorded = codes.places(source)
    if not reference:
        return codes.unjudged(dict.fromkeys(recorded, codes.NO_REFERENCE), all_rows)
    missing = {
        place: f"not checked, as {', '.join(gone)} cannot be read"
        for place, kinds in recorded.items()
        if place[0] in readable and (gone := sorted({j.table for j in kinds[0].joins} - readable.keys()))
    }
    made = codes.unjudged(missing, all_rows, state="error")
    rows = codes.rows_of(source, readable)
    if rows is not None:
        found = codes.distinct(rows)
        pairs = {(vocabulary, code) for *_, vocabulary, code in found}
        knows = known_of(task, reference, {one for one, _ in pairs}, {code for _, code in pairs})
        frame = task.spark.createDataFrame(codes.states(sorted(pairs), knows), codes.JUDGED)
        counted = codes.counted(rows, frame)
        for table, some in codes.results(counted, codes.decided(found, counted, knows)).items():
            made.setdefault(table, []).extend(some)
    return made
