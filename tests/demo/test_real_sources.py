"""What a user types for each kind of source, from an empty sandbox: deploy, deliver, run, report; against published figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.house import House
from cli.report import data_page
from cli.stage import Stage
from cli.summary import newest
from synthetic.generate import generate
from workflows.deliveries import recognise

SHARED = Path(__file__).parents[3] / "shared" / "data"
CODES = SHARED / "reference_codes"
FOLDERS = {"omop": "omop_gibleed", "uci130": "readmission_uci130", "nafld": "nafld_events"}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all((SHARED / name).is_dir() for name in (*FOLDERS.values(), CODES.name)),
        reason="GiBleed, the UCI data, NAFLD and the reference codes are not beside the checkout (../shared/data)",
    ),
]


@dataclass(frozen=True)
class Reported:
    """What was said of a source's data: the newest checks by table and check, and the page."""

    checks: dict[tuple[str, str], dict[str, Any]]
    page: str


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reported]:
    home = tmp_path_factory.mktemp("real")
    generate(home / "synthetic", persons=500, seed=42)
    house = House(home=home / "sandbox")
    stage, said = Stage(house, "dev"), {}
    try:
        stage.deploy(lambda _: None)
        landing = stage.workspace.volumes / "cdh_dev" / "ml" / "landing" / "reference"
        landing.mkdir(parents=True)
        for file in CODES.iterdir():
            (landing / file.name).symlink_to(file)
        stage.run("reference_data_featurize", lambda _: None)
        for folder in (home / "synthetic", *(SHARED / name for name in FOLDERS.values())):
            source = recognise(folder)
            stage.deliver(source, folder)
            stage.run(f"{source.name}_featurize", lambda _: None, person_sample="1.0")
            said[source.name] = of(stage, source.name, data_page("dev", source.name, house=house))
    finally:
        stage.close()
    return said


def of(stage: Stage, source: str, page: Path) -> Reported:
    rows = stage.zone(f"{source}_ra").rows("quality")
    last = [
        row
        for table in {row["table"] for row in rows}
        for row in newest([r for r in rows if r["table"] == table], "checked_at")
    ]
    return Reported({(row["table"], row["check_id"]): row for row in last}, page.read_text())


# "2,649 observation periods without person; rows beyond the first of their id: 4,384 drug_exposure, 2,183 measurement;
# 64,717 of 65,268 visit ids of conditions absent; events outside observation: 85 conditions, 80 drugs, 15 procedures,
# 4 measurements, 3 observations; 1 drug before the birth year; measurement values 100 % NULL = not applicable". What
# is of 1 to 10 persons is known to be there, and how many is not said (None).
GIBLEED = [
    ("observation_period", "person_id_in_person", 2_649, 5_343, "failed"),
    ("drug_exposure", "key", 4_384, 67_707, "failed"),
    ("measurement", "key", 2_183, 44_053, "failed"),
    ("condition_occurrence", "visit_occurrence_id_in_visit_occurrence", 64_717, 65_268, "failed"),
    ("condition_occurrence", "condition_start_date_observed", 85, 65_332, "failed"),
    ("drug_exposure", "drug_exposure_start_date_observed", 80, 67_707, "failed"),
    ("procedure_occurrence", "procedure_date_observed", 15, 37_409, "failed"),
    ("measurement", "measurement_date_observed", None, 44_053, "failed"),
    ("observation", "observation_date_observed", None, 1_477, "failed"),
    ("drug_exposure", "drug_exposure_start_date_after_birth", None, 67_707, "failed"),
    ("measurement", "value_as_number_filled", 44_053, 44_053, "failed"),
    ("measurement", "value_as_number_finite", 0, 0, "not applicable"),
]  # fmt: skip


@pytest.mark.clause("F5", "F8", "P8")
@pytest.mark.parametrize(("table", "check", "rows", "of", "state"), GIBLEED)
def test_a_known_defect_of_gibleed_is_reported_exactly_unless_it_is_of_few(reported, table, check, rows, of, state):
    row = reported["omop"].checks[f"omop.{table}", check]
    assert (row["rows_at_fault"], row["rows_checked"], row["state"]) == (rows, of, state)


@pytest.mark.clause("F1", "F5")
def test_exact_duplicates_of_nafld_count_once(reported):
    checks = reported["nafld"].checks
    repeated = checks["nafld.nafld2", "duplicates"]
    assert (repeated["rows_at_fault"], repeated["rows_checked"]) == (3_817, 400_123)
    # 396,306 laboratory values and 34,345 outcomes.
    facts = checks["nafld_ra.fact_person", "person_id_not_null"]
    assert facts["table_rows"] == 396_306 + 34_345 == 400_123 - 3_817 + 34_345


@pytest.mark.clause("F4", "F5")
@pytest.mark.parametrize(("column", "share"), [("diag_1", 9.4), ("diag_2", 13.5), ("diag_3", 10.7)])
def test_the_share_of_leaves_of_each_diagnosis_of_uci_is_the_published_one(reported, column: str, share: float):
    found = {
        check.removeprefix(f"{column}_codes_"): row
        for (_, check), row in reported["uci130"].checks.items()
        if check.startswith(f"{column}_codes_")
    }
    of = found["header"]["rows_checked"]
    assert 100_000 < of < 101_766
    assert round(100 * (of - found["header"]["rows_at_fault"]) / of, 1) == share
    # "three-digit headers valid": a header is told from an unknown code, of which there is none.
    assert [found[one]["rows_at_fault"] for one in ("unknown", "wrong_vocabulary", "format")] == [0, 0, 0]
    assert found["retired"]["state"] == "not applicable", "its time is an order: no day says whether a code was valid"
    assert f'<td class="n">{share} %</td>' in reported["uci130"].page


@pytest.mark.clause("F8", "18")
@pytest.mark.parametrize("source", ["synthetic_omop", *FOLDERS])
def test_the_page_of_every_source_shows_each_check_with_its_state_and_reason(reported, source: str):
    said = reported[source]
    assert len(said.checks) > 30
    assert f"{len(said.checks)} checks of" in said.page
    assert not [row for row in said.checks.values() if row["state"] == "error"]
    for (_, check), row in said.checks.items():
        assert f"{check}@{row['check_version']}" in said.page
        assert row["reason"]
        assert row["reason"] in said.page


def test_no_count_of_few_persons_is_on_a_page(reported):
    """The three defects of GiBleed that 1 to 10 rows have are in no row of the table that the page is made of."""
    for said in reported.values():
        for row in said.checks.values():
            assert row["rows_at_fault"] is None or not 0 < row["rows_at_fault"] < 11
