"""Finds the deployed jobs of a workspace."""

from __future__ import annotations

from sandbox.errors import SandboxError
from sandbox.runner.job import Job
from sandbox.runner.job_json import read_job
from sandbox.workspace import Workspace


def deployed_jobs(workspace: Workspace) -> dict[str, Job]:
    """Every deployed job by name."""
    bodies = [{"id": found.id, **found.body} for found in workspace.store.list("databricks_job")]
    return {str(body.get("name")): read_job(body) for body in bodies}


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
