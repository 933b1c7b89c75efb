"""Clusters, their policies and their libraries: what is offered, and how each is refused that cannot be."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from infra_documents import ROOT, invented_model, of_kind

from infra import clusters, delivery, policies, requirements
from infra.stages import StageName
from workflows.declare import replace as changed
from workflows.discover import Catalogue
from workflows.errors import DeclarationError

FAMILIES = ["bayes", "etl", "ml_cpu", "ml_gpu", "nlp"]
# https://learn.microsoft.com/azure/databricks/admin/clusters/policy-definition, read 2026-11-24: a forbidden path with
# a wildcard is no init script of that kind at all.
FORBIDDEN = {
    f"init_scripts.*.{one}.destination" for one in ("abfss", "dbfs", "file", "gcs", "s3", "volumes", "workspace")
}


def edit(file, **changes):
    """Change a JSON file; None takes a key out. A key may have dots."""
    read = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in read.items() if value is not None}))


@pytest.mark.parametrize("stage", [name.value for name in StageName])
def test_every_family_has_a_policy_in_every_stage_whether_a_job_uses_it_or_not(documents, stage):
    found = of_kind(documents[stage], "databricks_cluster_policy")
    assert sorted(found) == FAMILIES
    used = {
        one["job_cluster_key"]
        for job in of_kind(documents[stage], "databricks_job").values()
        for one in job["job_cluster"]
    }
    assert used == {"ml_cpu"}
    for policy in found.values():
        rules = json.loads(policy["definition"])
        assert rules["cluster_type"] == {"type": "fixed", "value": "job"}
        assert {path for path, rule in rules.items() if rule["type"] == "forbidden"} >= FORBIDDEN
        assert rules["custom_tags.stage"] == {"type": "fixed", "value": stage}
        assert rules["custom_tags.system"]["type"] == rules["data_security_mode"]["type"] == "fixed"
        assert rules["spark_version"]["value"].startswith("17.3.x-")
        assert rules["node_type_id"]["type"] == "allowlist"
        # NCv3 is not sold since 2025-09-30.
        assert not [size for size in rules["node_type_id"]["values"] if re.fullmatch(r"Standard_NC\d+r?s_v3", size)]


def test_whatever_family_writes_a_table_small_files_are_put_together(documents):
    """ADR 76: tables are written by as many tasks as computed them, and nothing else puts their files together."""
    clusters = [
        one["new_cluster"]["spark_conf"]
        for job in of_kind(documents["prod"], "databricks_job").values() for one in job["job_cluster"]
    ]  # fmt: skip
    assert clusters
    assert {one.get("spark.databricks.delta.optimizeWrite.enabled") for one in clusters} == {"true"}


def test_only_clusters_in_use_have_files_to_upload(documents):
    files = of_kind(documents["dev"], "databricks_file")
    assert [name for name in files if name.startswith("requirements_")] == ["requirements_ml_cpu"]


def test_a_model_may_choose_any_family_and_brings_its_libraries_along(invented, compute):
    bayes = changed(invented_model("gamma"), cluster="bayes")
    made = delivery.delivery(Catalogue({}, {}, {"gamma": bayes}, {}), compute)
    assert list(made.requirements_paths) == ["bayes"]
    assert made.contents[made.requirements_paths["bayes"]] == (ROOT / "clusters/bayes/requirements.txt").read_text()


POLICIES = [
    ({"cluster_type": {"type": "fixed", "value": "all-purpose"}}, "cluster_type = .*'all-purpose'.*'value': 'job'"),
    ({"cluster_type": None}, "cluster_type = None"),
    ({"spark_version": {"type": "unlimited"}}, "spark_version = .*'unlimited'.*'type': 'fixed'"),
    ({"data_security_mode": {"type": "fixed", "value": "NONE"}}, "data_security_mode = .*SINGLE_USER"),
    ({"custom_tags.system": {"type": "fixed", "value": "other"}}, "custom_tags.system = .*cdh-mlops"),
    ({"custom_tags.declaration": None}, "custom_tags.declaration = None.*regex"),
    ({"init_scripts.*.volumes.destination": None}, r"init_scripts.\*.volumes.destination = None.*'forbidden'"),
    ({"node_type_id": {"type": "allowlist", "values": ["Standard_NC6s_v3"]}},
     "node_type_id = 'Standard_NC6s_v3'.*not since 2025-09-30"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "told"), POLICIES)
def test_a_policy_that_leaves_open_what_a_family_fixes_is_refused(project, changes, told):
    edit(project / "policies" / "nlp.json", **changes)
    with pytest.raises(DeclarationError, match=f"policies/nlp.json: nlp: {told}"):
        clusters.load(project)


def test_a_cluster_that_states_what_its_policy_forbids_is_refused():
    with pytest.raises(DeclarationError, match=r"c\.json: one: instance_pool_id = 'p'.*the policy forbids it"):
        policies.check(
            "one", {"policy": "x", "instance_pool_id": "p"}, {"instance_pool_id": {"type": "forbidden"}}, {}, "c.json"
        )


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({"declaration": "alpha", "system": "mine"}, "tag system = 'mine' is not valid; valid: cdh-mlops"),
        ({"declaration": "Alpha 1", "system": "cdh-mlops"}, "tag declaration = 'Alpha 1'"),
        ({"system": "cdh-mlops"}, "tag declaration = None"),
    ],
)
def test_a_tag_that_the_policy_does_not_know_is_refused(compute, tags, told):
    with pytest.raises(DeclarationError, match=f"alpha: {told}"):
        policies.check_tags(compute["ml_cpu"].rules, tags, "alpha")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("sneaky==1.0", "sneaky: hash = 'sneaky==1.0'"),
        ("sneaky", "sneaky: hash = 'sneaky'"),
        ("sneaky>=1.0 --hash=sha256:" + "0" * 64, "sneaky: hash = 'sneaky>=1.0"),
        ("sneaky==1.0 --hash=sha256:" + "0" * 63, "sneaky: hash = "),
        ("sneaky==1.0 --hash=md5:" + "0" * 64, "sneaky: hash = "),
        ("sneaky @ https://packages.example/sneaky.whl", "sneaky: hash = 'sneaky @ "),
        ("--extra-index-url https://packages.example", "hash = '--extra-index-url"),
    ],
)
def test_a_requirement_without_a_hash_is_refused_with_its_name_and_file(project, line, told):
    lock = project / "clusters" / "etl" / "requirements.txt"
    lock.write_text(lock.read_text() + line + "\n")
    with pytest.raises(DeclarationError, match=f"clusters/etl/requirements.txt: .*{re.escape(told)}.*make lock"):
        clusters.load(project)


def test_every_requirement_of_every_cluster_is_read(compute):
    for name, cluster in compute.items():
        found = requirements.entries(cluster.requirements, name)
        assert len(found) == len(re.findall(r"^[a-z0-9][^ ]*==", cluster.requirements, re.MULTILINE)) > 90


def test_a_library_whose_release_the_runtime_does_not_have_needs_a_reason(project):
    """The runtime has pandas 2.2.3, the lock 2.3.3."""
    file = project / "clusters" / "etl" / requirements.ACKNOWLEDGED
    reasons = json.loads(file.read_text())
    for libraries in reasons.values():
        if "pandas" in libraries:
            libraries.remove("pandas")
    file.write_text(json.dumps(reasons))
    told = r"clusters/etl/requirements.txt: etl: pandas = '2\.3\.3'.*valid: 2\.2\.3, as Databricks Runtime 17\.3 LTS has it"
    with pytest.raises(
        DeclarationError, match=rf"{told} \(https://\S+, 2026-11-24\), or a reason in acknowledged\.json"
    ):
        clusters.load(project)


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ({"This library is the runtime's own.": ["scikit-learn"]}, "library = 'scikit-learn'"),
        ({"because": ["pandas"]}, "reason = 'because'.*a reason that a reader can judge"),
        ({"A reason of enough length": "pandas"}, "A reason of enough length = 'pandas'.*a list of libraries"),
        (
            {"A reason of enough length": ["pandas"], "Another one of that length": ["pandas"]},
            "library = 'pandas'.*one reason",
        ),
    ],
)
def test_an_acknowledgement_of_nothing_or_without_a_reason_is_refused(project, reasons, told):
    file = project / "clusters" / "etl" / requirements.ACKNOWLEDGED
    kept = {} if "pandas" in str(reasons) else json.loads(file.read_text())
    file.write_text(json.dumps(kept | reasons))
    with pytest.raises(DeclarationError, match=f"clusters/etl/acknowledged.json: etl: {told}"):
        clusters.load(project)


def test_a_library_that_nobody_looked_up_in_the_runtime_is_refused(project):
    lock = project / "clusters" / "etl" / "requirements.txt"
    lock.write_text(lock.read_text() + "sneaky==1.0 --hash=sha256:" + "0" * 64 + "\n")
    told = r"clusters/runtimes/17\.3\.x-scala2\.13\.json: sneaky: version = '1\.0'.*was looked up: https://"
    with pytest.raises(DeclarationError, match=told):
        clusters.load(project)


def test_a_runtime_without_a_table_is_refused_with_those_that_have_one(project):
    (project / "clusters" / "runtimes" / "17.3.x-gpu-ml-scala2.13.json").unlink()
    told = r"spark_version = '17\.3\.x-gpu-ml-scala2\.13'.*valid: 17\.3\.x-cpu-ml-scala2\.13, 17\.3\.x-scala2\.13"
    with pytest.raises(DeclarationError, match=told):
        clusters.load(project)


def test_a_file_that_no_one_reads_is_no_part_of_a_cluster(project):
    (project / "clusters" / "nlp" / "init.sh").write_text("pip install anything\n")
    with pytest.raises(DeclarationError, match=r"nlp: file = 'init\.sh'.*valid: acknowledged\.json, cluster\.json"):
        clusters.load(project)


@pytest.mark.parametrize(
    ("locked", "installed", "differs"),
    [("2.2.6", "2.2.3", False), ("2.3.0", "2.2.3", True), ("3.0", "2.0", True), ("2.7.0+cpu", "2.7.1", False),
     ("6", "6.0.2", False), ("1.16.0.post1", "1.16.0", False)],
)  # fmt: skip
def test_a_conflict_is_about_the_first_two_numbers(locked, installed, differs):
    table = {"libraries": {"one": installed}, "absent": [], "page": "p"}
    assert bool(requirements.conflicts({"one": locked}, table, "t")) is differs


def test_the_runtimes_are_those_that_the_vendor_lists():
    """https://docs.azure.cn/zh-tw/databricks/release-notes/runtime/, read 2026-11-24: 17.3 LTS ML has MLflow 3.0.1."""
    for version in ("17.3.x-cpu-ml-scala2.13", "17.3.x-gpu-ml-scala2.13"):
        table = requirements.runtime(version, ROOT)
        assert table["libraries"]["mlflow"] == table["libraries"]["mlflow-skinny"] == "3.0.1"
        assert not set(table["libraries"]) & set(table["absent"])


@pytest.mark.clause("Q3")
def test_a_model_on_a_cluster_that_lacks_its_method_is_refused_with_those_that_have_it(compute, declared):
    model = declared.models["readmission"]
    assert model.method.packages == ("scikit-learn",)
    clusters.refuse_lacking([model], compute, declared.files)
    without = compute[model.cluster].requirements.replace("scikit-learn==", "scikit-dream==")
    lacking = dict(compute) | {model.cluster: replace(compute[model.cluster], requirements=without)}
    told = (
        r"cluster = 'ml_cpu' is not valid; valid: a cluster that pins scikit-learn, which \w+ needs: bayes, etl, ml_gpu"
    )
    with pytest.raises(DeclarationError, match=told):
        clusters.refuse_lacking([model], lacking, declared.files)
