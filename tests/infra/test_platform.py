"""What a workspace has once: secrets, groups, folders, a warehouse, alerts, a dashboard; and what every job states."""

from __future__ import annotations

import json
import re

import pytest
from infra_documents import levels, of_kind

from infra import inputs
from infra.roles import On, Role, row
from infra.stages import STAGES, StageName
from workflows.errors import DeclarationError

EVERY = pytest.mark.parametrize("stage", [name.value for name in StageName])
ANALYSTS = ("cdh-ml-data-science-analysts", "cdh-ml-feature-analysts")


# --- secrets ---


@EVERY
def test_the_secret_scope_is_the_vault_that_the_azure_layer_makes(documents, azure_documents, stage):
    (name, scope), *more = of_kind(documents[stage], "databricks_secret_scope").items()
    vault = of_kind(azure_documents[stage], "azurerm_key_vault")["main"]
    group = of_kind(azure_documents[stage], "azurerm_resource_group")["main"]
    subscription = inputs.load().subscription_id
    assert (name, more) == ("cdh", [])
    assert scope["keyvault_metadata"] == {
        "dns_name": f"https://{vault['name']}.vault.azure.net/",
        "resource_id": f"/subscriptions/{subscription}/resourceGroups/{group['name']}/providers/Microsoft.KeyVault/"
        f"vaults/{vault['name']}",
    }


@EVERY
def test_only_who_publishes_reads_secrets_and_no_value_of_one_is_declared(documents, stage):
    acls = of_kind(documents[stage], "databricks_secret_acl")
    assert {(one["principal"].split(".")[1], one["permission"]) for one in acls.values()} == {
        ("sp_deploy", "MANAGE"), ("sp_serve", "READ")
    }  # fmt: skip
    assert set(acls) == {"sp_deploy", "sp_serve"}
    assert of_kind(documents[stage], "databricks_secret") == {}


# --- groups ---


@EVERY
def test_every_role_opens_the_workspace_and_nobody_may_create_compute(documents, stage):
    found = of_kind(documents[stage], "databricks_entitlements")
    ids = {body["group_id"] for body in found.values()}
    assert {name.replace("_", "-") for name in found} == {role.value for role in Role}
    assert ids == {str(inputs.load().groups[role.value]) for role in Role}
    for body in found.values():
        assert (body["workspace_access"], body["databricks_sql_access"]) == (True, True)
        assert (body["allow_cluster_create"], body["allow_instance_pool_create"]) == (False, False)
    for body in of_kind(documents[stage], "databricks_service_principal").values():
        assert not {"allow_cluster_create", "allow_instance_pool_create"} & {
            key for key, value in body.items() if value
        }


@pytest.mark.parametrize("right", ["allow_cluster_create", "allow_instance_pool_create"])
def test_a_row_of_the_matrix_that_lets_a_role_create_compute_is_refused(right):
    with pytest.raises(DeclarationError, match=f"{right}.*valid: databricks_sql_access, workspace_access"):
        row((Role.R6,), (On.WORKSPACE,), (right,), "because")


# --- folders ---


@EVERY
def test_the_folders_are_a_tree_that_no_declared_name_can_enter(documents, stage):
    folders = {name: body["path"] for name, body in of_kind(documents[stage], "databricks_directory").items()}
    assert folders == {
        "cdh": "/cdh", "status": "/cdh/platform-status", "alerts": "/cdh/platform-alerts",
        "monitors": "/cdh/quality-monitors",
    }  # fmt: skip
    # "For objects in the Workspace > Shared folder, all users have CAN MANAGE" (Databricks, special folders), and what
    # is in a folder inherits that.
    experiments = [body["name"] for body in of_kind(documents[stage], "databricks_mlflow_experiment").values()]
    assert experiments
    assert not [path for path in (*folders.values(), *experiments) if path.startswith(("/Shared", "/Users"))]
    for name, path in folders.items():
        body = of_kind(documents[stage], "databricks_directory")[name]
        assert body.get("depends_on") == (None if name == "cdh" else ["databricks_directory.cdh"])
        assert not re.fullmatch(r"[a-z][a-z0-9_]*", path.rpartition("/")[2]) or name == "cdh"
        assert f"folder_{name}" in of_kind(documents[stage], "databricks_permissions")


# --- the SQL warehouse: "Data Science Analysts typically do not have write or compute access in the production" ---


