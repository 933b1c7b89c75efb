"""What a reader finds in the report."""

from __future__ import annotations

import re
from pathlib import Path

import fabricated
import pytest
from reading import Reader, inner, tidy

from report.build import page
from report.stores import Stage, Tables


def test_the_sentence_tells_the_result_from_training_to_retraining(read: Reader) -> None:
    assert (
        "Version 1 of readmission, trained in the prod stage, ranks persons it never saw with AUROC 0.684 (0.661 to 0.706), "
        "passed 4 of 4 gates, became champion and scored 50 encounters; monitoring then found calibration drift and started retraining, "
        "which gave version 2 (3 of 4 gates passed, not promoted)." in read.words
    )


def test_the_key_figures_are_those_of_the_stores(read: Reader) -> None:
    assert read.figures() == {
        "Model": ("readmission", "version 1, prod stage"),
        "AUROC": ("0.684", "95 % interval 0.661 to 0.706"),
        "Observed / expected": ("1.01", "95 % interval 0.94 to 1.09"),
        "Eligible encounters": ("22,871", "of 7,803 persons"),
        "Gates passed": ("4 of 4", "became champion"),
        "Predictions": ("50", "encounters scored"),
        "Monitoring signal": ("calibration drift", "started readmission_retrain"),
        "Retrained version": ("2", "3 of 4 gates passed, not promoted"),
    }


def test_each_stage_shows_its_resources_by_type_and_their_sum(read: Reader) -> None:
    table = read.table("Resources that each stage holds")
    assert table[0] == ["Resource", "dev stage", "validation stage", "prod stage"]
    assert ["grants", "14", "14", "14"] in table
    assert table[-1] == ["all", "34", "34", "34"]


@pytest.mark.clause("O1")
def test_each_job_shows_the_name_of_the_principal_that_runs_it(read: Reader) -> None:
    assert "as sp-train-dev" in read.words
    assert "as sp-train-prod" in read.words
    runs_as = {row[0]: row[1] for row in read.table("Jobs: who runs them")}
    assert runs_as["readmission_promote"] == "sp-promote"
    assert runs_as["synthetic_omop_featurize"] == "sp-featurize"
    assert runs_as["readmission_uci130_train"] == "sp-train"


@pytest.mark.clause("P2", "P7")
def test_a_job_is_drawn_with_each_tasks_result_and_what_it_comes_after(read: Reader) -> None:
    monitor = read.pictures("Tasks of readmission_monitor")[-1]
    assert monitor["inside"][1]["text"] == (
        "observe (succeeded); retrain (succeeded) after retrain_needed; retrain_needed (succeeded) after observe"
    )
    words = [one["text"] for one in inner(monitor, "text")]
    assert {"✓ observe", "true", "observe.retrain = true: true", "runs readmission_retrain"} <= set(words)
    assert len(inner(monitor, "polygon")) == 1, "one condition, one hexagon"


def test_jobs_of_another_model_whose_name_begins_alike_are_not_drawn(read: Reader) -> None:
    assert read.pictures("Tasks of readmission_train")
    assert not read.pictures("Tasks of readmission_uci130_train")


@pytest.mark.clause("P7")
def test_tasks_that_ran_side_by_side_overlap_in_the_picture_of_times(read: Reader) -> None:
    bars = list(inner(read.pictures("When the tasks of synthetic_omop_featurize ran")[-1], "rect"))
    check, index, person = [
        (float(bar["attributes"]["x"]), float(bar["attributes"]["x"]) + float(bar["attributes"]["width"]))
        for bar in bars
    ]
    assert check[1] <= min(index[0], person[0])
    assert person[0] < index[1] < person[1]


@pytest.mark.clause("P6", "21")
def test_metrics_show_the_person_split_beside_the_time_splits_and_the_retrained_version(read: Reader) -> None:
    table = {row[0]: row[1:] for row in read.table("Metrics with 95 % intervals")}
    assert table["Metric"] == [
        "Held-out persons",
        "Last in time, held-out persons",
        "Last in time, all persons",
        "Last in time, new persons",
        "Version 2: held-out persons",
    ]
    assert table["AUROC"][0] == "0.6840.661 to 0.706"
    assert table["AUROC"][4].startswith("0.690")
    assert table["Events"] == ["471", "115", "462", "121", "532"]


def test_gates_show_their_state_and_not_assessable_is_no_pass(read: Reader) -> None:
    dev = read.table("Dev stage, version 1")
    assert {row[1] for row in dev[1:]} == {"○ not assessable"}
    assert "0 of 4 passed" in read.words
    assert ["auroc not inferior by 0.01", "✕ failed", "lower limit of the difference −0.021"] in read.table(
        "Prod stage, version 2"
    )


@pytest.mark.clause("V4")
def test_approvals_name_who_approved_and_who_validated(read: Reader) -> None:
    assert read.table("What people approved")[1] == [
        "prod stage",
        "12",
        "1",
        "pi@cdh.example",
        "analyst@cdh.example",
        "✓ champion",
    ]


@pytest.mark.clause("C9", "26", "27")
def test_monitoring_shows_the_signal_and_the_runs_that_it_started(read: Reader) -> None:
    assert (
        "Signal: calibration drift. It started readmission_retrain (run 15, succeeded, 47 s), which started readmission_train "
        "(run 16, succeeded, 38 s). That gave version 2: 3 of 4 gates passed." in read.words
    )
    described = read.pictures("Observed over expected by block")[0]["inside"][1]["text"]
    assert described.startswith("block 1: 1.02, quiet;")
    assert described.endswith("block 6: 0.79, signal")
    assert (
        "f_age 0.31, beyond its bound"
        in read.pictures("Standardised mean difference by covariate")[0]["inside"][1]["text"]
    )


