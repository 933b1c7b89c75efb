"""The runs of a workspace as trees: tasks, attempts, iterations, and the run that started a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError, NotFound
from databricks.sdk.service import jobs

from operate.connection import told
from operate.errors import OperateError
from operate.states import kind_of, seconds_of, state_of, time_of

# "This value must be greater than 0 and less than 25."
PAGE = 24
SHOWN_FAILURES = 3
GOOD = ("SUCCESS", "EXCLUDED")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One execution of a task, numbered from 1; `run_id` is its own."""

    run_id: int
    attempt: int
    life_cycle: str
    result: str | None
    reason: str
    started: float | None
    ended: float | None


@dataclass(frozen=True, kw_only=True)
class Iterations:
    """How the iterations of a `for_each_task` stand: state -> how many; `failed`: the first few that failed."""

    total: int
    states: dict[str, int]
    failed: tuple[Task, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task of a run, or an iteration of one (`<task>.<number>`, with its `input`), as its last attempt stands.

    outcome: "true" or "false" of a condition. seconds: with all attempts.
    """

    task_key: str
    kind: str
    life_cycle: str
    result: str | None
    reason: str
    started: float | None
    ended: float | None
    seconds: float | None
    outcome: str | None
    attempts: tuple[Attempt, ...]
    iterations: Iterations | None = None
    input: str | None = None


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of a job. started_by: the attempt of another run's `run_job_task` that started it. page: its address."""

    run_id: int
    job_id: int
    job_name: str
    run_as: str
    parameters: dict[str, str]
    trigger: str
    started_by: int | None
    life_cycle: str
    result: str | None
    reason: str
    started: float | None
    ended: float | None
    seconds: float | None
    repairs: int
    page: str
    tasks: tuple[Task, ...]

    @property
    def active(self) -> bool:
        """Whether it is queued or runs."""
        return self.result is None

    def task(self, key: str) -> Task:
        """A task by its key; `OperateError` lists the valid ones."""
        for one in self.tasks:
            if one.task_key == key:
                return one
        valid = ", ".join(one.task_key for one in self.tasks) or "none"
        raise OperateError(f"run {self.run_id} has no task '{key}'; valid: {valid}")


class Runs:
    """Reads the runs that the client's principal may see."""

    def __init__(self, client: WorkspaceClient) -> None:
        self._jobs = client.jobs

    def newest(self, last: int = 0) -> list[Run]:
        """The newest runs that no other run started (0: all) with those that they started, oldest first."""
        found, tops = [], 0
        with told():
            for one in self._jobs.list_runs(expand_tasks=True, limit=PAGE):
                found.append(self._whole(one))
                # Who was started comes later than who started it, so stands before it in this list.
                if one.trigger != jobs.TriggerType.RUN_JOB_TASK:
                    tops += 1
                if tops == last > 0:
                    break
        return found[::-1]

    def run(self, run_id: int) -> Run:
        """One run with its history; `OperateError` names the newest ones when there is none."""
        with told():
            try:
                found = self._jobs.get_run(run_id, include_history=True)
            except NotFound:
                newest = [str(one.run_id) for one, _ in zip(self._jobs.list_runs(limit=PAGE), range(8), strict=False)]
                raise OperateError(f"run {run_id} is unknown; the newest: {', '.join(newest) or 'none'}") from None
            if found.job_run_id not in (None, found.run_id):
                raise OperateError(f"{run_id} is the number of a task's run; valid: {found.job_run_id}, its job's run")
            return self._read(found)

    def active(self) -> list[Run]:
        """What is queued or runs, newest first."""
        with told():
            return [self._read(one) for one in self._jobs.list_runs(active_only=True, limit=PAGE)]

    def last_of(self, job_id: int) -> Run | None:
        """A job's newest run."""
        with told():
            found = next(iter(self._jobs.list_runs(job_id=job_id, expand_tasks=True, limit=1)), None)
            return self._read(found) if found is not None else None

    def iterations(self, task_key: str, run_id: int, inputs: str | None = None) -> list[Task]:
        """The iterations of a `for_each_task`, whose attempt has this run, in the order of its inputs."""
        with told():
            found = self._jobs.get_run(run_id).iterations or []
        by_key = grouped(found)
        # Not proved here: how Azure names the iterations of a for_each task. Why: the documentation does not say; both
        # ways are read, names of their own and one name for all. On Azure: a job of your own
        # with a for_each task (no job here has one), then `mlops runs dev --azure`.
        groups = [[one] for one in found] if len(by_key) == 1 < len(found) else list(by_key.values())
        values = _inputs(inputs)
        named = []
        for number, group in enumerate(groups, 1):
            own = group[0].task_key.startswith(f"{task_key}.")
            key = group[0].task_key if own else f"{task_key}.{number}"
            named.append(replace(task_of(group, key), input=values[number - 1] if number <= len(values) else None))
        return named

    def _whole(self, found: jobs.BaseRun) -> Run:
        """A listed run; one that was repaired or tried again with its history, which a list does not tell."""
        if any(one.attempt_number for one in found.tasks or []):
            return self._read(self._jobs.get_run(found.run_id or 0, include_history=True))
        return self._read(found)

    def _read(self, found: jobs.Run | jobs.BaseRun) -> Run:
        state = state_of(found)
        history = found.repair_history or []
        return Run(
            run_id=found.run_id or 0,
            job_id=found.job_id or 0,
            job_name=found.run_name or "",
            run_as=found.creator_user_name or "",
            parameters={one.name or "": str(one.value or one.default or "") for one in found.job_parameters or []},
            trigger=found.trigger.value if found.trigger else "",
            started_by=found.trigger_info.run_id if found.trigger_info else None,
            life_cycle=state.life_cycle,
            result=state.result,
            reason=state.reason,
            started=time_of(found.start_time),
            ended=time_of(found.end_time),
            seconds=seconds_of(found),
            repairs=sum(one.type == jobs.RepairHistoryItemType.REPAIR for one in history),
            page=found.run_page_url or "",
            tasks=tuple(self._task(key, group) for key, group in grouped(found.tasks or []).items()),
        )

    def _task(self, key: str, group: Sequence[jobs.RunTask]) -> Task:
        task, each = self._explained(task_of(group, key)), group[-1].for_each_task
        return replace(task, iterations=self._counted(key, group[-1], each)) if each is not None else task

    def _explained(self, task: Task) -> Task:
        """A failed task with its reason, which for a wheel's task stands in its output only."""
        # "Refer to the state message or run output".
        if task.result == "FAILED" and (not task.reason or "run output" in task.reason):
            return replace(task, reason=self._error(task.attempts[-1].run_id) or task.reason)
        return task

    def _error(self, run_id: int) -> str:
        try:
            return self._jobs.get_run_output(run_id).error or ""
        except DatabricksError:
            return ""

    def _counted(self, key: str, last: jobs.RunTask, each: jobs.RunForEachTask) -> Iterations:
        stats = each.stats.task_run_stats if each.stats else None
        if stats is None or stats.total_iterations is None:
            every = self.iterations(key, last.run_id or 0, each.inputs)
            names = [one.result or one.life_cycle for one in every]
            states = {name: names.count(name) for name in sorted(set(names))}
            return Iterations(total=len(every), states=states, failed=self._bad(every))
        total, failed = stats.total_iterations, stats.failed_iterations or 0
        active, completed = stats.active_iterations or 0, stats.completed_iterations or 0
        counts = {
            "FAILED": failed,
            "PENDING": total - completed - active,
            "RUNNING": active,
            "SUCCESS": stats.succeeded_iterations or 0,
        }
        every = self.iterations(key, last.run_id or 0, each.inputs) if failed else []
        states = {name: count for name, count in counts.items() if count > 0}
        return Iterations(total=total, states=states, failed=self._bad(every))

    def _bad(self, every: Sequence[Task]) -> tuple[Task, ...]:
        bad = [one for one in every if one.result not in (None, *GOOD)]
        return tuple(self._explained(one) for one in bad[:SHOWN_FAILURES])


def grouped(found: Iterable[jobs.RunTask]) -> dict[str, list[jobs.RunTask]]:
    """Task -> its attempts, oldest first: the API has an entry for each attempt, in no order that it promises."""
    by_key: dict[str, list[jobs.RunTask]] = {}
    for one in found:
        by_key.setdefault(one.task_key, []).append(one)
    for group in by_key.values():
        group.sort(key=lambda one: (one.attempt_number or 0, one.start_time or 0))
    return by_key


def task_of(group: Sequence[jobs.RunTask], key: str) -> Task:
    """A task from its attempts, oldest first."""
    attempts = tuple(_attempt(one, number) for number, one in enumerate(group, 1))
    last, told_last = attempts[-1], group[-1]
    started = next((one.started for one in attempts if one.started is not None), None)
    compared = told_last.condition_task
    reason = last.reason or next((one.reason for one in reversed(attempts) if last.result is None and one.reason), "")
    if compared is not None and compared.outcome and not reason:
        reason = f"'{compared.left}' {compared.op.value} '{compared.right}' is {compared.outcome}"
    return Task(
        task_key=key,
        kind=kind_of(told_last),
        life_cycle=last.life_cycle,
        result=last.result,
        reason=reason,
        started=started,
        ended=last.ended,
        seconds=last.ended - started if last.ended is not None and started is not None else None,
        outcome=compared.outcome if compared is not None else None,
        attempts=attempts,
    )


def _attempt(found: jobs.RunTask, number: int) -> Attempt:
    state = state_of(found)
    return Attempt(
        run_id=found.run_id or 0,
        attempt=number,
        life_cycle=state.life_cycle,
        result=state.result,
        reason=state.reason,
        started=time_of(found.start_time),
        ended=time_of(found.end_time),
    )


def _inputs(text: str | None) -> list[str]:
    """The inputs as JSON each; none where the API tells a reference only."""
    try:
        found: Any = json.loads(text or "")
    except ValueError:
        return []
    return [json.dumps(one) for one in found] if isinstance(found, list) else []
