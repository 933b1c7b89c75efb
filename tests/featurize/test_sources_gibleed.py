"""GiBleed, an OMOP CDM 5.3.1 folder with known defects: its facts, and each defect counted exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

from jobs.featurize.columns import typed
from jobs.featurize.contract import results
from jobs.featurize.facts import fact_encounter_index, fact_observation_period, fact_person
from jobs.quality.result import Result
from workflows.deliveries import recognise
from workflows.sources.omop import omop

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "omop_gibleed"
pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data/omop_gibleed is not on this machine"),
]


@pytest.fixture(scope="module")
def delivered(spark: SparkSession) -> dict[str, DataFrame]:
    return {one.table: spark.read.parquet(str(FOLDER / f"{one.table}.parquet")).cache() for one in omop.contracts}


@pytest.fixture(scope="module")
def tables(delivered: dict[str, DataFrame]) -> dict[str, DataFrame]:
    return {one.table: typed(delivered[one.table], one) for one in omop.contracts}


@pytest.fixture(scope="module")
def found(delivered: dict[str, DataFrame], tables: dict[str, DataFrame]) -> dict[tuple[str, str], Result]:
    made = [one for contract in omop.contracts for one in results(delivered[contract.table], contract, tables)]
    return {(one.table, one.check): one for one in made}


# "2,649 observation periods without person; rows beyond the first of their id: 4,384 drug_exposure, 2,183 measurement;
# 64,717 of 65,268 visit ids of conditions absent; events outside observation: 85 conditions, 80 drugs, 15 procedures,
# 4 measurements, 3 observations; 1 drug before the birth year; measurement values 100 % NULL"
KNOWN = [
    ("observation_period", "person_id_in_person", 2_649, 5_343),
    ("drug_exposure", "key", 4_384, 67_707),
    ("measurement", "key", 2_183, 44_053),
    ("condition_occurrence", "visit_occurrence_id_in_visit_occurrence", 64_717, 65_268),
    ("condition_occurrence", "condition_start_date_observed", 85, 65_332),
    ("drug_exposure", "drug_exposure_start_date_observed", 80, 67_707),
    ("procedure_occurrence", "procedure_date_observed", 15, 37_409),
    ("measurement", "measurement_date_observed", 4, 44_053),
    ("observation", "observation_date_observed", 3, 1_477),
    ("drug_exposure", "drug_exposure_start_date_after_birth", 1, 67_707),
    ("measurement", "value_as_number_filled", 44_053, 44_053),
]


@pytest.mark.clause("F5", "F6")
@pytest.mark.parametrize(("table", "check", "rows", "of"), KNOWN)
def test_each_known_defect_of_the_source_is_counted_exactly(found, table, check, rows, of):
    one = found[table, check]
    assert (one.rows, one.of, one.state) == (rows, of, "failed")
    assert not one.stops, "a defect of real data is reported, and stops nothing"


def test_a_check_of_values_that_are_all_null_is_not_applicable_and_never_passed(found):
    one = found["measurement", "value_as_number_finite"]
    assert (one.state, one.rows, one.of) == ("not applicable", 0, 0)
    assert found["measurement", "value_as_number_readable"].state == "not applicable"
    assert found["device_exposure", "rows"].state == "not applicable", "an empty table that may be empty"


def test_nothing_in_the_source_is_fatal_and_no_column_of_cdm_5_3_is_unknown(found):
    assert [one for one in found.values() if one.stops or one.state == "error"] == []
    assert [check for _, check in found if check.endswith("_known")] == []
    assert recognise(FOLDER).name == "omop"


@pytest.mark.clause("F1", "F2")
def test_every_event_becomes_one_fact_with_the_code_of_its_concept(tables, delivered):
    facts = fact_person(tables, omop, person_sample=1.0)
    by_table = {row["source_table"]: row["count"] for row in facts.groupBy("source_table").count().collect()}
    assert by_table == {
        "condition_occurrence": 65_332, "drug_exposure": 67_707, "procedure_occurrence": 37_409,
        "measurement": 44_053, "observation": 1_477,
    }  # fmt: skip
    # Viral sinusitis, SNOMED 444814009, is concept 40481087 in the folder's own concept table.
    viral = facts.where("vocabulary_id = 'SNOMED' AND concept_code = '444814009'").count()
    assert viral == delivered["condition_occurrence"].where("condition_concept_id = 40481087").count() > 0
    row = facts.agg(
        sf.count_if(sf.col("vocabulary_id").isin("None")).alias("unresolved"),
        sf.count_if(sf.col("event_end_datetime") < sf.col("event_start_datetime")).alias("negative"),
        sf.count("event_end_datetime").alias("ends"),
    ).first()
    assert (row["unresolved"], row["negative"]) == (0, 0)
    ends = delivered["condition_occurrence"].where("condition_end_date IS NOT NULL").count()
    assert row["ends"] == ends + 67_707


def test_visits_and_observation_periods_keep_their_persons_and_days(tables):
    visits = fact_encounter_index(tables, omop, person_sample=1.0, outcomes_through=1.0)
    row = visits.agg(
        sf.count(sf.lit(1)).alias("n"), sf.count_if(sf.col("is_inpatient_visit")).alias("inpatient"),
        sf.count("birth_date").alias("born"),
    ).first()  # fmt: skip
    assert (row["n"], row["inpatient"], row["born"]) == (1_037, 1_037, 1_037)
    spans = fact_observation_period(tables, omop, person_sample=1.0)
    row = spans.agg(
        sf.count(sf.lit(1)).alias("n"), sf.count("sex").alias("known"), sf.count("birth_date").alias("born")
    )
    # 2,649 periods are of nobody in the person table.
    assert row.first().asDict() == {"n": 5_343, "known": 2_694, "born": 2_694}
