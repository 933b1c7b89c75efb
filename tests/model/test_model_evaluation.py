"""Evaluation rows and curves: complete, reproducible, and silent about few persons."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from model_cohort import cohort, sided

from jobs.model import evaluation, plots
from jobs.model.intervals import Estimate
from jobs.model.temporal import later, split
from workflows.methods import LogisticRegression

METHOD = LogisticRegression(C=1.0)


@pytest.fixture(scope="module")
def data() -> tuple[pd.DataFrame, np.ndarray]:
    rows = cohort(persons=1000, encounters=4000)
    return rows, 1 / (1 + np.exp(1.2 - rows["f_x"].to_numpy()))


def line(table: pd.DataFrame, subgroup: str, metric: str = "auroc") -> pd.Series:
    (found,) = [row for _, row in table.iterrows() if row["subgroup"] == subgroup and row["metric"] == metric]
    return found


def test_every_metric_is_reported_for_all_and_by_sex_and_age_group(data: tuple[pd.DataFrame, np.ndarray]) -> None:
    table = evaluation.table("person", *data, seed=1, by_subgroup=True)
    assert set(table["metric"]) == {
        "auroc", "average_precision", "observed_over_expected", "calibration_slope", "calibration_intercept",
        "scaled_brier", "ici",
    }  # fmt: skip
    groups = set(table["subgroup"])
    assert {"all", "sex=F", "sex=M", "age=18-44", "age=85 and over"} <= groups
    assert len(table) == 7 * len(groups)
    women = data[0]["f_sex"] == "F"
    assert line(table, "sex=F")["encounters"] == women.sum()
    assert line(table, "sex=F")["events"] == data[0]["outcome"][women].sum()
    assert line(table, "all")["persons"] == data[0]["person_id"].nunique()


def test_the_counts_behind_a_figure_cannot_be_found_from_its_digits(data: tuple[pd.DataFrame, np.ndarray]) -> None:
    rows, probability = data
    exact = evaluation.estimates(rows, probability, 1)["auroc"].value
    table = evaluation.table("person", rows, probability, seed=1, by_subgroup=True)
    events = int(rows["outcome"].sum())
    pairs = {count: 2 * count * (len(rows) - count) for count in range(events - 50, events + 51)}

    def fitting(auroc: float) -> list[int]:
        return [count for count, all_of in pairs.items() if abs(auroc * all_of - round(auroc * all_of)) < 1e-6]

    assert fitting(exact) == [events], "all its digits tell how many events there are"
    for part in ("value", "low", "high"):
        shown = table[part].dropna().astype(float)
        assert (shown == shown.round(4)).all()
    assert line(table, "all")["value"] == pytest.approx(exact, abs=1e-4)
    assert evaluation.metrics(table)["auroc"] == round(exact, 4), "MLflow gets what the table has"


def test_a_subgroup_of_few_persons_keeps_its_lines_and_loses_its_numbers(data: tuple[pd.DataFrame, np.ndarray]) -> None:
    few = data[0]["person_id"].isin(data[0]["person_id"].unique()[:6])
    rows = data[0].assign(f_sex=data[0]["f_sex"].mask(few, "X"))
    table = evaluation.table("person", rows, data[1], seed=1, by_subgroup=True)
    numbers = ["value", "low", "high", "encounters", "persons", "events"]
    assert line(table, "sex=X")[numbers].isna().all()
    # With X alone hidden, the total minus F and M would tell it: the smaller of the two goes as well.
    assert sum(line(table, f"sex={sex}")[numbers].isna().all() for sex in "FM") == 1
    assert line(table, "all")["encounters"] == len(rows)


@pytest.mark.parametrize(
    ("events", "others", "hide"), [(10, 500, True), (11, 500, False), (500, 3, True), (0, 500, False)]
)
def test_few_events_and_few_others_are_both_small(events: int, others: int, hide: bool) -> None:
    sizes = {"encounters": events + others, "persons": events + others, "events": events}
    assert bool(evaluation.hidden({}, sizes)) is hide


def test_no_count_from_one_to_ten_leaves_in_any_column() -> None:
    for seed in range(8):
        rows = cohort(persons=60, encounters=90, seed=seed, rate=-2.0)
        score = np.random.default_rng(seed).random(len(rows))
        table = evaluation.table("person", rows, score, seed=1, by_subgroup=True)
        for name in ("encounters", "persons", "events"):
            counts = pd.to_numeric(table[name]).dropna()
            assert not counts.between(1, 10).any()


def test_between_two_points_of_a_curve_lie_at_least_eleven_of_each_kind(data: tuple[pd.DataFrame, np.ndarray]) -> None:
    outcome, score = data[0]["outcome"].to_numpy()[:400], data[1][:400]
    curves = evaluation.curves(outcome, score)
    roc = curves[curves["curve"] == "roc"]
    events, others = outcome.sum(), len(outcome) - outcome.sum()
    assert (np.diff(roc["y"]) * events >= 11 - 1e-9).all()
    assert (np.diff(roc["x"]) * others >= 11 - 1e-9).all()
    bins = curves[curves["curve"] == "calibration"]
    assert bins["encounters"].sum() == len(outcome)
    assert (bins["y"] * bins["encounters"] >= 11 - 1e-9).all()


def test_the_roc_curve_ends_at_one_one_and_its_area_is_nearly_the_auroc(data: tuple[pd.DataFrame, np.ndarray]) -> None:
    roc = evaluation.roc(data[0]["outcome"].to_numpy(), data[1])
    assert (roc["x"].iloc[-1], roc["y"].iloc[-1]) == (1.0, 1.0)
    area = float(np.trapezoid(roc["y"], roc["x"]))
    exact = evaluation.estimates(*data, seed=1)["auroc"].value
    assert area == pytest.approx(exact, abs=0.01)


def test_too_few_events_have_no_curve() -> None:
    outcome = np.r_[np.ones(5, dtype=int), np.zeros(200, dtype=int)]
    assert evaluation.curves(outcome, np.linspace(0, 1, 205)).empty


def test_metrics_for_mlflow_are_finite_and_named_by_split(data: tuple[pd.DataFrame, np.ndarray]) -> None:
    found = evaluation.metrics(
        pd.concat([evaluation.table(split, *data, seed=1, by_subgroup=False) for split in ("person", "time")])
    )
    assert {"auroc", "auroc_low", "auroc_high", "time_auroc", "time_observed_over_expected", "ici"} <= set(found)
    assert "ici_low" not in found
    assert all(np.isfinite(value) for value in found.values())


def test_an_evaluation_as_json_has_no_person_and_no_row(data: tuple[pd.DataFrame, np.ndarray]) -> None:
    table = evaluation.table("person", *data, seed=1, by_subgroup=True)
    rows = json.loads(table.to_json(orient="records"))
    assert set(rows[0]) == set(evaluation.COLUMNS)
    keys = {*data[0]["person_id"], *data[0]["visit_occurrence_id"]}
    assert not keys & {value for row in rows for value in row.values()}


@pytest.mark.clause("19")
def test_the_temporal_refit_sees_no_later_row_and_no_test_person(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sided(cohort(persons=500, encounters=2000))
    seen = {}
    from jobs.model import temporal

    real = temporal.fit
    monkeypatch.setattr(
        temporal, "fit", lambda method, parameters, frame: seen.update(rows=frame) or real(method, parameters, frame)
    )
    found = later(METHOD, METHOD.parameters, rows.sample(frac=1.0, random_state=3))
    early, late = split(rows)
    assert (len(early), len(late)) == (1500, 500)
    assert seen["rows"]["encounter_order"].max() < found.rows["encounter_order"].min()
    assert set(seen["rows"]["side"]) == {"train"}
    assert set(found.rows["visit_occurrence_id"]) == set(late["visit_occurrence_id"])
    assert not set(found.rows["person_id"][found.new]) & set(early["person_id"])
    assert set(found.rows["person_id"][~found.new]) <= set(early["person_id"])
    # Held out: on the test side, and no row of theirs was fitted; their late rows are all there.
    assert not set(found.rows["person_id"][found.held_out]) & set(seen["rows"]["person_id"])
    assert set(found.rows["visit_occurrence_id"][found.held_out]) == set(
        late["visit_occurrence_id"][late["side"] == "test"]
    )
    assert 0 < found.held_out.sum() < len(late)


@pytest.mark.parametrize(
    ("age", "band"),
    [(17.0, "0-17"), (18.0, "18-44"), (84.9, "75-84"), (85.0, "85 and over"), (float("nan"), "missing")],
)
def test_an_age_has_its_group(age: float, band: str) -> None:
    assert evaluation.age_band(age) == band


def test_the_pictures_are_drawn_from_curve_points(data: tuple[pd.DataFrame, np.ndarray], tmp_path: Path) -> None:
    curves = evaluation.curves(data[0]["outcome"].to_numpy(), data[1])
    figure = plots.roc(curves, Estimate(0.7, 0.6, 0.8))
    drawn = figure.axes[0].lines[1].get_xydata()
    assert len(drawn) == (curves["curve"] == "roc").sum()
    figure.savefig(tmp_path / "roc.png")
    plots.calibration(curves, Estimate(1.0), Estimate(1.0)).savefig(tmp_path / "calibration.png")
    assert (tmp_path / "roc.png").read_bytes()[:4] == b"\x89PNG"
    # A curve without points (too few events) is an empty picture, not an error.
    plots.calibration(curves.head(0), Estimate(1.0), Estimate(1.0)).savefig(tmp_path / "empty.png")
