"""What was said so far of the encounters of a champion, so that a task's counts do not tell of few beside it."""

from __future__ import annotations

from jobs.io.context import Task
from jobs.model.monitoring import counted
from jobs.model.names import Names
from jobs.model.scoring import APART, SCORED
from jobs.model.side import TEST, TRAIN
from jobs.tasks.prepare import TOLD


def unsaid(task: Task, names: Names) -> set[str]:
    """The sides whose size the newest `prepare` kept back."""
    newest: list[dict[str, dict[str, int]]] = task.tables.commits.every(names.table("dataset"), TOLD)[:1]
    return {TRAIN, TEST}.difference(*newest)


def said(task: Task, names: Names, version: int) -> list[dict[str, int]]:
    """The counts that were said: by each `prepare`, by each `score` and each `observe` of a model version.

    What is known and was never scored by the version is compared with all that is known to `prepare`: before the first
    scoring the two are one.
    """
    found = []
    for sides in task.tables.commits.every(names.table("dataset"), TOLD):
        if {TRAIN, TEST} <= set(sides):
            whole = {kind: sides[TRAIN][kind] + sides[TEST][kind] for kind in ("encounters", "events", "others")}
            found.append({APART if kind == "encounters" else f"{APART} {kind}": n for kind, n in whole.items()})
    notes = [note for note in task.tables.commits.every(names.table("predictions"), TOLD) if note["version"] == version]
    # Where the first scoring said nothing, monitoring may tell of the same encounters.
    found += [
        {name: note[name] for name in (SCORED, APART) if name in note}
        for note in notes
        if SCORED in note or note is notes[-1]
    ]
    if task.tables.exists(names.table("monitoring")):
        columns = ("job_run_id", "block", "measure", "encounters", "events")
        seen = task.tables.read(names.table("monitoring")).where(f"model_version = {version}").select(*columns)
        runs: dict[str, list[dict[str, object]]] = {}
        for row in seen.distinct().collect():
            runs.setdefault(row["job_run_id"], []).append(row.asDict())
        found += [counted(rows) for rows in runs.values()]
    return found
