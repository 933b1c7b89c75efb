"""The design matrix: which columns of a feature table enter a model, as what, and the pipeline that takes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jobs.disclosure import SMALLEST, few
from jobs.errors import TaskError
from jobs.model.steps import Steps, stepped, steps, uncounted

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from workflows.methods import Method

PREFIX = "f_"
MISSING = "missing"
# A level that fewer rows than this have shares a column with the other rare ones; it is also above the smallest
# count that may leave the tables, so that no fitted parameter belongs to a handful of persons.
# `learnable` and `steps` see to the numbers.
RAREST = 20


@dataclass(frozen=True)
class Columns:
    """The covariates of a model: numbers (missing as NaN) and categories (missing as a level of its own)."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """All of them, in the order of the design matrix."""
        return [*self.numbers, *self.categories]


def columns_of(frame: pd.DataFrame) -> Columns:
    """The feature columns of `frame` (their names start with f_), sorted by name; raises TaskError without any."""
    names = sorted(name for name in frame.columns if name.startswith(PREFIX))
    if not names:
        raise TaskError(f"the table has no feature column; valid: names that start with {PREFIX!r}")
    categories = tuple(name for name in names if is_category(frame[name]))
    return Columns(tuple(name for name in names if name not in categories), categories)


def learnable(frame: pd.DataFrame) -> Columns:
    """The feature columns that a model may be fitted to; raises TaskError without any.

    No number that only 1 to 10 persons have, or that is the same for all but so many: its median, or its mean times the
    rows, in the fitted model would be theirs.
    """
    columns = columns_of(frame)
    many = tuple(name for name in columns.numbers if not of_few(frame["person_id"], frame[name].astype("float64")))
    if not many and not columns.categories:
        raise TaskError(f"no feature column tells more than {SMALLEST - 1} persons from the others")
    return Columns(many, columns.categories)


def of_few(persons: pd.Series, values: pd.Series) -> bool:
    """Whether 1 to 10 persons have a value, or one other than the most common."""
    known = values.notna().to_numpy()
    other = known & (values != values.mode().min()).to_numpy()
    return few(*(persons[rows].nunique() for rows in (known, other)))


def is_category(values: pd.Series) -> bool:
    """Whether a column holds text, as its type or else its values say.

    Nullable flags and decimals arrive as objects, yet are numbers; of a table `frames.read` knows the types.
    """
    if isinstance(values.dtype, pd.CategoricalDtype | pd.StringDtype):
        return True
    return values.dtype == object and any(isinstance(value, str) for value in values)


def design(frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """The design matrix of `frame`: one row a row, float64 numbers and text categories; raises on a missing column."""
    absent = [name for name in columns.names if name not in frame.columns]
    if absent:
        raise TaskError(
            f"feature columns {', '.join(absent)} are missing; the model was trained on {', '.join(columns.names)}: "
            "train it again on the present feature table"
        )
    parts: dict[str, Any] = {name: frame[name].astype("float64").to_numpy() for name in columns.numbers}
    for name in columns.categories:
        values = frame[name].astype(object)
        parts[name] = values.where(values.notna(), MISSING).astype(str).to_numpy(dtype=object)
    return pd.DataFrame(parts, columns=columns.names)


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of their key, so that nothing depends on the order in which a table is read."""
    return frame.sort_values(["encounter_order", "visit_occurrence_id"], kind="stable", ignore_index=True)


def example(matrix: pd.DataFrame, columns: Columns, persons: pd.Series) -> pd.DataFrame:
    """One invented row for the model's signature: medians and most frequent levels, no person's row.

    persons: whose each row is. A median with fewer than 11 persons on a side, or a level of fewer, may be somebody's.
    """
    whose = persons.to_numpy()

    def many(rows: pd.Series) -> bool:
        return len(np.unique(whose[rows.to_numpy()])) >= SMALLEST

    row: dict[str, Any] = {}
    for name in columns.numbers:
        median = matrix[name].median()
        row[name] = [float(median) if many(matrix[name] <= median) and many(matrix[name] >= median) else 0.0]
    for name in columns.categories:
        levels = matrix[name].value_counts()
        level = min(levels.index[levels == levels.max()])
        row[name] = [level if many(matrix[name] == level) else MISSING]
    return pd.DataFrame(row, columns=columns.names)


