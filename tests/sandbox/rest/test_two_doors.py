"""One store: what the REST door made is what the plugin door would have made, and terraform itself says so."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from provider_project import Project
from rest_bench import CACHE, Client, client
from runner_bench import NoServers

from sandbox.rest.server import serving

UC = "/api/2.1/unity-catalog"
SP = "33333333-0000-0000-0000-000000000001"
WHEEL = {"package_name": "jobs", "entry_point": "prepare", "named_parameters": {"model": "readmission"}}
POLICY = json.dumps({"spark_version": {"type": "fixed", "value": "17.3.x"}})
# address -> (path and body of the REST request that makes it, its configuration)
MADE: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "databricks_catalog.c": (
        f"{UC}/catalogs", {"name": "cdh_test", "comment": "a"}, {"name": "cdh_test", "comment": "a"},
    ),
    "databricks_schema.s": (
        f"{UC}/schemas", {"catalog_name": "cdh_test", "name": "ml"}, {"catalog_name": "cdh_test", "name": "ml"},
    ),
    "databricks_volume.v": (
        f"{UC}/volumes",
        {"catalog_name": "cdh_test", "schema_name": "ml", "name": "artifacts", "volume_type": "MANAGED"},
        {"catalog_name": "cdh_test", "schema_name": "ml", "name": "artifacts", "volume_type": "MANAGED"},
    ),
    "databricks_service_principal.sp": (
        "/api/2.0/preview/scim/v2/ServicePrincipals",
        {"applicationId": SP, "displayName": "sp-train", "entitlements": [{"value": "workspace-access"}]},
        {"application_id": SP, "display_name": "sp-train", "workspace_access": True},
    ),
    "databricks_cluster_policy.p": (
        "/api/2.0/policies/clusters/create", {"name": "p", "definition": POLICY}, {"name": "p", "definition": POLICY},
    ),
    "databricks_job.j": (
        "/api/2.2/jobs/create",
        {
            "name": "train", "max_concurrent_runs": 1, "run_as": {"service_principal_name": SP},
            "parameters": [{"name": "catalog", "default": "cdh_test"}],
            "tasks": [
                {"task_key": "a", "python_wheel_task": WHEEL},
                {"task_key": "b", "python_wheel_task": WHEEL, "depends_on": [{"task_key": "a"}], "max_retries": 1,
                 "libraries": [{"whl": "/Volumes/cdh_test/ml/artifacts/j.whl"}]},
            ],
        },
        {
            "name": "train", "max_concurrent_runs": 1, "run_as": [{"service_principal_name": SP}],
            "parameter": [{"name": "catalog", "default": "cdh_test"}],
            "task": [
                {"task_key": "a", "python_wheel_task": [WHEEL]},
                {"task_key": "b", "python_wheel_task": [WHEEL], "depends_on": [{"task_key": "a"}], "max_retries": 1,
                 "library": [{"whl": "/Volumes/cdh_test/ml/artifacts/j.whl"}]},
            ],
        },
    ),
}  # fmt: skip
# What each door gives anew, or only when it is asked.
OWN = {
    "id", "created_at", "updated_at", "schema_id", "policy_id", "url", "metastore_id", "owner", "created_by",
    "updated_by", "acl_principal_id", "home", "repos",
}  # fmt: skip


def make(sender: Client) -> dict[str, str]:
    """Address -> id of what was made over REST."""
    ids = {}
    for address, (path, body, _) in MADE.items():
        found = sender.post(path, **body)
        ids[address] = str(found.get("full_name") or found.get("policy_id") or found.get("job_id") or found.get("id"))
    grant = {"changes": [{"principal": "analysts", "add": ["USE_SCHEMA", "SELECT"]}]}
    assert sender.call("PATCH", f"{UC}/permissions/schema/cdh_test.ml", grant).status == 200
    ids["databricks_grants.g"] = "schema/cdh_test.ml"
    return ids


def configuration() -> dict[str, dict[str, dict[str, Any]]]:
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for address, (_, _, configured) in MADE.items():
        kind, name = address.split(".")
        out.setdefault(kind, {})[name] = deepcopy(configured)
    grant = [{"principal": "analysts", "privileges": ["SELECT", "USE_SCHEMA"]}]
    out["databricks_grants"] = {"g": {"schema": "cdh_test.ml", "grant": grant}}
    return out


@pytest.fixture
def over_rest(tmp_path: Path) -> Iterator[tuple[Project, dict[str, str]]]:
    project = Project(tmp_path / "rest")
    with serving(project.workspace, CACHE, services=NoServers()) as served:
        yield project, make(client(served, "deployer"))


@pytest.mark.clause("P5")
def test_terraform_imports_what_was_made_over_rest_and_plans_no_change(over_rest):
    project, ids = over_rest
    project.write(configuration())
    project.terraform._ready("dev", lambda line: None)
    for address, id_ in ids.items():
        command = ["terraform", "import", "-input=false", address, id_]
        ran = subprocess.run(
            command, cwd=project.stack, env=project.terraform.environment(), capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert project.plan() == {}


@pytest.mark.clause("P5")
def test_both_doors_leave_the_same_entries(over_rest, tmp_path):
    made, _ = over_rest
    planned = Project(tmp_path / "plugin")
    configured = configuration()
    configured["databricks_schema"]["s"]["catalog_name"] = "${databricks_catalog.c.name}"
    configured["databricks_volume"]["v"]["schema_name"] = "${databricks_schema.s.name}"
    configured["databricks_grants"]["g"]["schema"] = "${databricks_schema.s.id}"
    configured["databricks_job"]["j"]["run_as"][0]["service_principal_name"] = (
        "${databricks_service_principal.sp.application_id}"
    )
    planned.apply(configured)
    for kind in configured:
        one, other = (
            [item.body for item in project.workspace.store.list(kind) if item.body.get("name") != "default"]
            for project in (made, planned)
        )
        assert len(one) == len(other) == 1
        assert one[0].keys() == other[0].keys(), kind
        assert shown(one[0]) == shown(other[0]), kind


def shown(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in OWN}
