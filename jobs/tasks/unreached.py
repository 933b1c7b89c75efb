"""What of a model's feature table is kept: the rows whose events no change of `fact_person` reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jobs.io.context import Task
from workflows.covariates import Covariate

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from jobs.featurize.refresh import Kept

# Rows that a task holds in memory: of the index, and of the change feed.
MOST = 1_000_000
NO_FEED = ("DELTA_MISSING_CHANGE_DATA", "DELTA_CHANGE_DATA_FEED_INCOMPATIBLE", "FILE_NOT_EXIST")


def kept(
    task: Task, table: str, content: str, inputs: Mapping[str, int], index: DataFrame, some: Sequence[Covariate]
) -> Kept | None:
    """What stays of a feature table, and what is to be made again; None where all of it is, and the log says why.

    Of `inputs` only the events and the encounters may have moved: what encounters say is looked up anew anyway, and a
    row of the index that they moved is made again.
    """
    from pyspark.errors import PySparkException

    from jobs.featurize import refresh
    from jobs.featurize.entries import KEY

    if not some or not task.tables.exists(table):
        return None
    version, said = task.tables.commits.latest(table)
    if why := other(said, content, inputs):
        task.log(f"{table} is made anew: {why}")
        return None
    events = next(name for name in inputs if name.endswith(".fact_person"))
    before, now = said["inputs"][events], inputs[events]
    commits = task.tables.commits
    changed = commits.merged(events, before + 1, now)
    if changed is not None and commits.another(events, before, commits.moment(table, version)):
        changed = None
    if changed is None or changed > MOST:
        why = "is not only changed" if changed is None else f"has more than {MOST:,} changes"
        task.log(f"{table} is made anew: {events} {why} since version {before}")
        return None
    previous = task.tables.read(table, version)
    try:
        feed = task.tables.changes(events, before + 1, now)
        anew = task.tables.at_hand(refresh.again(index, previous, feed, some, key=KEY), MOST)
    except PySparkException as error:
        if not any(word in str(error) for word in NO_FEED):
            raise
        task.log(f"{table} is made anew: {events} has no change feed since version {before}")
        return None
    if anew is None:
        task.log(f"{table} is made anew: more than {MOST:,} of its rows may see a changed fact")
        return None
    task.log(f"{table} keeps the rows that no change of {events} since version {before} can reach")
    return refresh.Kept(previous=previous, anew=anew)


def other(said: Mapping[str, object], content: str, inputs: Mapping[str, int]) -> str | None:
    """Why a version that says this of itself cannot be gone on from; None where it can."""
    read = said.get("inputs")
    if said.get("content") != content or not isinstance(read, Mapping):
        return "its definition, its codes or the code that reads them is another, or somebody changed its rows"
    moved = {name.partition(".")[2]: (read.get(name), version) for name, version in inputs.items()}
    before, now = moved.pop("fact_person")
    moved.pop("fact_encounter_index")
    if before is None or now <= before:
        return "fact_person has no newer version than it was made from"
    others = sorted(name for name, (then, version) in moved.items() if then != version)
    return f"{', '.join(others)} changed" if others else None
