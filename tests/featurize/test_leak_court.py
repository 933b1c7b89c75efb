"""The leak court, second part: what was delivered as a leak is exposed by a mechanism that is named; its twin passes.

What a declaration can say of a leak is refused: `tests/workflows/test_leaks_refused.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from curated import empty_zones, typed_tables
from planted_leaks import TWINS, delivered, stays
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.featurize import restated
from jobs.featurize.facts import fact_encounter_index, fact_person
from jobs.featurize.features import feature_table
from jobs.model import evaluation, gates
from jobs.model.leaks import alone, auroc
from jobs.model.matrix import fit, probabilities
from jobs.model.side import TEST, TRAIN, side_of
from jobs.tasks.features import _features, refuse_restated
from workflows.covariates import code_rows
from workflows.declare import (
    AnyOf,
    AtIndex,
    Codes,
    Demographics,
    InpatientStays,
    LogisticRegression,
    days,
    replace,
)
from workflows.gates import Implausible
from workflows.models.readmission import readmission
from workflows.models.readmission_uci130 import readmission_uci130
from workflows.sources import named
from workflows.sources.synthetic_omop import synthetic_omop
from workflows.sources.uci130 import uci130

GATE = Implausible("auroc", above=0.85)
BASE = ("age", "length_of_stay", "stays_before")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return stays(tmp_path_factory.mktemp("leaks"))


def judged(frame: pd.DataFrame, *columns: str) -> gates.Result:
    """The gate on a model of these columns, fitted on one side and judged on the other, as evaluation does."""
    told = frame[["person_id", "visit_occurrence_id", "encounter_order", "outcome"]].copy()
    for name in columns:
        told[f"f_{name}"] = frame[name]
    told["side"] = [side_of(person, "leak court", 0.4) for person in told["person_id"]]
    train, test = told[told["side"] == TRAIN], told[told["side"] == TEST]
    method = LogisticRegression(C=1.0)
    scored = probabilities(fit(method, method.parameters, train), test)
    found = evaluation.estimates(test, scored, seed=1)
    (result,) = gates.assess([GATE], found, test["outcome"].to_numpy(), alone=alone(train))
    return result


@pytest.mark.clause("F1", "21")
def test_a_delivered_code_that_is_the_outcome_fails_the_gate_by_its_name_and_its_twin_passes(rows):
    frame = delivered(rows)
    caught = judged(frame, *BASE, "outcome_code")
    assert caught.state == gates.FAILED
    assert "alone: f_outcome_code 1.000" in caught.detail
    assert judged(frame, *BASE, TWINS["outcome_code"]).state == gates.PASSED


@pytest.mark.spark
@pytest.mark.usefixtures("compiled")
@pytest.mark.clause("F1", "21")
def test_a_delivered_diagnosis_that_is_the_outcome_fails_the_gate_through_its_concept_set(spark: SparkSession, rows):
    frame = delivered(rows).astype({"visit_end_datetime": str, "visit_start_datetime": str})
    frame["discharged_to_source_value"] = "home"
    codes = {"outcome_code": "R99", TWINS["outcome_code"]: "Z09"}
    conditions = [
        {"condition_occurrence_id": n, "person_id": stay.person_id, "visit_occurrence_id": stay.visit_occurrence_id,
         "condition_start_datetime": stay.visit_end_datetime, "condition_source_value": code}
        for n, (stay, code) in enumerate(
            (stay, code) for name, code in codes.items() for stay in frame[frame[name] == 1].itertuples()
        )
    ]  # fmt: skip
    people = frame.drop_duplicates("person_id").assign(gender_concept_id=8507)
    tables = typed_tables(spark, synthetic_omop, {
        "visit_occurrence": frame.to_dict("records"), "condition_occurrence": conditions,
        "person": people[["person_id", "gender_concept_id", "year_of_birth"]].to_dict("records"),
    })  # fmt: skip
    # No declaration tells: the code stands in a column of its own, and is dated on the index day.
    entered = [
        AnyOf(Codes(name, (("ICD10CM", code),)), days(0, 0), because="entered at discharge")
        for name, code in codes.items()
    ]
    model = replace(readmission, features=[Demographics(), *entered])
    made = feature_table(
        fact_encounter_index(tables, synthetic_omop, person_sample=1.0, outcomes_through=1.0),
        fact_person(tables, synthetic_omop, person_sample=1.0),
        code_rows(model.of_events, {}), model, synthetic_omop, {},
    )  # fmt: skip
    told = frame[["visit_occurrence_id", "encounter_order", *BASE]]
    found = made.where("outcome IS NOT NULL").drop("encounter_order").toPandas().merge(told, on="visit_occurrence_id")
    found = found.rename(columns=lambda name: name.removeprefix("f_any_"))
    caught = judged(found, *BASE, "outcome_code")
    assert caught.state == gates.FAILED
    assert "alone: f_outcome_code 1.000" in caught.detail
    assert judged(found, *BASE, TWINS["outcome_code"]).state == gates.PASSED


def test_a_leak_hidden_among_missing_values_is_seen_alone(rows):
    frame = delivered(rows)
    frame["days_to_next"] = frame["outcome"].where(frame["outcome"] == 1)
    result = judged(frame, *BASE, "days_to_next")
    assert result.state == gates.FAILED
    assert "f_days_to_next 1.000" in result.detail


def test_what_a_category_of_rare_levels_knows_of_its_own_rows_does_not_count(rows):
    frame = delivered(rows).assign(f_provider=lambda made: made["provider"])
    found = alone(frame[["person_id", "outcome", "f_provider"]])
    # Its own rows' rate alone would tell: the target encoding of the same column does.
    assert abs(found["f_provider"] - 0.5) < 0.05
    assert auroc(frame["outcome"].to_numpy(), frame["provider_rate"].to_numpy()) > 0.75


@pytest.mark.parametrize("seed", range(5))
def test_the_auroc_by_ranks_is_the_share_of_pairs_in_order(seed):
    chance = np.random.default_rng(seed)
    outcome, score = chance.integers(0, 2, 40), chance.integers(0, 6, 40).astype(float)
    pairs = [(a > b) + 0.5 * (a == b) for a in score[outcome == 1] for b in score[outcome == 0]]
    assert auroc(outcome, score) == pytest.approx(np.mean(pairs))


@pytest.mark.spark
@pytest.mark.clause("F1")
def test_a_delivered_leak_is_restated_when_newer_data_arrive_and_no_twin_is(spark: SparkSession, rows: pd.DataFrame):
    columns = [*TWINS, *TWINS.values()]

    def facts(share: float) -> Any:
        frame = delivered(rows, share)[["visit_occurrence_id", *columns]].rename(
            columns={c: f"attr_{c}" for c in columns}
        )
        return spark.createDataFrame(frame)

    shared, differ = restated.changed(facts(0.8), facts(1.0), columns)
    assert shared == int(len(rows) * 0.8)
    expected = differing(delivered(rows, 0.8), delivered(rows), columns)
    assert differ == expected
    # The copied outcome is exposed by its own strength: of old stays it changes for those of the last thirty days only.
    for leak in ("stays_ever", "provider_rate", "next_length_of_stay"):
        twin = TWINS[leak]
        restated.refuse("readmission", shared, {twin: differ[twin]})
        with pytest.raises(TaskError, match=rf"readmission: features\.{leak}: restated: its value changed in .* of 5,"):
            restated.refuse("readmission", shared, {leak: differ[leak], twin: differ[twin]})


def differing(before: pd.DataFrame, after: pd.DataFrame, columns: list[str]) -> dict[str, int]:
    """The same by pandas."""
    both = before.merge(after, on="visit_occurrence_id", suffixes=("_a", "_b"))
    same = {
        one: (both[f"{one}_a"] == both[f"{one}_b"]) | (both[f"{one}_a"].isna() & both[f"{one}_b"].isna())
        for one in columns
    }
    return {one: int((~equal).sum()) for one, equal in same.items()}


@pytest.mark.spark
@pytest.mark.clause("F1")
def test_what_a_stay_says_that_ended_since_is_not_restated(spark: SparkSession):
    def version(ended: str, length: str) -> Any:
        at = f"if({ended}, timestamp '2021-01-04', NULL) AS visit_end_datetime"
        return spark.range(100).selectExpr("id AS visit_occurrence_id", at, f"{length} AS attr_length_of_stay")

    before, after = version("id >= 15", "if(id < 15, NULL, 3)"), version("true", "3")
    index = restated.index_column(readmission, named(readmission.source))
    restated.refuse("m", *restated.changed(before, after, ["length_of_stay"], index))
    leak = version("true", "if(id < 30, 4, 3)")
    assert restated.changed(before, leak, ["length_of_stay"], index) == (85, {"length_of_stay": 15})
    # At the admission each of them has its index date, and what only its end tells is a leak.
    index = restated.index_column(
        replace(readmission, cohort=InpatientStays(index="admission"), features=[Demographics()]),
        named(readmission.source),
    )
    assert index == "visit_start_datetime"
    assert restated.index_column(readmission_uci130, uci130) is None, "its time is an order"


def test_a_few_corrections_are_no_leak():
    restated.refuse("m", 5_000, {"a": 50})
    restated.refuse("m", 100, {"a": 10})
    with pytest.raises(TaskError, match="restated"):
        restated.refuse("m", 5_000, {"a": 51})
    # 55 of 60 would tell of five.
    with pytest.raises(TaskError, match="changed in few or all but few of 60 encounters"):
        restated.refuse("m", 60, {"a": 55})
    with pytest.raises(TaskError, match="changed in 49 of 60 encounters"):
        restated.refuse("m", 60, {"a": 49})


@pytest.fixture
def zones(spark: SparkSession) -> Iterator[SparkSession]:
    with empty_zones(spark) as one:
        yield one


ENCOUNTERS = (
    "person_id long, visit_occurrence_id long, encounter_order long, visit_start_datetime timestamp, "
    "visit_end_datetime timestamp, length_of_stay long, is_inpatient_visit boolean, is_at_risk boolean, sex string, "
    "birth_date date, outcome_known boolean, attr_length_of_stay int, attr_discharged_to string"
)


@pytest.mark.spark
@pytest.mark.slow
def test_the_features_task_refuses_what_was_restated_and_keeps_the_table_it_had(zones: SparkSession, make_task):
    model = replace(readmission, features=[Demographics(), AtIndex("discharged_to", because="known at discharge")])

    def facts(to: str, count: int) -> None:
        ended = datetime(2021, 1, 1)
        stays = [
            (n, n, n, ended, ended + timedelta(days=n), n, True, True, "F", date(1950, 1, 1), True, n,
             to if n < 20 else "home")
            for n in range(count)
        ]  # fmt: skip
        task = make_task(model)
        task.tables.replace("synthetic_omop_ra.fact_encounter_index", zones.createDataFrame(stays, ENCOUNTERS), {})
        events = "person_id long, event_start_datetime timestamp, vocabulary_id string, concept_code string"
        if not task.tables.exists("synthetic_omop_ra.fact_person"):
            task.tables.replace("synthetic_omop_ra.fact_person", zones.createDataFrame([], events), {})

    facts("home", 60)
    _features(make_task(model))
    facts("came back", 80)
    with pytest.raises(TaskError, match=r"discharged_to: restated: its value changed in 20 of 60 encounters"):
        _features(make_task(model))
    table, name = "synthetic_omop_ra.feature_readmission", "synthetic_omop_ra.fact_encounter_index"
    assert zones.table(table).count() == 60
    # Neither once more nor newer data that say the same make it known at the index date.
    facts("came back", 90)
    for _ in range(2):
        with pytest.raises(TaskError, match=r"in 20 of 60 encounters .* run the job with corrected=discharged_to"):
            _features(make_task(model))
    with pytest.raises(TaskError, match="corrected = 'discharged' is not valid for readmission; valid: discharged_to"):
        _features(make_task(model, corrected="discharged, discharged_to"))
    assert zones.table(table).count() == 60
    # Said by name, it is a correction; that stands in the commit, holds for what was made of it, and for no later one.
    _features(make_task(model, corrected="discharged_to"))
    assert zones.table(table).count() == 90
    task = make_task(model)
    assert task.tables.commits.noted(table, "content")["corrected"] == ["discharged_to"]
    assert refuse_restated(task, model, table, name, 2, task.tables.read(name, 2)) == ["discharged_to"]
    facts("came back", 95)
    assert refuse_restated(task, model, table, name, 3, task.tables.read(name, 3)) == []
    facts("home again", 95)
    with pytest.raises(TaskError, match="in 20 of 90 encounters"):
        refuse_restated(task, model, table, name, 4, task.tables.read(name, 4))
    # Before the first version is none, and what other code wrote may differ for its own reasons.
    assert [task.tables.commits.same_code(name, one - 1, one) for one in (0, 1, 2)] == [False, True, True]
    assert task.tables.commits.same_code(name, 0, 4)
    replace(task, commit="other").tables.replace(name, zones.table(name), {})
    assert not task.tables.commits.same_code(name, 4, 5)
