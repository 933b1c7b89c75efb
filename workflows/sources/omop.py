"""An OMOP CDM 5.3 or 5.4 folder of parquet or CSV; its own concepts turn concept ids into vocabulary and code."""

from workflows.contracts.omop_cdm import TABLES
from workflows.expressions import birth_date
from workflows.source import Delivery, Encounters, Events, Join, Observation, Persons, Providers, Source


def recorded(table: str, prefix: str, start: str, end: str | None = None, **values: str) -> Events:
    """One of the model's event tables; a concept that the folder does not know keeps its source code.

    So does concept 0, which stands for no concept: every row of it would have the one code of that row of `concept`.
    A value has the unit that the source wrote, or else that of its unit concept: many deliveries have but one of them.
    """
    joins: tuple[Join, ...] = (
        Join(table="concept", on=f"{table}.{prefix}_concept_id = concept.concept_id AND concept.concept_id <> 0"),
    )
    if "value_as_number" in values:
        values["unit"] = "coalesce(nullif(trim(unit_source_value), ''), unit.concept_code)"
        joins += (Join(table="concept", name="unit", on=f"nullif({table}.unit_concept_id, 0) = unit.concept_id"),)
    return Events(
        table=table,
        person_id="person_id",
        visit_occurrence_id="visit_occurrence_id",
        vocabulary="coalesce(concept.vocabulary_id, 'None')",
        code=f"coalesce(concept.concept_code, {prefix}_source_value)",
        start=f"coalesce({start}_datetime, {start}_date)",
        end=None if end is None else f"coalesce({end}_datetime, {end}_date)",
        joins=joins,
        **values,
    )


# A limit of detection (< 0.1) is no measured value; 4172703 is "=".
MEASURED = "CASE WHEN coalesce(operator_concept_id, 0) IN (0, 4172703) THEN value_as_number END"

omop = Source(
    name="omop",
    title="An OMOP CDM 5.3 or 5.4 folder",
    time="calendar",
    deliveries=tuple(
        Delivery(table=one.table, files=(f"{one.table}.parquet", f"{one.table}.csv")) for one in TABLES
    ),
    contracts=TABLES,
    persons=Persons(
        table="person",
        person_id="person_id",
        sex="CASE gender_concept_id WHEN 8507 THEN 'M' WHEN 8532 THEN 'F' END",
        birth_date=birth_date("year_of_birth", "month_of_birth", "day_of_birth"),
        birth_date_assumed="month_of_birth IS NULL OR day_of_birth IS NULL",
    ),
    encounters=Encounters(
        table="visit_occurrence",
        person_id="person_id",
        visit_occurrence_id="visit_occurrence_id",
        order="coalesce(visit_end_datetime, visit_end_date)",
        start="coalesce(visit_start_datetime, visit_start_date)",
        end="coalesce(visit_end_datetime, visit_end_date)",
        provider_id="provider_id",
        inpatient="visit_concept_id IN (9201, 262)",
        not_at_risk="discharged_to_concept_id IN (4216643, 8546)",
        attributes=(
            ("length_of_stay", "datediff(visit_end_date, visit_start_date)"),
            ("admitted_from", "admitted_from_source_value"),
            ("discharged_to", "discharged_to_source_value"),
        ),
        at_end=("discharged_to",),
    ),
    events=(
        recorded("condition_occurrence", "condition", "condition_start", "condition_end"),
        recorded("drug_exposure", "drug", "drug_exposure_start", "drug_exposure_end"),
        recorded("procedure_occurrence", "procedure", "procedure", "procedure_end"),
        recorded("device_exposure", "device", "device_exposure_start", "device_exposure_end"),
        recorded(
            "measurement", "measurement", "measurement",
            value_as_number=MEASURED, value_as_string="value_source_value",
        ),
        recorded(
            "observation", "observation", "observation",
            value_as_number="value_as_number", value_as_string="value_as_string",
        ),
        Events(
            table="death", person_id="person_id", visit_occurrence_id="null", start="death_date",
            # SNOMED CT's finding "dead".
            vocabulary="'SNOMED'", code="'419099009'",
        ),
    ),
    collections=(),
    observation=Observation(
        table="observation_period", person_id="person_id",
        start="observation_period_start_date", end="observation_period_end_date",
    ),
    providers=Providers(
        table="provider", provider_id="provider_id", source_value="provider_source_value",
        specialty="specialty_source_value",
    ),
)  # fmt: skip