@pytest.mark.clause("O2")
def test_analysts_query_in_dev_and_see_the_dashboard_in_prod_without_the_warehouse(documents):
    for stage, may in (("dev", True), ("validation", True), ("prod", False)):
        warehouse, dashboard = (levels(documents[stage], name) for name in ("warehouse_cdh", "dashboard_status"))
        for group in ANALYSTS:
            assert warehouse.get(group) == ("CAN_USE" if may else None), stage
            assert dashboard[group] == "CAN_READ"
        assert warehouse["sp_deploy"] == "IS_OWNER"
    for body in of_kind(documents["prod"], "databricks_dashboard").values():
        assert body["embed_credentials"] is True, "without it who looks would need the warehouse"


@EVERY
def test_the_publisher_of_the_dashboard_may_read_what_it_shows(live, stage):
    text = json.loads(of_kind(live[stage], "databricks_dashboard")["status"]["serialized_dashboard"])
    queries = "".join(line for one in text["datasets"] for line in one["queryLines"])
    schemas = set(re.findall(rf"\bcdh_{stage}\.(\w+)\.\w+", queries))
    assert schemas == {"ml", "alpha", "gamma"}
    for schema in schemas:
        grants = of_kind(live[stage], "databricks_grants")[f"schema_{schema}"]["grant"]
        (given,) = [one["privileges"] for one in grants if ".sp_deploy." in one["principal"]]
        assert {"SELECT", "USE_SCHEMA"} <= set(given)


@EVERY
def test_the_warehouse_is_small_stops_by_itself_and_is_tagged(documents, stage):
    (body,) = of_kind(documents[stage], "databricks_sql_endpoint").values()
    assert (body["cluster_size"], body["max_num_clusters"], body["enable_serverless_compute"]) == ("2X-Small", 1, False)
    assert 0 < body["auto_stop_mins"] <= 15
    tags = {one["key"]: one["value"] for one in body["tags"]["custom_tags"]}
    assert tags == {"declaration": "platform", "stage": stage, "system": "cdh-mlops"}


# --- alerts ---


@pytest.mark.clause("P8")
def test_alerts_are_sent_to_the_operators_mailbox_and_to_no_person_and_only_where_the_stage_says_so(live):
    mailbox = inputs.load().alert_address
    for stage in STAGES.values():
        document = live[stage.name]
        text = json.dumps(document["resource"])
        # Not the addresses of containers.
        assert set(re.findall(r"(?<!//)\b[\w.+-]+@(?!stcdh)[\w-]+\.[\w.]+", text)) == {mailbox}
        assert "user_email" not in text
        destinations = of_kind(document, "databricks_notification_destination")
        assert set(destinations) == ({"operators"} if stage.alerts else set())
        alerts = of_kind(document, "databricks_alert_v2")
        assert set(alerts) == {"failed_runs", "cost", "alpha_signals", "gamma_signals"}, "beta only answers online"
        for body in alerts.values():
            told = body["evaluation"]["notification"].get("subscriptions", [])
            expected = [{"destination_id": "${databricks_notification_destination.operators.id}"}]
            assert told == (expected if stage.alerts else [])
            assert body["schedule"]["pause_status"] == ("UNPAUSED" if stage.scheduled else "PAUSED")
            assert ".sp_deploy." in body["run_as"]["service_principal_name"]
            assert body["parent_path"] == "${databricks_directory.alerts.workspace_path}"


# --- jobs ---


def test_a_job_states_its_limits_and_its_messages_go_to_the_mailbox_alone(documents):
    for stage in STAGES.values():
        for name, job in of_kind(documents[stage.name], "databricks_job").items():
            (rule,) = job["health"]["rules"]
            assert (rule["metric"], rule["op"]) == ("RUN_DURATION_SECONDS", "GREATER_THAN")
            assert 0 < rule["value"] < job["timeout_seconds"], name
            assert job["queue"] == {"enabled": True}
            for task in job["task"]:
                if "python_wheel_task" in task:
                    assert task["timeout_seconds"] <= job["timeout_seconds"]
                    # Break-glass opens once, and its every start and end is told.
                    assert (task["max_retries"], task["retry_on_timeout"]) == (
                        0 if name.endswith("_unseal") else 1,
                        False,
                    )
                    assert task["min_retry_interval_millis"] > 0
            told = job.get("email_notifications", {})
            events = ("on_failure", "on_duration_warning_threshold_exceeded") if stage.alerts else ()
            if name.endswith("_unseal"):
                events = ("on_start", "on_success", "on_failure")
            assert told == {event: [inputs.load().alert_address] for event in events}
            assert "webhook_notifications" not in job
            quiet = {"no_alert_for_canceled_runs": True, "no_alert_for_skipped_runs": True}
            assert job.get("notification_settings") == (quiet if stage.alerts else None)
