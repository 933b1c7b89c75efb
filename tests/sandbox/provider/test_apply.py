"""The real terraform applies each modelled resource type, plans nothing the second time, and removes all of it."""

from __future__ import annotations

import base64
import json
import urllib.request

import pytest
from provider_project import WHEEL, Project, Resources, catalog, job, volume

from sandbox.errors import NotDeployedError
from sandbox.provider.registry import KINDS
from sandbox.services import mlflow_of

APPLICATION = "00000000-0000-0000-0000-0000000000ab"
OWN = {"Authorization": "Basic " + base64.b64encode(b"tests:sandbox").decode()}
PRINCIPAL = "${databricks_service_principal.s.application_id}"


def everything() -> Resources:
    cluster = {
        "spark_version": "17.3",
        "node_type_id": "n",
        "num_workers": 1,
        "policy_id": "${databricks_cluster_policy.p.id}",
    }
    train = job(
        "prepare",
        "train",
        run_as={"service_principal_name": PRINCIPAL},
        job_cluster=[{"job_cluster_key": "ml", "new_cluster": cluster}],
        schedule={"quartz_cron_expression": "0 0 2 * * ?", "timezone_id": "UTC"},
        parameter=[{"name": "person_sample", "default": "0.25"}],
    )
    for task in train["task"]:
        task["job_cluster_key"] = "ml"
        task["library"] = [{"whl": "${databricks_file.f.path}"}]
    train["task"][1]["depends_on"] = [{"task_key": "prepare"}]
    retrain = {"name": "retrain", "task": [{"task_key": "t", "run_job_task": {"job_id": "${databricks_job.j.id}"}}]}
    return (
        catalog()
        | services()
        | {
            "databricks_volume": {"v": volume()},
            "databricks_file": {
                "f": {
                    "path": "${databricks_volume.v.volume_path}/wheels/a.whl",
                    "content_base64": base64.b64encode(b"wheel").decode(),
                },
                "g": {"path": "${databricks_volume.v.volume_path}/b.txt", "source": "../../../b.txt"},
            },
            "databricks_service_principal": {"s": {"application_id": APPLICATION, "display_name": "sp-train"}},
            "databricks_entitlements": {"e": {"group_id": "1", "workspace_access": True}},
            "databricks_access_control_rule_set": {
                "r": {
                    "name": f"accounts/0/servicePrincipals/{PRINCIPAL}/ruleSet/default",
                    "grant_rules": [{"principals": ["groups/deployers"], "role": "roles/servicePrincipal.user"}],
                }
            },
            "databricks_workspace_binding": {
                "b": {"securable_name": "${databricks_catalog.c.name}", "workspace_id": 12}
            },
            "databricks_metastore_assignment": {"a": {"metastore_id": "m", "workspace_id": 12}},
            "databricks_mws_permission_assignment": {
                "a": {
                    "workspace_id": "${databricks_metastore_assignment.a.workspace_id}",
                    "principal_id": 5,
                    "permissions": ["USER"],
                }
            },
            "databricks_system_schema": {"s": {"schema": "access"}},
            "databricks_budget_policy": {
                "b": {"policy_name": "b", "custom_tags": [{"key": "a", "value": "b"}], "binding_workspace_ids": [12]}
            },
            "databricks_service_principal_federation_policy": {
                "f": {
                    "service_principal_id": "${databricks_service_principal.s.id}",
                    "policy_id": "ci",
                    "oidc_policy": {"issuer": "https://ci.example", "subject": "repo:a", "audiences": ["x"]},
                }
            },
            "databricks_grant": {
                "g": {"schema": "${databricks_schema.s.id}", "principal": "a", "privileges": ["USE_SCHEMA", "SELECT"]}
            },
            "databricks_cluster_policy": {"p": {"name": "p", "definition": '{"a": {"type": "fixed", "value": 1}}'}},
            "databricks_directory": {"d": {"path": "/cdh"}},
            "databricks_mlflow_experiment": {
                "x": {"name": "${databricks_directory.d.path}/readmission", "tags": [{"key": "owner", "value": "r4"}]}
            },
            "databricks_registered_model": {
                "m": {"catalog_name": "cdh_test", "schema_name": "${databricks_schema.s.name}", "name": "readmission"}
            },
            "databricks_grants": {
                "g": {
                    "model": "${databricks_registered_model.m.id}",
                    "grant": [{"principal": "a", "privileges": ["EXECUTE"]}],
                }
            },
            "databricks_job": {"j": train, "k": retrain},
            "databricks_permissions": {
                "p": {
                    "job_id": "${databricks_job.j.id}",
                    "access_control": [{"service_principal_name": PRINCIPAL, "permission_level": "IS_OWNER"}],
                }
            },
        }
    )


