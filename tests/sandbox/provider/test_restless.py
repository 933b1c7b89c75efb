"""Known causes of plans that never come to rest: with the cause in the stack the second plan shows it, without, nothing.

The stack is the golden one of the stage ``dev``, as ``infra`` emits it with its sorts and rules; each case undoes one of
them. Numbers are those of ../shared/reference/databricks.md, section 2.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from provider_project import ROOT
from terraform_core import Core, RefusedError

Stack = dict[str, dict[str, Any]]


def golden(stage: str) -> Stack:
    """The stack's resources by type and name; files get their content here, as their sources are made by a synth."""
    found: Stack = {}
    for address, body in json.loads((ROOT / "tests" / "golden" / f"{stage}.tf.json").read_text())["resource"].items():
        type_name, name = address.split(".")
        found.setdefault(type_name, {})[name] = body
    for body in found["databricks_file"].values():
        body.pop("source")
        body["content_base64"] = "YQ=="
    return found


def _job(stack: Stack) -> dict[str, Any]:
    return stack["databricks_job"]["readmission_train"]


def unsorted_tasks(stack: Stack) -> str:
    _job(stack)["task"].reverse()
    return "databricks_job.readmission_train"


def unsorted_dependencies(stack: Stack) -> str:
    tasks = {task["task_key"]: task for task in _job(stack)["task"]}
    assert tasks["register"]["depends_on"] == [{"task_key": "evaluate"}]
    tasks["register"]["depends_on"] = [{"task_key": "train"}, {"task_key": "evaluate"}]
    return "databricks_job.readmission_train"


def policy_value_left_out(stack: Stack) -> str:
    for cluster in _job(stack)["job_cluster"]:
        new = cluster["new_cluster"]
        assert new["spark_env_vars"].pop("PYTHONHASHSEED")
    return "databricks_job.readmission_train"


def policy_defaults_asked_for(stack: Stack) -> str:
    for cluster in _job(stack)["job_cluster"]:
        cluster["new_cluster"]["apply_policy_default_values"] = True
    return "databricks_job.readmission_train"


def all_privileges(stack: Stack) -> str:
    stack["databricks_grants"]["schema_ml"]["grant"][0]["privileges"] = ["ALL_PRIVILEGES"]
    return "databricks_grants.schema_ml"


def principal_twice(stack: Stack) -> str:
    grants = stack["databricks_grants"]["schema_ml"]["grant"]
    several = next(grant for grant in grants if len(grant["privileges"]) > 1)
    one = several["privileges"].pop()
    grants.append({"principal": several["principal"], "privileges": [one]})
    return "databricks_grants.schema_ml"


def address_in_capitals(stack: Stack) -> str:
    entry = {"user_name": "Ada.Lovelace@example.gov", "permission_level": "CAN_VIEW"}
    stack["databricks_permissions"]["job_readmission_train"]["access_control"].append(entry)
    return "databricks_permissions.job_readmission_train"


def entitlements_beside_their_principal(stack: Stack) -> str:
    id_ = "${databricks_service_principal.sp_train.id}"
    stack["databricks_entitlements"] = {"e": {"service_principal_id": id_, "databricks_sql_access": True}}
    return "databricks_service_principal.sp_train"


RESTLESS: dict[str, Callable[[Stack], str]] = {
    "2: tasks not in the order of their keys": unsorted_tasks,
    "2: depends_on not in the order of its keys": unsorted_dependencies,
    "4: a value that the cluster policy fixes is left out": policy_value_left_out,
    "4: the policy's defaults are asked for": policy_defaults_asked_for,
    "5: an e-mail address in capitals": address_in_capitals,
    "6: one principal twice": principal_twice,
    "7: ALL_PRIVILEGES": all_privileges,
    "entitlements beside their service principal": entitlements_beside_their_principal,
}


def second_plan(stack: Stack, folder: Path) -> set[str]:
    core = Core(folder, ROOT / ".cache")
    core.apply(stack)
    return {change.address for change in core.plan(stack)}


@pytest.mark.parametrize("stage", ["dev", "validation", "prod"])
def test_what_infra_emits_comes_to_rest(stage, tmp_path):
    assert second_plan(golden(stage), tmp_path) == set()


@pytest.mark.parametrize("cause", RESTLESS)
def test_a_known_cause_never_comes_to_rest(cause, tmp_path):
    stack = golden("dev")
    before = copy.deepcopy(stack)
    address = RESTLESS[cause](stack)
    assert stack != before, "nothing was undone"
    assert second_plan(stack, tmp_path) == {address}


def test_5_without_a_stated_owner_each_deployer_undoes_the_other(tmp_path):
    stack = golden("dev")
    job = "databricks_permissions.job_readmission_train"
    entries = stack["databricks_permissions"]["job_readmission_train"]["access_control"]
    owner = next(entry for entry in entries if entry["permission_level"] == "IS_OWNER")

    def seen_by_another(folder: str) -> set[str]:
        first = Core(tmp_path / folder, ROOT / ".cache", "first")
        first.apply(stack)
        assert first.plan(stack) == []
        another = Core(tmp_path / folder, ROOT / ".cache", "another")
        another.state = first.state
        return {change.address for change in another.plan(stack)} & {job}

    assert seen_by_another("stated") == set()
    entries.remove(owner)
    assert seen_by_another("not stated") == {job}


def test_6_a_second_grants_resource_for_one_securable_is_refused(tmp_path):
    stack = golden("dev")
    stack["databricks_grants"]["again"] = copy.deepcopy(stack["databricks_grants"]["schema_ml"])
    stack["databricks_grants"]["again"]["grant"].pop()
    with pytest.raises(RefusedError, match="but have to be"):
        second_plan(stack, tmp_path)


def test_8_a_privilege_of_another_securable_is_refused_at_apply_only(tmp_path):
    stack = golden("dev")
    stack["databricks_grants"]["volume_artifacts"]["grant"][0]["privileges"] = ["USE_SCHEMA"]
    core = Core(tmp_path, ROOT / ".cache")
    assert core.plan(stack)
    with pytest.raises(RefusedError, match="Privilege USE_SCHEMA is not applicable to this entity") as caught:
        core.apply(stack)
    assert caught.value.at == "apply"


def test_11_an_alias_of_a_model_is_dropped_silently(tmp_path):
    stack = golden("dev")
    stack["databricks_registered_model"]["readmission"]["aliases"] = [{"alias_name": "champion", "version_num": 1}]
    core = Core(tmp_path, ROOT / ".cache")
    core.apply(stack)
    assert core.plan(stack) == []
    models = {item.body["name"]: item.body for item in core.workspace.store.list("databricks_registered_model")}
    assert models["readmission"]["aliases"] == []
