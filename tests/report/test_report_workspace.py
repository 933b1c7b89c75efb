"""The report reads the sandbox's own stores."""

from __future__ import annotations

import json
from pathlib import Path

import fabricated
from reading import Reader, inner

from report.build import build
from sandbox.runner.attempt import Ended
from sandbox.runner.ledger import Ledger
from sandbox.workspace import Workspace


def record(workspace: Workspace) -> tuple[int, int]:
    """A monitor's run whose condition held, and the run that it started, of which a task failed."""
    ledger = Ledger(workspace.runs)
    common = {"job_id": "1", "run_as": "a1", "at_once": 1}
    monitor, tasks, _ = ledger.begin(
        job_name="readmission_monitor", parameters={}, parent=None,
        tasks=[("observe", "python_wheel_task"), ("retrain_needed", "condition_task"), ("retrain", "run_job_task")], **common,
    )  # fmt: skip
    ledger.task_started(tasks["observe"])
    ledger.attempt_started(tasks["observe"], 1)
    ledger.attempt_ended(tasks["observe"], 1, Ended("SUCCESS", ""), {"retrain": "true"})
    ledger.task_ended(tasks["observe"], "TERMINATED", "SUCCESS", "", None)
    ledger.task_started(tasks["retrain_needed"])
    ledger.task_ended(tasks["retrain_needed"], "TERMINATED", "SUCCESS", "", "true")
    ledger.task_started(tasks["retrain"])
    retrain, children, _ = ledger.begin(
        job_name="readmission_retrain", parameters={"requested_by": str(monitor)}, parent=monitor,
        tasks=[("train", "run_job_task"), ("judge", "python_wheel_task")], **common,
    )  # fmt: skip
    ledger.task_started(children["train"])
    ledger.task_ended(children["train"], "TERMINATED", "FAILED", "no space left", None)
    ledger.task_ended(children["judge"], "TERMINATED", "UPSTREAM_FAILED", "", None)
    ledger.end(retrain, "TERMINATED", "FAILED", "task train failed")
    ledger.task_ended(tasks["retrain"], "TERMINATED", "FAILED", "run failed", None)
    ledger.end(monitor, "TERMINATED", "FAILED", "task retrain failed")
    ledger.close()
    return monitor, retrain


def test_a_report_is_built_from_workspaces_runs_and_synthesized_stacks(tmp_path: Path) -> None:
    workspace = Workspace.named(tmp_path / ".sandbox", "dbw-cdh-prod")
    workspace.store.create("databricks_schema", "cdh_prod.readmission", {"name": "readmission"})
    workspace.store.create("databricks_schema", "cdh_prod.ml", {"name": "ml"})
    monitor, retrain = record(workspace)
    fabricated.production_tables(workspace.warehouse)
    stack = tmp_path / "cdk.tf.json"
    stack.write_text(json.dumps(fabricated.stack("prod")), encoding="utf-8")
    empty = Workspace.named(tmp_path / ".sandbox", "dbw-cdh-dev")
    output = build(
        {"dev": empty, "prod": workspace}, {"prod": stack}, "readmission", "synthetic_omop",
        tmp_path / "new" / "report.html", synthetic=True,
    )  # fmt: skip
    read = Reader(output.read_text(encoding="utf-8"))
    assert read.table("Resources that each stage holds")[1:] == [["schema", "–", "2"], ["all", "–", "2"]]
    assert read.figures()["AUROC"][0] == "0.684"
    runs = [(row[0], row[1], row[2], row[5]) for row in read.table("Prod stage: runs")[1:]]
    assert runs == [
        (str(monitor), "readmission_monitor", "✕ failed", "retrain: run failed"),
        (str(retrain), "readmission_retrain", "✕ failed", "train: no space left"),
    ]
    words = [one["text"] for one in inner(read.pictures("Tasks of readmission_monitor")[0], "text")]
    assert "observe.retrain = true: true" in words
    assert not empty.root.exists(), "reading makes nothing"
