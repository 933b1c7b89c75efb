"""The tables of facts under the names that the programme's notebooks of earlier years gave the same columns.

In a notebook:

    older_names("premier", "2025")
    spark.sql("SELECT person_id, visit_start_date, code FROM premier_fact_person_2025")

The views are the session's own: nothing is stored, and a view shows what its reader may read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs.errors import TaskError
from jobs.featurize.dimension import code_dimension
from jobs.featurize.knowledge import said_now
from jobs.io.session import current
from workflows.sources import named

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ENCOUNTER = {
    "2022": ("episode_number",),
    "2023": ("observation_period_number", "observation_period_id"),
    "2025": ("visit_occurrence_number",),
}
START = {"2022": "episode_datetime", "2023": "observation_datetime", "2025": "visit_start_date"}
CODE = {"2022": "code", "2023": "concept_code", "2025": "code"}
CONCEPT_SET = {"2022": "feature", "2023": "feature_name", "2025": "feature_name"}
ERAS = tuple(START)


def names(table: str, era: str) -> dict[str, tuple[str, ...]]:
    """What an era called columns of `table` that are called otherwise now; each as it is named now, with its names."""
    of: dict[str, dict[str, tuple[str, ...]]] = {
        "fact_person": {
            "visit_occurrence_id": ENCOUNTER[era], "event_start_datetime": (START[era],), "concept_code": (CODE[era],),
            "source_table": ("concept_source",),
        },
        "fact_encounter_index": {
            "visit_occurrence_id": ENCOUNTER[era], "visit_start_datetime": (START[era],),
            "visit_end_datetime": ("visit_end_date",), "sex": ("gender",),
        },
        "concept_sets": {"concept_code": (CODE[era],), "concept_set_name": (CONCEPT_SET[era],)},
    }  # fmt: skip
    return of[table]


def older_names(source: str, era: str, *, spark: Any = None) -> tuple[str, ...]:
    """Make the views `<source>_<table>_<era>` of fact_person, fact_encounter_index and concept_sets; their names.

    Facts are what the source says now, concept sets those of their newest version with every recorded code that belongs
    to them. Columns that had no older name keep theirs; an attribute of encounters is named without `attr_`. Raises
    TaskError for an era that there was not and where a table is not there yet, DeclarationError for an unknown source.
    """
    if era not in ERAS:
        raise TaskError(f"older_names: era = {era!r} is not valid; valid: {', '.join(ERAS)}")
    session, zone = spark or current(), f"{named(source).name}_ra"
    found = []
    for table, full in (
        ("fact_person", f"{zone}.fact_person"),
        ("fact_encounter_index", f"{zone}.fact_encounter_index"),
        ("concept_sets", "ml.concept_sets"),
    ):
        if not session.catalog.tableExists(full):
            raise TaskError(f"older_names: {full} is not there yet; run the featurize jobs of {source} first")
        view, rows = f"{source}_{table}_{era}", current_rows(session.table(full), table)
        if table == "concept_sets":
            # Their queries join codes that are equal; the sets list what a code may be below.
            rows = code_dimension(session.table(f"{zone}.fact_person"), rows)
        renamed(rows, names(table, era)).createOrReplaceTempView(view)
        found.append(view)
    return tuple(found)


def current_rows(frame: DataFrame, table: str) -> DataFrame:
    """What a table says now: older ones kept neither corrected facts nor versions of concept sets."""
    from pyspark.sql import functions as sf

    if table != "concept_sets":
        return said_now(frame)
    of = ["collection", "concept_set_name"]
    return frame.join(frame.groupBy(*of).agg(sf.max("version").alias("version")), [*of, "version"])


def renamed(frame: DataFrame, older: dict[str, tuple[str, ...]]) -> DataFrame:
    """The columns under their older names; an attribute whose plain name is taken keeps its own."""
    from pyspark.sql import functions as sf

    aliases = {name: older.get(name, (name,)) for name in frame.columns}
    taken = {alias for some in aliases.values() for alias in some}
    for name in frame.columns:
        plain = name.removeprefix("attr_")
        if plain != name and plain not in taken:
            aliases[name] = (plain,)
    return frame.select(*(sf.col(name).alias(alias) for name, some in aliases.items() for alias in some))
