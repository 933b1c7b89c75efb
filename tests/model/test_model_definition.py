"""What features mean: each part's digest, what changes it and what does not, and who refuses one declared anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from model_workspace import KNOWN, MODEL, ROWS, Workspace, promoted
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.featurize.cohort import of_model
from jobs.model.definition import anew, definition, differs
from jobs.model.names import Names
from workflows import concept_sets, covariates
from workflows.declare import AgeAtIndex, AnyOf, Cohort, Demographics, Event, InpatientStays, Model, Visits, days
from workflows.features import AtIndex
from workflows.sources.synthetic_omop import synthetic_omop

SET = "chronic_conditions"
BASE = replace(MODEL, features=[Demographics(), AnyOf(SET, days(-365, -1))])
NAME = "any_chronic_conditions"
OLDER = Cohort(entry=InpatientStays(), steps=[AgeAtIndex(minimum=65)])
FEATURES = Names.of(MODEL).features


def of(model: Model) -> dict[str, Any]:
    return definition(model, synthetic_omop, of_model(model))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (replace(BASE, features=[Demographics(), AnyOf(SET, days(-1095, -1))]), [f"feature {NAME}"]),
        (replace(BASE, features=[Demographics()]), [f"feature {NAME}"]),
        (replace(BASE, features=[*BASE.features, Visits(days(-30, -1))]), []),
        (replace(BASE, features=list(reversed(BASE.features))), []),
        (replace(BASE, cohort=OLDER), ["the cohort"]),
        (replace(BASE, outcome=Event("inpatient_admission", time_at_risk=days(1, 90))), ["the outcome"]),
        (replace(BASE, cohort=OLDER, features=BASE.features[:1]), ["the cohort", f"feature {NAME}"]),
    ],
    ids=["window", "gone", "one more", "order", "cohort", "outcome", "several"],
)
def test_what_means_something_else_is_named_and_what_came_later_is_not(model: Model, expected: list[str]) -> None:
    assert sorted(differs(of(BASE), of(model))) == sorted(expected)


def test_the_reason_of_a_feature_is_no_part_of_its_meaning() -> None:
    one, other = (replace(BASE, features=[AtIndex("admitted_from", because=why)]) for why in ("known", "as they come"))
    assert of(one) == of(other)


def test_a_feature_is_another_when_its_codes_are_and_the_codes_of_other_sets_do_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = sorted({one.concept_set_name for one in concept_sets.concepts(SET)})[0]
    other = sorted({one.concept_set_name for one in concept_sets.concepts(SET)})[1]
    model = replace(BASE, features=[AnyOf(SET, days(-9, -1)), AnyOf(f"{SET}.{name}", days(-9, -1))])
    before, read = of(model), concept_sets.concepts

    def added(to: str) -> None:
        more = concept_sets.Concept(concept_set_name=to, vocabulary_id="ICD10CM", code="Z99.9")
        monkeypatch.setattr(covariates, "concepts", lambda collection: (*read(collection), more))

    added(other)
    assert anew(before, of(model)) == [f"any_{SET}"]
    added(name)
    assert anew(before, of(model)) == sorted([f"any_{SET}", f"any_{SET}_{name}"])


TRAINED = {"cohort": "c", "outcome": "o", "features": {"x": "1", "ward": "1"}}
NOW = TRAINED | {"features": {"x": "2", "ward": "1"}}


@pytest.fixture(scope="module")
def stage(quiet_mlflow: None, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A stage whose promoted version 1 was trained before definitions were kept, and version 2 after that."""
    with promoted(tmp_path_factory.mktemp("stage"), spark) as made:
        made.features(ROWS, KNOWN, TRAINED)
        assert made.trained("12") == "2"
        yield made


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_score_refuses_and_judge_gives_each_its_own_where_a_column_of_the_same_name_means_something_else(
    stage: Workspace,
) -> None:
    # A champion from before keeps working, and the log says what nobody knows of it.
    stage.run("score", "20", "sp-serve")
    assert any("version 1 keeps no definition" in line for line in stage.shown)
    stage.promoted("21", "2")
    assert any("version 1 keeps no definition: columns of one name" in line for line in stage.shown)

    stage.shown.clear()
    stage.run("score", "22", "sp-serve")
    assert not any("definition" in line for line in stage.shown)
    changed = ROWS.assign(f_x=-ROWS["f_x"])
    stage.features(changed, KNOWN, NOW)
    with pytest.raises(TaskError, match=r"version 2: feature x declared anew since champion version 2 was trained"):
        stage.run("score", "23", "sp-serve")
    # A withdrawal says nothing of the meaning: it stays what it was.
    tables = stage.task("0", "sp-featurize").tables
    tables.remove(FEATURES, stage.spark.createDataFrame([(ROWS["person_id"][0],)], "key long"), "person_id")
    tables.flush()
    with pytest.raises(TaskError, match=r"version 3: feature x declared anew .*; train and promote a version on these"):
        stage.run("score", "24", "sp-serve")

    # The same column the other way round: on it the champion would be worse than chance, on its own it is as good.
    assert stage.trained("25") == "3"
    stage.run("judge", "26", "sp-promote", model_version="3")
    assert "declared anew since champion version 2 was trained: x" in stage.shown
    (result,) = [line for line in stage.shown if "minus the champion's" in line and "passed" in line][-1:]
    assert float(result.split("champion's ")[1].split(" ")[0]) < 0.02
    stage.promoted("27", "3")
    assert stage.run("score", "28", "sp-serve") == {}
