"""What is refused, at which step, and in which words; with the real terraform."""

from __future__ import annotations

import subprocess

import pytest
from provider_project import Project, Resources, catalog, job, volume

from sandbox.errors import TerraformError

SELECT = [{"principal": "a", "privileges": ["SELECT"]}]


def refused_plan(project: Project, resources: Resources) -> str:
    project.write(resources)
    with pytest.raises(TerraformError) as caught:
        project.terraform.plan("dev")
    return str(caught.value)


def test_everything_that_the_real_provider_refuses_before_apply_is_refused_and_named(project):
    """One configuration with one fault each: terraform tells all of them at once."""
    cron = {"quartz_cron_expression": "0 0 2 * * ?", "timezone_id": "UTC"}
    text = refused_plan(
        project,
        {
            "databricks_job": {
                "unknown": job("a", colour="red"),
                "unknown_below": job("a", run_as={"service_principal": "x"}),
                "both": job("a", schedule=cron, trigger={"periodic": {"interval": 1, "unit": "DAYS"}}),
            },
            "databricks_schema": {"missing": {"name": "ml"}},
            "databricks_grants": {"nothing": {"grant": SELECT}},
            "databricks_file": {"two": {"path": "/Volumes/a/b/c/d", "source": "x", "content_base64": "YQ=="}},
            "databricks_cluster": {"c": {"spark_version": "17.3"}},
        },
    )
    assert 'No argument or block type is named "colour"' in text
    assert 'No argument or block type is named "service_principal"' in text
    assert '"schedule": conflicts with trigger' in text
    assert 'The argument "catalog_name" is required' in text
    assert "one of `catalog,credential," in text
    assert '"source": conflicts with content_base64' in text
    assert "the sandbox does not model databricks_cluster" in text


def test_a_reference_to_a_resource_that_is_not_declared_is_refused(project):
    text = refused_plan(project, {"databricks_job": {"j": job("a", name="${databricks_schema.nope.name}")}})
    assert 'managed resource "databricks_schema" "nope" has not been declared' in text


def test_levels_paths_and_sources_are_refused_at_plan(project):
    levels = [{"group_name": "a", "permission_level": "CAN_FLY"}]
    text = refused_plan(
        project,
        {
            "databricks_permissions": {"p": {"cluster_policy_id": "x", "access_control": levels}},
            "databricks_file": {
                "path": {"path": "/tmp/x", "content_base64": "YQ=="},
                "source": {"path": "/Volumes/a/b/c/d", "source": "nowhere.whl"},
                "content": {"path": "/Volumes/a/b/c/e", "content_base64": "not base64!"},
            },
            "databricks_volume": {"v": volume() | {"schema_name": "s", "volume_type": "LOCAL"}},
            "databricks_directory": {"d": {"path": "Shared"}},
        },
    )
    expected = "permission_level CAN_FLY is not supported with cluster_policy_id objects; allowed levels: CAN_USE"
    assert expected in text
    assert "path '/tmp/x' must start with /Volumes/" in text
    assert "open nowhere.whl: no such file" in text
    assert "expected content_base64 to be a base64 string" in text
    assert 'expected volume_type to be one of ["MANAGED" "EXTERNAL"], got LOCAL' in text
    assert "path 'Shared' must be absolute" in text


