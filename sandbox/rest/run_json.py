"""Runs, their tasks and attempts as the API tells them.

The sandbox numbers runs and tasks apart, and counts the attempts of a task; the API has one number for everything, and
another one for each attempt: here that of a task's attempt is 10^9 and more.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.rest.asking import Ask, Object, invalid, missing
from sandbox.rest.jobs import TYPE, settings
from sandbox.runs import Attempt, Run, Runs, TaskRun

TASKS_FROM = 1_000_000_000
# More attempts than any task can have in a lifetime of repairs.
ATTEMPTS = 10_000
# "Large arrays in the results will be paginated when they exceed 100 elements."
PAGE = 100


def task_number(task: TaskRun, attempt: int) -> int:
    """The API's number of a task's attempt, numbered from 1."""
    return TASKS_FROM + task.task_run_id * ATTEMPTS + attempt


def task_of(runs: Runs, number: int) -> tuple[TaskRun, int]:
    """The task that the API's number names, and which attempt; RESOURCE_DOES_NOT_EXIST otherwise."""
    task_run_id, attempt = divmod(number - TASKS_FROM, ATTEMPTS)
    task = runs.task_run(task_run_id)
    if task is None or not 1 <= attempt <= len(tries(task)):
        raise missing("Run", number)
    return task, attempt


def tries(task: TaskRun) -> list[Attempt]:
    """A task's attempts, with the one that it waits for, or would have been, as the last.

    A task that ends without having begun (again) has an entry for that too, as in the API.
    """
    done = list(task.attempts)
    begun = bool(done) and task.started is not None and done[-1].started >= task.started
    if begun and task.ended is not None:
        done[-1] = replace(done[-1], life_cycle=task.life_cycle, result=task.result, reason=task.reason)
    elif not begun or task.life_cycle in ("PENDING", "WAITING_FOR_RETRY"):
        at = task.ended or 0.0
        done.append(Attempt(len(done) + 1, task.life_cycle, task.result, task.reason, at, task.ended, 0))
    return done


