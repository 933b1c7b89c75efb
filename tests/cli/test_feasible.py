"""`mlops feasible`: what a stage's tables say of a model before anyone trains it, and nothing of few persons."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from deltalake import DeltaTable, write_deltalake
from screen import Screen, has

from cli.errors import UsageError
from cli.feasible import feasible, print_feasible, show_feasible, written
from jobs.model.feasibility import NOTHING, Coverage, expected
from workflows.models.readmission import readmission
from workflows.sources.synthetic_omop import synthetic_omop

PERSONS, EVENTS = 2_000, 400


def warehouse(folder: Path, *, kept: int = PERSONS, few: int = 0) -> Path:
    """The tables that the features job leaves: everyone is 70 but for `few`, a fifth comes back, women more often."""
    draw = np.random.default_rng(5)
    event = np.arange(kept) < kept * EVENTS // PERSONS
    features = pd.DataFrame({
        "person_id": np.arange(kept), "visit_occurrence_id": np.arange(kept) + 10_000,
        "encounter_order": np.arange(kept), "outcome": event.astype("int32"), "outcome_known": True,
        "f_age": draw.normal(70, 10, kept), "f_sex": np.where(draw.random(kept) < 0.4 + 0.3 * event, "F", "M"),
        "f_any_failure": (np.arange(kept) % 100 < (few or 40)).astype(float),
    })  # fmt: skip
    facts = pd.DataFrame({
        "person_id": np.arange(kept), "vocabulary_id": "ICD10CM",
        "concept_code": np.where(np.arange(kept) % 4 == 0, "I50.9", "N39.0"),
        "event_start_datetime": pd.to_datetime(np.where(np.arange(kept) % 2 == 0, "2021-05-01", "2022-05-01")),
        "more": 1, "known_to": pd.NaT,
    })  # fmt: skip
    # What was said otherwise once, and is not any more.
    wrong = facts.assign(concept_code="I50.9", known_to=pd.Timestamp("2022-06-01"))
    facts = pd.concat([facts.astype({"known_to": wrong["known_to"].dtype}), wrong])
    attrition = pd.DataFrame({
        "job_run_id": "7", "step": [0, 1], "reason": ["all encounters", "inpatient stay"],
        "encounters": [kept + 500, kept], "persons": [kept + 500, kept],
    })  # fmt: skip
    for name, frame in {
        "synthetic_omop_ra/feature_readmission": features, "synthetic_omop_ra/fact_person": facts,
        "readmission/attrition": attrition,
    }.items():  # fmt: skip
        write_deltalake(str(folder / name), frame)
    return folder


@pytest.mark.clause("5", "13", "Q2", "D1")
def test_attrition_events_interval_codes_by_year_and_table_one_are_shown(tmp_path: Path):
    made = feasible(warehouse(tmp_path), readmission, synthetic_omop, with_table_one=True)
    assert [(step.reason, step.encounters) for step in made.attrition] == [
        ("all encounters", "2,500"), ("inpatient stay", "2,000"),
    ]  # fmt: skip
    assert (made.outcome.events, made.outcome.persons_with) == (EVENTS, EVENTS)
    assert made.outcome.widths[1] == expected(0.7, 100, 400)
    failure = {
        one.year: (one.persons, one.of) for one in made.coverage if one.concept_set_name.endswith("heart_failure")
    }
    assert failure == {2021: (500, 1_000), 2022: (0, 1_000)}
    table = made.table_one.set_index(["covariate", "level"])
    assert table.loc[("persons", ""), "persons_1"] == EVENTS
    assert 0.4 < table.loc[("f_sex", "F"), "smd"] < 0.8
    screen = Screen()
    print_feasible(screen.console, "dev", made)
    assert "events: 400 of 400 persons" in screen.text
    # By hand, Newcombe: sqrt((0.21 + 249 (0.5385 - 0.49) + 249 (0.5765 - 0.49)) / 40,000) = 0.0291.
    has(screen.lines, "an AUROC of 0.7 would be 0.643 to 0.757 on the test side")
    assert "counts once" not in screen.text, "nobody returns"
    has(screen.lines, "chronic_conditions.heart_failure", "50.0", "0.0")
    has(screen.lines, "persons", "1,600", "400")
    assert json.loads(json.dumps(written(made)))["table_one"][0]["persons_1"] == EVENTS


def test_where_persons_return_the_interval_is_told_for_rows_and_for_persons(tmp_path: Path):
    made = feasible(warehouse(tmp_path), readmission, synthetic_omop, with_table_one=False)
    # A quarter of the events and of the others, as if everyone came back three times: an interval twice as wide.
    fewer = tuple(expected(auroc, 25, 100) for auroc in (0.6, 0.7, 0.8))
    screen = Screen()
    print_feasible(screen.console, "dev", replace(made, outcome=replace(made.outcome, by_person=fewer)))
    told = "an AUROC of 0.7 would be 0.643 to 0.757 on the test side (95 %); 0.586 to 0.814 if each person counts once"
    assert told in " ".join(screen.text.split())


def test_of_few_persons_nothing_is_shown_and_nothing_that_is_built_on_them(tmp_path: Path):
    # 40 persons, 8 of whom come back; 20 a year, 10 of whom have the code.
    made = feasible(warehouse(tmp_path, kept=40), readmission, synthetic_omop, with_table_one=True)
    assert made.outcome == NOTHING
    screen = Screen()
    print_feasible(screen.console, "dev", made)
    assert "events: few of few persons" in screen.text
    assert "no interval of the AUROC" in screen.text
    has(screen.lines, "chronic_conditions.heart_failure", "few")
    assert not [line for line in screen.lines if " 8 " in f"{line} " or "(20.0" in line]


def only(folder: Path, outcome: object, few: int) -> None:
    """Give every first row this outcome, but for that of a few."""
    name = str(folder / "synthetic_omop_ra/feature_readmission")
    rows = DeltaTable(name).to_pandas()
    first = rows["encounter_order"] >= few
    rows["outcome"] = pd.array(np.where(first, outcome, 0 if outcome == 1 else 1), dtype="Int32")
    rows["outcome_known"] = rows["outcome"].notna()
    write_deltalake(name, rows, mode="overwrite", schema_mode="overwrite")


@pytest.mark.parametrize("outcome", [0, 1, None])
@pytest.mark.parametrize("few", [0, 5])
def test_without_two_groups_there_is_no_table_one_and_nobody_is_not_told_from_few(tmp_path: Path, outcome, few: int):
    only(warehouse(tmp_path), outcome, few)
    made = feasible(tmp_path, readmission, synthetic_omop, with_table_one=True)
    assert made.table_one is None
    assert written(made)["table_one"] is None
    screen = Screen()
    print_feasible(screen.console, "dev", made)
    has(screen.lines, "inpatient stay", "2,000")
    has(screen.lines, "chronic_conditions.heart_failure", "50.0", "0.0")
    has(screen.lines, "Table 1 is not shown: nobody or few, by first row, have or lack the outcome")
    unasked = Screen()
    print_feasible(unasked.console, "dev", feasible(tmp_path, readmission, synthetic_omop, with_table_one=False))
    assert "Table 1" not in unasked.text


def test_a_model_whose_features_are_not_there_says_which_job_makes_them(tmp_path: Path):
    folder = warehouse(tmp_path)
    other = replace(readmission, name="relapse")
    with pytest.raises(UsageError, match=r"relapse: relapse.attrition is not there yet; run the job relapse_featurize"):
        feasible(folder, other, synthetic_omop, with_table_one=False)
    with pytest.raises(UsageError, match="model 'relapse' is not declared; valid: readmission, readmission_uci130"):
        show_feasible("dev", "relapse", with_table_one=False, json_path=None)


def test_of_many_years_the_newest_ten_are_on_the_screen_and_all_in_the_file(tmp_path: Path):
    made = feasible(warehouse(tmp_path), readmission, synthetic_omop, with_table_one=False)
    many = replace(made, coverage=[Coverage("failure", year, 100, 200) for year in range(1990, 2025)])
    screen = Screen()
    print_feasible(screen.console, "dev", many)
    has(screen.lines, "2015", "2024")
    assert "2014" not in screen.text
    assert len(json.loads(json.dumps(written(many)))["coverage"]) == 35
