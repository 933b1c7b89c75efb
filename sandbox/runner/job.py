"""A deployed job as the runner sees it, read from the shape that terraform's attributes have in the workspace store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.errors import SandboxError
from sandbox.workspace import Workspace

RUN_IF = ("ALL_SUCCESS", "AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_DONE", "AT_LEAST_ONE_FAILED", "ALL_FAILED")
KINDS = ("python_wheel_task", "condition_task", "run_job_task")


@dataclass(frozen=True)
class Dependency:
    """An upstream task; ``outcome`` ("true" or "false") when it must be a condition that ended so."""

    task_key: str
    outcome: str | None


@dataclass(frozen=True)
class Task:
    """One task; ``action`` is the block named ``kind``. Times in seconds, 0 = no limit."""

    key: str
    kind: str
    action: dict[str, Any]
    depends_on: tuple[Dependency, ...]
    run_if: str
    max_retries: int
    retry_wait: float
    retry_on_timeout: bool
    timeout: float
    wheel: str
    requirements: str
    environment: dict[str, str]


@dataclass(frozen=True)
class Job:
    """One deployed job; tasks in an order in which each comes after what it depends on."""

    id: str
    name: str
    run_as: str
    parameters: dict[str, str]
    timeout: float
    at_once: int
    tasks: tuple[Task, ...] = field(repr=False)

    def task(self, key: str) -> Task:
        """The task named ``key``."""
        return next(task for task in self.tasks if task.key == key)

    def with_parameters(self, given: dict[str, str]) -> dict[str, str]:
        """The job's parameters with ``given`` over their defaults; an unknown one is refused with the valid ones."""
        for name in given:
            if name not in self.parameters:
                valid = ", ".join(sorted(self.parameters)) or "none"
                raise SandboxError(f"job '{self.name}' has no parameter '{name}'; valid: {valid}")
        return {**self.parameters, **{name: str(value) for name, value in given.items()}}


def deployed_jobs(workspace: Workspace) -> dict[str, Job]:
    """Every deployed job by name."""
    bodies = [{"id": found.id, **found.body} for found in workspace.store.list("databricks_job")]
    return {str(body["name"]): read_job(body) for body in bodies}


def job_named(workspace: Workspace, name: str) -> Job:
    """The deployed job; ``SandboxError`` lists the deployed ones."""
    for found in workspace.store.list("databricks_job"):
        if found.body.get("name") == name:
            return read_job({"id": found.id, **found.body})
    names = sorted(str(found.body.get("name")) for found in workspace.store.list("databricks_job"))
    raise SandboxError(f"job '{name}' is not deployed in {workspace.name}; deployed: {', '.join(names) or 'none'}")


def job_with_id(workspace: Workspace, id_: str) -> Job:
    """The deployed job with this id."""
    for found in workspace.store.list("databricks_job"):
        if str(found.id) == id_ or str(found.body.get("job_id")) == id_:
            return read_job({"id": found.id, **found.body})
    raise SandboxError(f"no job with id {id_} is deployed in {workspace.name}")


def read_job(body: dict[str, Any]) -> Job:
    """The job in a stored body; ``SandboxError`` names job, task, field, value and the valid ones."""
    name = str(body["name"])
    principal = _one(body.get("run_as"))
    clusters = {str(one["job_cluster_key"]): _one(one.get("new_cluster")) for one in _many(body.get("job_cluster"))}
    tasks = [_task(name, task, clusters) for task in _many(body.get("task"))]
    return Job(
        id=str(body.get("id") or ""),
        name=name,
        run_as=str(principal.get("service_principal_name") or principal.get("user_name") or ""),
        parameters={str(one["name"]): str(one.get("default") or "") for one in _many(body.get("parameter"))},
        timeout=float(body.get("timeout_seconds") or 0),
        at_once=int(body.get("max_concurrent_runs") or 1),
        tasks=_ordered(name, tasks),
    )


def _task(job: str, body: dict[str, Any], clusters: dict[str, dict[str, Any]]) -> Task:
    key = str(body["task_key"])
    where = f"job '{job}', task '{key}'"
    kinds = [kind for kind in KINDS if _many(body.get(kind))]
    if len(kinds) != 1:
        present = sorted(name for name, value in body.items() if name.endswith("_task") and value)
        raise SandboxError(f"{where}: {present or 'no action'} cannot run here; valid: one of {', '.join(KINDS)}")
    run_if = str(body.get("run_if") or "ALL_SUCCESS")
    if run_if not in RUN_IF:
        raise SandboxError(f"{where}: run_if = '{run_if}' is not valid; valid: {', '.join(RUN_IF)}")
    cluster_key = str(body.get("job_cluster_key") or "")
    if cluster_key and cluster_key not in clusters:
        valid = ", ".join(sorted(clusters)) or "none"
        raise SandboxError(f"{where}: job_cluster_key = '{cluster_key}' is not valid; valid: {valid}")
    libraries = _many(body.get("library"))
    return Task(
        key=key,
        kind=kinds[0],
        action=_one(body[kinds[0]]),
        depends_on=tuple(
            Dependency(str(one["task_key"]), str(one["outcome"]) if one.get("outcome") else None)
            for one in _many(body.get("depends_on"))
        ),
        run_if=run_if,
        max_retries=int(body.get("max_retries") or 0),
        retry_wait=float(body.get("min_retry_interval_millis") or 0) / 1000,
        retry_on_timeout=bool(body.get("retry_on_timeout")),
        timeout=float(body.get("timeout_seconds") or 0),
        wheel=next((str(one["whl"]) for one in libraries if one.get("whl")), ""),
        requirements=next((str(one["requirements"]) for one in libraries if one.get("requirements")), ""),
        environment={
            str(name): str(value) for name, value in (clusters.get(cluster_key, {}).get("spark_env_vars") or {}).items()
        },
    )


def _ordered(job: str, tasks: list[Task]) -> tuple[Task, ...]:
    by_key = {task.key: task for task in tasks}
    for task in tasks:
        for dependency in task.depends_on:
            if dependency.task_key not in by_key:
                valid = ", ".join(by_key)
                raise SandboxError(
                    f"job '{job}', task '{task.key}': depends_on = '{dependency.task_key}' is not valid; valid: {valid}"
                )
    ordered: list[Task] = []
    while len(ordered) < len(tasks):
        done = {task.key for task in ordered}
        ready = [task for task in tasks if task.key not in done and {one.task_key for one in task.depends_on} <= done]
        if not ready:
            circle = ", ".join(sorted(set(by_key) - done))
            raise SandboxError(f"job '{job}': tasks depend on each other in a circle: {circle}")
        ordered.extend(ready)
    return tuple(ordered)


def _many(value: object) -> list[dict[str, Any]]:
    """A block as a list: terraform keeps single blocks as a list of one, JSON configuration as an object."""
    if isinstance(value, dict):
        return [value]
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list | tuple) else []


def _one(value: object) -> dict[str, Any]:
    found = _many(value)
    return found[0] if found else {}
