"""A small workspace as the jobs would have left it: tables in the agreed columns, runs, and a synthesized stack."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake

from report.stores import Run, Stage, Tables, TaskRun

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
PERSON = 4_711_001
ENCOUNTER = 8_822_002
DRIFT = {0: 0.94, 1: 1.02, 2: 0.97, 3: 1.04, 4: 0.99, 5: 0.86, 6: 0.79}
METRICS = {
    "auroc": (0.684, 0.661, 0.706), "average_precision": (0.241, 0.214, 0.271),
    "observed_over_expected": (1.013, 0.94, 1.086), "calibration_slope": (0.97, 0.86, 1.08),
    "calibration_intercept": (0.012, -0.07, 0.09), "scaled_brier": (0.046, 0.031, 0.06), "ici": (0.009, 0.006, 0.018),
}  # fmt: skip


def write(warehouse: Path, table: str, rows: list[dict[str, Any]]) -> None:
    schema, name = table.split(".")
    path = warehouse / schema / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_deltalake(path, pa.Table.from_pylist(rows), mode="append")


def estimates(
    run: str,
    split: str,
    subgroup: str,
    encounters: int | None,
    persons: int | None,
    events: int | None,
    shift: float = 0.0,
) -> list[dict[str, Any]]:
    common = {"mlflow_run_id": run, "job_run_id": "11", "split": split, "subgroup": subgroup}
    counts = {"encounters": encounters, "persons": persons, "events": events}
    return [
        {**common, "metric": metric, "value": value + shift, "low": low + shift, "high": high + shift, **counts}
        for metric, (value, low, high) in METRICS.items()
    ]


def gates(
    run: str, version: int | None, stage_of_check: str, job_run: str, states: dict[str, tuple[str, str]], minutes: int
) -> list[dict[str, Any]]:
    return [
        {"mlflow_run_id": run, "model_version": version, "job_run_id": job_run, "stage_of_check": stage_of_check, "gate": gate,
         "state": state, "detail": detail, "checked_at": NOW + timedelta(minutes=minutes)}
        for gate, (state, detail) in states.items()
    ]  # fmt: skip


PASSED = {
    "auroc >= 0.62": ("passed", "lower limit 0.661"),
    "calibrated": ("passed", "observed over expected 1.013, slope 0.97"),
    "auroc not inferior by 0.01": ("passed", "no champion yet"),
    "auroc <= 0.85": ("passed", "0.684"),
}
TOO_FEW = dict.fromkeys(PASSED, ("not assessable", "fewer than 100 events on the test side"))


def production_tables(warehouse: Path) -> None:
    write(warehouse, "readmission.evaluation", [
        *estimates("run-a", "person", "all", 5210, 2804, 471),
        *estimates("run-a", "time_held_out", "all", 1246, 668, 115, -0.008),
        *estimates("run-a", "time", "all", 4980, 2655, 462, -0.011),
        *estimates("run-a", "time_new_persons", "all", 1412, 1190, 121, -0.03),
        *estimates("run-a", "person", "sex=F", 2714, 1470, 250, 0.004),
        *estimates("run-a", "person", "sex=M", 2496, 1334, 221, -0.006),
        *estimates("run-a", "person", "age_band=0-17", 38, 31, None, 0.1),
        *estimates("run-a", "person", "age_band=18-44", 903, 601, 64, 0.02),
        *estimates("run-a", "person", "age_band=45-64", 2011, 1102, 188),
        *estimates("run-a", "person", "age_band=65+", 2258, 1070, 213, -0.01),
        *estimates("run-b", "person", "all", 6010, 2990, 532, 0.006),
    ])  # fmt: skip
    grid = [index / 60 for index in range(61)]
    write(warehouse, "readmission.curve", [
        *({"mlflow_run_id": "run-a", "curve": "roc", "x": x, "y": x**0.47, "encounters": 5210} for x in grid),
        *({"mlflow_run_id": "run-a", "curve": "calibration", "x": 0.02 + 0.035 * i, "y": (0.02 + 0.035 * i) * (1 + 0.1 * math.sin(i)), "encounters": 1400 - 125 * i} for i in range(10)),
        {"mlflow_run_id": "run-a", "curve": "calibration", "x": 0.5, "y": 0.3, "encounters": None},
    ])  # fmt: skip
    write(warehouse, "readmission.gate", [
        *gates("run-a", None, "evaluate", "11", PASSED, 1),
        *gates("run-a", 1, "judge", "12", PASSED, 2),
        *gates("run-b", None, "evaluate", "16", PASSED, 9),
        *gates("run-b", 2, "judge", "15", {**PASSED, "auroc not inferior by 0.01": ("failed", "lower limit of the difference −0.021")}, 10),
    ])  # fmt: skip
    write(warehouse, "readmission.attrition", [
        {"job_run_id": "10", "step": step, "reason": reason, "encounters": encounters, "persons": persons}
        for step, (reason, encounters, persons) in enumerate([
            ("all encounters of the source", 31230, 9104), ("inpatient stays", None, None),
            ("discharge date known", 24095, 8010), ("left alive, not to hospice", 22871, 7803),
        ])
    ])  # fmt: skip
    write(
        warehouse,
        "readmission.side",
        [
            {"person_id": PERSON + index, "side": "test" if index % 4 == 0 else "train", "salt": "s"}
            for index in range(200)
        ],
    )
    write(warehouse, "readmission.monitoring", [
        *(
            {"job_run_id": "14", "observed_at": NOW + timedelta(minutes=6), "model_version": 1, "block": block,
             "measure": "observed_over_expected", "name": "", "value": value, "low": value - 0.08, "high": value + 0.08,
             "encounters": 800, "events": 70, "state": "signal" if block in (0, 5, 6) else "quiet",
             "signal": "calibration drift" if block in (0, 5, 6) else ""}
            for block, value in DRIFT.items()
        ),
        {"job_run_id": "14", "observed_at": NOW + timedelta(minutes=6), "model_version": 1, "block": 7,
         "measure": "observed_over_expected", "name": "", "value": 0.5432, "low": 0.1, "high": 1.2,
         "encounters": 90, "events": 7, "state": "not assessable", "signal": ""},
        *(
            {"job_run_id": "14", "observed_at": NOW + timedelta(minutes=6), "model_version": 1, "block": block,
             "measure": "standardised_mean_difference", "name": name, "value": size, "low": None, "high": None,
             "encounters": 800, "events": None, "state": "signal" if (size or 0) > 0.25 else "quiet", "signal": ""}
            for block in (0,)
            for name, size in [("f_age", 0.31), ("f_length_of_stay", -0.22), ("f_infinite", None), *((f"f_any_ccs_{i}", 0.13 / (1 + i)) for i in range(14))]
        ),
    ])  # fmt: skip


def predictions(warehouse: Path, lineage: bool = True) -> None:
    sources = {
        "synthetic_omop.person": 0,
        "synthetic_omop.visit_occurrence": 2,
        "synthetic_omop.condition_occurrence": 0,
    }
    write(warehouse, "readmission.predictions", [
        {"person_id": PERSON + index, "visit_occurrence_id": ENCOUNTER + index, "score": 0.04 + index / 1000, "model_name": "cdh_prod.readmission.readmission",
         "model_version": 1, "mlflow_run_id": "run-a", "commit": "0f3c2a9d77b1" if index != 3 else None, "requirements_hash": "9f86d081884c",
         "declaration_hash": "2c26b46b68ff", "feature_table": "synthetic_omop_ra.feature_readmission", "feature_table_version": 3,
         "source_versions": json.dumps(sources), "scored_at": NOW + timedelta(minutes=4), "job_run_id": "13"}
        for index in range(50)
    ])  # fmt: skip
    if not lineage:
        return
    facts = {"synthetic_omop_ra.fact_encounter_index": 1, "synthetic_omop_ra.fact_person": 1}
    recorded = [
        ("synthetic_omop_ra.fact_person", "1", sources),
        ("synthetic_omop_ra.fact_encounter_index", "1", sources),
        ("synthetic_omop_ra.feature_readmission", "3", facts),
        ("readmission.dataset", "0", {"synthetic_omop_ra.feature_readmission": 3}),
        ("cdh_prod.readmission.readmission", "1", {"readmission.dataset": 0}),
    ]
    write(warehouse, "ml.lineage", [
        {"object": name, "version": version, "job_run_id": "10", "task_run_id": "100", "commit": "0f3c2a9d77b1", "requirements_hash": "9f86d081884c",
         "declaration_hash": "2c26b46b68ff", "inputs": json.dumps(inputs), "written_at": NOW}
        for name, version, inputs in recorded
    ])  # fmt: skip


def wheel(key: str, *after: str) -> dict[str, Any]:
    task: dict[str, Any] = {
        "task_key": key,
        "job_cluster_key": "ml_cpu",
        "python_wheel_task": {
            "package_name": "cdh_mlops_jobs",
            "entry_point": key.split("_")[0],
            "named_parameters": {},
        },
    }
    if after:
        task["depends_on"] = [{"task_key": one} for one in after]
    return task


def condition(key: str, left: str, after: str) -> dict[str, Any]:
    return {
        "task_key": key,
        "depends_on": [{"task_key": after}],
        "condition_task": {"left": "{{tasks." + left + "}}", "op": "EQUAL_TO", "right": "true"},
    }


TASKS = {
    "synthetic_omop_featurize": ("featurize", [wheel("check"), wheel("fact_encounter_index", "check"), wheel("fact_person", "check")]),
    "readmission_featurize": ("featurize", [wheel("features")]),
    "readmission_train": ("train", [wheel("prepare"), wheel("tune", "prepare"), wheel("train", "tune"), wheel("evaluate", "train"), wheel("register", "evaluate")]),
    "readmission_promote": ("promote", [wheel("judge"), condition("gates_passed", "judge.values.passed", "judge"), {**wheel("promote"), "depends_on": [{"task_key": "gates_passed", "outcome": "true"}]}]),
    "readmission_score": ("serve", [wheel("score")]),
    "readmission_monitor": ("serve", [wheel("observe"), condition("retrain_needed", "observe.values.retrain", "observe"),
                                      {"task_key": "retrain", "depends_on": [{"task_key": "retrain_needed", "outcome": "true"}], "run_job_task": {"job_id": "${databricks_job.readmission_retrain.id}"}}]),
    "readmission_retrain": ("train", [{"task_key": "train", "run_job_task": {"job_id": "${databricks_job.readmission_train.id}"}}, wheel("judge", "train")]),
    "readmission_uci130_train": ("train", [wheel("prepare")]),
}  # fmt: skip


def stack(stage: str) -> dict[str, Any]:
    roles = {"featurize": "a1", "train": "a2", "promote": "a3", "serve": "a4"}
    jobs = {
        name: {
            "name": name,
            "run_as": {"service_principal_name": roles[role]},
            "job_cluster": [
                {
                    "job_cluster_key": "ml_cpu",
                    "new_cluster": {
                        "spark_version": "17.3.x-cpu-ml-scala2.13",
                        "node_type_id": "Standard_D4ds_v5",
                        "num_workers": 0,
                    },
                }
            ],
            "task": tasks,
        }
        for name, (role, tasks) in TASKS.items()
    }
    principals = {
        f"sp_{role}": {"application_id": id_, "display_name": f"sp-{role}-{stage}"} for role, id_ in roles.items()
    }
    return {"resource": {"databricks_job": jobs, "databricks_service_principal": principals}}


def run(
    run_id: str,
    job: str,
    start: float,
    tasks: dict[str, tuple[float, float]],
    started_by: str = "",
    state: str = "SUCCESS",
    failed: str = "",
    reason: str = "",
    values: dict[str, dict[str, str]] | None = None,
) -> Run:
    begin = NOW.timestamp() + start
    done = tuple(
        TaskRun(
            key,
            "FAILED" if key == failed else "SUCCESS",
            begin + first,
            begin + last,
            reason=reason if key == failed else "",
            outcome="true" if key in ("gates_passed", "retrain_needed") else "",
            values=(values or {}).get(key, {}),
        )
        for key, (first, last) in tasks.items()
    )
    end = max((last for _, last in tasks.values()), default=0.0)
    parameters = (
        {"model_version": "1", "approved_by": "pi@cdh.example", "validated_by": "analyst@cdh.example"}
        if job.endswith("promote")
        else {}
    )
    return Run(run_id, job, state, begin, begin + end, tasks=done, parameters=parameters, started_by=started_by)


def production_runs() -> tuple[Run, ...]:
    return (
        run("9", "synthetic_omop_featurize", 0, {"check": (0.2, 3.1)}, state="FAILED", failed="check", reason="condition_occurrence: 12 rows have no date"),
        run("10", "synthetic_omop_featurize", 10, {"check": (0.2, 4.1), "fact_encounter_index": (4.3, 11.9), "fact_person": (4.4, 13.0)}),
        run("11", "readmission_train", 30, {"prepare": (0.2, 4.8), "tune": (5.0, 19.5), "train": (19.7, 25.2), "evaluate": (25.4, 33.3), "register": (33.4, 38.0)}),
        run("12", "readmission_promote", 80, {"judge": (0.2, 4.0), "gates_passed": (4.0, 4.0), "promote": (4.1, 7.3)}),
        run("13", "readmission_score", 90, {"score": (0.1, 6.2)}),
        run("14", "readmission_monitor", 100, {"observe": (0.1, 7.2), "retrain_needed": (7.2, 7.2), "retrain": (7.3, 55.1)}),
        run("15", "readmission_retrain", 108, {"train": (0.1, 41.0), "judge": (41.2, 47.0)}, started_by="14"),
        run("16", "readmission_train", 108.5, {"prepare": (0.2, 4.8), "tune": (5.0, 19.5), "train": (19.7, 25.2), "evaluate": (25.4, 33.3), "register": (33.4, 38.0)}, started_by="15"),
    )  # fmt: skip


DEPLOYED = {
    "databricks_job": 8,
    "databricks_service_principal": 4,
    "databricks_schema": 6,
    "databricks_volume": 2,
    "databricks_grants": 14,
}


def production(folder: Path) -> Stage:
    production_tables(folder)
    predictions(folder)
    return Stage("prod", Tables(folder), production_runs(), DEPLOYED, stack("prod"))


def development(folder: Path) -> Stage:
    write(folder, "readmission.evaluation", estimates("run-d", "person", "all", 380, 201, 34, -0.05))
    write(
        folder,
        "readmission.gate",
        gates("run-d", None, "evaluate", "3", TOO_FEW, 0),
    )
    trained = {"train": {"run_id": "run-d"}, "register": {"model_version": "1"}}
    train = run("3", "readmission_train", 30, {"train": (0.2, 5.0), "register": (5.1, 7.0)}, values=trained)
    return Stage("dev", Tables(folder), (production_runs()[1], train), DEPLOYED, stack("dev"))


def validation(folder: Path) -> Stage:
    write(folder, "ml.validation_record", [
        {"model": "readmission", "declaration_hash": "2c26b46b68ff", "method": "gradient boosting", "features_hash": "aa", "contracts_hash": "bb", "code": "c0ffee123456", "requirements_hash": "9f86d081884c",
         "mlflow_run_id": "run-v", "auroc": 0.671, "passed": True, "job_run_id": "4", "recorded_at": NOW}
    ])  # fmt: skip
    return Stage("validation", Tables(folder), production_runs()[1:2], DEPLOYED, stack("validation"))