def services() -> Resources:
    """What stands beside jobs and tables."""
    value = {"double_value": 1}
    condition = {"op": "GREATER_THAN", "operand": {"column": {"name": "n"}}, "threshold": {"value": value}}
    entity = {
        "entity_name": "cdh_test.ml.readmission",
        "entity_version": "1",
        "workload_size": "Small",
        "scale_to_zero_enabled": True,
    }
    return {
        "databricks_storage_credential": {
            "c": {"name": "cdh", "azure_managed_identity": {"access_connector_id": "/subscriptions/0/ac"}}
        },
        "databricks_external_location": {
            "l": {
                "name": "curated",
                "url": "abfss://curated@cdh.dfs.core.windows.net",
                "credential_name": "${databricks_storage_credential.c.name}",
                "skip_validation": True,
            }
        },
        "databricks_group": {"g": {"display_name": "analysts"}},
        "databricks_group_member": {
            "m": {"group_id": "${databricks_group.g.id}", "member_id": "${databricks_service_principal.s.id}"}
        },
        "databricks_instance_pool": {
            "p": {
                "instance_pool_name": "pool",
                "node_type_id": "Standard_D4ds_v5",
                "idle_instance_autotermination_minutes": 10,
            }
        },
        "databricks_sql_endpoint": {
            "w": {"name": "w", "cluster_size": "2X-Small", "tags": {"custom_tags": {"key": "a", "value": "b"}}}
        },
        "databricks_query": {
            "q": {"display_name": "q", "warehouse_id": "${databricks_sql_endpoint.w.id}", "query_text": "select 1"}
        },
        "databricks_alert": {
            "a": {"display_name": "late", "query_id": "${databricks_query.q.id}", "condition": condition}
        },
        "databricks_alert_v2": {
            "a": {
                "display_name": "failed",
                "query_text": "select 1 as n",
                "warehouse_id": "${databricks_sql_endpoint.w.id}",
                "evaluation": {
                    "comparison_operator": "GREATER_THAN",
                    "source": {"name": "n"},
                    "threshold": {"value": value},
                    "notification": {
                        "subscriptions": [{"destination_id": "${databricks_notification_destination.n.id}"}]
                    },
                },
                "schedule": {"quartz_cron_schedule": "0 0 7 * * ?", "timezone_id": "UTC"},
            }
        },
        "databricks_dashboard": {
            "d": {
                "display_name": "status",
                "parent_path": "/Shared",
                "warehouse_id": "${databricks_sql_endpoint.w.id}",
                "serialized_dashboard": json.dumps({"pages": []}),
            }
        },
        "databricks_notification_destination": {
            "n": {"display_name": "team", "config": {"email": {"addresses": ["team@example.gov"]}}}
        },
        "databricks_secret_scope": {"k": {"name": "kv"}},
        "databricks_secret_acl": {
            "k": {"scope": "${databricks_secret_scope.k.name}", "principal": "a", "permission": "READ"}
        },
        "databricks_model_serving": {"m": {"name": "readmission", "config": {"served_entities": [entity]}}},
        "databricks_quality_monitor": {
            "q": {
                "table_name": "cdh_test.ml.t",
                "assets_dir": "/Shared/m",
                "output_schema_name": "cdh_test.ml",
                "time_series": {"granularities": ["1 day"], "timestamp_col": "t"},
                "schedule": {"quartz_cron_expression": "0 0 2 * * ?", "timezone_id": "UTC"},
            }
        },
        "databricks_workspace_file": {"w": {"path": "/Shared/readme.txt", "content_base64": "YQ=="}},
    }