@pytest.mark.clause("P4", "23")
def test_one_synthetic_prediction_leads_back_to_source_versions_commit_and_requirements(read: Reader) -> None:
    described = read.pictures("Lineage of one prediction")[0]["inside"][1]["text"]
    assert "cdh_prod.readmission.readmission@1 from readmission.dataset@0" in described
    assert "readmission.dataset@0 from synthetic_omop_ra.feature_readmission@3" in described
    sources = "synthetic_omop.condition_occurrence@0, synthetic_omop.person@0, synthetic_omop.visit_occurrence@2"
    assert f"synthetic_omop_ra.fact_person@1 from {sources}" in described
    facts = next(one for one in read.all("dl") if one["attributes"]["class"] == "facts")["inside"]
    shown = dict(zip([one["text"] for one in facts[::2]], [one["text"] for one in facts[1::2]], strict=True))
    assert shown["commit"] == "0f3c2a9d77b1"
    assert shown["requirements_hash"] == "9f86d081884c"
    assert shown["person_id"] == str(fabricated.PERSON + 49)
    assert "49 of 50 predictions lead back" in read.words


def test_without_recorded_lineage_the_predictions_own_fields_are_drawn(tmp_path: Path) -> None:
    fabricated.production_tables(tmp_path)
    fabricated.predictions(tmp_path, lineage=False)
    stage = Stage("prod", Tables(tmp_path), (), {}, {})
    read = Reader(page([stage], "readmission", "synthetic_omop", synthetic=True))
    described = read.pictures("Lineage of one prediction")[0]["inside"][1]["text"]
    assert (
        "one prediction from cdh_prod.readmission.readmission@1, synthetic_omop_ra.feature_readmission@3" in described
    )
    assert "synthetic_omop_ra.feature_readmission@3 from synthetic_omop.condition_occurrence@0" in described


def test_runs_show_the_reason_of_the_first_failed_task(read: Reader) -> None:
    failed = read.table("Prod stage: runs")[1]
    assert failed[:3] == ["9", "synthetic_omop_featurize", "✕ failed"]
    assert failed[-1] == "check: condition_occurrence: 12 rows have no date"


def test_the_story_is_told_in_order_and_text_is_escaped(read: Reader, synthetic: str) -> None:
    steps = [tidy(one["text"]) for one in read.all("li") if "stage" in one["text"]]
    assert steps == [
        "dev stage deployed → 34 resources 12 s",
        "prod stage promoted version 1 (approved by pi@cdh.example)",
    ]
    assert "Who &lt;comes&gt; back?" in synthetic


def test_the_report_is_one_file_that_loads_nothing(synthetic: str, read: Reader) -> None:
    assert not [one for one in read.elements if one["tag"] in ("script", "link", "img", "iframe", "object")]
    for element in read.elements:
        for name in ("src", "href", "xlink:href", "data", "action"):
            assert element["attributes"].get(name, "#").startswith("#"), element
    assert not re.search(r"url\(|@import|https?:|//[a-z]", synthetic)


def test_every_picture_is_named_and_described_and_every_table_has_a_caption(read: Reader) -> None:
    pictures = read.all("svg")
    assert len(pictures) > 10
    for one in pictures:
        assert [child["tag"] for child in one["inside"][:2]] == ["title", "desc"]
        assert all(child["text"].strip() for child in one["inside"][:2]), one["inside"][0]["text"]
        assert one["attributes"]["role"] == "img"
    assert all(table["inside"][0]["tag"] == "caption" for table in read.all("table"))


def test_links_of_the_contents_lead_to_sections(read: Reader) -> None:
    ids = [one["attributes"]["id"] for one in read.elements if "id" in one["attributes"]]
    assert len(ids) == len(set(ids))
    assert {one["attributes"]["href"][1:] for one in read.all("a")} <= set(ids)


def test_the_same_stores_give_the_same_report(stages: list[Stage], real: str) -> None:
    assert page(stages, "readmission", "synthetic_omop", synthetic=False) == real


def test_nothing_deployed_yields_sections_that_say_what_to_run(tmp_path: Path) -> None:
    empty = [Stage(name, Tables(tmp_path / name), (), None, {}) for name in ("dev", "prod")]
    words = Reader(page(empty, "readmission", "synthetic_omop", synthetic=True)).words
    for line in (
        "Not there yet: a trained and evaluated readmission. Run readmission_train in a stage.",
        "Not there yet: the cohort's attrition. Run readmission_featurize.",
        "Not there yet: a judged gate.",
        "Not there yet: monitoring. Run readmission_monitor after labels have matured.",
        "Not there yet: a prediction. Run readmission_score after a version was promoted.",
        "Not there yet: a run in the prod stage.",
        "not deployed",
    ):
        assert line in words


def tables_of(stage: Stage) -> list[str]:
    return sorted(f"{log.parent.parent.name}.{log.parent.name}" for log in stage.tables.folder.glob("*/*/_delta_log"))


def test_any_one_missing_table_is_no_crash(stages: list[Stage]) -> None:
    class Without(Tables):
        def __init__(self, folder: Path, missing: str) -> None:
            super().__init__(folder)
            self.missing = missing

        def there(self, table: str) -> bool:
            return table != self.missing and super().there(table)

    production = stages[-1]
    names = tables_of(production)
    assert len(names) >= 7
    for missing in names:
        stage = Stage(
            "prod", Without(production.tables.folder, missing), production.runs, production.deployed, production.stack
        )
        Reader(page([stage], "readmission", "synthetic_omop", synthetic=True))
