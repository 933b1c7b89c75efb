"""Runs of jobs: start, watch, read, cancel, repair.

Runs and their tasks are numbered apart in the sandbox; the API has one number for both, so a task's is 10^9 and more.
"""

from __future__ import annotations

from typing import Any

from sandbox.errors import SandboxError, ServiceError
from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, denied, invalid, missing, page
from sandbox.rest.jobs import TYPE, VERSIONS, job
from sandbox.runs import Run, Runs, TaskRun

ROUTES = Routes()
TASKS_FROM = 1_000_000_000
# "Databricks restricts this API to returning the last 5 MB of these logs"; "the first 5 MB of a run's output"
_LOG_BYTES = 5_000_000
_ONLY_JOB_PARAMETERS = (
    "dbt_commands", "jar_params", "notebook_params", "only", "performance_target", "pipeline_params",
    "python_named_params", "python_params", "queue", "spark_submit_params", "sql_params",
)  # fmt: skip


def run_now(ask: Ask) -> Object:
    """Start a run of a deployed job."""
    found = job(ask, "CAN_MANAGE_RUN")
    _only_parameters(ask)
    name = str(found.body["name"])
    same = [item.id for item in ask.resources.list(TYPE) if item.body["name"] == name]
    if len(same) > 1:
        raise ServiceError(
            "NOT_IMPLEMENTED",
            f"The sandbox runs jobs by their names, and {len(same)} jobs are named '{name}': {', '.join(same)}.",
        )
    run_id = ask.running.start(name, _parameters(ask), str(ask.body.get("idempotency_token") or ""))
    return {"run_id": run_id, "number_in_job": run_id}


def _only_parameters(ask: Ask) -> None:
    for name in _ONLY_JOB_PARAMETERS:
        if ask.body.get(name):
            raise ServiceError(
                "NOT_IMPLEMENTED", f"The sandbox starts a run with job_parameters only, not with {name}."
            )


