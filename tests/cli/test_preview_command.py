"""`mlops preview`: what is not declared is named with what is, and a hidden count says so."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from cli.errors import UsageError, explained
from cli.house import refuse_missing
from cli.preview import makers, preview_model, show
from infra.clusters import load
from jobs.preview import Preview
from report.stores import Tables
from workflows.declare import Cohort, InObservation, InpatientStays, replace
from workflows.discover import discover


def test_a_model_that_is_not_declared_is_named_with_those_that_are():
    with pytest.raises(UsageError, match=r"model 'weather' is not declared; valid: readmission, readmission_uci130"):
        preview_model("weather", "")


def test_facts_that_are_not_there_say_which_job_makes_them(tmp_path: Path):
    catalogue = discover(clusters=load(), examples=False)
    makes = makers(catalogue, catalogue.models["readmission"])
    (tmp_path / "synthetic_omop_ra" / "fact_encounter_index" / "_delta_log").mkdir(parents=True)
    told = r"m: synthetic_omop_ra.fact_person is not there yet; run the job synthetic_omop_featurize on dev first"
    with pytest.raises(UsageError, match=told):
        refuse_missing(Tables(tmp_path), "m", makes, "dev")
    (tmp_path / "synthetic_omop_ra" / "fact_person" / "_delta_log").mkdir(parents=True)
    refuse_missing(Tables(tmp_path), "m", makes, "dev")
    observed = replace(catalogue.models["readmission"], cohort=Cohort(entry=InpatientStays(), steps=[InObservation()]))
    with pytest.raises(UsageError, match=r"fact_observation_period is not there yet; run the job synthetic_omop_feat"):
        refuse_missing(Tables(tmp_path), "m", makers(catalogue, observed), "dev")


def test_an_error_is_shown_as_it_is_written_whatever_looks_like_markup(capsys: pytest.CaptureFixture[str]):
    told = "name = '[/x]' is not valid; valid: a name ([a-z][a-z0-9_]+)"
    with pytest.raises(SystemExit), explained():
        raise UsageError(told)
    assert capsys.readouterr().err == f"mlops: {told}\n"


def test_a_hidden_count_is_not_shown_and_has_no_share():
    distribution = pd.DataFrame({
        "value": ["no", "yes"], "persons": pd.array([1234, None], dtype="Int64"),
        "share": pd.array([0.5, None], dtype="Float64"),
    })  # fmt: skip
    codes = pd.DataFrame({"vocabulary_id": ["v"], "concept_code": ["c"], "persons": pd.array([None], dtype="Int64")})
    console = Console(file=io.StringIO(), width=100)
    show(console, Preview("any_cold", "any cold.", distribution, codes))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "any_cold: any cold." in text
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]
    assert rows == [["no", "1,234", "50.0%"], ["yes", "not shown", ""], ["v", "c", "not shown"]]
