"""Synthetic hospital data in the shape of OMOP CDM 5.4, with a calendar."""

from workflows.contracts.omop_condition_occurrence import CONDITION_OCCURRENCE
from workflows.contracts.omop_observation_period import OBSERVATION_PERIOD
from workflows.contracts.omop_person import PERSON
from workflows.contracts.omop_visit_occurrence import VISIT_OCCURRENCE
from workflows.expressions import birth_date
from workflows.source import Delivery, Encounters, Events, Observation, Persons, Source

CONTRACTS = (PERSON, OBSERVATION_PERIOD, VISIT_OCCURRENCE, CONDITION_OCCURRENCE)

synthetic_omop = Source(
    name="synthetic_omop",
    title="Synthetic hospital data, OMOP CDM 5.4",
    time="calendar",
    deliveries=tuple(Delivery(table=contract.table, files=(f"{contract.table}.csv",)) for contract in CONTRACTS),
    contracts=CONTRACTS,
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
        # The prediction point of a stay is its discharge.
        order="visit_end_datetime",
        start="visit_start_datetime",
        end="visit_end_datetime",
        inpatient="visit_concept_id = 9201",
        not_at_risk="discharged_to_source_value IN ('expired', 'hospice')",
        attributes=(
            ("length_of_stay", "datediff(visit_end_datetime, visit_start_datetime)"),
            ("discharged_to", "discharged_to_source_value"),
        ),
    ),
    events=(
        Events(
            table="condition_occurrence",
            person_id="person_id",
            visit_occurrence_id="visit_occurrence_id",
            vocabulary="'ICD10CM'",
            code="condition_source_value",
            start="condition_start_datetime",
        ),
    ),
    observation=Observation(
        table="observation_period",
        person_id="person_id",
        start="observation_period_start_date",
        end="observation_period_end_date",
    ),
    collections=("chronic_conditions", "charlson"),
)
