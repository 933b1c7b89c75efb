"""The leak court: four leaks, each refused or exposed by a mechanism that is named, and their clean twins pass."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from curated import empty_zones
from planted_leaks import TWINS, delivered, stays
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.featurize import restated
from jobs.model import evaluation, gates
from jobs.model.leaks import alone, auroc
from jobs.model.matrix import fit, probabilities
from jobs.model.side import TEST, TRAIN, side_of
from jobs.tasks.features import _features, refuse_restated
from workflows.declare import (
    AnyOf,
    AtIndex,
    CountOf,
    Demographics,
    Event,
    InpatientStays,
    LogisticRegression,
    Recorded,
    days,
    replace,
)
from workflows.errors import DeclarationError
from workflows.gates import Implausible
from workflows.leaks import refuse_other_rows, refuse_outcome
from workflows.models.readmission import readmission
from workflows.models.readmission_uci130 import readmission_uci130
from workflows.source import Source
from workflows.sources import named, names
from workflows.sources.uci130 import uci130

GATE = Implausible("auroc", above=0.85)
BASE = ("age", "length_of_stay", "stays_before")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return stays(tmp_path_factory.mktemp("leaks"))


def uci(attribute: str = "", events: str = "") -> Source:
    """UCI 130 with one more attribute, or one more kind of event."""
    more = replace(uci130.encounters, attributes=(*uci130.encounters.attributes, ("more", attribute)))
    kind = replace(uci130.events[0], code=events)
    return replace(
        uci130,
        encounters=more if attribute else uci130.encounters,
        events=(*uci130.events, kind) if events else uci130.events,
    )


def with_more(*features: Any) -> Any:
    return replace(readmission_uci130, features=[Demographics(), *features])


STAY_CODES = AnyOf("icd9_chapters", because="of the stay")
MORE = AtIndex("more", because="delivered so")
# What a declaration can say of a leak is refused where it is said: the leak, its words, and its clean twin's.
REFUSED = {
    "a code from the time at risk": (
        lambda: AnyOf("chronic_conditions", days(-30, 5), because="coded by then"), "later days never",
        lambda: AnyOf("chronic_conditions", days(-30, 0), because="coded by then"),
    ),
    "a code that is the outcome": (
        lambda: refuse_outcome(with_more(STAY_CODES), uci(events="if(readmitted = '<30', 'R99', 'Z00')"), "x.py"),
        "columns that do not tell the outcome",
        lambda: refuse_outcome(with_more(STAY_CODES), uci(events="if(diag_1 = '250', 'R99', 'Z00')"), "x.py"),
    ),
    "an attribute that is the outcome": (
        lambda: refuse_outcome(with_more(MORE), uci(attribute="readmitted <> 'NO'"), "x.py"),
        "readmitted is read from readmitted",
        lambda: refuse_outcome(with_more(MORE), uci(attribute="nullif(payer_code, 'readmitted')"), "x.py"),
    ),
    "a count over all time, as a window": (
        lambda: CountOf("inpatient_admission", days(-3650, 3650)), "later days never",
        lambda: CountOf("inpatient_admission", days(-3650, -1)),
    ),
    "a count over all time, in the mapping": (
        lambda: refuse_other_rows(uci(attribute="count(*) OVER (PARTITION BY patient_nbr)")), "a window function",
        lambda: refuse_other_rows(uci(attribute="number_inpatient + number_outpatient")),
    ),
    "a target encoding over all data": (
        lambda: refuse_other_rows(uci(attribute="avg(int(readmitted = '<30')) over w")), "a window function",
        lambda: refuse_other_rows(uci(attribute="medical_specialty")),
    ),
    "a target encoding by a subquery": (
        lambda: refuse_other_rows(uci(attribute="(SELECT avg(x) FROM rates)")), "a subquery",
        lambda: refuse_other_rows(uci(attribute="coalesce(payer_code, 'select one')")),
    ),
    "a column of a later encounter": (
        lambda: refuse_other_rows(uci(attribute="lead(time_in_hospital) OVER (PARTITION BY patient_nbr ORDER BY encounter_id)")),
        "rows of later times", lambda: refuse_other_rows(uci(attribute="time_in_hospital")),
    ),
    "the time at risk from the index day on": (
        lambda: Event("inpatient_admission", days(0, 30)), "day 1 or later",
        lambda: Event("inpatient_admission", days(1, 30)),
    ),
}  # fmt: skip


@pytest.mark.clause("F1")
@pytest.mark.parametrize("leak", REFUSED)
def test_a_leak_that_a_declaration_can_say_is_refused_and_its_twin_is_not(leak):
    leaking, words, twin = REFUSED[leak]
    with pytest.raises(DeclarationError) as refused:
        leaking()
    assert words in str(refused.value)
    twin()


def test_no_source_of_ours_looks_at_other_rows_and_no_model_at_its_outcome():
    for name in names():
        refuse_other_rows(named(name))
    refuse_outcome(readmission_uci130, uci130, "x.py")
    assert isinstance(readmission_uci130.outcome, Recorded)


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
