"""What a live model adds to a stage, and that the real terraform, once it applied a stage, has nothing left to do."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace

import nightly
import pytest
from infra_documents import LIVE, ROOT, Document, addresses, levels, of_kind
from provider_schema import all_departures

from infra import inputs
from infra.stages import STAGES, StageName
from sandbox.runner.deployed import deployed_jobs
from sandbox.terraform import Terraform
from sandbox.workspace import Workspace
from workflows.errors import DeclarationError

EVERY = pytest.mark.parametrize("stage", [name.value for name in StageName])


@EVERY
def test_before_a_model_is_live_nothing_asks_for_its_tables_or_versions(documents_before_live, stage):
    kinds = {address.split(".")[0] for address in addresses(documents_before_live[stage])}
    assert not {"databricks_quality_monitor", "databricks_model_serving"} & kinds


@pytest.mark.clause("C8")
@EVERY
def test_a_live_model_has_a_monitor_of_what_it_predicts_in_batches_and_an_endpoint_where_it_answers_online(live, stage):
    monitors, endpoints = (of_kind(live[stage], f"databricks_{kind}") for kind in ("quality_monitor", "model_serving"))
    assert (set(monitors), set(endpoints)) == ({"alpha", "gamma"}, {"alpha", "beta"})
    for name, body in monitors.items():
        assert body["table_name"] == f"cdh_{stage}.{name}.predictions"
        assert body["output_schema_name"] == f"cdh_{stage}.{name}"
        assert body["depends_on"] == ["databricks_directory.monitors"]
        assert ("schedule" in body, "notifications" in body) == (stage == "prod", stage == "prod")
    (alpha,) = endpoints["alpha"]["config"]["served_entities"]
    assert (alpha["entity_version"], alpha["workload_size"], alpha["scale_to_zero_enabled"]) == ("3", "Large", False)
    (beta,) = endpoints["beta"]["config"]["served_entities"]
    assert (beta["entity_version"], beta["workload_size"], beta["scale_to_zero_enabled"]) == ("1", "Small", True)
    for name, body in endpoints.items():
        payload = body["ai_gateway"]["inference_table_config"]
        assert (payload["catalog_name"], payload["schema_name"], payload["enabled"]) == (f"cdh_{stage}", name, True)
        assert body["lifecycle"] == {"ignore_changes": ["config[0].served_entities[0].entity_version"]}
        given = levels(live[stage], f"endpoint_{name}")
        assert {who for who, level in given.items() if level == "CAN_MANAGE"} == {"sp_deploy", "sp_promote"}
        assert given["cdh-ml-data-science-analysts-invented"] == "CAN_VIEW"


@EVERY
def test_what_live_models_add_is_what_the_provider_takes_and_changes_nothing_of_others(
    live, synthesised, live_models, stage
):
    assert all_departures(live[stage], "databricks-1.99.0") == []
    plain = addresses(synthesised(live_models, [STAGES[stage]])[stage])
    added = set(addresses(live[stage])) - set(plain)
    assert {address.split(".")[0] for address in added} == {
        "databricks_alert_v2", "databricks_model_serving", "databricks_permissions", "databricks_quality_monitor"
    }  # fmt: skip
    different = {address for address in plain if plain[address] != addresses(live[stage])[address]}
    awaiting = {f"databricks_job.{name}_featurize" for name in ("facts", *LIVE)} if stage == "prod" else set()
    assert different == {"databricks_dashboard.status"} | awaiting


def test_a_live_model_that_nobody_declared_is_refused_with_those_that_are(synthesised, live_models):
    given = replace(inputs.load(), live={name: {"delta": 1} for name in StageName})
    with pytest.raises(DeclarationError, match=r"infra/inputs.json: dev: live = 'delta'.*valid: alpha, beta, gamma"):
        synthesised(live_models, [STAGES["dev"]], given)


@pytest.fixture
def project(tmp_path) -> Callable[[str, Document], Terraform]:
    """(stage, document) -> terraform with that stage written down and every delivered file beside it."""

    def write(stage: str, document: Document) -> Terraform:
        repo = tmp_path / "repo"
        stack = repo / "cdktf.out" / "stacks" / stage
        stack.mkdir(parents=True, exist_ok=True)
        if not (repo / ".cache").exists():
            (repo / ".cache").symlink_to(ROOT / ".cache")
        for file in of_kind(document, "databricks_file").values():
            delivered = (stack / file["source"]).resolve()
            delivered.parent.mkdir(parents=True, exist_ok=True)
            delivered.write_text(file["path"])
        (stack / "cdk.tf.json").write_text(json.dumps(document))
        manifest = {
            "version": "0.21.0",
            "stacks": {
                stage: {
                    "name": stage,
                    "workingDirectory": f"stacks/{stage}",
                    "synthesizedStackPath": f"stacks/{stage}/cdk.tf.json",
                }
            },
        }
        (repo / "cdktf.out" / "manifest.json").write_text(json.dumps(manifest))
        return Terraform(tmp_path / "home", repo)

    return write


def apply(terraform: Terraform, stage: str) -> None:
    command = ["terraform", "apply", "-auto-approve", "-input=false", "-no-color"]
    folder = terraform._ready(stage, lambda line: None)
    ran = subprocess.run(command, cwd=folder, env=terraform.environment(), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def drifted(workspace: Workspace, kind: str, id_: str, change: Callable[[dict], None]) -> None:
    body = copy.deepcopy(workspace.store.read(kind, id_).body)
    change(body)
    workspace.store.update(kind, id_, body)


# What the sandbox only stores: terraform applies it without a server of MLflow.
STORED = ("alert_v2", "dashboard", "directory", "entitlements", "model_serving", "notification_destination",
          "quality_monitor", "secret_acl", "secret_scope", "service_principal", "sql_endpoint")  # fmt: skip


def stored(document: Document) -> Document:
    """The same stage with these kinds alone, and the permissions on them."""
    kinds = {f"databricks_{kind}" for kind in STORED}
    resources = {kind: some for kind, some in copy.deepcopy(document["resource"]).items() if kind in kinds}
    for name, body in resources["databricks_model_serving"].items():
        body["config"]["served_entities"][0]["entity_name"] = f"cdh_dev.{name}.{name}"
    resources["databricks_permissions"] = {
        name: body
        for name, body in document["resource"]["databricks_permissions"].items()
        if re.search(r"\$\{(databricks_\w+)\.", json.dumps(body)[:-1])[1] in kinds
        and not {"job_id", "experiment_id", "cluster_policy_id"} & set(body)
    }
    return document | {"resource": resources}


def test_terraform_applies_what_is_only_stored_and_has_nothing_left_to_do(live, project):
    document = stored(live["prod"])
    assert {name.partition("_")[0] for name in of_kind(document, "databricks_permissions")} == {
        "dashboard", "endpoint", "folder", "warehouse"
    }  # fmt: skip
    terraform = project("prod", document)
    apply(terraform, "prod")
    kept = [item.type for item in terraform.workspace("prod").store.list()]
    assert {kind.removeprefix("databricks_") for kind in kept} == {*STORED, "permissions"}
    assert terraform.plan("prod").actions == ()


@pytest.mark.parametrize("stage", nightly.split([name.value for name in StageName], lambda name: name == "prod"))
def test_terraform_applies_a_stage_with_live_models_and_has_nothing_left_to_do(live, stage, project):
    terraform = project(stage, live[stage])
    apply(terraform, stage)
    assert len(terraform.workspace(stage).store.list()) == len(addresses(live[stage]))
    assert terraform.plan(stage).actions == ()
    read = deployed_jobs(terraform.workspace(stage))
    waiting = {job.name for job in read.values() if job.trigger and job.trigger.kind == "table_update"}
    assert len(read) == len(of_kind(live[stage], "databricks_job"))
    assert waiting == ({f"{name}_featurize" for name in ("facts", *LIVE)} if STAGES[stage].scheduled else set())
    assert all(job.warn_after and job.warn_after < job.timeout for job in read.values())


def test_promotion_changes_the_version_that_answers_and_terraform_sees_every_other_change_of_an_endpoint(live, project):
    small = stored(live["dev"])
    small["resource"] = {"databricks_model_serving": small["resource"]["databricks_model_serving"]}
    terraform = project("dev", small)
    apply(terraform, "dev")
    workspace = terraform.workspace("dev")

    def promote(body: dict) -> None:
        body["config"][0]["served_entities"][0]["entity_version"] = "9"

    drifted(workspace, "databricks_model_serving", "cdh-alpha", promote)
    assert terraform.plan("dev").actions == ()
    document = copy.deepcopy(small)
    served = document["resource"]["databricks_model_serving"]["alpha"]["config"]["served_entities"][0]
    served["entity_version"], served["workload_size"] = "2", "Medium"
    terraform = project("dev", document)
    apply(terraform, "dev")
    (entity,) = workspace.store.read("databricks_model_serving", "cdh-alpha").body["config"][0]["served_entities"]
    assert (entity["entity_version"], entity["workload_size"]) == ("9", "Medium"), "the champion still answers"
