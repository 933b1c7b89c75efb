"""Each rule of ours passes what is right and fails what is wrong; a suppression ends on its day.

One run of checkov looks at all cases: each is a stack of its own.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import run

TODAY = date(2026, 11, 24)
TASK = {"task_key": "a", "timeout_seconds": 60, "python_wheel_task": {"entry_point": "a"}}
FORBIDDEN = {"type": "forbidden"}
POLICY = {"cluster_type": {"type": "fixed", "value": "job"}} | {
    f"init_scripts.*.{place}.destination": FORBIDDEN
    for place in ("abfss", "dbfs", "file", "gcs", "s3", "volumes", "workspace")
}
BINDING = {"securable_type": "external_location", "securable_name": "${databricks_external_location.x.name}"}
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxIn0abc.s"


def job(*tasks, **fields):
    return {"databricks_job": {"x": {"name": "x", "timeout_seconds": 600, "task": list(tasks), **fields}}}


def without(key, **changes):
    return {k: v for k, v in POLICY.items() if k != key} | changes


def policy(rules):
    return {"databricks_cluster_policy": {"x": {"name": "x", "definition": json.dumps(rules)}}}


def told(address):
    return {
        "databricks_notification_destination": {
            "x": {"display_name": "x", "config": {"email": {"addresses": [address]}}}
        }
    }


def bindings(*kinds):
    made = {
        f"b{n}": BINDING | {"workspace_id": n} | ({"binding_type": kind} if kind else {})
        for n, kind in enumerate(kinds)
    }
    return {"databricks_workspace_binding": made}


def env(**variables):
    cluster = {"job_cluster_key": "c", "new_cluster": {"spark_env_vars": variables}}
    return job(TASK, job_cluster=[cluster])


WRITE, READ = "BINDING_TYPE_READ_WRITE", "BINDING_TYPE_READ_ONLY"
# rule, whether it passes, resources
CASES = [
    ("CKV_CDH_1", True, job(TASK, {"task_key": "b", "condition_task": {"left": "1", "op": "EQUAL_TO", "right": "1"}})),
    ("CKV_CDH_1", True, job(TASK, {"task_key": "b", "run_job_task": {"job_id": 1}})),
    ("CKV_CDH_1", False, job(TASK | {"timeout_seconds": 0})),
    ("CKV_CDH_1", False, job(TASK, {"task_key": "b", "python_wheel_task": {"entry_point": "b"}})),
    ("CKV_CDH_1", False, job(TASK, timeout_seconds=0)),
    ("CKV_CDH_1", False, job({"task_key": "f", "for_each_task": {"inputs": "[1]", "task": TASK | {"timeout_seconds": 0}}})),
    ("CKV_CDH_2", True, env(TOKEN="{{secrets/cdh/token}}", PYTHONHASHSEED="0", HF_HUB_OFFLINE="1")),
    ("CKV_CDH_2", True, {"databricks_alert_v2": {"x": {"query_text": "select token from usage", "display_name": "x"}}}),
    ("CKV_CDH_2", False, env(HOST_TOKEN="swordfish")),
    ("CKV_CDH_2", False, env(HARMLESS="dapi" + "0123456789abcdef" * 2)),
    ("CKV_CDH_2", False, env(HARMLESS=JWT)),
    ("CKV_CDH_2", False, {"databricks_secret": {"x": {"scope": "cdh", "key": "k", "string_value": "swordfish"}}}),
    ("CKV_CDH_2", False, {"azurerm_key_vault": {"x": {"tags": {"note": "AccountKey=" + "A1b2" * 20 + "=="}}}}),
    ("CKV_CDH_2", False, {"databricks_alert_v2": {"x": {"query_text": "-----BEGIN RSA " + "PRIVATE KEY-----"}}}),
    ("CKV_CDH_3", True, policy(POLICY)),
    ("CKV_CDH_3", False, policy(without("init_scripts.*.volumes.destination"))),
    ("CKV_CDH_3", False, policy(without("cluster_type"))),
    ("CKV_CDH_3", False, policy(POLICY | {"cluster_type": {"type": "fixed", "value": "all-purpose"}})),
    ("CKV_CDH_3", False, {"databricks_cluster_policy": {"x": {"name": "x", "policy_family_id": "personal-vm"}}}),
    ("CKV_CDH_4", True, {"databricks_external_location": {"x": {"isolation_mode": "ISOLATION_MODE_ISOLATED"}}}),
    ("CKV_CDH_4", True, bindings(WRITE, READ)),
    ("CKV_CDH_4", False, {"databricks_external_location": {"x": {"isolation_mode": "ISOLATION_MODE_OPEN"}}}),
    ("CKV_CDH_4", False, {"databricks_external_location": {"x": {"name": "x"}}}),
    ("CKV_CDH_4", False, bindings(None)),
    ("CKV_CDH_4", False, bindings(WRITE, WRITE)),
    ("CKV_CDH_5", True, told("cdh-ml-operations@cdh.example")),
    ("CKV_CDH_5", True, job(TASK, email_notifications={"on_failure": ["cdh-ml-operations@cdh.example"]})),
    ("CKV_CDH_5", False, told("ada.lovelace@cdh.example")),
    ("CKV_CDH_5", False, job(TASK, email_notifications={"on_failure": ["cdh-ml@cdh.example", "ada@cdh.example"]})),
    ("CKV_CDH_5", False, job(TASK | {"email_notifications": {"on_start": ["ada@cdh.example"]}})),
    ("CKV_CDH_5", False, {"databricks_alert_v2": {"x": {"evaluation": {"notification": {"subscriptions": [{"user_email": "ada@cdh.example"}]}}}}}),
]  # fmt: skip


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """(ids that fail a case, by its number; ids that saw anything)."""
    folder = tmp_path_factory.mktemp("stacks")
    for number, (_, _, resources) in enumerate(CASES):
        (folder / f"case{number}").mkdir()
        text = json.dumps({"resource": resources}, indent=2)
        (folder / f"case{number}" / "cdk.tf.json").write_text(text)
    findings, seen = run.scan(folder)
    return findings, seen


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_rule_passes_what_is_right_and_fails_what_is_wrong(scanned, number):
    rule, passes, resources = CASES[number]
    failing = [one for one in scanned[0] if one.id == rule and one.address.startswith(f"case{number}/")]
    assert (failing == []) is passes
    ((kind, some),) = resources.items()
    assert all(re.fullmatch(rf"case{number}/{kind}\.({'|'.join(some)})", one.address) for one in failing)


def test_every_rule_has_a_case_that_passes_and_one_that_fails(scanned):
    assert {(rule, passes) for rule, passes, _ in CASES} == {(rule, way) for rule in run.OURS for way in (True, False)}
    assert scanned[1] >= set(run.OURS)


FOUND = run.Finding("CKV_1", "prod/databricks_job.x", "a rule")
SEEN = {"CKV_1", *run.OURS}
ALLOWED = {
    "id": "CKV_1",
    "address": "prod/databricks_job.*",
    "reason": "Because it is decided so here.",
    "expires": "2026-11-24",
}


def test_a_suppression_holds_to_the_end_of_its_day_and_no_longer():
    assert run.judge([FOUND], SEEN, [ALLOWED], TODAY) == []
    later = run.judge([FOUND], SEEN, [ALLOWED], date(2026, 11, 25))
    assert any("expired on 2026-11-24" in line for line in later)
    # And what it suppressed is told again.
    assert any(line.startswith("CKV_1 of prod/databricks_job.x") for line in later)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"expires": "soon"}, "expires = 'soon' is no date"),
        ({"reason": "ok"}, "reason = 'ok' tells a reader nothing"),
        ({"reason": None}, "not of the fields id, address, reason, expires"),
        ({"ticket": "1"}, "not of the fields"),
        ({"id": "CKV_2"}, "CKV_2 of prod/databricks_job.*: suppresses nothing"),
        ({"address": "dev/databricks_job.x"}, "CKV_1 of dev/databricks_job.x: suppresses nothing"),
    ],
)
def test_a_suppression_that_is_unsound_or_of_nothing_fails_and_suppresses_nothing(changes, wrong):
    found = run.judge([FOUND], SEEN, [ALLOWED | changes], TODAY)
    assert any(wrong in line for line in found)
    assert any(line.startswith("CKV_1 of prod/databricks_job.x") for line in found)


def test_a_rule_of_ours_that_saw_nothing_fails():
    assert run.judge([], SEEN - {"CKV_CDH_3"}, [], TODAY) == ["CKV_CDH_3: saw no resource; is it loaded?"]


def test_the_suppressions_of_the_project_have_each_a_reason_and_a_date():
    suppressions = json.loads(run.SUPPRESSIONS.read_text())
    assert len(suppressions) > 5
    assert [run.unsound(one, TODAY) for one in suppressions] == [None] * len(suppressions)


def test_a_folder_without_stacks_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="found no stacks"):
        run.scan(tmp_path)
