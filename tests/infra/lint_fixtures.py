"""One fixture a rule: what others wrote, as a change of a stack of ours. Threads: ../shared/reference/databricks.md §2."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Resources = dict[str, dict[str, dict[str, Any]]]
JOB, FOR_JOB = ("databricks_job", "readmission_train"), ("databricks_permissions", "job_readmission_train")
FIXTURES: list[tuple[str, str, Callable[[Resources], None]]] = []


def fixture(rule: str, address: str):
    """The change breaks `rule`, at `address`."""

    def keep(change: Callable[[Resources], None]) -> Callable[[Resources], None]:
        FIXTURES.append((rule, address, change))
        return change

    return keep


def job(resources: Resources) -> dict[str, Any]:
    return resources[JOB[0]][JOB[1]]


def first(block: Any) -> dict[str, Any]:
    """A block that is synthesized as an object or as a list of one."""
    return block[0] if isinstance(block, list) else block


def cluster(resources: Resources) -> dict[str, Any]:
    return first(first(job(resources)["job_cluster"])["new_cluster"])


def grant(resources: Resources, thing: str = "schema_ml") -> list[dict[str, Any]]:
    return resources["databricks_grants"][thing]["grant"]


@fixture("J1", "databricks_job.readmission_train")
def tasks_as_they_were_thought_of(resources: Resources) -> None:
    job(resources)["task"].reverse()


@fixture("J1", "databricks_job.readmission_train")
def dependencies_as_they_were_thought_of(resources: Resources) -> None:
    task = next(one for one in job(resources)["task"] if one["task_key"] == "register")
    task["depends_on"] = [{"task_key": "train"}, {"task_key": "evaluate"}]


@fixture("J2", "databricks_job.readmission_train")
def recipients_as_they_joined(resources: Resources) -> None:
    job(resources)["email_notifications"] = {"on_failure": ["z@cdh.example", "a@cdh.example"]}


@fixture("J3", "databricks_job.readmission_train")
def all_tasks_ignored(resources: Resources) -> None:
    job(resources)["lifecycle"] = {"ignore_changes": ["task"]}


@fixture("J4", "databricks_job.readmission_train")
def a_value_left_to_the_policy(resources: Resources) -> None:
    del cluster(resources)["spark_env_vars"]["PYTHONHASHSEED"]


@fixture("J4", "databricks_job.readmission_train")
def defaults_of_the_policy_asked_for(resources: Resources) -> None:
    cluster(resources)["apply_policy_default_values"] = True


@fixture("J5", "databricks_job.readmission_train")
def a_job_of_its_creator(resources: Resources) -> None:
    del job(resources)["run_as"]


@fixture("J5", "databricks_job.readmission_train")
def a_job_of_a_person(resources: Resources) -> None:
    job(resources)["run_as"] = {"user_name": "ada@cdh.example"}


@fixture("J6", "databricks_job.readmission_train")
def code_from_a_branch(resources: Resources) -> None:
    job(resources)["git_source"] = {"url": "https://git.cdh.example/mlops", "branch": "main"}


@fixture("A1", "databricks_grants.two")
def a_second_module_grants_too(resources: Resources) -> None:
    resources["databricks_grants"]["two"] = copy.deepcopy(resources["databricks_grants"]["schema_ml"])


@fixture("A1", "databricks_grant.one")
def a_single_grant_beside_all(resources: Resources) -> None:
    schema = resources["databricks_grants"]["schema_ml"]["schema"]
    resources["databricks_grant"] = {"one": {"schema": schema, "principal": "auditors", "privileges": ["SELECT"]}}


@fixture("A1", "databricks_permissions.two")
def a_second_module_permits_too(resources: Resources) -> None:
    resources[FOR_JOB[0]]["two"] = copy.deepcopy(resources[FOR_JOB[0]][FOR_JOB[1]])


@fixture("A2", "databricks_grants.schema_ml")
def a_principal_with_two_entries(resources: Resources) -> None:
    last = grant(resources)[-1]
    grant(resources).append({"principal": last["principal"], "privileges": [last["privileges"].pop()]})


@fixture("A3", "databricks_grants.schema_ml")
def entries_as_they_were_asked_for(resources: Resources) -> None:
    grant(resources).reverse()


@fixture("A3", "databricks_grants.schema_ml")
def privileges_as_they_were_asked_for(resources: Resources) -> None:
    grant(resources)[0]["privileges"].reverse()


@fixture("A4", "databricks_grants.schema_ml")
def all_privileges(resources: Resources) -> None:
    grant(resources)[0]["privileges"] = ["ALL_PRIVILEGES"]


@fixture("A4", "databricks_grants.schema_ml")
def no_privileges(resources: Resources) -> None:
    grant(resources)[0]["privileges"] = []


@fixture("A5", "databricks_grants.catalog_cdh")
def a_privilege_of_the_hive_metastore(resources: Resources) -> None:
    grant(resources, "catalog_cdh")[0]["privileges"] = ["USAGE"]


@fixture("A6", "databricks_permissions.job_readmission_train")
def a_job_without_a_stated_owner(resources: Resources) -> None:
    entries = resources[FOR_JOB[0]][FOR_JOB[1]]["access_control"]
    entries[:] = [one for one in entries if one["permission_level"] != "IS_OWNER"]


@fixture("A7", "databricks_permissions.job_readmission_train")
def a_name_in_capitals(resources: Resources) -> None:
    entry = {"user_name": "Ada.Lovelace@cdh.example", "permission_level": "CAN_VIEW"}
    resources[FOR_JOB[0]][FOR_JOB[1]]["access_control"].append(entry)


@fixture("A7", "databricks_permissions.job_readmission_train")
def a_service_principal_as_a_user(resources: Resources) -> None:
    entry = {"user_name": "11111111-2222-4333-8444-555555555555", "permission_level": "CAN_VIEW"}
    resources[FOR_JOB[0]][FOR_JOB[1]]["access_control"].append(entry)


@fixture("O1", "databricks_sql_table.features")
def a_feature_table_as_infrastructure(resources: Resources) -> None:
    resources["databricks_sql_table"] = {"features": {"name": "features", "table_type": "MANAGED"}}


@fixture("O1", "databricks_lakehouse_monitor.predictions")
def the_monitor_of_old(resources: Resources) -> None:
    resources["databricks_lakehouse_monitor"] = {"predictions": {"table_name": "cdh_prod.readmission.predictions"}}


@fixture("O2", "databricks_registered_model.readmission")
def an_alias_in_the_configuration(resources: Resources) -> None:
    body = resources["databricks_registered_model"]["readmission"]
    body["aliases"] = [{"alias_name": "champion", "version_num": 1}]


@fixture("O3", "databricks_mlflow_experiment.readmission")
def an_experiment_below_workspace(resources: Resources) -> None:
    resources["databricks_mlflow_experiment"]["readmission"]["name"] = "/Workspace/cdh/readmission"


@fixture("O3", "databricks_mlflow_experiment.readmission")
def an_experiment_nowhere(resources: Resources) -> None:
    resources["databricks_mlflow_experiment"]["readmission"]["name"] = "/Shared/elsewhere/readmission"


@fixture("O3", "databricks_mlflow_experiment.readmission")
def an_experiment_before_its_folder(resources: Resources) -> None:
    del resources["databricks_mlflow_experiment"]["readmission"]["depends_on"]


@fixture("O4", "databricks_model_serving.readmission")
def an_endpoint_that_terraform_sets_back(resources: Resources) -> None:
    entity = {"entity_name": "cdh_prod.readmission.readmission", "entity_version": "1"}
    resources["databricks_model_serving"] = {"readmission": {"config": {"served_entities": [entity]}}}


@fixture("O4", "databricks_model_serving.readmission")
def an_inference_table_that_cannot_come_back(resources: Resources) -> None:
    config = {"auto_capture_config": {"enabled": True}, "served_entities": []}
    resources["databricks_model_serving"] = {"readmission": {"config": config}}


@fixture("O5", "azurerm_databricks_workspace.main")
def a_workspace_and_what_is_in_it(resources: Resources) -> None:
    resources["azurerm_databricks_workspace"] = {"main": {"name": "dbw-cdh-prod"}}