def test_references_to_objects_that_do_not_exist_are_refused_at_apply(project):
    unknown_cluster = job("a")
    unknown_cluster["task"][0]["job_cluster_key"] = "gpu"
    missing = job("a")
    missing["task"][0]["depends_on"] = [{"task_key": "z"}]
    circle = job("a", "b")
    circle["task"][0]["depends_on"] = [{"task_key": "b"}]
    circle["task"][1]["depends_on"] = [{"task_key": "a"}]
    text = project.try_apply(
        {
            "databricks_schema": {"s": {"catalog_name": "nope", "name": "ml"}},
            "databricks_volume": {"v": volume() | {"schema_name": "nope"}},
            "databricks_grants": {"g": {"schema": "nope.ml", "grant": SELECT}},
            "databricks_permissions": {
                "p": {"job_id": "7", "access_control": [{"group_name": "a", "permission_level": "CAN_VIEW"}]}
            },
            "databricks_mlflow_experiment": {"x": {"name": "/Shared/nope/x"}},
            "databricks_job": {
                "run_as": job("a", run_as={"service_principal_name": "nobody"}),
                "cluster": unknown_cluster,
                "depends": missing,
                "circle": circle,
                "twice": job("a", "a"),
                "other": {"name": "o", "task": [{"task_key": "t", "run_job_task": {"job_id": 7}}]},
            },
        }
    )
    for expected in (
        "databricks_schema.s cannot create schema: Catalog 'nope' does not exist.",
        "databricks_volume.v cannot create volume: Schema 'cdh_test.nope' does not exist.",
        "databricks_grants.g cannot create grants: Schema 'nope.ml' does not exist.",
        "databricks_permissions.p cannot create permissions: Job '7' does not exist.",
        "databricks_mlflow_experiment.x cannot create MLflow experiment: Parent directory /Shared/nope does not exist.",
        "databricks_job.run_as cannot create job: run_as: service principal 'nobody' does not exist.",
        "databricks_job.cluster cannot create job: Task 'a': job cluster 'gpu' is not defined",
        "databricks_job.depends cannot create job: Task 'a' depends on 'z', which is no task of the job; valid: a",
        "databricks_job.circle cannot create job: Tasks a, b depend on each other in a cycle.",
        "databricks_job.twice cannot create job: Task key 'a' is given to 2 tasks.",
        "databricks_job.other cannot create job: Job '7' does not exist.",
    ):
        assert expected in text
    assert project.workspace.store.list() == []


def test_a_second_grants_resource_for_one_securable_and_empty_privileges_are_refused(project):
    resources = catalog()
    name = "${databricks_catalog.c.name}"
    resources["databricks_grants"] = {
        "g": {"catalog": name, "grant": SELECT},
        "h": {"catalog": name, "grant": [{"principal": "b", "privileges": ["SELECT"]}]},
        "e": {"schema": "${databricks_schema.s.id}", "grant": [{"principal": "a", "privileges": []}]},
    }
    text = project.try_apply(resources)
    assert "cannot create grants: permissions for catalog-cdh_test are [{" in text
    assert "cannot read grants: got empty permissions list" in text
    assert [item.id for item in project.workspace.store.list("databricks_grants")] == ["catalog/cdh_test"]


def test_a_schema_with_a_table_is_kept_unless_force_destroy_is_set(project):
    project.apply(catalog())
    table = project.workspace.warehouse / "ml" / "lineage"
    (table / "_delta_log").mkdir(parents=True)
    with pytest.raises(TerraformError, match=r"cannot delete schema: Schema 'cdh_test\.ml' is not empty\. .* 1 table"):
        project.terraform.destroy("dev")
    assert table.is_dir()
    forced = catalog()
    forced["databricks_schema"]["s"]["force_destroy"] = True
    project.apply(forced)
    project.terraform.destroy("dev")
    assert not table.exists()


def test_a_provider_without_a_workspace_is_refused(project):
    project.write(catalog())
    document = project.stack / "cdk.tf.json"
    project.terraform._ready("dev", lambda line: None)
    document.write_text(document.read_text().replace("azure_workspace_resource_id", "host"))
    command = ["terraform", "plan", "-input=false", "-no-color"]
    ran = subprocess.run(
        command, cwd=project.stack, env=project.terraform.environment(), capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert "the databricks provider needs azure_workspace_resource_id" in " ".join(ran.stderr.split())


def test_a_second_catalog_of_a_workspace_is_refused(project):
    second = {"name": "b", "depends_on": ["databricks_catalog.a"]}
    text = project.try_apply({"databricks_catalog": {"a": {"name": "a"}, "b": second}})
    assert "the sandbox keeps one catalog a workspace, and dbw-test has 'a'" in text
