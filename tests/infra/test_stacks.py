"""What the stacks promise whatever is declared: addresses, isolation of models, tasks, compute, owners."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from infra_documents import ROOT, addresses, invented_model, of_kind, with_model

from infra.layers import STACKS
from infra.names import AddressError, Addresses
from infra.pipelines import jobs
from infra.stacks.stage import check_entry_points
from infra.stages import STAGES, StageName
from workflows.declare import replace as changed
from workflows.errors import DeclarationError

EVERY = pytest.mark.parametrize("stage", [name.value for name in StageName])
SERVICE_PRINCIPAL = re.compile(r"\$\{databricks_service_principal\.sp_[a-z]+\.application_id\}")


@EVERY
def test_an_address_is_readable_and_carries_no_hash(documents, stage):
    for address in addresses(documents[stage]):
        assert re.fullmatch(r"databricks_[a-z0-9_]+\.[a-z][a-z0-9_]*", address)
        assert not re.search(r"[0-9a-f]{8}", address), address


@pytest.mark.clause("P2", "C3")
@EVERY
def test_a_declared_model_has_its_jobs_under_readable_addresses(documents, declared, stage):
    found = set(of_kind(documents[stage], "databricks_job"))
    for model in declared.models:
        for purpose in ("featurize", "train", "validate", "promote", "score", "monitor", "retrain"):
            assert f"{model}_{purpose}" in found
    for featurization in declared.featurizations:
        assert f"{featurization}_featurize" in found


def test_a_second_claim_of_an_address_is_refused_and_names_both_owners():
    taken = Addresses()
    taken.claim("Job", "readmission_train", "readmission")
    taken.claim("Schema", "readmission_train", "another kind of resource")
    with pytest.raises(AddressError, match=r"'readmission_train' of intruder.*taken by readmission;"):
        taken.claim("Job", "readmission_train", "intruder")


def test_a_model_whose_experiment_would_take_the_address_of_another_is_refused(synthesised, invented):
    with pytest.raises(AddressError, match=r"alpha_validation.*rename one of the two"):
        synthesised(with_model(invented, invented_model("alpha_validation")), [STAGES["dev"]])


def test_a_change_of_one_model_changes_no_other_models_resources(synthesised, invented, invented_dev):
    other = with_model(
        invented, changed(invented.models["alpha"], question="Is this another question?", test_share=0.3)
    )
    before, after = addresses(invented_dev), addresses(synthesised(other, [STAGES["dev"]])["dev"])
    different = {address for address in before if before[address] != after.get(address)}
    assert set(before) == set(after)
    assert "databricks_job.alpha_train" not in different, "a job refers to its declaration by address"
    assert "databricks_file.declaration_alpha" in different
    assert {address for address in different if "alpha" not in address} == set()


def test_a_further_model_only_adds_resources_of_its_own(synthesised, invented, invented_dev):
    before = addresses(invented_dev)
    after = addresses(synthesised(with_model(invented, invented_model("gamma")), [STAGES["dev"]])["dev"])
    assert {address: after[address] for address in before} == before
    assert len(after) - len(before) == 23
    assert all("gamma" in address for address in set(after) - set(before))


@pytest.mark.clause("P3")
def test_two_processes_with_other_hash_seeds_write_equal_bytes(tmp_path):
    written = []
    for seed in ("1", "2"):
        out = tmp_path / seed / "cdktf.out"
        # No credentials, no home of a user, no git: nothing but a path to node.
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONHASHSEED": seed,
            "CDKTF_OUTDIR": str(out),
        }
        ran = subprocess.run([sys.executable, "-m", "infra"], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
        written.append({str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*.json"))})
    assert sorted(written[0]) == ["manifest.json", *(f"stacks/{name}/cdk.tf.json" for name in sorted(STACKS))]
    assert written[0] == written[1]


@EVERY
def test_no_document_knows_a_path_of_this_machine(documents, stage):
    text = json.dumps(documents[stage])
    assert str(ROOT) not in text
    for file in of_kind(documents[stage], "databricks_file").values():
        assert file["source"].startswith("../../../dist/")
        assert file["path"].startswith(f"/Volumes/cdh_{stage}/ml/artifacts/")
        assert file["path"].split("/artifacts/")[1] == file["source"].split("/dist/")[1]


@EVERY
def test_tasks_and_what_they_depend_on_are_in_key_order_and_without_a_cycle(documents, stage):
    for name, job in of_kind(documents[stage], "databricks_job").items():
        keys = [task["task_key"] for task in job["task"]]
        after = {task["task_key"]: [edge["task_key"] for edge in task.get("depends_on", [])] for task in job["task"]}
        assert keys == sorted(set(keys)), name
        assert all(edges == sorted(set(edges)) for edges in after.values()), name
        done: set[str] = set()
        while ready := {key for key in keys if key not in done and set(after[key]) <= done}:
            done |= ready
        assert done == set(keys), f"{name} never reaches {set(keys) - done}"


@pytest.mark.clause("C5")
@EVERY
def test_every_task_that_runs_code_states_its_compute(documents, stage):
    for name, job in of_kind(documents[stage], "databricks_job").items():
        keys = {cluster["job_cluster_key"] for cluster in job["job_cluster"]}
        for task in job["task"]:
            kinds = {"python_wheel_task", "condition_task", "run_job_task"} & set(task)
            assert len(kinds) == 1, (name, task["task_key"])
            if "python_wheel_task" in kinds:
                assert task["job_cluster_key"] in keys, (name, task["task_key"])
                assert [sorted(one) for one in task["library"]] == [["requirements"], ["whl"]]
                assert (task["timeout_seconds"], task["max_retries"]) == (3600, 0 if name.endswith("_unseal") else 1)


@EVERY
def test_a_job_cluster_restates_its_policy_and_belongs_to_whom_the_job_runs_as(documents, stage):
    policies = of_kind(documents[stage], "databricks_cluster_policy")
    for job in of_kind(documents[stage], "databricks_job").values():
        for cluster in job["job_cluster"]:
            made = cluster["new_cluster"]
            assert made["single_user_name"] == job["run_as"]["service_principal_name"]
            assert made["spark_env_vars"] == {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
            policy = re.fullmatch(r"\$\{databricks_cluster_policy\.(\w+)\.id\}", made["policy_id"])
            for field, rule in json.loads(policies[policy[1]]["definition"]).items():
                if field == "cluster_type" or rule["type"] == "forbidden":
                    assert field.partition(".")[0] not in made
                    continue
                stated = made
                for part in field.split("."):
                    stated = stated[part]
                assert rule["type"] != "fixed" or stated == rule["value"], field


@EVERY
def test_no_person_owns_or_runs_anything(documents, stage):
    for address, body in addresses(documents[stage]).items():
        assert "user_name" not in json.dumps(body).replace("single_user_name", ""), address
        if "owner" in body:
            assert SERVICE_PRINCIPAL.fullmatch(body["owner"]), address
        if address.startswith("databricks_job."):
            assert SERVICE_PRINCIPAL.fullmatch(body["run_as"]["service_principal_name"]), address
        for one in body.get("access_control", []):
            if one["permission_level"] == "IS_OWNER":
                assert SERVICE_PRINCIPAL.fullmatch(one["service_principal_name"]), address
    kinds = {address.split(".")[0] for address, body in addresses(documents[stage]).items() if "owner" in body}
    assert kinds == {
        f"databricks_{one}" for one in
        ("catalog", "schema", "volume", "registered_model", "storage_credential", "external_location")
    }  # fmt: skip


@EVERY
def test_each_job_runs_as_the_principal_of_its_purpose(documents, stage):
    expected = {
        "featurize": "sp_featurize", "train": "sp_train", "validate": "sp_train", "retrain": "sp_train",
        "promote": "sp_promote", "score": "sp_serve", "monitor": "sp_serve", "withdraw": "sp_featurize",
        "unseal": "sp_deploy", "approve": "sp_featurize",
    }  # fmt: skip
    for name, job in of_kind(documents[stage], "databricks_job").items():
        assert f".{expected[name.rsplit('_', 1)[1]]}." in job["run_as"]["service_principal_name"], name


@pytest.mark.clause("O5")
@EVERY
def test_only_the_promote_job_runs_as_the_owner_of_the_registered_model(documents, stage):
    owners = {model["owner"] for model in of_kind(documents[stage], "databricks_registered_model").values()}
    assert owners == {"${databricks_service_principal.sp_promote.application_id}"}
    for name, job in of_kind(documents[stage], "databricks_job").items():
        assert (job["run_as"]["service_principal_name"] in owners) == name.endswith("_promote"), name


@EVERY
def test_what_can_be_tagged_is_tagged(documents, stage):
    for job in of_kind(documents[stage], "databricks_job").values():
        assert job["tags"]["stage"] == stage
        assert re.fullmatch(r"[0-9a-f]{12}", job["tags"]["code"])
        for cluster in job["job_cluster"]:
            assert cluster["new_cluster"]["custom_tags"].items() <= job["tags"].items()


def test_in_prod_everything_that_holds_data_refuses_to_be_destroyed(documents):
    kinds = (
        "catalog",
        "schema",
        "volume",
        "registered_model",
        "mlflow_experiment",
        "storage_credential",
        "external_location",
    )
    for stage, keeps in (("dev", False), ("validation", False), ("prod", True)):
        for kind in kinds:
            found = of_kind(documents[stage], f"databricks_{kind}")
            assert found
            for name, body in found.items():
                assert body.get("lifecycle", {}).get("prevent_destroy", False) is keeps, (stage, kind, name)
                if kind in ("catalog", "schema"):
                    assert body["force_destroy"] is not keeps


def test_jobs_start_by_themselves_and_tell_of_failures_only_where_the_stages_row_says_so(documents):
    for stage in STAGES.values():
        for job in of_kind(documents[stage.name], "databricks_job").values():
            assert stage.scheduled or "schedule" not in job
            # Break-glass tells in every stage; a test of its own says what.
            assert ("email_notifications" in job) is (stage.alerts or job["name"].endswith("_unseal"))
    scheduled = {name for name, job in of_kind(documents["prod"], "databricks_job").items() if "schedule" in job}
    assert all(name.endswith(("_featurize", "_score", "_monitor")) for name in scheduled)
    assert any(name.endswith("_monitor") for name in scheduled)


def test_an_entry_point_that_the_wheel_lacks_is_refused_with_the_ones_it_has(invented):
    train = next(plan for plan in jobs(invented.models["alpha"]) if plan.name == "alpha_train")
    with pytest.raises(DeclarationError, match=r"alpha_train\.train: entry_point = 'train'.*prepare, tune"):
        check_entry_points(train, frozenset({"prepare", "tune"}))


@pytest.mark.clause("P2")
def test_the_jobs_of_a_model_are_wired_as_the_workflow_asks(invented):
    edges = {
        plan.name: {task.key: sorted(task.after) for task in plan.tasks}
        for one in invented.declarations
        for plan in jobs(one)
    }
    chain = {"prepare": [], "tune": [("prepare", None)], "train": [("tune", None)], "evaluate": [("train", None)]}
    assert edges["facts_featurize"] == {
        "check": [], "fact_person": [("check", None)], "fact_encounter_index": [("fact_person", None)]
    }  # fmt: skip
    assert edges["alpha_train"] == chain | {"register": [("evaluate", None)]}
    assert edges["alpha_validate"] == chain | {"record": [("evaluate", None)]}
    assert edges["alpha_promote"] == {
        "judge": [], "gates_passed": [("judge", None)], "promote": [("gates_passed", "true")]
    }  # fmt: skip
    assert edges["alpha_monitor"] == {
        "observe": [], "retrain_needed": [("observe", None)], "retrain": [("retrain_needed", "true")]
    }  # fmt: skip
    assert edges["alpha_retrain"] == {"train": [], "judge": [("train", None)]}


@EVERY
def test_every_reference_to_a_job_parameter_or_task_value_can_be_resolved(documents, stage):
    for name, job in of_kind(documents[stage], "databricks_job").items():
        parameters = {one["name"] for one in job.get("parameter", [])}
        before: dict[str, set[str]] = {}
        pending = {task["task_key"]: {e["task_key"] for e in task.get("depends_on", [])} for task in job["task"]}
        while pending:
            for key in [key for key, needs in pending.items() if needs <= set(before)]:
                before[key] = pending[key].union(*(before[need] for need in pending[key]))
                del pending[key]
        for task in job["task"]:
            text = json.dumps(task)
            assert set(re.findall(r"\{\{job\.parameters\.(\w+)\}\}", text)) <= parameters, name
            assert set(re.findall(r"\{\{tasks\.(\w+)\.values\.", text)) <= before[task["task_key"]], name


@pytest.mark.clause("F2")
def test_tables_of_notes_are_made_one_after_the_other_and_then_accepted_or_not(declared):
    plan, *_ = jobs(declared.featurizations["synthetic_notes"])
    after = {task.key: [key for key, _ in task.after] for task in plan.tasks}
    assert after == {
        "check": [], "note": ["check"], "note_clean": ["note"], "note_sentences": ["note_clean"],
        "note_acceptance": ["note_sentences"],
    }  # fmt: skip


# --- "cdh_validation is bound read-only to the prod workspace": promotion asks there whether a method was validated. ---


@pytest.mark.clause("V3", "V4")
def test_promotion_in_prod_asks_for_the_records_of_the_catalog_that_prod_may_only_read(documents):
    asked = {}
    for stage, document in documents.items():
        for name, job in of_kind(document, "databricks_job").items():
            for task in job["task"]:
                if task["task_key"] == "promote":
                    asked.setdefault(stage, set()).add(task["python_wheel_task"]["named_parameters"]["validated_in"])
                    # What a person can set when they run the job must not decide it.
                    assert "validated_in" not in {one["name"] for one in job["parameter"]}, name
    (prod,) = {one["workspace_id"] for one in of_kind(documents["prod"], "databricks_workspace_binding").values()}
    read_only = {
        of_kind(document, "databricks_catalog")["cdh"]["name"]
        for document in documents.values()
        for one in of_kind(document, "databricks_workspace_binding").values()
        if (one["securable_name"], one["binding_type"]) == ("${databricks_catalog.cdh.name}", "BINDING_TYPE_READ_ONLY")
        and one["workspace_id"] == prod
    }
    assert asked == {"dev": {""}, "validation": {""}, "prod": read_only}
    assert read_only == {"cdh_validation"}