def _parameters(ask: Ask) -> dict[str, str]:
    given = ask.body.get("job_parameters") or {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise invalid("job_parameters must map names to texts")
    return given


def _run(ask: Ask, level: str = "CAN_VIEW") -> tuple[Run, TaskRun | None]:
    """The run that ``run_id`` names, or the run of the task that it names, and that task."""
    number, runs = ask.number("run_id"), Runs(ask.workspace)
    task = None
    if number >= TASKS_FROM:
        task = next(
            (one for run in runs.all() for one in runs.tasks(run.run_id) if one.task_run_id == number - TASKS_FROM),
            None,
        )
        if task is None:
            raise missing("Run", number)
    try:
        run = runs.run(task.run_id if task else number)
    except SandboxError:
        raise missing("Run", number) from None
    ask.caller.need_level(f"/jobs/{run.job_id}", level)
    return run, task


def get(ask: Ask) -> Object:
    """A run with its tasks, or one task's run."""
    run, task = _run(ask)
    if task is not None:
        return _task(task, run) | {"job_id": int(run.job_id), "run_name": run.job_name}
    return told(ask, run, tasks=True)


def listing(ask: Ask) -> Object:
    """Runs that the caller may see, the newest first."""
    wanted = ask.query.get("job_id")
    active, completed = ask.flag("active_only"), ask.flag("completed_only")
    if active and completed:
        raise invalid("active_only and completed_only exclude each other")
    after, before = ask.number("start_time_from", 0), ask.number("start_time_to", 1 << 62)
    found = [
        run
        for run in reversed(Runs(ask.workspace).all())
        if wanted in (None, run.job_id)
        and (run.ended is None or not active)
        and (run.ended is not None or not completed)
        and after <= run.started * 1000 <= before
        and ask.caller.has_level(f"/jobs/{run.job_id}", "CAN_VIEW")
    ]
    shown = page(ask, "runs", found, 20, 25)
    shown["runs"] = [told(ask, run, tasks=ask.flag("expand_tasks")) for run in shown["runs"]]
    return shown | {"has_more": "next_page_token" in shown}


def output(ask: Ask) -> Object:
    """What one task wrote, and why it failed."""
    run, task = _run(ask)
    if task is None:
        tasks = Runs(ask.workspace).tasks(run.run_id)
        if len(tasks) != 1:
            raise invalid(
                "Retrieving the output of runs with multiple tasks is not supported. "
                f"Please retrieve the output of each individual task run instead: {_listed(tasks)}"
            )
        task = tasks[0]
    text = "\n".join(line.text for line in Runs(ask.workspace).log(run.run_id, task.task_key))
    logs = text.encode()
    shown: Object = {
        "metadata": _task(task, run) | {"job_id": int(run.job_id), "run_name": run.job_name},
        "logs": logs[-_LOG_BYTES:].decode(errors="replace"),
        "logs_truncated": len(logs) > _LOG_BYTES,
    }
    return shown | ({"error": task.reason} if task.result not in (None, "SUCCESS") and task.reason else {})


def _listed(tasks: list[TaskRun]) -> str:
    return ", ".join(f"{one.task_key} {TASKS_FROM + one.task_run_id}" for one in tasks)


def cancel(ask: Ask) -> Object:
    """Ask for the end of a run; of one that is over nothing changes."""
    run, _ = _run(ask, "CAN_MANAGE_RUN")
    if run.ended is None:
        ask.running.cancel(run.run_id)
    return {}


def cancel_all(ask: Ask) -> Object:
    """Ask for the end of all active runs of a job."""
    found = job(ask, "CAN_MANAGE_RUN")
    for run in Runs(ask.workspace).all():
        if run.job_id == found.id and run.ended is None:
            ask.running.cancel(run.run_id)
    return {}


def repair(ask: Ask) -> Object:
    """Run again what failed (``rerun_all_failed_tasks``) or the tasks named, and what follows them."""
    run, _ = _run(ask, "CAN_MANAGE_RUN")
    tasks = ask.body.get("rerun_tasks") or []
    if not isinstance(tasks, list) or not all(isinstance(one, str) for one in tasks):
        raise invalid("rerun_tasks must be a list of task keys")
    if bool(tasks) == ask.flag("rerun_all_failed_tasks"):
        raise invalid("one of rerun_tasks and rerun_all_failed_tasks must be given")
    _only_parameters(ask)
    ask.running.repair(run.run_id, tasks, _parameters(ask))
    return {"repair_id": run.run_id}


def forget(ask: Ask) -> Object:
    """Runs are kept for the report and for lineage."""
    run, _ = _run(ask, "CAN_MANAGE")
    raise denied(f"Run {run.run_id} cannot be deleted: the sandbox keeps every run.")


def told(ask: Ask, run: Run, *, tasks: bool) -> Object:
    """A run as the API tells it; times in milliseconds."""
    shown: Object = {
        "run_id": run.run_id,
        "job_id": int(run.job_id),
        "number_in_job": run.run_id,
        "run_name": run.job_name,
        "run_type": "JOB_RUN",
        "trigger": {"MANUAL": "ONE_TIME"}.get(run.trigger, run.trigger),
        "creator_user_name": run.run_as,
        "run_page_url": f"sandbox://{ask.workspace.name}/jobs/{run.job_id}/runs/{run.run_id}",
        "job_parameters": [{"name": name, "value": value} for name, value in run.parameters.items()],
        **_times(run.started, run.ended),
        **_state(run.life_cycle, run.result, run.reason),
    }
    if tasks:
        shown["tasks"] = [_task(one, run) for one in Runs(ask.workspace).tasks(run.run_id)]
    return shown


def _task(task: TaskRun, run: Run) -> Object:
    return {
        "run_id": TASKS_FROM + task.task_run_id,
        "job_run_id": run.run_id,
        "task_key": task.task_key,
        "attempt_number": max(0, len(task.attempts) - 1),
        "run_type": "JOB_RUN",
        **({task.kind: _action(task)} if task.kind in ("condition_task", "run_job_task") else {}),
        **_times(task.started or run.started, task.ended),
        **_state(task.life_cycle, task.result, task.reason),
    }


def _action(task: TaskRun) -> Object:
    if task.kind == "condition_task":
        return {"outcome": task.outcome} if task.outcome else {}
    return {"run_id": task.child_run_id} if task.child_run_id else {}


def _times(started: float, ended: float | None) -> Object:
    return {
        "start_time": int(started * 1000),
        "end_time": int(ended * 1000) if ended is not None else 0,
        "run_duration": int((ended - started) * 1000) if ended is not None else 0,
    }


def _state(life_cycle: str, result: str | None, reason: str) -> Object:
    """The state of API 2.1 (``state``) and of 2.2 (``status``)."""
    old: dict[str, Any] = {"life_cycle_state": life_cycle, "state_message": reason}
    if result is not None:
        old["result_state"] = result
    new: dict[str, Any] = {"state": life_cycle if result is None else "TERMINATED"}
    if result is not None:
        good = result in ("SUCCESS", "SUCCESS_WITH_FAILURES", "EXCLUDED")
        code = {"FAILED": "RUN_EXECUTION_ERROR", "TIMEDOUT": "RUN_EXECUTION_ERROR"}.get(result, result)
        new["termination_details"] = {"code": code, "type": "SUCCESS" if good else "CLIENT_ERROR", "message": reason}
    return {"state": old, "status": new}


for version in VERSIONS:
    for method, path, answers in (
        ("POST", "run-now", run_now),
        ("GET", "runs/get", get),
        ("GET", "runs/list", listing),
        ("GET", "runs/get-output", output),
        ("POST", "runs/cancel", cancel),
        ("POST", "runs/cancel-all", cancel_all),
        ("POST", "runs/repair", repair),
        ("POST", "runs/delete", forget),
    ):
        ROUTES.add(method, f"/api/{version}/jobs/{path}", answers, DOCUMENTED)