@pytest.fixture(scope="module")
def applied(tmp_path_factory) -> Project:
    """Every modelled type, applied once."""
    project = Project(tmp_path_factory.mktemp("everything"))
    (project.folder / "b.txt").write_text("source\n")
    project.apply(everything())
    return project


def test_every_modelled_type_is_applied_and_the_second_plan_is_empty(applied):
    assert set(everything()) == set(KINDS)
    assert {item.type for item in applied.workspace.store.list()} == set(KINDS)
    assert applied.plan() == {}


def test_catalog_volume_and_files_are_made_for_real(applied):
    workspace = applied.workspace
    assert workspace.catalog == "cdh_test"
    assert (workspace.warehouse / "ml").is_dir()
    assert workspace.volume_path("/Volumes/cdh_test/ml/artifacts/wheels/a.whl").read_bytes() == b"wheel"
    assert workspace.volume_path("/Volumes/cdh_test/ml/artifacts/b.txt").read_text() == "source\n"
    assert applied.state("databricks_file.g")["file_size"] == 7


def test_experiment_and_model_are_mlflows_own(applied):
    with mlflow_of(applied.workspace, applied.folder / ".cache") as uri:
        url = f"{uri}/api/2.0/mlflow/experiments/get-by-name?experiment_name=/cdh/readmission"
        with urllib.request.urlopen(urllib.request.Request(url, headers=OWN)) as answer:
            experiment = json.load(answer)["experiment"]
        url = f"{uri}/api/2.0/mlflow/registered-models/get?name=cdh_test.ml.readmission"
        with urllib.request.urlopen(urllib.request.Request(url, headers=OWN)) as answer:
            model = json.load(answer)["registered_model"]
    assert experiment["experiment_id"] == applied.state("databricks_mlflow_experiment.x")["id"]
    assert {"key": "owner", "value": "r4"} in experiment["tags"]
    assert model["name"] == "cdh_test.ml.readmission"


def test_a_job_is_stored_as_terraform_gave_it_with_a_number_for_its_id(applied):
    found = {item.body["name"]: item for item in applied.workspace.store.list("databricks_job")}
    stored = found["j"]
    assert stored.id.isdigit()
    assert stored.body["run_as"] == [{"service_principal_name": APPLICATION, "user_name": None}]
    assert [task["task_key"] for task in stored.body["task"]] == ["prepare", "train"]
    assert stored.body["task"][0]["python_wheel_task"][0]["entry_point"] == WHEEL["entry_point"]
    assert stored.body["schedule"][0]["pause_status"] == "UNPAUSED"
    assert found["retrain"].body["task"][0]["run_job_task"][0]["job_id"] == int(stored.id)


def test_a_stage_that_is_gone_says_so(project):
    project.write(catalog())
    with pytest.raises(NotDeployedError, match="stage 'dev' is not deployed; run `mlops deploy dev`"):
        project.terraform.destroy("dev")


def test_destroy_removes_everything_and_a_deploy_makes_it_again(tmp_path):
    project = Project(tmp_path)
    (project.folder / "b.txt").write_text("source\n")
    project.apply(everything())
    made = len(project.workspace.store.list())
    assert project.terraform.destroy("dev").destroyed == made
    assert project.workspace.store.list() == []
    assert not project.workspace.warehouse.exists()
    assert list(project.workspace.volumes.rglob("*")) == []
    project.apply(everything())
    assert len(project.workspace.store.list()) == made