@dataclass
class Telling:
    """Tells runs in one answer."""

    ask: Ask
    _defined: dict[str, dict[str, Object]] = field(default_factory=dict)

    @property
    def runs(self) -> Runs:
        """The workspace's runs."""
        return Runs(self.ask.workspace)

    def run(self, run: Run) -> Object:
        """A run without its tasks; times in milliseconds."""
        starter = self._starter(run)
        return {
            "run_id": run.run_id,
            "job_id": int(run.job_id),
            "job_run_id": run.run_id,
            "number_in_job": run.run_id,
            "original_attempt_run_id": run.run_id,
            "run_name": run.job_name,
            "run_type": "JOB_RUN",
            "trigger": {"MANUAL": "ONE_TIME"}.get(run.trigger, run.trigger),
            **({"trigger_info": {"run_id": starter}} if starter else {}),
            "creator_user_name": run.run_as,
            "run_page_url": self._page(run),
            "job_parameters": [{"name": name, "value": value} for name, value in run.parameters.items()],
            "queue_duration": int((run.started - run.queued) * 1000),
            **times(run.started, run.ended),
            # "The time in milliseconds it took the job run and all of its repairs to finish."
            "run_duration": int(run.worked * 1000) if run.ended is not None else 0,
            **state(run.life_cycle, run.result, run.reason),
        }

    def tasks(self, run: Run) -> list[Object]:
        """Every attempt of every task of a run."""
        return [one for task in self.runs.tasks(run.run_id) for one in self.task(task, run)]

    def task(self, task: TaskRun, run: Run) -> list[Object]:
        """Every attempt of a task."""
        about = self._about(task, run)
        return [
            {
                "run_id": task_number(task, one.attempt),
                "job_run_id": run.run_id,
                "task_key": task.task_key,
                # "The initial attempt of a run has an attempt_number of 0."
                "attempt_number": one.attempt - 1,
                "run_type": "JOB_RUN",
                **about,
                **times(one.started, one.ended),
                **state(one.life_cycle, one.result, one.reason),
            }
            for one in tries(task)
        ]

    def task_run(self, task: TaskRun, attempt: int, run: Run) -> Object:
        """One attempt of a task as a run of its own."""
        entry = self.task(task, run)[attempt - 1]
        first = {"original_attempt_run_id": task_number(task, 1)}
        return entry | first | {"job_id": int(run.job_id), "run_name": run.job_name, "run_page_url": self._page(run)}

    def iterations(self, task: TaskRun, run: Run, start: int) -> tuple[list[Object], bool]:
        """A page of the iterations of a `for_each_task`, and whether there are more."""
        found = self.runs.iterations(task.task_run_id, start, PAGE + 1)
        return [one for item in found[:PAGE] for one in self.task(item, run)], len(found) > PAGE

    def repairs(self, run: Run) -> list[Object]:
        """The run as it was first, then its repairs."""
        return [
            {
                "type": "REPAIR" if one.repair else "ORIGINAL",
                **({"id": repair_number(run, one.repair)} if one.repair else {}),
                **times(one.started, one.ended),
                **state("RUNNING" if one.ended is None else "TERMINATED", one.result, one.reason),
                "task_run_ids": [
                    task_number(task, attempt.attempt)
                    for task in self.runs.tasks(run.run_id)
                    for attempt in task.attempts
                    if attempt.repair == one.repair
                ],
            }
            for one in self.runs.repairs(run.run_id)
        ]

    def _page(self, run: Run) -> str:
        return f"sandbox://{self.ask.workspace.name}/jobs/{run.job_id}/runs/{run.run_id}"

    def _starter(self, run: Run) -> int | None:
        """ "The run id of the Run Job task run" that started it."""
        if run.parent_run_id is None:
            return None
        tasks = [one for one in self.runs.tasks(run.parent_run_id) if one.kind == "run_job_task"]
        # A task that was tried again names only the last run that it started.
        for task in sorted(tasks, key=lambda one: one.child_run_id != run.run_id):
            for one in task.attempts:
                if one.started <= run.queued and (one.ended is None or run.queued <= one.ended):
                    return task_number(task, one.attempt)
        return None

    def _about(self, task: TaskRun, run: Run) -> Object:
        """What the deployed job says of a task, as it is now, with what came of it."""
        found = dict(
            self._definitions(run).get(task.task_key.partition(".")[0] if task.iteration else task.task_key, {})
        )
        if task.iteration is not None:
            found = dict((found.get("for_each_task") or {}).get("task") or {})
        found.pop("task_key", None)
        action = dict(found.get(task.kind) or {})
        if task.kind == "condition_task" and task.outcome:
            action["outcome"] = task.outcome
        if task.kind == "for_each_task":
            given = self.runs.inputs(task.task_run_id)
            action |= {"stats": {"task_run_stats": self._stats(task)}}
            # A reference is told as what it stood for.
            action |= {"inputs": f"[{', '.join(given)}]"} if given else {}
        return found | ({task.kind: action} if action else {})

    def _definitions(self, run: Run) -> dict[str, Object]:
        if run.job_id not in self._defined:
            job = self.ask.resources.find(TYPE, run.job_id)
            tasks = settings(self.ask, job).get("tasks", []) if job else []
            self._defined[run.job_id] = {str(one["task_key"]): one for one in tasks}
        return self._defined[run.job_id]

    def _stats(self, task: TaskRun) -> Object:
        found = self.runs.iteration_states(task.task_run_id)
        count, total = found.get, sum(found.values())
        good = count("SUCCESS", 0) + count("EXCLUDED", 0)
        active, waiting = count("RUNNING", 0) + count("WAITING_FOR_RETRY", 0), count("PENDING", 0)
        return {
            "total_iterations": total,
            "active_iterations": active,
            "succeeded_iterations": good,
            "failed_iterations": total - good - active - waiting,
            "completed_iterations": total - active - waiting,
            "scheduled_iterations": total - waiting,
        }


def repair_number(run: Run, repair: int) -> int:
    """The API's number of a run's repair."""
    return run.run_id * ATTEMPTS + repair


def start_of(ask: Ask) -> int:
    """Where the page asked for begins."""
    start = ask.number("page_token", 0) if ask.query.get("page_token") else 0
    if start < 0:
        raise invalid(f"page_token is not one that was given, got {start}")
    return start


def times(started: float, ended: float | None) -> Object:
    """Beginning, end and duration; ended: "set to 0 if the job is still running"."""
    return {
        "start_time": int(started * 1000),
        "end_time": int(ended * 1000) if ended is not None else 0,
        "run_duration": int((ended - started) * 1000) if ended is not None else 0,
    }


def state(life_cycle: str, result: str | None, reason: str) -> Object:
    """The state of API 2.1 (``state``) and of 2.2 (``status``)."""
    old: dict[str, Any] = {"life_cycle_state": life_cycle, "state_message": reason}
    if result is not None:
        old["result_state"] = result
    new: dict[str, Any] = {"state": life_cycle if result is None else "TERMINATED"}
    if life_cycle == "QUEUED":
        old["queue_reason"] = reason
        new["queue_details"] = {"code": "MAX_CONCURRENT_RUNS_REACHED", "message": reason}
    if result is not None:
        good = result in ("SUCCESS", "SUCCESS_WITH_FAILURES", "EXCLUDED")
        code = {"FAILED": "RUN_EXECUTION_ERROR", "TIMEDOUT": "RUN_EXECUTION_ERROR"}.get(result, result)
        new["termination_details"] = {"code": code, "type": "SUCCESS" if good else "CLIENT_ERROR", "message": reason}
    return {"state": old, "status": new}