def pipeline(
    method: Method, parameters: Mapping[str, Any], columns: Columns, found: Mapping[str, Steps] | None = None
) -> Pipeline:
    """The unfitted pipeline of a declared method with every parameter decided.

    found: the steps of numbers; without them numbers stay as they are, for a fit that nobody keeps.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    kind = type(method).__name__
    taken: Any = stepped(found) if found else "passthrough"
    if kind == "LogisticRegression":
        from sklearn.linear_model import LogisticRegression

        numbers = Pipeline(
            [
                ("stepped", taken), ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
                ("scale", StandardScaler()),
            ]
        )  # fmt: skip
        levels = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RAREST, sparse_output=False)
        parts = [("numbers", numbers, list(columns.numbers)), ("categories", levels, list(columns.categories))]
        learner: Any = LogisticRegression(random_state=method.seed, **parameters)
    elif kind == "GradientBoosting":
        from sklearn.ensemble import HistGradientBoostingClassifier

        codes = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=np.nan, min_frequency=RAREST, max_categories=200
        )
        parts = [("numbers", taken, list(columns.numbers)), ("categories", codes, list(columns.categories))]
        is_text = [False] * len(columns.numbers) + [True] * len(columns.categories)
        learner = HistGradientBoostingClassifier(random_state=method.seed, categorical_features=is_text, **parameters)
    else:
        raise TaskError(f"method {kind!r} has no pipeline; valid: GradientBoosting, LogisticRegression")
    return Pipeline([("design", ColumnTransformer(parts)), ("model", learner)])


def fitted_columns(fitted: Pipeline) -> Columns:
    """The columns a fitted pipeline takes."""
    taken = {name: tuple(names) for name, _, names in fitted.named_steps["design"].transformers}
    return Columns(taken["numbers"], taken["categories"])


def probabilities(fitted: Pipeline, frame: pd.DataFrame) -> np.ndarray:
    """The predicted probability of the outcome for each row of a feature table, shape (n,)."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return np.asarray(fitted.predict_proba(design(frame, fitted_columns(fitted)))[:, 1], dtype="float64")


def fit(method: Method, parameters: Mapping[str, Any], frame: pd.DataFrame, columns: Columns | None = None) -> Pipeline:
    """The pipeline fitted to the rows of a dataset table, on one thread and in the order of the rows' keys.

    Numbers are taken in steps of 11 persons and more, when it is fitted and when it predicts.
    """
    from threadpoolctl import threadpool_limits

    rows = ordered(frame)
    columns = columns or columns_of(rows)
    outcome = rows["outcome"].to_numpy().astype("int64")
    check_outcome(outcome)
    matrix = design(rows, columns)
    found = steps(rows["person_id"], matrix, columns.numbers)
    with threadpool_limits(1):
        return uncounted(pipeline(method, parameters, columns, found).fit(matrix, outcome))


def check_outcome(outcome: np.ndarray) -> None:
    """Raise TaskError unless both outcomes occur."""
    if len(set(np.unique(outcome)) & {0, 1}) != 2:
        raise TaskError("the training rows have one outcome only; a model needs rows with and without the event")


def folds(persons: Iterable[object], salt: str, count: int) -> np.ndarray:
    """The fold 0..count-1 of each person, shape (n,): a hash of person and salt, so a person is in one fold only."""
    series = pd.Series(list(persons)).astype(str)
    numbers = {
        person: int(hashlib.sha256(f"fold:{salt}:{person}".encode()).hexdigest()[:8], 16) % count
        for person in series.unique()
    }
    return series.map(numbers).to_numpy(dtype="int64")
