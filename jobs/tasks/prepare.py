"""prepare: the side of every person, and the dataset table that tuning, training and evaluation share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.disclosure import shown
from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.model.names import Names, declared_model
from jobs.model.side import TEST, TRAIN, Size, check_kept, check_salts, salt_of, side_sql, told
from jobs.quality.cohort import counted
from jobs.tasks.withdrawn import leave_out

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Under this a commit of the dataset keeps what its task said of each side.
TOLD = "told"


def placed(task: Task, persons: DataFrame, table: str, test_share: float, inputs: dict[str, int]) -> int:
    """Give every new person a side, after checking that no known person would change theirs; the table's version."""
    from pyspark.sql import functions as F

    known = task.tables.exists(table)
    if known:
        moved = F.sum(F.expr(f"CASE WHEN side <> {side_sql('person_id', 'salt', test_share)} THEN 1 ELSE 0 END"))
        twice = F.count("*") - F.count_distinct("person_id")
        found = task.tables.read(table).agg(
            F.collect_set("salt").alias("salts"), moved.alias("moved"), twice.alias("twice")
        )
        row = found.collect()[0]
        salt = check_salts(list(row["salts"]), table)
        check_kept(int(row["moved"]), int(row["twice"]), table, test_share)
        persons = persons.join(task.tables.read(table), "person_id", "left_anti")
    else:
        salt = salt_of(task.declaration.name)
    new = persons.select(
        "person_id", F.expr(side_sql("person_id", f"'{salt}'", test_share)).alias("side"), F.lit(salt).alias("salt")
    )
    if known and new.isEmpty():
        task.log(f"{table}: no new person")
        return task.tables.inputs(table)[table]
    return task.tables.merge(table, new, ["person_id"], inputs)


def check(features: DataFrame, table: str) -> dict[str, Size]:
    """What each side holds; raises TaskError unless both sides have known outcomes and share no person."""
    from pyspark.sql import functions as F

    by_person = features.groupBy("person_id").agg(
        F.count_distinct("side").alias("sides"), F.min("side").alias("side"), F.count("*").alias("all"),
        F.count_if("outcome_known").alias("rows"), F.count_if(F.expr("outcome_known AND outcome = 1")).alias("events"),
    )  # fmt: skip
    found = by_person.groupBy("side").agg(
        F.sum("rows").alias("encounters"), F.count_if(F.expr("rows > 0")).alias("persons"),
        F.sum("events").alias("events"), F.sum(F.expr("all - rows")).alias("waiting"),
        F.count_if(F.expr("rows = 0")).alias("never"), F.count_if(F.expr("sides > 1")).alias("both"),
    )  # fmt: skip
    sides = {row["side"]: row for row in found.collect()}
    both = sum(int(row["both"]) for row in sides.values())
    if both:
        raise TaskError(f"{table}: {shown(both)} persons are on both sides; nothing was written")
    empty = [side for side in (TRAIN, TEST) if side not in sides or not sides[side]["encounters"]]
    if empty:
        raise TaskError(f"{table}: no encounter with a known outcome on side {', '.join(empty)}; valid: rows on both")
    names = ("encounters", "persons", "events", "waiting", "never")
    return {side: Size(**{name: int(row[name]) for name in names}) for side, row in sides.items()}


def _prepare(task: Task) -> None:
    model = declared_model(task.declaration)
    names = Names.of(model)
    side, table = names.table("side"), names.table("dataset")
    inputs = task.tables.inputs(names.features)
    features = task.tables.read(names.features, inputs[names.features])
    inputs[side] = placed(task, features.select("person_id").distinct(), side, model.test_share, dict(inputs))
    sides = task.tables.read(side, inputs[side]).select("person_id", "side")
    everyone = features.join(sides, "person_id")
    before, cohort = task.tables.commits.every(table, TOLD), counted(task, names.table("attrition"))
    sizes = sorted(told(check(everyone, table), before, cohort=cohort).items())
    for name, size in sizes:
        said = "few, few more or less than before, or few on the other side or without an outcome yet"
        if size is not None:
            persons = "" if size.persons is None else f" of {size.persons:,} persons"
            said = f"{size.encounters:,} encounters{persons}, {size.events:,} events"
        task.log(f"{name}: {said}")
    note = {TOLD: {name: size.counts for name, size in sizes if size is not None}}
    version = task.tables.replace(table, everyone.where("outcome_known"), inputs, note)
    leave_out(task, model.source, side)
    version = leave_out(task, model.source, table) or version
    task.log(f"{table} version {version} from {names.features} version {inputs[names.features]}")
    task.values.set("dataset_version", str(version))


def prepare() -> None:
    """Entry point."""
    run(_prepare)
