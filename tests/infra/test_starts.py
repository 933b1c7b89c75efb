"""When jobs start: what Quartz and the time zone database do not know is refused at synth, and what starts excludes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from infra_documents import of_kind

from infra import inputs, starts
from infra.pipelines import jobs
from infra.stages import STAGES, StageName
from infra.starts import checked_cron, checked_timezone, checked_update
from sandbox.errors import SandboxError
from sandbox.runner.quartz import Quartz
from workflows.cohorts import Cohort
from workflows.declare import Continuous, Featurization, Model, OnFiles, OnTables, Scheduled
from workflows.discover import check_featurization
from workflows.errors import DeclarationError
from workflows.steps import Washout

# The expressions of Quartz' own "Cron Trigger Tutorial", all of them.
TUTORIAL = (
    "0 0 12 * * ?", "0 15 10 ? * *", "0 15 10 * * ?", "0 15 10 * * ? *", "0 15 10 * * ? 2005", "0 * 14 * * ?",
    "0 0/5 14 * * ?", "0 0/5 14,18 * * ?", "0 0-5 14 * * ?", "0 10,44 14 ? 3 WED", "0 15 10 ? * MON-FRI",
    "0 15 10 15 * ?", "0 15 10 L * ?", "0 15 10 L-2 * ?", "0 15 10 ? * 6L", "0 15 10 ? * 6L 2002-2005",
    "0 15 10 ? * 6#3", "0 0 12 1/5 * ?", "0 11 11 11 11 ?",
)  # fmt: skip


@pytest.mark.parametrize("expression", TUTORIAL)
def test_every_expression_of_the_quartz_tutorial_is_taken(expression):
    assert checked_cron("nightly", expression) == expression


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("0 0 2 * *", "six or seven fields"),
        ("daily", "six or seven fields"),
        ("", "six or seven fields"),
        ("60 0 2 * * ?", "seconds from 0 to 59.*not '60'"),
        ("0 0 24 * * ?", "hours from 0 to 23.*not '24'"),
        ("0 0 2 0 * ?", "day of month from 1 to 31.*not '0'"),
        ("0 0 2 ? FEBRUARY MON", "month from 1 to 12.*not 'FEBRUARY'"),
        ("0 0 2 ? * 8", "day of week from 1 to 7.*not '8'"),
        ("0 0 2 ? * MON#6", "day of week.*not 'MON#6'"),
        ("0 0 2 32W * ?", "day of month.*not '32W'"),
        ("0 0 2 * * *", "'\\?' in exactly one of day of month and day of week"),
        ("0 0 2 ? * ?", "'\\?' in exactly one"),
        ("0 0/0 2 * * ?", "minutes.*not '0/0'"),
        ("0 5- 2 * * ?", "minutes.*not '5-'"),
        ("0 1,,2 2 * * ?", "minutes.*not ''"),
        ("0 0 2 * * ? 1969", "year from 1970 to 2099"),
    ],
)
def test_an_expression_that_quartz_does_not_know_is_refused_with_its_field(expression, told):
    with pytest.raises(DeclarationError, match=f"infra/pipelines.py: nightly: schedule = .*valid: {told}"):
        checked_cron("nightly", expression)


# Mostly right, so that both answers come up: (least, most) of seconds, minutes, hours, day, month, day of week, year.
BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2099))
ODD = st.sampled_from(["L", "LW", "L-3", "15W", "6L", "6#3", "MON", "JAN", "SUN-SAT", "x", "1-", "#2", "7#0", "99"])


def field(least: int, most: int) -> st.SearchStrategy[str]:
    number = st.integers(least, most).map(str)
    steps = st.tuples(number | st.just("*"), st.integers(0, most).map(str)).map("/".join)
    usual = st.just("*") | number | st.tuples(number, number).map("-".join) | steps
    return st.lists(st.integers(0, 9).flatmap(lambda n: ODD if n == 0 else usual), min_size=1, max_size=2).map(",".join)


FIELDS = [field(*bounds) for bounds in BOUNDS]
EXPRESSION = st.one_of(
    st.tuples(*FIELDS[:3], st.just("?"), FIELDS[4], FIELDS[5]), st.tuples(*FIELDS[:5], st.just("?")),
    st.tuples(*FIELDS[:5], st.just("?"), FIELDS[6]), st.tuples(*FIELDS[:6]),
).map(" ".join)  # fmt: skip


@settings(max_examples=400)
@given(EXPRESSION)
def test_what_is_refused_is_what_the_engine_that_fires_schedules_cannot_read(expression):
    try:
        checked_cron("any", expression)
        taken = True
    except DeclarationError:
        taken = False
    try:
        Quartz(expression)
        read = True
    except (SandboxError, ValueError):
        read = False
    assert taken == read, expression


@pytest.mark.parametrize("timezone", ["UTC", "America/New_York", "Europe/Paris"])
def test_a_time_zone_that_exists_is_taken(timezone):
    assert checked_timezone("nightly", timezone) == timezone


@pytest.mark.parametrize("timezone", ["Mars/Crater", "", "EST5EDT4", "/etc/passwd", "America"])
def test_a_time_zone_that_does_not_exist_is_refused(timezone):
    with pytest.raises(DeclarationError, match=r"nightly: timezone = .* valid: such as UTC or America/New_York"):
        checked_timezone("nightly", timezone)


@pytest.mark.parametrize(
    ("tables", "settled", "between", "told"),
    [
        (("ml.lineage",), 60, 60, "table_names = 'ml.lineage'.*catalog.schema.table"),
        (("a.b.c",), 59, 60, "wait_after_last_change = 59.*60 seconds or more"),
        (("a.b.c",), 60, 0, "min_time_between_triggers = 0"),
    ],
)
def test_a_trigger_that_the_service_would_refuse_is_refused_at_synth(tables, settled, between, told):
    with pytest.raises(DeclarationError, match=told):
        checked_update("job", tables, settled, between)


@pytest.mark.parametrize("field", ["schedule", "TIMEZONE"])
def test_a_wrong_schedule_of_a_job_stops_the_synthesis_of_a_stage_even_where_nothing_is_scheduled(
    field, synthesised, declared, monkeypatch
):
    if field == "schedule":
        monkeypatch.setattr("infra.pipelines.FEATURIZE_AT", "0 0 25 * * ?")
        stage, told = STAGES["dev"], "_featurize: schedule = '0 0 25 .*hours from 0 to 23"
    else:
        monkeypatch.setattr("infra.constructs.pipeline.TIMEZONE", "Mars/Crater")
        stage, told = STAGES["prod"], "timezone = 'Mars/Crater'"
    with pytest.raises(DeclarationError, match=told):
        synthesised(declared, [stage])


@pytest.fixture(scope="module")
def live_prod(synthesised, declared):
    given = replace(inputs.load(), live={name: {} for name in StageName} | {StageName.PROD: {"readmission": 2}})
    return synthesised(declared, [STAGES["prod"]], given)["prod"]


def test_where_a_model_is_live_new_tables_start_featurization_and_the_schedule_is_gone(live_prod, documents):
    made = of_kind(live_prod, "databricks_job")
    contracts = ("condition_occurrence", "observation_period", "person", "visit_occurrence")
    expected = {
        "synthetic_omop_featurize": [f"cdh_prod.synthetic_omop.{table}" for table in contracts],
        "readmission_featurize": [f"cdh_prod.synthetic_omop_ra.{t}" for t in ("fact_encounter_index", "fact_person")],
    }  # fmt: skip
    for name, job in made.items():
        assert not {"schedule", "trigger"} <= set(job), name
        if name in expected:
            update = job["trigger"]["table_update"]
            assert update["table_names"] == expected[name]
            # A source is delivered whole; a change of visits, or of laboratory values, moves one fact table alone.
            assert update["condition"] == ("ANY_UPDATED" if name == "readmission_featurize" else "ALL_UPDATED")
            assert min(update["wait_after_last_change_seconds"], update["min_time_between_triggers_seconds"]) >= 60
        else:
            assert job == of_kind(documents["prod"], "databricks_job")[name]
    assert "schedule" in made["uci130_featurize"], "nothing of its source is live"


def test_features_that_ask_for_observation_wait_for_its_periods_and_for_no_table_that_may_not_be_there(declared):
    live = {"readmission": 1}

    def waited(model: Model) -> tuple[str, ...]:
        changed = replace(declared, models={**declared.models, "readmission": model})
        (plan,) = (one for one in jobs(model) if one.name == "readmission_featurize")
        return starts.awaited(plan, changed, live)

    model = declared.models["readmission"]
    two = ("synthetic_omop_ra.fact_encounter_index", "synthetic_omop_ra.fact_person")
    assert waited(model) == two
    observed = Cohort(entry=model.cohort, steps=[Washout(days=365)])
    assert waited(replace(model, cohort=observed, examples=())) == (*two, "synthetic_omop_ra.fact_observation_period")


def test_nothing_waits_for_tables_in_a_stage_where_jobs_do_not_start_by_themselves(synthesised, declared):
    given = replace(inputs.load(), live={name: {"readmission": 1} for name in StageName})
    for job in of_kind(synthesised(declared, [STAGES["dev"]], given)["dev"], "databricks_job").values():
        assert not {"schedule", "trigger"} & set(job)


def test_a_job_waits_only_for_tables_that_another_writes(declared):
    for one in declared.declarations:
        for plan in jobs(one):
            for table in starts.awaited(plan, declared, {"readmission": 1, "readmission_uci130": 1}):
                assert plan.name.endswith("_featurize")
                schema, name = table.split(".")
                written = (
                    [f"feature_{plan.declared}"] if plan.declared in declared.models
                    else [task.key for task in plan.tasks]
                )  # fmt: skip
                assert not (schema.endswith("_ra") and name in written), (plan.name, table)


# databricks_job: "schedule, trigger and continuous exclude each other"; the stage decides whether jobs start at all.
DECLARED_STARTS = [
    (Scheduled("0 15 5 * * ?"), "schedule", {"quartz_cron_expression": "0 15 5 * * ?", "timezone_id": "UTC"}),
    (OnTables(), "schedule", {"quartz_cron_expression": "0 0 2 * * ?"}),
    (OnFiles("labs/new"), "trigger", {"url": "/Volumes/cdh_prod/ml/landing/labs/new/"}),
    (Continuous(), "continuous", {"pause_status": "UNPAUSED"}),
]


@pytest.mark.clause("O3")
@pytest.mark.parametrize(("updates", "block", "holds"), DECLARED_STARTS)
def test_a_featurization_starts_as_it_declares_and_in_no_other_way(updates, block, holds, synthesised, declared):
    name = "synthetic_omop"
    one = replace(declared.featurizations[name], updates=updates, history=True)
    changed = replace(declared, featurizations={**declared.featurizations, name: one})
    live = {} if isinstance(updates, OnTables) else {"readmission": 2}
    given = replace(inputs.load(), live={stage: {} for stage in StageName} | {StageName.PROD: live})
    made = synthesised(changed, [STAGES["prod"]], given)["prod"]
    job = of_kind(made, "databricks_job")[f"{name}_featurize"]
    assert [kind for kind in ("schedule", "trigger", "continuous") if kind in job] == [block]
    found = job[block]["file_arrival"] if isinstance(updates, OnFiles) else job[block]
    assert holds.items() <= found.items()
    assert {"name": "rebuild", "default": "false"} in job["parameter"]
    if isinstance(updates, Continuous):
        # docs.databricks.com, "Run jobs continuously": "You cannot use task dependencies with a continuous job. You
        # cannot use retry policies in a continuous job."
        (task,) = job["task"]
        assert not [name for name in task if "retr" in name or name == "depends_on"]
    task = next(one for one in job["task"] if one["task_key"] in ("fact_person", "featurize"))
    assert task["python_wheel_task"]["named_parameters"]["rebuild"] == "{{job.parameters.rebuild}}"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Scheduled("daily"), "at = 'daily'"),
        (lambda: OnFiles("../elsewhere"), "folder = '../elsewhere'"),
        (lambda: OnFiles(""), "folder = ''"),
        (lambda: Featurization(name="ab", source="s", cluster="c", updates="daily"), "updates = 'daily'"),
        (lambda: Featurization(name="ab", source="s", cluster="c", updates=Continuous()), "history = False"),
        (lambda: Featurization(name="ab", source="s", cluster="c", tables=("note",), history=True), "history = True"),
    ],
)
def test_what_starts_a_featurization_is_refused_where_it_means_nothing(make, told):
    with pytest.raises(DeclarationError, match=told):
        make()


@pytest.mark.parametrize("name", ["abfm", "omop", "premier", "synthetic_omop"])
def test_every_source_of_the_calendar_may_have_a_history(declared, name):
    one = Featurization(name=name, source=name, cluster="etl", history=True)
    check_featurization(declared, one, (one.cluster,))


@pytest.mark.parametrize(("name", "time"), [("nafld", "relative"), ("uci130", "order")])
def test_a_source_whose_days_are_none_of_the_calendar_has_no_history(declared, name, time):
    one = Featurization(name=name, source=name, cluster="etl", history=True)
    with pytest.raises(DeclarationError, match=f"history = True is not valid; valid: False, as .* {name} is {time}"):
        check_featurization(declared, one, (one.cluster,))
