"""Runs of jobs: start, watch, read, cancel, repair."""

from __future__ import annotations

from sandbox.errors import SandboxError, ServiceError
from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, denied, invalid, missing, page
from sandbox.rest.jobs import TYPE, VERSIONS, job
from sandbox.rest.run_json import PAGE, TASKS_FROM, Telling, repair_number, start_of, task_number, task_of, tries
from sandbox.runs import Run, Runs, TaskRun

ROUTES = Routes()
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


def _run(ask: Ask, level: str = "CAN_VIEW") -> tuple[Run, TaskRun | None, int]:
    """The run that ``run_id`` names, or the run of the task that it names, that task and which attempt."""
    number, runs = ask.number("run_id"), Runs(ask.workspace)
    task, attempt = task_of(runs, number) if number >= TASKS_FROM else (None, 0)
    try:
        run = runs.run(task.run_id if task else number)
    except SandboxError:
        raise missing("Run", number) from None
    ask.caller.need_level(f"/jobs/{run.job_id}", level)
    return run, task, attempt


def get(ask: Ask) -> Object:
    """A run with its tasks, or one attempt of a task with its iterations; an array a page at a time."""
    run, task, attempt = _run(ask)
    tell, start = Telling(ask), start_of(ask)
    if task is None:
        found = tell.tasks(run)
        shown = tell.run(run) | {"tasks": found[start : start + PAGE]}
        more = len(found) > start + PAGE
        if ask.flag("include_history"):
            shown["repair_history"] = tell.repairs(run) if start == 0 else []
    else:
        shown = tell.task_run(task, attempt, run)
        more = False
        if task.kind == "for_each_task":
            # "Only a single task is returned, corresponding to the ForEach task itself."
            shown["tasks"] = [tell.task(task, run)[attempt - 1]]
            shown["iterations"], more = tell.iterations(task, run, start)
    return shown | ({"next_page_token": str(start + PAGE)} if more else {})


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
    shown["runs"] = [_listed_run(Telling(ask), run, ask.flag("expand_tasks")) for run in shown["runs"]]
    return shown | {"has_more": "next_page_token" in shown}


def _listed_run(tell: Telling, run: Run, expanded: bool) -> Object:
    if not expanded:
        return tell.run(run)
    # "in API 2.2, only the first 100 elements will be shown"
    found = tell.tasks(run)
    return tell.run(run) | {"tasks": found[:PAGE], "has_more": len(found) > PAGE}


def output(ask: Ask) -> Object:
    """What one attempt of a task wrote, so far while it runs, and why it failed; which run it started."""
    run, task, attempt = _run(ask)
    if task is None:
        tasks = Runs(ask.workspace).tasks(run.run_id)
        if len(tasks) != 1:
            raise invalid(
                "Retrieving the output of runs with multiple tasks is not supported. "
                f"Please retrieve the output of each individual task run instead: {_listed(tasks)}"
            )
        task = tasks[0]
        attempt = len(tries(task))
    one = tries(task)[attempt - 1]
    text = "\n".join(line.text for line in Runs(ask.workspace).log(run.run_id, task.task_key, attempt))
    logs = text.encode()
    shown: Object = {
        "metadata": Telling(ask).task_run(task, attempt, run),
        "logs": logs[-_LOG_BYTES:].decode(errors="replace"),
        "logs_truncated": len(logs) > _LOG_BYTES,
    }
    if task.child_run_id is not None and attempt == len(task.attempts):
        shown["run_job_output"] = {"run_id": task.child_run_id}
    return shown | ({"error": one.reason} if one.result not in (None, "SUCCESS") and one.reason else {})


def _listed(tasks: list[TaskRun]) -> str:
    return ", ".join(f"{one.task_key} {task_number(one, len(tries(one)))}" for one in tasks)


def cancel(ask: Ask) -> Object:
    """Ask for the end of a run; of one that is over nothing changes."""
    run, *_ = _run(ask, "CAN_MANAGE_RUN")
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
    run, *_ = _run(ask, "CAN_MANAGE_RUN")
    tasks = ask.body.get("rerun_tasks") or []
    if not isinstance(tasks, list) or not all(isinstance(one, str) for one in tasks):
        raise invalid("rerun_tasks must be a list of task keys")
    if bool(tasks) == ask.flag("rerun_all_failed_tasks"):
        raise invalid("one of rerun_tasks and rerun_all_failed_tasks must be given")
    _only_parameters(ask)
    # "This parameter is not required when repairing a run for the first time, but must be provided on subsequent
    # requests to repair the same run."
    last = repair_number(run, run.repairs)
    if run.repairs and ask.number("latest_repair_id", 0) != last:
        raise invalid(f"latest_repair_id must be {last}: run {run.run_id} was repaired before")
    ask.running.repair(run.run_id, tasks, _parameters(ask))
    return {"repair_id": repair_number(run, run.repairs + 1)}


def forget(ask: Ask) -> Object:
    """Runs are kept for the report and for lineage."""
    run, *_ = _run(ask, "CAN_MANAGE")
    raise denied(f"Run {run.run_id} cannot be deleted: the sandbox keeps every run.")


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
