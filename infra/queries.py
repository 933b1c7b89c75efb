"""The SQL of the dashboard and the alerts: counts of runs, versions, signals and quality, never a person's row.

Each reads tables of our own by their three-part names, or system tables of the account
(learn.microsoft.com/azure/databricks/admin/system-tables); of the latter only what carries the stage's tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra import names
from infra.stages import Stage

DAILY, HOURLY = "0 0 7 * * ?", "0 15 * * * ?"
COST_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Query:
    """One table of the dashboard. columns: what the text gives, in order."""

    address: str
    title: str
    text: str
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Somebody is told when `column` of the one row is above a bound. schedule: Quartz, UTC."""

    address: str
    title: str
    text: str
    column: str
    above: float
    schedule: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """One tab of the dashboard; without queries it says why in `otherwise`."""

    address: str
    title: str
    queries: tuple[Query, ...]
    otherwise: str = ""


def ended_runs(stage: Stage) -> str:
    """Every run of the stage's jobs that ended: job, result_state, ended. A job is known by its newest row."""
    return f"""\
select jobs.job, runs.result_state, runs.period_end_time as ended
from system.lakeflow.job_run_timeline as runs
join (
  select workspace_id, job_id, max_by(name, change_time) as job, max_by(tags, change_time) as tags
  from system.lakeflow.jobs
  group by workspace_id, job_id
) as jobs on jobs.workspace_id = runs.workspace_id and jobs.job_id = runs.job_id
where runs.result_state is not null
  and jobs.tags['system'] = '{names.SYSTEM}' and jobs.tags['stage'] = '{stage.name}'"""


def failures(stage: Stage) -> str:
    """How many runs failed in the last day."""
    return f"""\
select count(*) as failed
from (
{ended_runs(stage)}
)
where result_state in ('ERROR', 'FAILED', 'TIMED_OUT') and ended >= now() - interval 1 day"""


def cost(stage: Stage) -> str:
    """What the stage's jobs and warehouse cost at list price, by declaration."""
    return f"""\
select usage.custom_tags['declaration'] as declaration, prices.currency_code as currency,
  sum(usage.usage_quantity * prices.pricing.effective_list.default) as list_cost
from system.billing.usage as usage
join system.billing.list_prices as prices on prices.sku_name = usage.sku_name and prices.cloud = usage.cloud
  and usage.usage_start_time >= prices.price_start_time
  and (prices.price_end_time is null or usage.usage_start_time < prices.price_end_time)
where usage.custom_tags['system'] = '{names.SYSTEM}' and usage.custom_tags['stage'] = '{stage.name}'
  and usage.usage_date >= current_date() - interval {COST_DAYS} days
group by all"""


def observed(stage: Stage, model: str) -> str:
    """The rows of a model's newest observation."""
    table = names.table(stage, f"{model}.monitoring")
    return f"""\
select '{model}' as model, model_version, observed_at, block, measure, name, value, low, high, encounters, events,
  state, signal
from {table}
where observed_at = (select max(observed_at) from {table})"""


def signals(stage: Stage, model: str) -> str:
    """How many rows of the newest observation speak: of calibration the whole slice and its newest block only.

    As `decision` in jobs/model/monitoring.py. Whether a retraining starts is another question, of
    jobs/model/retraining.py: while a retrained version waits for promotion the alert goes on.
    """
    return f"""\
with observed as (
{observed(stage, model)}
)
select count(*) as signals
from observed
where signal <> '' and (
  measure <> 'observed_over_expected' or block = 0
  or block = (select max(block) from observed where measure = 'observed_over_expected')
)"""


def together(texts: Sequence[str], order: str) -> str:
    """One statement of several with the same columns."""
    return "\nunion all\n".join(texts) + f"\norder by {order}"


def alerts(stage: Stage, models: Sequence[str]) -> tuple[Alert, ...]:
    """What somebody is told of. models: the live ones, whose tables are there."""
    total = f"select coalesce(sum(list_cost), 0) as list_cost\nfrom (\n{cost(stage)}\n)"
    return (
        Alert(address="failed_runs", title="Failed runs", text=failures(stage), column="failed", above=0,
              schedule=HOURLY),
        Alert(address="cost", title=f"Cost of {COST_DAYS} days above the budget of the stage", text=total,
              column="list_cost", above=stage.budget, schedule=DAILY),
        *(
            Alert(address=f"{model}_signals", title=f"Monitoring signals of {model}", text=signals(stage, model),
                  column="signals", above=0, schedule=DAILY)
            for model in models
        ),
    )  # fmt: skip


