"""Start, cancel and repair runs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from databricks.sdk import WorkspaceClient
from databricks.sdk.service import jobs

from operate.connection import told
from operate.errors import OperateError
from operate.runs import Run, Runs

# How often a run that is to end is looked at.
LOOK_SECONDS = 0.1


def job_named(client: WorkspaceClient, name: str) -> jobs.Job:
    """The job with this name; `OperateError` lists those that one may see."""
    with told():
        found = [one for one in client.jobs.list(name=name) if one.settings and one.settings.name == name]
        if not found:
            names = sorted(one.settings.name or "" for one in client.jobs.list() if one.settings)
            raise OperateError(
                f"job '{name}' is not deployed, or not for you to see; valid: {', '.join(names) or 'none'}"
            )
        if len(found) > 1:
            ids = ", ".join(str(one.job_id) for one in found)
            raise OperateError(f"{len(found)} jobs are named '{name}': {ids}; remove what is not deployed from here")
        return client.jobs.get(found[0].job_id or 0)


def start(client: WorkspaceClient, name: str, parameters: Mapping[str, str]) -> int:
    """Start a run of a job; its number. `OperateError` lists the valid jobs or parameters."""
    job = job_named(client, name)
    check_parameters(job, parameters)
    with told():
        begun = client.jobs.run_now(job.job_id or 0, job_parameters=dict(parameters) or None)
    return int(begun.run_id)


def check_parameters(job: jobs.Job, parameters: Mapping[str, str]) -> None:
    """`OperateError` for a parameter that the job does not have."""
    settings = job.settings or jobs.JobSettings()
    valid = sorted(one.name for one in settings.parameters or [])
    for name in parameters:
        if name not in valid:
            raise OperateError(f"job '{settings.name}' has no parameter '{name}'; valid: {', '.join(valid) or 'none'}")


def cancel(client: WorkspaceClient, run_id: int, seconds: float) -> Run:
    """Ask for the end of an active run and wait for it, at most so long; the run as it is then."""
    runs = Runs(client)
    run = runs.run(run_id)
    if not run.active:
        raise OperateError(f"run {run_id} {run.job_name} is not active: it ended {run.result}")
    with told():
        client.jobs.cancel_run(run_id)
    until = time.monotonic() + seconds
    while run.active and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        run = runs.run(run_id)
    return run


def repair(client: WorkspaceClient, run_id: int, tasks: Sequence[str], parameters: Mapping[str, str]) -> Run:
    """Run again what failed in a run, or `tasks`, and what follows them; the run as it was before."""
    run = Runs(client).run(run_id)
    if run.active:
        raise OperateError(f"run {run_id} {run.job_name} is still active; cancel it first")
    for key in tasks:
        run.task(key)
    with told():
        check_parameters(client.jobs.get(run.job_id), parameters)
        history = client.jobs.get_run(run_id, include_history=True).repair_history or []
        client.jobs.repair_run(
            run_id,
            # "must be provided on subsequent requests to repair the same run"
            latest_repair_id=next((one.id for one in reversed(history) if one.id), None),
            rerun_tasks=list(tasks) or None,
            rerun_all_failed_tasks=True if not tasks else None,
            rerun_dependent_tasks=True,
            job_parameters={**run.parameters, **parameters} if parameters else None,
        )
    return run
