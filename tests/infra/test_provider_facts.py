"""What is emitted against what the real provider takes: its schema, its levels, and what makes its second plan restless."""

from __future__ import annotations

import copy
import json
import re

import pytest
from infra_documents import addresses, of_kind
from provider_schema import all_departures, facts

from infra.stages import StageName

EVERY = pytest.mark.parametrize("stage", [name.value for name in StageName])


@EVERY
def test_every_attribute_is_one_that_the_provider_takes(documents, stage):
    assert all_departures(documents[stage], "databricks-1.99.0") == []


def test_an_unknown_attribute_a_wrong_type_and_a_missing_one_are_found(documents):
    broken = copy.deepcopy(documents["dev"])
    broken["resource"]["databricks_schema"]["ml"]["colour"] = "blue"
    broken["resource"]["databricks_catalog"]["cdh"]["force_destroy"] = "perhaps"
    del broken["resource"]["databricks_file"]["wheel"]["path"]
    broken["resource"]["databricks_volume"]["landing"]["volume_path"] = "/Volumes/x"
    assert [one.split(" ")[0] for one in sorted(all_departures(broken, "databricks-1.99.0"))] == [
        "databricks_catalog.cdh.force_destroy", "databricks_file.wheel.path", "databricks_schema.ml.colour",
        "databricks_volume.landing.volume_path",
    ]  # fmt: skip


@EVERY
def test_attributes_that_exclude_each_other_are_not_set_together(documents, stage):
    resources = facts("databricks-1.99.0-behaviour")["resources"]
    for address, body in addresses(documents[stage]).items():
        for name, known in resources.get(address.split(".")[0], {}).get("attributes", {}).items():
            if name in body:
                assert not set(known.get("conflicts_with", [])) & set(body) - {name}, (address, name)


@EVERY
def test_every_permission_level_is_one_of_the_object(documents, stage):
    levels = facts("databricks-1.99.0-behaviour")["permission_levels"]
    for name, body in of_kind(documents[stage], "databricks_permissions").items():
        (target,) = set(body) & set(levels)
        (allowed,) = levels[target].values()
        for one in body["access_control"]:
            assert one["permission_level"] in allowed, name


@EVERY
def test_nothing_is_emitted_that_the_real_second_plan_wants_to_change(documents, stage):
    """The cases of databricks-1.99.0-second-plan.json that never come to rest, or are refused, one by one."""
    cases = {
        case["case"] for case in facts("databricks-1.99.0-second-plan")["cases"] if case.get("second_plan") != "empty"
    }
    document = documents[stage]
    jobs, grants = of_kind(document, "databricks_job").values(), of_kind(document, "databricks_grants").values()
    permissions = of_kind(document, "databricks_permissions").values()
    targets = [str({k: v for k, v in one.items() if k != "grant"}) for one in grants]
    shown = {
        "job, tasks not in key order": any(
            [t["task_key"] for t in job["task"]] != sorted(t["task_key"] for t in job["task"]) for job in jobs
        ),
        "job, depends_on not in key order": any(
            [e["task_key"] for e in t.get("depends_on", [])] != sorted(e["task_key"] for e in t.get("depends_on", []))
            for job in jobs
            for t in job["task"]
        ),
        "job, schedule and trigger together": any({"schedule", "trigger"} <= set(job) for job in jobs),
        "grants, empty privileges": any(not one["privileges"] for grant in grants for one in grant["grant"]),
        "grants, one principal twice": any(
            len({one["principal"] for one in grant["grant"]}) < len(grant["grant"]) for grant in grants
        ),
        "grants, two resources for one securable": len(set(targets)) < len(targets),
        "permissions, unknown level": any("FLY" in json.dumps(one) for one in permissions),
        "permissions, admins": any(
            e.get("group_name") == "admins" for one in permissions for e in one["access_control"]
        ),
        "service principal and entitlements": any(
            "service_principal_id" in one for one in of_kind(document, "databricks_entitlements").values()
        ),
    }
    assert set(shown) == cases
    assert not any(shown.values()), shown


@EVERY
def test_what_passes_the_provider_but_not_the_service_is_right(documents, stage):
    document = documents[stage]
    for policy in of_kind(document, "databricks_cluster_policy").values():
        assert isinstance(json.loads(policy["definition"]), dict)
    for experiment in of_kind(document, "databricks_mlflow_experiment").values():
        assert experiment["name"].startswith("/cdh/")
        assert experiment["depends_on"] == ["databricks_directory.cdh"]
    for kind in ("catalog", "schema", "volume", "registered_model"):
        for body in of_kind(document, f"databricks_{kind}").values():
            assert re.fullmatch(r"[a-z][a-z0-9_]*", body["name"])
    for job in of_kind(document, "databricks_job").values():
        assert job["run_as"]
        assert job["queue"] == {"enabled": True}
        assert job["max_concurrent_runs"] == 1
    catalog = of_kind(document, "databricks_catalog")["cdh"]
    assert catalog["isolation_mode"] == "ISOLATED"
