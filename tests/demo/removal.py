"""A job of a finished demo run once more, in a copy of its workspace, without one grant that it needed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from copies import copied

from jobs.io.commits import said_of
from sandbox.grants.policy import Need
from sandbox.grants.published import folder
from sandbox.grants.record import Check
from sandbox.grants.replay import Grant, replay
from sandbox.runner import RunResult, repair_run, run_job
from sandbox.runs import Runs
from sandbox.services import Services
from sandbox.workspace import Workspace


def needed_grants(workspace: Workspace) -> dict[Grant, list[Check]]:
    """Each grant that the record needs, with what it met in the first run that needed it.

    Several: a task that reads tables side by side is refused by whichever of them is asked for first.
    """
    return {
        grant: [one for one in use.needed if one.run == use.needed[0].run]
        for grant, use in sorted(replay(workspace).items())
        if use.needed
    }


def run_without(finished: Workspace, home: Path, cache: Path, grant: Grant) -> tuple[set[Need], RunResult]:
    """The needs that the grant met, and how the job that had them ends without it in a copy of the finished demo.

    A copy for each grant, with servers of its own: what an earlier one's job got done would be done already.
    """
    met = needed_grants(finished)[grant]
    number, needs = int(met[0].run or 0), {one.need for one in met}
    copied(finished.root.parent, home, "validation", "prod")
    workspace = Workspace.named(home, finished.name)
    # Before a server knows them.
    named = {workspace.warehouse.joinpath(*need.name.split(".")[1:]) for need in needs}
    first = set(begun_by(workspace, number)) - named if grant[1] == "MODIFY" else set()
    for table in {*made_by(workspace, grant), *kept_by(workspace, number), *first}:
        shutil.rmtree(table)
    remove(workspace, grant)
    before = Runs(workspace).run(number)
    with Services(workspace, cache) as services:
        if grant[2].startswith("job/"):
            # What made the task run another job, such as a drift, may be over: what it waited for keeps its values.
            return needs, repair_run(workspace, services, number, {one.task for one in met})
        return needs, run_job(workspace, services, before.job_name, before.parameters)


def remove(workspace: Workspace, grant: Grant) -> None:
    """Take one grant or permission out of the workspace's store."""
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


def made_by(workspace: Workspace, grant: Grant) -> list[Path]:
    """The tables that the principal made in a schema, where the right to make them was taken."""
    principal, right, securable = grant
    if right != "CREATE_TABLE":
        return []
    owners = {}
    for line in (folder(workspace) / "owners.jsonl").read_text().splitlines():
        owners[json.loads(line)["table"]] = json.loads(line)["owner"]
    found = []
    for table, owner in owners.items():
        catalog, schema, name = table.split(".")
        path = workspace.warehouse / schema / name
        if owner == principal and securable == f"schema/{catalog}.{schema}" and path.exists():
            found.append(path)
    return found


def kept_by(workspace: Workspace, number: int) -> list[Path]:
    """The tables that a run made and that it would find made already, the same definition of the same inputs."""
    return [log.parent for log in workspace.warehouse.glob("*/*/_delta_log") if number in makers(log)]


def begun_by(workspace: Workspace, number: int) -> list[Path]:
    """The tables whose first version a run wrote: what it wrote it has to write again to note it anywhere else."""
    logs = workspace.warehouse.glob("*/*/_delta_log")
    return [log.parent for log in logs if number in {int(one["job_run_id"]) for one in said(log, "0" * 20)}]


def makers(log: Path) -> set[int]:
    """The runs whose commits in a table's log say by what content they know it again."""
    return {int(one["job_run_id"]) for one in said(log, "*") if "content" in one}


def said(log: Path, version: str) -> Iterator[dict[str, Any]]:
    """What commits of a table say of themselves."""
    for commit in log.glob(f"{version}.json"):
        for line in commit.read_text().splitlines():
            one = said_of(json.loads(line).get("commitInfo", {}).get("userMetadata") or "")
            if one:
                yield one
