"""No fitted model keeps a number of few persons: not the largest, not the smallest, not one between."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_cohort import cohort
from sklearn.metrics import roc_auc_score

from jobs.model.matrix import columns_of, design, fit, pipeline, probabilities
from jobs.model.steps import MOST, levels, steps
from workflows.methods import GradientBoosting, LogisticRegression, Method

pytestmark = pytest.mark.clause("P4")
METHODS = [LogisticRegression(C=0.1), GradientBoosting(max_iter=30)]
named = pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)


def rows_of_few() -> pd.DataFrame:
    """A cohort in which single persons have the largest, the smallest and a middle value of a laboratory value."""
    frame = cohort(persons=800, encounters=3000)
    lab = pd.Series(np.where(np.arange(len(frame)) % 2, 10.0, 20.0))
    whose = frame["person_id"].unique()
    for person, value in zip(whose, (-9e6, 13.7, 9e6), strict=False):
        lab = lab.mask(frame["person_id"] == person, value)
    return frame.assign(f_lab=lab)


@named
def test_the_extremes_of_few_move_no_fitted_model(method: Method) -> None:
    rows = rows_of_few()
    further = rows.assign(f_lab=rows["f_lab"].replace({9e6: 3e6, -9e6: -8e6, 13.7: 14.1}))
    one, other = (cloudpickle.dumps(fit(method, method.parameters, frame)) for frame in (rows, further))
    assert one == other
    columns = columns_of(rows)
    bare = [
        cloudpickle.dumps(pipeline(method, method.parameters, columns).fit(design(frame, columns), frame["outcome"]))
        for frame in (rows, further)
    ]
    assert bare[0] != bare[1], "without steps the model tells of them"


def test_the_thresholds_of_trees_lie_between_values_of_many() -> None:
    fitted = fit(METHODS[1], METHODS[1].parameters, rows_of_few())
    assert [15.0] in [found.tolist() for found in fitted[-1]._bin_mapper.bin_thresholds_]


@named
def test_no_number_of_rows_is_in_a_fitted_model(method: Method) -> None:
    fitted = fit(method, method.parameters, cohort(persons=800, encounters=2999))
    for trees in getattr(fitted[-1], "_predictors", []):
        assert not trees[0].nodes["count"].any()
    numbers = fitted.named_steps["design"].named_transformers_["numbers"]
    assert not hasattr(numbers, "named_steps") or numbers.named_steps["scale"].n_samples_seen_ == 0


@named
def test_steps_cost_next_to_nothing(method: Method) -> None:
    rows = cohort(persons=4000, encounters=12_000)
    early, late = rows.iloc[:9000], rows.iloc[9000:]
    columns = columns_of(rows)
    bare = pipeline(method, method.parameters, columns).fit(design(early, columns), early["outcome"])
    with_steps = fit(method, method.parameters, early)
    one, other = (roc_auc_score(late["outcome"], probabilities(model, late)) for model in (bare, with_steps))
    assert one == pytest.approx(other, abs=0.003)


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.one_of(st.integers(0, 40), st.floats(-50, 50, allow_subnormal=False))),
        min_size=1, max_size=400,
    )
)  # fmt: skip
def test_each_step_has_eleven_persons_and_so_has_each_end(rows: list[tuple[int, float]]) -> None:
    persons, values = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    tops = levels(persons, values)
    assert len(tops) <= MOST
    assert (np.diff(tops) > 0).all()
    frame = pd.DataFrame({"x": values})
    ((xp, fp),) = steps(pd.Series(persons), frame, ("x",)).values()
    taken = np.interp(values, xp, fp)
    assert set(taken) <= set(tops)
    if len(np.unique(persons)) < 11 or tops.tolist() == [0.0]:
        assert tops.tolist() == [0.0]
        return
    assert all(len(set(persons[taken == top])) >= 11 for top in tops)
    assert len(set(persons[values >= tops[-1]])) >= 11
    assert len(set(persons[values <= tops[0]])) >= 11


def test_what_many_have_stays_as_it_is_and_what_is_missing_stays_missing() -> None:
    persons = np.arange(400)
    flags = np.where(persons < 11, 1.0, 0.0)
    assert levels(persons, flags).tolist() == [0.0, 1.0]
    ages = (persons % 20).astype(float)
    assert levels(persons, ages).tolist() == sorted(set(ages))
    ((xp, fp),) = steps(pd.Series(persons), pd.DataFrame({"x": ages}), ("x",)).values()
    assert np.interp(ages, xp, fp).tolist() == ages.tolist()
    assert np.isnan(np.interp(np.nan, xp, fp))
    assert np.interp([-5, 99], xp, fp).tolist() == [0.0, 19.0]


@named
def test_a_fitted_model_loads_without_this_package(method: Method, tmp_path: Path) -> None:
    frame = cohort(persons=300, encounters=900)
    fitted = fit(method, method.parameters, frame)
    (tmp_path / "model").write_bytes(cloudpickle.dumps(fitted))
    (tmp_path / "rows").write_bytes(pickle.dumps(design(frame, columns_of(frame)).head(3)))
    code = (
        "import pickle, sys; model, rows = (pickle.load(open(name, 'rb')) for name in ('model', 'rows')); "
        "print(model.predict_proba(rows)[:, 1].tolist()); assert 'jobs' not in sys.modules"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(probabilities(fitted, frame)[:3].tolist())
