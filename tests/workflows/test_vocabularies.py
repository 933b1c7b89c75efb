"""Each known spelling of a vocabulary is OMOP's name of it; what no one knows stays and is counted."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf

from workflows.errors import DeclarationError
from workflows.vocabularies import known, spellings, vocabulary_id

# The spellings counted in ABFM's codesystem and read in the old programme's map (domain digest 1.6 and 1.7), and the
# HL7 object identifiers of the same code systems (https://terminology.hl7.org); the names are OMOP's vocabulary ids.
ANY = {
    "ICD-9-CM": "ICD9CM", "ICD9": "ICD9CM", "ICD9CM": "ICD9CM", "9": "ICD9CM", "09": "ICD9CM", "1": "ICD9CM",
    "2.16.840.1.113883.6.103": "ICD9CM",
    "ICD10CM": "ICD10CM", "ICD-10": "ICD10CM", "ICD-10-CM": "ICD10CM", "10": "ICD10CM", "2": "ICD10CM",
    "2.16.840.1.113883.6.90": "ICD10CM",
    "6": "HCPCS", "HCPCS": "HCPCS", "hcpcs-Level-II": "HCPCS", "2.16.840.1.113883.6.285": "HCPCS",
    "CPT-4": "CPT4", "CPT4": "CPT4", "CPT": "CPT4", "2.16.840.1.113883.6.12": "CPT4",
    "4": "LOINC", "LOINC": "LOINC", "2.16.840.1.113883.6.1": "LOINC",
    "SNOMED CT": "SNOMED", "SNOMED-CT": "SNOMED", "SNOMEDCT": "SNOMED", "SNOMED": "SNOMED", "5": "SNOMED",
    "3": "SNOMED", "2.16.840.1.113883.6.96": "SNOMED",
    "VACCINE": "CVX", "CVX": "CVX", "2.16.840.1.113883.12.292": "CVX",
    "2.16.840.1.113883.6.88": "RxNorm", "RXNORM": "RxNorm", "RxNorm": "RxNorm",
    "ICD10": "ICD10CM", "ICD-9": "ICD9CM", "LN": "LOINC", "ICD10PCS": "ICD10PCS", "ICD-10-PCS": "ICD10PCS",
    "2.16.840.1.113883.6.4": "ICD10PCS", "ICD9Proc": "ICD9Proc", "2.16.840.1.113883.6.104": "ICD9Proc",
    "NDC": "NDC", "2.16.840.1.113883.6.69": "NDC",
    # White space and case do not matter; nothing said is OMOP's vocabulary None.
    " cpt-4 ": "CPT4", "ICD10CM\t": "ICD10CM", "\u00a04\r\n": "LOINC", "\t": "None", "snomed ct": "SNOMED", None: "None", "": "None", "  ": "None",
    # Unknown ones stay as they are.
    "PROCEDURE": "PROCEDURE", "LAB": "LAB", " PSYCH ": "PSYCH",
}  # fmt: skip
PROCEDURE = {
    "9": "ICD9Proc", "09": "ICD9Proc", "10": "ICD10PCS", "ICD10PCS": "ICD10PCS", "CPT": "CPT4",
    # No version of ICD's diagnoses codes a procedure.
    "ICD-9": "ICD9Proc", "ICD9": "ICD9Proc", "ICD-10": "ICD10PCS", "ICD10": "ICD10PCS", "icd10 ": "ICD10PCS",
}  # fmt: skip
UNKNOWN = (None, "", "  ", "\t", "PROCEDURE", "LAB", " PSYCH ")


@pytest.fixture(scope="module")
def normalised(spark: SparkSession) -> dict[tuple[str, str | None], tuple[str, bool]]:
    given = [("", one) for one in ANY] + [("procedure", one) for one in PROCEDURE]
    frame = spark.createDataFrame(given, "scope string, spelled string")
    name = sf.when(sf.col("scope") == "", sf.expr(vocabulary_id("spelled"))).otherwise(
        sf.expr(vocabulary_id("spelled", "procedure"))
    )
    rows = frame.select("scope", "spelled", name.alias("name"), sf.expr(known("spelled").condition).alias("known"))
    return {(row["scope"], row["spelled"]): (row["name"], row["known"]) for row in rows.collect()}


@pytest.mark.spark
@pytest.mark.clause("F4")
@pytest.mark.parametrize("spelled", ANY, ids=repr)
def test_a_spelling_of_a_vocabulary_becomes_omops_name(normalised, spelled):
    assert normalised["", spelled] == (ANY[spelled], spelled not in UNKNOWN)


@pytest.mark.spark
@pytest.mark.parametrize("spelled", PROCEDURE)
def test_a_version_of_icd_means_another_vocabulary_where_procedures_are_coded(normalised, spelled):
    assert normalised["procedure", spelled][0] == PROCEDURE[spelled]


def test_no_spelling_in_the_table_is_untested():
    assert {one.upper() for one in ANY if one and one not in UNKNOWN and one == one.strip()} == set(spellings())
    assert set(spellings("procedure").items()) - set(spellings().items()) <= set(PROCEDURE.items())


def test_an_unknown_scope_is_refused_with_the_valid_ones():
    with pytest.raises(DeclarationError, match=r"scope = 'drug' is not valid.*procedure"):
        vocabulary_id("x", "drug")
