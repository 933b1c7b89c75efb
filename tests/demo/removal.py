"""A job of a finished demo run once more, in a copy of its workspace, without one grant that it needed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.grants.policy import Need
from sandbox.grants.published import folder
from sandbox.grants.replay import Grant, replay
from sandbox.runner import RunResult, run_job
from sandbox.runs import Runs
from sandbox.services import Services
from sandbox.workspace import Workspace


def needed_grants(workspace: Workspace) -> dict[Grant, tuple[set[Need], int]]:
    """Each grant that the record needs, the first run that needed it and the needs that it met in there.

    Several: a task that reads tables side by side is refused by whichever of them is asked for first.
    """
    return {
        grant: ({one.need for one in use.needed if one.run == use.needed[0].run}, int(use.needed[0].run or 0))
        for grant, use in sorted(replay(workspace).items())
        if use.needed
    }


def run_without(workspace: Workspace, services: Services, grant: Grant) -> tuple[set[Need], RunResult]:
    """The needs that the grant met, and how the job that had them ends without the grant; then all is as before."""
    needs, number = needed_grants(workspace)[grant]
    before = Runs(workspace).run(number)
    with removed(workspace, grant), unmade(workspace, grant):
        return needs, run_job(workspace, services, before.job_name, before.parameters)


@contextmanager
def removed(workspace: Workspace, grant: Grant) -> Iterator[None]:
    """The workspace's store without one grant or permission."""
    principal, right, securable = grant
    kind, _, name = securable.partition("/")
    if kind in ("experiment", "job", "directory"):
        type_ = {
            "experiment": "databricks_mlflow_experiment",
            "job": "databricks_job",
            "directory": "databricks_directory",
        }[kind]
        found = next(one for one in workspace.store.list(type_) if name in (one.body.get("name"), one.body.get("path")))
        number = found.body["object_id"] if kind == "directory" else found.id
        id_, type_ = f"/{kind[:-1] + 'ie' if kind.endswith('y') else kind}s/{number}", "databricks_permissions"
    else:
        id_, type_ = securable, "databricks_grants"
    kept = workspace.store.read(type_, id_)
    assert kept is not None, (type_, id_)
    body = json.loads(json.dumps(kept.body))
    if type_ == "databricks_grants":
        for one in body["grant"]:
            if one["principal"] == principal:
                one["privileges"] = [privilege for privilege in one["privileges"] if privilege != right]
    else:
        body["access_control"] = [one for one in body["access_control"] if one["service_principal_name"] != principal]
    assert body != kept.body
    workspace.store.update(type_, id_, body)
    try:
        yield
    finally:
        workspace.store.update(type_, id_, kept.body)


@contextmanager
def unmade(workspace: Workspace, grant: Grant) -> Iterator[None]:
    """Without the tables that the principal made in a schema, where the right to make them was taken."""
    principal, right, securable = grant
    aside: list[tuple[Path, Path]] = []
    if right == "CREATE_TABLE":
        owners = {}
        for line in (folder(workspace) / "owners.jsonl").read_text().splitlines():
            owners[json.loads(line)["table"]] = json.loads(line)["owner"]
        for table, owner in owners.items():
            catalog, schema, name = table.split(".")
            path = workspace.warehouse / schema / name
            if owner == principal and securable == f"schema/{catalog}.{schema}" and path.exists():
                aside.append((path, workspace.root / "aside" / schema / name))
    for path, kept in aside:
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, kept)
    try:
        yield
    finally:
        for path, kept in aside:
            shutil.rmtree(path, ignore_errors=True)
            shutil.move(kept, path)
