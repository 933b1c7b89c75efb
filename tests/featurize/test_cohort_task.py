"""A model with a cohort of events, through its tasks: cohort, attrition, features, dataset, matrix; nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from cohort_world import SETS, facts, plain_outcome, world
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io.context import Task
from jobs.model.definition import differs, of_table
from jobs.model.matrix import columns_of, fit, probabilities
from jobs.tasks.features import _features
from jobs.tasks.hold import gives_way
from jobs.tasks.prepare import _prepare
from workflows.declare import (
    AgeAtIndex,
    AnyOf,
    Cohort,
    CountOf,
    Demographics,
    EventsOf,
    Excludes,
    Exit,
    FirstOfPerson,
    InObservation,
    LogisticRegression,
    Model,
    days,
)
from workflows.models.readmission import readmission
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark]

MODEL = replace(
    readmission,
    cohort=Cohort(
        entry=EventsOf(concepts=SETS[0]),
        steps=[InObservation(), AgeAtIndex(minimum=18), FirstOfPerson(), Exit(days=30)],
    ),
    features=[
        Demographics(), AnyOf(SETS[0], days(-365, -1), in_observation=True), AnyOf(SETS[1], days(-90, -1)),
        CountOf("inpatient_admission", days(-365, -1)),
    ],
    method=LogisticRegression(C=1.0),
)  # fmt: skip
COHORT, FEATURES = "synthetic_omop_ra.cohort_readmission", "synthetic_omop_ra.feature_readmission"
MADE = world(3, persons=600)


def deliver(spark: SparkSession) -> None:
    """The facts of six hundred random persons."""
    tables = facts(spark, MADE, [])
    for name, frame in {
        "fact_encounter_index": tables.encounters, "fact_person": tables.events,
        "fact_observation_period": tables.observation,
    }.items():  # fmt: skip
        frame.coalesce(1).write.format("delta").mode("overwrite").saveAsTable(f"synthetic_omop_ra.{name}")


@pytest.fixture
def run(zones: SparkSession, make_task: Callable[..., Task], capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the features task of a model; what it logged."""
    deliver(zones)

    def go(model: Model, main: Callable[[Task], None] = _features) -> str:
        task = make_task(model)
        # Only what committed code made may stay.
        vars(task)["commit"] = "abc123"
        capsys.readouterr()
        try:
            main(task)
        finally:
            task.tables.flush()
        return capsys.readouterr().out

    return go


@pytest.mark.slow
@pytest.mark.clause("F6", "P3", "P4", "C4")
def test_a_model_of_a_cohort_of_events_gets_features_a_dataset_and_a_matrix_and_nothing_is_made_twice(zones, run):
    said = run(MODEL)
    assert "attrition 4, leaves 30 days after the start or at the end of observation" in said
    members = zones.table(COHORT).toPandas()
    table = zones.table(FEATURES).toPandas()
    assert list(members.columns) == ["person_id", "visit_occurrence_id", "index_datetime", "cohort_start", "cohort_end"]
    assert len(table) == len(members) == members["person_id"].nunique() > 100
    assert set(table["visit_occurrence_id"]) == set(members["visit_occurrence_id"])
    steps = zones.table("readmission.attrition").orderBy("step").collect()
    assert (steps[-1]["encounters"], steps[-1]["persons"]) == (len(members), len(members))
    known = table[table["outcome_known"]]
    # Written once more in plain Python: another inpatient stay begins on one of the days 1 to 30.
    assert known["outcome"].tolist() == [
        plain_outcome(MADE, row.person_id, row.index_datetime) for row in known.itertuples()
    ]
    assert 0 < known["outcome"].sum() < len(known)

    run(MODEL, _prepare)
    dataset = zones.table("readmission.dataset").toPandas()
    assert len(dataset) == len(known)
    fitted = fit(MODEL.method, {"C": 1.0}, dataset)
    assert "f_any_sugar_90_1" not in columns_of(dataset).names
    assert {"f_age", "f_sex", "f_any_heart", "f_any_sugar"} <= set(columns_of(dataset).names)
    assert ((probabilities(fitted, dataset) > 0) & (probabilities(fitted, dataset) < 1)).all()

    # The same definition of the same versions: nothing is made.
    versions = lambda: [zones.sql(f"DESCRIBE HISTORY {name} LIMIT 1").first()["version"] for name in (COHORT, FEATURES)]  # noqa: E731
    assert versions() == [0, 0]
    said = run(MODEL)
    assert f"{COHORT} stays at version 0" in said
    assert f"{FEATURES} stays at version 0" in said
    assert versions() == [0, 0]
    # Other features: the same cohort.
    run(replace(MODEL, features=MODEL.features[:2]))
    assert versions() == [0, 1]
    # Another cohort, other inputs, or rows that somebody took out: both anew.
    fewer = replace(MODEL, cohort=Cohort(entry=MODEL.cohort.entry, steps=MODEL.cohort.steps[:2]))
    run(fewer)
    assert versions() == [1, 2]
    deliver(zones)
    run(fewer)
    assert versions() == [2, 3]
    zones.sql(f"DELETE FROM {COHORT} WHERE person_id = {members['person_id'][0]}").collect()
    assert "is at version 4" in run(fewer)
    assert versions() == [4, 3]
    told = [row["step"] for row in zones.table("readmission.attrition").orderBy("step").collect()]
    assert told == list(range(len(steps))), "a run that is tried again tells each step once"
    # A task that died before its features were described.
    zones.sql("DROP TABLE synthetic_omop_ra.quality")
    run(fewer)
    assert versions() == [4, 4]


def test_each_version_of_the_features_keeps_what_they_mean_and_so_does_one_that_is_put_back(zones, run, make_task):
    run(MODEL)
    run(replace(MODEL, features=[*MODEL.features[:2], AnyOf(SETS[1], days(-900, -1)), MODEL.features[3]]))
    task = make_task(MODEL)
    first, second = (of_table(task.tables.commits, FEATURES, version) for version in (0, 1))
    assert differs(first, second) == ["feature any_sugar"]
    assert gives_way(task, synthetic_omop, FEATURES, 1).endswith("as version 2")
    assert of_table(task.tables.commits, FEATURES, 2) == first


def test_a_cohort_with_nothing_left_names_the_step_and_leaves_what_was_there(zones, run):
    zones.range(5).write.format("delta").saveAsTable(FEATURES)
    steps = [InObservation(), Excludes(concepts=SETS[0], window=days(-1, 0)), FirstOfPerson()]
    nobody = replace(MODEL, cohort=Cohort(entry=MODEL.cohort.entry, steps=steps))
    with pytest.raises(TaskError, match=r"nothing in synthetic_omop is left after step 2, no heart in days -1\.\.0"):
        run(nobody)
    assert zones.table(FEATURES).count() == 5
    assert not zones.catalog.tableExists(COHORT)
