"""withdraw: a person's rows leave every zone, a tombstone keeps them out, and the models that saw them are named.

The keys come in a file on a volume that only the data managers and this job can read, never as a parameter: who may
see a job may see its parameters. The log tells which tables were looked through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jobs.errors import TaskError
from jobs.featurize.withdrawal import PERSON, TOMBSTONES, digest_sql, key_sql, parsed, person_sql, visit_sql
from jobs.io.context import Task, contents, run
from jobs.model.names import FEATURES
from jobs.model.side import TRAIN
from workflows.source import Source
from workflows.sources import named

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

RECORD = "withdrawal"
# Whether a version saw a withdrawn person, the worst last.
SAW = ("no", "unknown", "yes")
TOMBSTONE_SCHEMA = "key string"
RECORD_SCHEMA = "job_run_id string, request string, model string, model_version long, saw string"


def withdraw() -> None:
    """Entry point."""
    run(_withdraw)


def _withdraw(task: Task) -> None:
    source, request = named(task.declaration.source), task.parameter("request")
    path = f"/Volumes/{task.catalog}/ml/landing/withdrawals/{request}"
    if not request or "/" in request:
        raise TaskError(f"withdraw: request = {request!r} is not valid; valid: a file in {path.rpartition('/')[0]}")
    keys = parsed(contents(task.surroundings, path).decode("utf-8-sig"))
    if not keys:
        raise TaskError(f"withdraw: {path} names nobody; valid: one person's key a line")
    persons = named_in(task, source, keys, path)
    # First the tombstone: whatever ends this job, nothing brings the person back.
    tombstone(task, source, persons)
    zones = zones_of(task, source)
    models = [zone for zone in zones if zone not in (source.name, f"{source.name}_ra", f"{source.name}_exploratory")]
    seen = trained_on(task, models, persons)
    rows = [(task.job_run_id, request, model, version, saw) for model, version, saw in seen]
    if rows:
        frame = task.spark.createDataFrame(rows, RECORD_SCHEMA)
        # A task that is tried again says the same once.
        task.tables.merge(f"{source.name}_ra.{RECORD}", frame, ["job_run_id", "request", "model", "model_version"])
    for model, version, saw in seen:
        if saw != "no":
            task.log(f"model {model} version {version} was trained on data of a withdrawn person: {saw}")
    remove(task, source, zones, persons)
    task.log("older versions of the tables keep the rows until VACUUM removes their files; see docs/adr")


def named_in(task: Task, source: Source, keys: Sequence[str], path: str) -> DataFrame:
    """Whom a request names, in the column `key`: by the number that facts name persons by or, where that is made of the
    source's own text, by either; raises TaskError where a line can be nobody's."""
    given = task.spark.createDataFrame([(key,) for key in keys], TOMBSTONE_SCHEMA)
    persons = given.selectExpr(f"{key_sql('key')} AS key")
    if (own := source.persons.source_value) is not None:
        made = given.withColumnRenamed("key", own).selectExpr(f"{key_sql(source.persons.person_id)} AS key")
        return persons.union(made).distinct()
    if not given.where("try_cast(key AS bigint) IS NULL").isEmpty():
        raise TaskError(f"withdraw: {path} has a line that is not valid; valid: a whole number, the person_id of facts")
    return persons


def tombstone(task: Task, source: Source, persons: DataFrame) -> None:
    """Remember the withdrawn by their digests, each once."""
    marks = persons.selectExpr(f"{digest_sql(source.name, 'key')} AS person_digest").distinct()
    task.tables.merge(f"{source.name}_ra.{TOMBSTONES}", marks, ["person_digest"])


def zones_of(task: Task, source: Source) -> list[str]:
    """The zones that hold persons of a source: its own, and those of the models that have a feature table of it."""
    own = [source.name, f"{source.name}_ra", f"{source.name}_exploratory"]
    there = [zone for zone in own if zone in task.tables.schemas()]
    models = [
        name.removeprefix(FEATURES) for name in task.tables.names(f"{source.name}_ra") if name.startswith(FEATURES)
    ]
    return [*there, *(model for model in models if model in task.tables.schemas())]


def trained_on(task: Task, models: Sequence[str], persons: DataFrame) -> list[tuple[str, int, str]]:
    """(model, version, yes, no or unknown) of every registered version, by the dataset version it was trained on.

    A model that was destroyed and declared again has versions of one number twice: what is said of any of them counts.
    """
    import json

    from pyspark.errors import PySparkException

    if not models or not task.tables.exists("ml.lineage"):
        return []
    found: dict[tuple[str, int], str] = {}
    wanted = {f"{task.catalog}.{model}.{model}": model for model in models}
    for row in task.tables.read("ml.lineage").select("object", "version", "inputs").collect():
        if row["object"] not in wanted:
            continue
        key = wanted[row["object"]], int(row["version"])
        for table, version in json.loads(row["inputs"] or "{}").items():
            try:
                trained = task.tables.read(table, int(version)).where(f"side = '{TRAIN}'")
                saw = not trained.selectExpr(f"{key_sql(PERSON)} AS key").join(persons, "key").isEmpty()
            except PySparkException:
                # That version's files are gone: what was trained on it cannot be told any more.
                said = "unknown"
            else:
                said = "yes" if saw else "no"
            found[key] = max(found.get(key, said), said, key=SAW.index)
    return [(*key, said) for key, said in sorted(found.items())]


def remove(task: Task, source: Source, zones: Sequence[str], persons: DataFrame) -> None:
    """Take the rows out of every table of the zones; those that name an encounter alone go by the person's."""
    stays = source.encounters
    telling = (
        (f"{source.name}.{stays.table}", stays.person_id, stays.visit_occurrence_id),
        (f"{source.name}_ra.fact_encounter_index", PERSON, "visit_occurrence_id"),
    )
    visits = [
        row["key"]
        for table, person, visit in telling
        if task.tables.exists(table)
        for row in task.tables.read(table)
        .selectExpr(f"{key_sql(visit)} AS key", f"{key_sql(person)} AS _person")
        .join(persons.withColumnRenamed("key", "_person"), "_person")
        .select("key").distinct().collect()
    ]  # fmt: skip
    of_visits = task.spark.createDataFrame([(one,) for one in sorted(set(visits))], TOMBSTONE_SCHEMA)
    untold = []
    there = [f"{zone}.{name}" for zone in zones for name in task.tables.names(zone)]
    # What tells whose an encounter is comes last: a task that ends before then finds the others' rows again.
    last = [table for table, _, _ in telling]
    for table in sorted(there, key=lambda one: (one in last, one)):
        columns = task.tables.read(table).columns
        person, visit = (of(source, table, columns) for of in (person_sql, visit_sql))
        if person is not None:
            if table == f"{source.name}_ra.fact_person" and {"fact_id", "known_to"} <= set(columns):
                closed = "CASE WHEN known_to IS NOT NULL THEN fact_id END"
                task.tables.remove(table, of_another(task, table, persons), closed)
            task.tables.remove(table, persons, key_sql(person))
            if visit is not None:
                task.tables.remove(table, of_visits, f"CASE WHEN {person} IS NULL THEN {key_sql(visit)} END")
        elif visit is not None:
            task.tables.remove(table, of_visits, key_sql(visit))
        else:
            untold += [table] if table.partition(".")[2] not in (TOMBSTONES, RECORD) else []
            continue
        # Neither how many rows nor whether there were any: a request often names one person.
        task.log(f"{table}: looked through")
    if untold:
        task.log(f"no column of these tells whose a row is: {', '.join(untold)}")


def of_another(task: Task, table: str, persons: DataFrame) -> DataFrame:
    """The facts that are of the withdrawn now and were another person's before, as a history has them still (`key`)."""
    from pyspark.sql import functions as sf

    whose = task.tables.read(table).select("fact_id", "known_to", sf.expr(key_sql(PERSON)).alias("key"))
    theirs = whose.where("known_to IS NULL").join(persons, "key").select("fact_id").distinct()
    before = whose.where("known_to IS NOT NULL").join(persons, "key", "left_anti")
    rows = before.join(theirs, "fact_id").select("fact_id").distinct().collect()
    return task.spark.createDataFrame([(row["fact_id"],) for row in rows], "key long")