def run_queries(stage: Stage) -> tuple[Query, ...]:
    """What ran and what it cost."""
    runs = f"""\
select job, result_state, count(*) as runs, max(ended) as last_ended
from (
{ended_runs(stage)}
)
where ended >= now() - interval 30 days
group by all
order by job, result_state"""
    return (
        Query(address="runs", title="Runs of the last 30 days", text=runs,
              columns=("job", "result_state", "runs", "last_ended")),
        Query(address="cost", title=f"List price of the last {COST_DAYS} days",
              text=f"{cost(stage)}\norder by list_cost desc", columns=("declaration", "currency", "list_cost")),
    )  # fmt: skip


def version_queries(stage: Stage) -> tuple[Query, ...]:
    """Registered versions, and what they and the tables were made by: an object of three parts is a model."""
    lineage = names.table(stage, f"{names.ML}.lineage")
    versions = f"""\
select object as model, version, written_at, job_run_id, commit, requirements_hash, declaration_hash
from {lineage}
where size(split(object, '[.]')) = 3
order by written_at desc"""
    tables = f"""\
select object as table_name, max(version) as version, max(written_at) as last_written
from {lineage}
where size(split(object, '[.]')) = 2
group by object
order by object"""
    return (
        Query(address="versions", title="Registered versions", text=versions,
              columns=("model", "version", "written_at", "job_run_id", "commit", "requirements_hash",
                       "declaration_hash")),
        Query(address="tables", title="Newest version of each table", text=tables,
              columns=("table_name", "version", "last_written")),
    )  # fmt: skip


def monitoring_queries(stage: Stage, models: Sequence[str]) -> tuple[Query, ...]:
    """The newest observation of each live model."""
    if not models:
        return ()
    text = together([observed(stage, model) for model in models], "model, measure, block, name")
    columns = ("model", "model_version", "observed_at", "block", "measure", "name", "value", "low", "high",
               "encounters", "events", "state", "signal")  # fmt: skip
    return (Query(address="observed", title="Newest observation of each model", text=text, columns=columns),)


def quality_queries(stage: Stage, models: Sequence[str]) -> tuple[Query, ...]:
    """Deliveries with rows at fault, and how cohorts came about; small counts were suppressed when written."""
    lineage = names.table(stage, f"{names.ML}.lineage")
    rejected = f"""\
select object as rejected_table, max(version) as version, max(written_at) as last_written
from {lineage}
where contains(object, '.rejected_')
group by object
order by object"""
    found = [Query(address="rejected", title="Deliveries with rows at fault", text=rejected,
                   columns=("rejected_table", "version", "last_written"))]  # fmt: skip
    if models:
        steps = [
            f"select '{model}' as model, job_run_id, step, reason, encounters, persons\n"
            f"from {names.table(stage, f'{model}.attrition')}"
            for model in models
        ]
        records = f"""\
select method, declaration_hash, features_hash, contracts_hash, code, auroc, passed, recorded_at
from {names.table(stage, f"{names.ML}.validation_record")}
order by recorded_at desc"""
        found += [
            Query(address="attrition", title="From the cohort to the feature table",
                  text=together(steps, "model, job_run_id desc, step"),
                  columns=("model", "job_run_id", "step", "reason", "encounters", "persons")),
            Query(address="validation", title="Validation records", text=records,
                  columns=("method", "declaration_hash", "features_hash", "contracts_hash", "code", "auroc", "passed",
                           "recorded_at")),
        ]  # fmt: skip
    return tuple(found)


def pages(stage: Stage, models: Sequence[str]) -> tuple[Page, ...]:
    """The tabs of the dashboard."""
    no_model = "No model is live in this stage: infra/inputs.json, stages.<stage>.live, after the first promotion."
    return (
        Page(address="runs", title="Runs", queries=run_queries(stage)),
        Page(address="versions", title="Models and versions", queries=version_queries(stage)),
        Page(address="monitoring", title="Monitoring", queries=monitoring_queries(stage, models), otherwise=no_model),
        Page(address="quality", title="Data quality", queries=quality_queries(stage, models)),
    )
