"""Reads one sandbox workspace as the report sees it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from report.stores import Run, Stage, Tables, TaskRun
from sandbox.runs import Runs
from sandbox.workspace import Workspace

__all__ = ["Workspace", "read_stage"]


def read_stage(name: str, workspace: Workspace, stack: Path | None) -> Stage:
    """A stage from its workspace and its synthesized `cdk.tf.json`; each may not be there yet."""
    synthesized = json.loads(stack.read_text(encoding="utf-8")) if stack is not None and stack.exists() else {}
    deployed = Counter(one.type for one in workspace.store.list()) if workspace.exists else None
    return Stage(name, Tables(workspace.warehouse), tuple(_runs(Runs(workspace))), deployed, synthesized)


def _runs(kept: Runs) -> Iterator[Run]:
    """Every run that a workspace keeps, oldest first, with the last attempt's result of each task."""
    for run in kept.all():
        tasks = tuple(
            TaskRun(
                key=task.task_key,
                state=task.result or task.life_cycle,
                started=task.started,
                ended=task.ended,
                attempts=max(1, len(task.attempts)),
                reason=task.reason,
                outcome=task.outcome or "",
                values={name: str(value) for name, value in task.values.items()},
            )
            for task in kept.tasks(run.run_id)
        )
        yield Run(
            run_id=str(run.run_id),
            job=run.job_name,
            state=run.result or run.life_cycle,
            started=run.started,
            ended=run.ended,
            reason=run.reason,
            tasks=tasks,
            parameters=run.parameters,
            started_by="" if run.parent_run_id is None else str(run.parent_run_id),
        )
