"""The SQL of dashboard and alerts, run on Spark over tables of the shape that jobs write and the account documents."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from infra import queries
from infra.dashboard import serialized
from infra.stages import STAGES, StageName
from jobs.io.lineage import LINEAGE_SCHEMA
from jobs.model.monitoring import DIFFERENCE, RATIO, decision
from jobs.model.retraining import Made, retraining
from jobs.model.validation import RECORD
from jobs.tasks.features import ATTRITION_SCHEMA
from jobs.tasks.observe import MONITORING

PROD = STAGES["prod"]
MODELS = tuple(f"m{number:02}" for number in range(12))
NOW = datetime.now(UTC).replace(microsecond=0)
OURS = {"system": "cdh-mlops", "stage": "prod", "declaration": "m00"}
# learn.microsoft.com/azure/databricks/admin/system-tables: "jobs", "billing" and "pricing", the columns in use and some.
SYSTEM = {
    "lakeflow.job_run_timeline": "account_id string, workspace_id string, job_id string, run_id string, "
    "period_start_time timestamp, period_end_time timestamp, trigger_type string, result_state string",
    "lakeflow.jobs": "account_id string, workspace_id string, job_id string, name string, tags map<string, string>, "
    "change_time timestamp, delete_time timestamp",
    "billing.usage": "account_id string, sku_name string, cloud string, usage_start_time timestamp, "
    "usage_end_time timestamp, usage_date date, custom_tags map<string, string>, usage_quantity decimal(38, 18)",
    "billing.list_prices": "price_start_time timestamp, price_end_time timestamp, sku_name string, cloud string, "
    "currency_code string, pricing struct<default: decimal(38, 18), effective_list: struct<default: decimal(38, 18)>>",
}


def fields(columns: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


def local(text: str) -> str:
    """Three-part names as the names of temporary views: local Spark has no such catalogs."""
    return re.sub(r"\b(system|cdh_[a-z]+)\.(\w+)\.(\w+)\b", r"\1__\2__\3", text)


def ago(**delta: float) -> datetime:
    return NOW - timedelta(**delta)


def run(job: str, state: str | None, ended: datetime) -> tuple:
    return ("a", "w", job, "r", ended, ended, "CRON", state)


RUNS = [
    run("1", "FAILED", ago(hours=1)), run("1", "TIMED_OUT", ago(hours=23)), run("2", "ERROR", ago(hours=2)),
    run("1", "FAILED", ago(hours=25)), run("1", "SUCCEEDED", ago(hours=1)), run("1", "CANCELLED", ago(hours=1)),
    run("1", None, ago(hours=1)), run("3", "FAILED", ago(hours=1)), run("4", "FAILED", ago(hours=1)),
    ("a", "elsewhere", "1", "r", ago(hours=1), ago(hours=1), "CRON", "FAILED"),
]  # fmt: skip
JOBS = [
    # Renamed once: a run counts once, under the newest name. Job 3 is another stage's, job 4 another system's.
    ("a", "w", "1", "old_name", OURS, ago(days=9), None), ("a", "w", "1", "m00_train", OURS, ago(days=1), None),
    ("a", "w", "2", "m01_train", OURS, ago(days=1), ago(hours=1)),
    ("a", "w", "3", "m00_train", OURS | {"stage": "dev"}, ago(days=1), None), ("a", "w", "4", "x", {}, ago(days=1), None),
    ("a", "elsewhere", "1", "y", {"system": "theirs"}, ago(days=1), None),
]  # fmt: skip


def used(days: float, quantity: int, sku: str = "jobs", **tags: str) -> tuple:
    at = ago(days=days)
    return ("a", sku, "AZURE", at, at, at.date(), OURS | tags, Decimal(quantity))


USAGE = [
    used(1, 10), used(20, 4), used(40, 1000), used(2, 100, stage="dev"), used(2, 100, system="theirs"),
    used(3, 7, "sql", declaration="platform"),
]  # fmt: skip


def price(now: int) -> tuple:
    return (Decimal(9), (Decimal(now),))


PRICES = [
    # The price rose ten days ago: 10 x 3 now, 4 x 2 before.
    (ago(days=400), ago(days=10), "jobs", "AZURE", "USD", price(2)), (ago(days=10), None, "jobs", "AZURE", "USD", price(3)),
    (ago(days=400), None, "jobs", "AWS", "USD", price(50)), (ago(days=400), None, "sql", "AZURE", "USD", price(1)),
]  # fmt: skip
LINEAGE = [
    ("synthetic_omop_ra.rejected_person", 3, "j", "t", "c", "q", "d", "{}", ago(days=2)),
    ("m00.predictions", 1, "j", "t", "c", "q", "d", "{}", ago(days=2)),
    ("m00.predictions", 2, "j", "t", "c", "q", "d", "{}", ago(days=1)),
    ("cdh_prod.m00.m00", 5, "j", "t", "c", "q", "d", "{}", ago(days=1)),
]  # fmt: skip


def observation(seed: int) -> list[dict]:
    """Rows as `observe` writes them, with signals anywhere: block 0 is the whole slice, the highest the newest."""
    rng = random.Random(seed)
    blocks = range(rng.choice((1, 5)))
    rows = [{"block": block, "measure": RATIO, "name": ""} for block in blocks]
    rows += [{"block": block, "measure": DIFFERENCE, "name": name} for block in (0, 4) for name in ("age", "sex")]
    for row in rows:
        drift = "calibration drift" if row["measure"] == RATIO else "covariate drift"
        row["signal"] = drift if rng.random() < 0.15 else ""
    return rows


OBSERVED = {model: observation(seed) for seed, model in enumerate(MODELS)}
# An older block that speaks alone is history.
OBSERVED[MODELS[-1]] = [
    {"block": block, "measure": RATIO, "name": "", "signal": "calibration drift" if block == 2 else ""}
    for block in range(5)
]


def monitoring(rows: list[dict], at: datetime) -> list[tuple]:
    rest = (None, None, None, 500, 120, "quiet")
    return [("j", at, 2, r["block"], r["measure"], r["name"], *rest, r["signal"]) for r in rows]


@pytest.fixture(scope="module")
def tables(spark):
    kept = {f"system__{name.replace('.', '__')}": kinds for name, kinds in SYSTEM.items()}
    rows = dict(zip(kept, (RUNS, JOBS, USAGE, PRICES), strict=True))
    kept |= {"cdh_prod__ml__lineage": LINEAGE_SCHEMA, "cdh_prod__ml__validation_record": fields(RECORD)}
    rows |= {"cdh_prod__ml__lineage": LINEAGE, "cdh_prod__ml__validation_record": []}
    for model, found in OBSERVED.items():
        # What spoke a month ago is over.
        loud = [row | {"signal": "covariate drift"} for row in found]
        kept |= {
            f"cdh_prod__{model}__monitoring": fields(MONITORING),
            f"cdh_prod__{model}__attrition": ATTRITION_SCHEMA,
        }
        rows[f"cdh_prod__{model}__monitoring"] = monitoring(loud, ago(days=30)) + monitoring(found, ago(days=1))
        rows[f"cdh_prod__{model}__attrition"] = [("j", 1, "all stays", 900, 800), ("j", 2, "adults", None, None)]
    for name, kinds in kept.items():
        spark.createDataFrame(rows[name], kinds).createOrReplaceTempView(name)
    yield spark
    for name in kept:
        spark.catalog.dropTempView(name)


def of(page: str) -> dict[str, queries.Query]:
    (found,) = [one for one in queries.pages(PROD, MODELS) if one.address == page]
    return {query.address: query for query in found.queries}


@pytest.mark.parametrize("page", ["runs", "versions", "monitoring", "quality"])
def test_every_query_of_the_dashboard_runs_and_has_the_columns_its_table_shows(tables, page):
    for query in of(page).values():
        found = tables.sql(local(query.text))
        assert tuple(found.columns) == query.columns, query.address
        if query.address != "validation":
            assert found.count() > 0, query.address


@pytest.mark.clause("P8")
def test_an_alert_counts_the_failed_runs_of_its_own_stage_and_of_the_last_day(tables):
    assert tables.sql(local(queries.failures(PROD))).first().failed == 3
    runs = {(row.job, row.result_state): row.runs for row in tables.sql(local(of("runs")["runs"].text)).collect()}
    assert runs == {
        ("m00_train", "FAILED"): 2, ("m00_train", "TIMED_OUT"): 1, ("m00_train", "SUCCEEDED"): 1,
        ("m00_train", "CANCELLED"): 1, ("m01_train", "ERROR"): 1,
    }  # fmt: skip


def test_cost_is_what_was_used_at_the_price_of_its_day(tables):
    by = {row.declaration: row.list_cost for row in tables.sql(local(of("runs")["cost"].text)).collect()}
    assert by == {"m00": 10 * 3 + 4 * 2, "platform": 7}
    alert = {one.address: one for one in queries.alerts(PROD, ())}["cost"]
    assert tables.sql(local(alert.text)).first()[alert.column] == 45
    assert alert.above == PROD.budget


@pytest.mark.clause("O9", "P8")
def test_an_alert_on_signals_speaks_when_the_monitor_jobs_own_decision_does(tables):
    texts = [f"select '{model}' as model, signals from (\n{queries.signals(PROD, model)}\n)" for model in MODELS]
    found = {row.model: row.signals > 0 for row in tables.sql(local("\nunion all\n".join(texts))).collect()}
    expected = {model: decision(rows) != "" for model, rows in OBSERVED.items()}
    assert found == expected
    assert set(expected.values()) == {True, False}
    assert not expected[MODELS[-1]]
    # A retrained version that waits silences no alert.
    waiting = Made(version=3, champion=False, passed=True)
    assert not any(retraining(decision(rows), waiting, 0, 100)[0] for rows in OBSERVED.values())


def test_versions_and_rejected_deliveries_are_found_in_the_lineage(tables):
    (version,) = tables.sql(local(of("versions")["versions"].text)).collect()
    assert (version.model, version.version) == ("cdh_prod.m00.m00", 5)
    newest = {row.table_name: row.version for row in tables.sql(local(of("versions")["tables"].text)).collect()}
    assert newest == {"m00.predictions": 2, "synthetic_omop_ra.rejected_person": 3}
    (rejected,) = tables.sql(local(of("quality")["rejected"].text)).collect()
    assert (rejected.rejected_table, rejected.version) == ("synthetic_omop_ra.rejected_person", 3)


def every_text(stage) -> list[str]:
    shown = [query.text for page in queries.pages(stage, MODELS) for query in page.queries]
    return shown + [one.text for one in queries.alerts(stage, MODELS)]


@pytest.mark.parametrize("name", list(StageName))
def test_no_query_reads_a_table_about_persons_or_another_stage(name):
    allowed = {f"cdh_{name}.ml.lineage", f"cdh_{name}.ml.validation_record", *(f"system.{table}" for table in SYSTEM)}
    allowed |= {f"cdh_{name}.{model}.{table}" for model in MODELS for table in ("monitoring", "attrition")}
    read = set()
    for text in every_text(STAGES[name]):
        read |= set(re.findall(r"\b(?:from|join) ([\w.]+\.[\w.]+)", text))
        assert "person_id" not in text
    assert read == allowed


def test_the_dashboard_shows_only_columns_of_its_own_datasets_and_is_the_same_text_each_time():
    text = serialized(PROD, MODELS)
    assert serialized(replace(PROD), MODELS) == text
    made = json.loads(text)
    assert [page["displayName"] for page in made["pages"]] == [
        "Runs", "Models and versions", "Monitoring", "Data quality"
    ]  # fmt: skip
    columns = {query.address: query.columns for page in queries.pages(PROD, MODELS) for query in page.queries}
    datasets = {one["name"]: "".join(one["queryLines"]) for one in made["datasets"]}
    assert datasets == {q.address: q.text for page in queries.pages(PROD, MODELS) for q in page.queries}
    used = []
    for page in made["pages"]:
        rows = [one["position"]["y"] for one in page["layout"]]
        assert rows == sorted(set(rows)), "widgets lie on each other"
        for one in page["layout"]:
            (asked,) = one["widget"]["queries"]
            used.append(asked["query"]["datasetName"])
            shown = [column["fieldName"] for column in one["widget"]["spec"]["encodings"]["columns"]]
            assert shown == [field["name"] for field in asked["query"]["fields"]] == list(columns[used[-1]])
    assert sorted(used) == sorted(columns)


def test_before_a_model_is_live_the_dashboard_reads_no_table_of_a_model_and_says_why_a_tab_is_empty():
    made = json.loads(serialized(PROD, ()))
    assert {one["name"] for one in made["datasets"]} == {"runs", "cost", "versions", "tables", "rejected"}
    (monitoring,) = [page for page in made["pages"] if page["name"] == "monitoring"]
    (said,) = [one["widget"] for one in monitoring["layout"]]
    assert "infra/inputs.json" in said["multilineTextboxSpec"]["lines"][0]
