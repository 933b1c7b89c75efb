"""An OMOP delivery of any size has the rows that were asked for, and each planted defect exactly so often: by DuckDB."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from synthetic.sources.defects import KINDS
from synthetic.sources.omop import SHARES
from synthetic.sources.write import write

pytestmark = pytest.mark.clause("F5")
BIRTH = "make_date(year_of_birth::INT, month_of_birth::INT, day_of_birth::INT)"
NUMBER = "TRY_CAST({} AS BIGINT) IS NOT NULL"
# What each kind is, in a query of the files as text; which bytes are no text stands below.
COUNTED = {
    "wrong_type": f"SELECT count(*) FROM condition_occurrence WHERE NOT {NUMBER.format('visit_occurrence_id')}",
    "empty_value": "SELECT count(*) FROM condition_occurrence WHERE coalesce(person_id, '') = ''",
    "duplicate_key": "SELECT count(*) - count(DISTINCT measurement_id) FROM measurement",
    "unparseable_date": "SELECT count(*) FROM drug_exposure WHERE TRY_CAST(drug_exposure_start_date AS DATE) IS NULL",
    "before_birth":
        f"SELECT count(*) FROM visit_occurrence JOIN person USING (person_id) WHERE visit_start_date::DATE < {BIRTH}",
    "after_extraction":
        "SELECT count(*) FROM measurement, cdm_source WHERE measurement_date::DATE > source_release_date::DATE",
    "negative_stay": "SELECT count(*) FROM visit_occurrence WHERE visit_end_date::DATE < visit_start_date::DATE",
    "unknown_code":
        "SELECT count(*) FROM procedure_occurrence ANTI JOIN concept ON procedure_concept_id = concept_id",
    "orphan_visit":
        "SELECT count(*) FROM condition_occurrence ANTI JOIN visit_occurrence USING (visit_occurrence_id) "
        f"WHERE {NUMBER.format('visit_occurrence_id')}",
    "orphan_person": "SELECT count(*) FROM drug_exposure ANTI JOIN person USING (person_id)",
    "outside_observation":
        "SELECT count(*) FROM observation JOIN observation_period USING (person_id) WHERE observation_date::DATE "
        "NOT BETWEEN observation_period_start_date::DATE AND observation_period_end_date::DATE",
}  # fmt: skip


def occurrences(path: Path, byte: bytes) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(byte) for chunk in iter(lambda: file.read(1 << 24), b""))


@pytest.mark.parametrize("events", [1_000, 100_000, pytest.param(10_000_000, marks=pytest.mark.nightly)])
def test_the_rows_and_the_planted_defects_are_as_many_as_asked_for_at_any_size(events: int, tmp_path: Path):
    kinds = KINDS["omop"]
    # A number of its own for each kind, so that no two can be taken for each other.
    plant = {kind: 1 if kind == "missing_column" else 3 + place for place, kind in enumerate(kinds)}
    rows = write("omop", tmp_path, events=events, defects=plant)

    connection = duckdb.connect(config={"threads": 2, "memory_limit": "4GB", "temp_directory": str(tmp_path)})
    for path in tmp_path.glob("*.csv"):
        # Each byte a letter: what is no UTF-8 is counted in the file.
        read = f"read_csv('{path}', header = true, all_varchar = true, encoding = 'latin-1', quote = '\"')"
        connection.execute(f"CREATE VIEW {path.stem} AS SELECT * FROM {read}")

    def one(query: str) -> int:
        return int(connection.execute(query).fetchall()[0][0])

    written = {name: one(f"SELECT count(*) FROM {name}") for name in rows}
    assert written == rows
    assert sum(written[table] for table in SHARES) == events
    assert (written["person"], written["visit_occurrence"]) == (events // 50, events // 5)
    found = {kind: one(query) for kind, query in COUNTED.items()}
    found["encoding"] = occurrences(tmp_path / "measurement.csv", b"\xe9")
    header = (tmp_path / "device_exposure.csv").read_text(encoding="utf-8").splitlines()[0]
    found["missing_column"] = int('"person_id"' not in header and "device_concept_id" in header)
    assert found == plant
    # pytest keeps what tests write, and the largest of these is a gigabyte.
    for path in tmp_path.glob("*.csv"):
        path.unlink()
