"""The design matrix and the fit: what enters, what an example row shows, and that a fit depends on its rows alone."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_cohort import cohort

from jobs.errors import TaskError
from jobs.model.matrix import (
    columns_of,
    design,
    example,
    fit,
    fitted_columns,
    folds,
    learnable,
    pipeline,
    probabilities,
)
from jobs.model.tuning import best, combinations, tune
from workflows.methods import Choice, GradientBoosting, LogisticRegression, Method

METHODS = [LogisticRegression(C=0.1), GradientBoosting(max_iter=30)]
named = pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)


def test_text_is_a_category_and_everything_else_a_number() -> None:
    frame = pd.DataFrame(
        {
            "person_id": [1, 2], "f_text": ["a", None], "f_whole": [1, 2], "f_flag": [True, None],
            "f_decimal": [Decimal("1.5"), None], "outcome": [0, 1],
        }
    )  # fmt: skip
    columns = columns_of(frame)
    assert columns.categories == ("f_text",)
    assert columns.numbers == ("f_decimal", "f_flag", "f_whole")
    matrix = design(frame, columns)
    assert list(matrix["f_text"]) == ["a", "missing"]
    assert matrix["f_flag"].isna().tolist() == [False, True]
    assert str(matrix["f_whole"].dtype) == "float64"


def test_keys_outcome_and_side_never_enter_the_design_matrix() -> None:
    names = columns_of(cohort().assign(side="train")).names
    assert all(name.startswith("f_") for name in names)
    assert "f_x" in names


def test_a_table_without_features_is_refused() -> None:
    with pytest.raises(TaskError, match="no feature column"):
        columns_of(pd.DataFrame({"person_id": [1], "outcome": [0]}))


@named
@pytest.mark.clause("P4")
def test_no_number_is_fitted_that_few_persons_have_or_that_tells_few_from_all_others(method: Method) -> None:
    frame = cohort(encounters=2000)
    whose = frame["person_id"].unique()

    def of(persons: int, inside: float, rest: float) -> pd.Series:
        return pd.Series(np.where(frame["person_id"].isin(whose[:persons]), inside, rest))

    few = {"f_few_have": of(3, 1, 0), "f_one_lab": of(1, 13.7, np.nan), "f_few_have_not": of(10, 0, 1),
           "f_longest": of(10, 211, 7)}  # fmt: skip
    # Few newborns say nothing of anybody in the mean of all ages; nor do those of whom nothing is known.
    ages = of(3, 0, 1) * np.arange(len(frame)) % 90
    many = {"f_eleven": of(11, 1, 0), "f_nobody": of(0, 1, 0), "f_all": of(0, 0, 7.0), "f_newborns": ages,
            "f_known": ages.where(of(3, 0, 1) == 1)}  # fmt: skip
    rows = frame.assign(**few, **many)
    columns = learnable(rows)
    assert set(columns.names) == set(columns_of(rows).names) - set(few)
    assert fitted_columns(fit(method, {}, rows, columns)).names == columns.names
    with pytest.raises(TaskError, match="no feature column tells more than 10 persons"):
        learnable(frame[["person_id", "outcome"]].assign(**few))


def test_a_missing_feature_column_is_named() -> None:
    frame = cohort(encounters=200)
    with pytest.raises(TaskError, match="feature columns f_noise are missing"):
        design(frame.drop(columns="f_noise"), columns_of(frame))


@named
@pytest.mark.clause("P3")
def test_a_fit_does_not_depend_on_the_order_of_the_rows(method: Method) -> None:
    frame = cohort(encounters=1500)
    shuffled = frame.sample(frac=1.0, random_state=5)
    one, other = (fit(method, method.parameters, rows) for rows in (frame, shuffled))
    assert np.array_equal(probabilities(one, frame), probabilities(other, frame))


@named
def test_levels_and_missing_values_that_training_never_saw_are_scored(method: Method) -> None:
    frame = cohort(encounters=1500)
    fitted = fit(method, method.parameters, frame)
    new = frame.head(3).assign(f_ward=["never seen", None, "medical"], f_x=[np.nan, 1.0, 2.0])
    found = probabilities(fitted, new)
    assert np.isfinite(found).all()
    assert fitted_columns(fitted) == columns_of(frame)


@named
def test_a_category_that_is_missing_everywhere_is_still_a_category_when_scoring(method: Method) -> None:
    frame = cohort(encounters=1500)
    fitted = fit(method, method.parameters, frame)
    assert np.isfinite(probabilities(fitted, frame.head(5).assign(f_ward=None))).all()


def test_rows_with_one_outcome_only_are_refused() -> None:
    with pytest.raises(TaskError, match="one outcome only"):
        fit(METHODS[0], METHODS[0].parameters, cohort(encounters=100).assign(outcome=0))


def test_a_method_without_a_pipeline_is_refused() -> None:
    class Oracle(Method):
        outcome_types = ("binary",)

    with pytest.raises(TaskError, match="'Oracle' has no pipeline; valid: GradientBoosting, LogisticRegression"):
        pipeline(Oracle(), {}, columns_of(cohort(encounters=50)))


def test_the_example_row_is_made_of_medians_and_common_levels_and_is_nobodys_row() -> None:
    frame = cohort(encounters=1001)
    columns = columns_of(frame)
    matrix = design(frame, columns)
    row = example(matrix, columns, frame["person_id"])
    assert len(row) == 1
    assert row["f_x"][0] == np.median(frame["f_x"])
    assert row["f_ward"][0] == frame["f_ward"].mode()[0]
    same = (matrix[columns.names] == row[columns.names].iloc[0]).all(axis=1)
    assert not same.any()


@pytest.mark.parametrize(("known", "told"), [(20, 0.0), (21, 110.0)])
def test_the_example_row_has_no_median_or_level_that_few_persons_have(known: int, told: float) -> None:
    persons = pd.Series(range(400))
    frame = pd.DataFrame({
        "f_lab": [100.0 + n if n < known else np.nan for n in persons], "f_own": persons.astype(float),
        "f_unique": persons.astype(str), "f_ward": "medical",
    })  # fmt: skip
    columns = columns_of(frame)
    row = example(design(frame, columns), columns, persons).iloc[0]
    assert (row["f_lab"], row["f_unique"], row["f_ward"]) == (told, "missing", "medical")
    # As many rows of ten persons are few as well.
    row = example(design(frame, columns), columns, persons % 10).iloc[0]
    assert (row["f_lab"], row["f_own"], row["f_ward"]) == (0.0, 0.0, "missing")


@pytest.mark.clause("16")
@given(persons=st.lists(st.integers(0, 50), min_size=1, max_size=80))
def test_a_person_is_in_one_fold_only(persons: list[int]) -> None:
    found = folds(persons, "salt", 3)
    by_person = pd.Series(found).groupby(pd.Series(persons)).nunique()
    assert (by_person == 1).all()


def test_every_combination_of_the_search_space_is_tried_and_the_lowest_loss_wins() -> None:
    method = LogisticRegression(C=Choice(1e-6, 0.1))
    trials = tune(method, cohort(encounters=2000), "salt")
    assert [trial.parameters["C"] for trial in trials] == [1e-6, 0.1]
    # So strong a penalty leaves the event rate alone: the weaker one must win, and by far.
    assert best(trials).parameters["C"] == 0.1
    assert trials[0].log_loss - trials[1].log_loss > 0.01
    assert combinations(GradientBoosting(max_depth=Choice(2, 3), learning_rate=Choice(0.05, 0.1)))[3]["max_depth"] == 3


@pytest.mark.clause("P3")
def test_tuning_twice_and_in_another_order_of_rows_gives_equal_trials() -> None:
    frame = cohort(encounters=900)
    method = GradientBoosting(max_iter=20, max_depth=Choice(2, 3))
    assert tune(method, frame, "s") == tune(method, frame.sample(frac=1.0, random_state=2), "s")


def test_tuning_scores_persons_it_did_not_fit() -> None:
    # The outcome is the person's own coin and the only feature names the person: nothing carries over to other folds.
    draw = np.random.default_rng(3)
    person = np.repeat(np.arange(300), 8)
    frame = cohort(encounters=len(person)).assign(person_id=person, f_x=person.astype(float))
    frame = frame.drop(columns=["f_noise", "f_flag", "f_ward", "f_sex", "f_age"])
    frame["outcome"] = (draw.random(300) < 0.5).astype(int)[person]
    trial = best(tune(GradientBoosting(max_iter=200, max_depth=8, min_samples_leaf=11), frame, "s"))
    assert 0.4 < trial.auroc < 0.6
