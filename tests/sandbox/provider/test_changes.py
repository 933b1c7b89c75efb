"""What a change does: replacement, update, drift, and what never comes to rest; with the real terraform."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from provider_project import Project, Resources, catalog, job, volume

from sandbox.errors import SandboxError, TerraformError, UnknownStageError
from sandbox.left_overs import forget_left_overs
from sandbox.store import Store
from sandbox.terraform import Terraform


def with_volume(**changes: str) -> Resources:
    return catalog() | {"databricks_volume": {"v": volume() | changes}}


def test_a_force_new_change_replaces_and_another_updates(project):
    cluster = {"spark_version": "17.3", "num_workers": 1, "idempotency_token": "a"}
    jobs = {"j": job("a", job_cluster=[{"job_cluster_key": "ml", "new_cluster": cluster}]), "k": job("a")}
    project.apply(with_volume(comment="one") | {"databricks_job": jobs})
    first = project.state("databricks_volume.v")["id"]

    cluster["idempotency_token"] = "b"  # force-new deep inside a list
    jobs["k"]["name"] = "other"
    changed = with_volume(comment="two", volume_type="EXTERNAL", storage_location="abfss://x") | {
        "databricks_job": jobs
    }
    assert project.plan(changed) == {
        "databricks_volume.v": "replace",
        "databricks_job.j": "replace",
        "databricks_job.k": "update",
    }
    old = project.state("databricks_job.j")["id"]
    project.apply(changed)
    assert project.state("databricks_volume.v")["id"] == first
    assert project.state("databricks_volume.v")["comment"] == "two"
    assert project.state("databricks_job.j")["id"] != old
    assert project.workspace.store.read("databricks_job", old) is None
    assert project.plan() == {}


def test_unsorted_tasks_dependencies_and_a_principal_named_twice_never_come_to_rest(project):
    depends = job("a", "b", "c")
    depends["task"][2]["depends_on"] = [{"task_key": "b"}, {"task_key": "a"}]
    twice = [{"principal": "a", "privileges": [privilege]} for privilege in ("SELECT", "USE_CATALOG")]
    spelled = [{"principal": "a", "privileges": ["use schema", "Select"]}]
    restless = catalog() | {
        "databricks_job": {"sorted": job("a", "b"), "tasks": job("b", "a"), "depends": depends},
        "databricks_grants": {
            "twice": {"catalog": "${databricks_catalog.c.name}", "grant": twice},
            "spelled": {"schema": "${databricks_schema.s.id}", "grant": spelled},
        },
    }
    project.apply(restless)
    expected = {
        "databricks_job.tasks": "update",
        "databricks_job.depends": "update",
        "databricks_grants.twice": "update",
    }
    assert project.plan() == expected
    project.apply(restless)
    assert project.plan() == expected


def test_what_others_changed_is_seen_and_put_right(project):
    resources = with_volume() | {"databricks_job": {"j": job("a"), "k": job("a")}}
    resources["databricks_file"] = {
        name: {"path": f"${{databricks_volume.v.volume_path}}/{name}", "content_base64": "YQ=="}
        for name in ("gone", "new")
    }
    project.apply(resources)
    folder = project.workspace.volumes / "cdh_test" / "ml" / "artifacts"
    (folder / "gone").unlink()
    (folder / "new").write_text("by hand")
    store = project.workspace.store
    renamed = store.read("databricks_job", project.state("databricks_job.j")["id"])
    store.update("databricks_job", renamed.id, renamed.body | {"name": "by hand"})
    store.delete("databricks_job", project.state("databricks_job.k")["id"])
    assert project.plan() == {
        "databricks_file.gone": "create",
        "databricks_file.new": "update",
        "databricks_job.j": "update",
        "databricks_job.k": "create",
    }
    project.apply(resources)
    assert (folder / "gone").read_text() == (folder / "new").read_text() == "a"
    assert project.plan() == {}


def test_a_source_file_that_changed_is_uploaded_again(project):
    source = project.folder / "requirements.txt"
    source.write_text("a==1\n")
    resources = with_volume()
    resources["databricks_file"] = {"f": {"path": "${databricks_volume.v.volume_path}/r.txt", "source": str(source)}}
    project.apply(resources)
    os.utime(source, (1, 1))
    assert project.plan() == {}
    source.write_text("a==2\n")
    assert project.plan() == {"databricks_file.f": "update"}
    project.apply(resources)
    assert project.workspace.volume_path("/Volumes/cdh_test/ml/artifacts/r.txt").read_text() == "a==2\n"


def test_parallel_applies_of_many_resources_and_several_processes_lose_nothing(tmp_path):
    projects = [Project(tmp_path / name) for name in ("one", "two")]
    # two stacks of one workspace: two provider processes with ten threads each
    projects[1].terraform = Terraform(projects[0].terraform.home, projects[1].folder)

    def apply(project: Project, first: int) -> None:
        numbered = range(first, first + 40)
        override = {"terraform": {"backend": {"local": {"path": str(tmp_path / f"{first}.tfstate")}}}}
        resources = {
            "databricks_job": {f"j{n}": job("a") | {"name": f"j{n}"} for n in numbered},
            "databricks_cluster_policy": {f"p{n}": {"name": f"p{n}", "definition": "{}"} for n in numbered},
        }
        project.write(resources)
        project.terraform._ready("dev", lambda line: None)
        (project.stack / "zz_override.tf.json").write_text(json.dumps(override))
        command = ["terraform", "init", "-reconfigure", "-input=false"]
        subprocess.run(command, cwd=project.stack, env=project.terraform.environment(), check=True, capture_output=True)
        project.apply(resources)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(apply, projects[0], 0), pool.submit(apply, projects[1], 100)]:
            done.result()
    store = Store(projects[0].workspace.root / "resources.sqlite")
    names = {item.body["name"] for item in store.list("databricks_job")}
    assert names == {f"j{n}" for first in (0, 100) for n in range(first, first + 40)}
    assert len(store.list("databricks_cluster_policy")) == 80


def test_a_deployment_that_was_cut_off_can_be_made_again(project):
    resources = catalog() | {"databricks_job": {"j": job("a")}}
    project.apply(resources)
    project.workspace.state.unlink()
    assert "already exists" in project.try_apply(resources)
    project.workspace.state.unlink()
    # the catalog and schema that are there are kept on disk and taken over; the job is not made twice
    assert forget_left_overs(project.workspace) >= 3
    project.apply(resources)
    assert len(project.workspace.store.list("databricks_job")) == 1
    assert forget_left_overs(project.workspace) == 0
    assert project.plan() == {}


def test_another_home_starts_from_an_empty_workspace(project, tmp_path):
    project.apply(catalog())
    project.terraform = Terraform(tmp_path / "other", project.folder)
    assert set(project.plan().values()) == {"create"}
    project.apply(catalog())
    assert project.plan() == {}


def test_an_unknown_stage_lists_the_valid_ones(project):
    project.write(catalog())
    with pytest.raises(UnknownStageError, match="stage 'production' is unknown; valid: dev"):
        project.terraform.plan("production")


def test_two_deployments_of_one_stage_at_a_time_are_refused(project):
    project.apply(catalog())
    with (
        project.terraform._alone("dev"),
        pytest.raises(SandboxError, match="stage 'dev' is being deployed or destroyed by another process"),
    ):
        project.terraform.destroy("dev")


def test_prevent_destroy_is_refused_naming_the_object(project):
    resources = catalog()
    resources["databricks_schema"]["s"]["lifecycle"] = {"prevent_destroy": True}
    project.apply(resources)
    with pytest.raises(TerraformError, match=r"databricks_schema\.s has lifecycle\.prevent_destroy set"):
        project.terraform.destroy("dev")
    assert len(project.workspace.store.list()) == 2
