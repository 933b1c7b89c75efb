"""OMOP CDM 5.3 and 5.4 as delivered: the columns in use, and what holds of each table.

https://ohdsi.github.io/CommonDataModel/cdm53.html and cdm54.html. Where 5.4 renamed a column, 5.3's name is its `also`.
Dates are required and times optional, as the model has it. Defects of real data are counted, and stop nothing.
"""

from workflows.contract import Column, Contract
from workflows.expressions import first_birth_date
from workflows.rules import (
    Rule,
    after_birth,
    before_extraction,
    born_on_a_day,
    filled,
    in_range,
    not_before,
    observed,
    refers,
)

PERSON = Contract(
    table="person", meaning="one row a person", key=("person_id",),
    columns=(
        Column(name="person_id", type="long", nullable=False, classification="identifier", meaning="person"),
        Column(name="gender_concept_id", type="long", nullable=False, meaning="8507 male, 8532 female"),
        Column(name="year_of_birth", type="long", nullable=False, meaning="year"),
        Column(name="month_of_birth", type="long", meaning="1 to 12"),
        Column(name="day_of_birth", type="long", meaning="1 to 31"),
    ),
    rules=(
        in_range("year_of_birth", 1880, 2100), in_range("month_of_birth", 1, 12), in_range("day_of_birth", 1, 31),
        born_on_a_day("year_of_birth", "month_of_birth", "day_of_birth"), refers("person_id", "observation_period"),
    ),
    unused=(
        "birth_datetime", "race_concept_id", "ethnicity_concept_id", "location_id", "provider_id", "care_site_id",
        "person_source_value", "gender_source_value", "gender_source_concept_id", "race_source_value",
        "race_source_concept_id", "ethnicity_source_value", "ethnicity_source_concept_id",
    ),
)  # fmt: skip
BORN = first_birth_date("year_of_birth", "month_of_birth", "day_of_birth")

OBSERVATION_PERIOD = Contract(
    table="observation_period", meaning="one row a span of days in which a person's care is recorded",
    key=("observation_period_id",), time_key="observation_period_start_date",
    columns=(
        Column(name="observation_period_id", type="long", nullable=False, meaning="span"),
        Column(name="person_id", type="long", nullable=False, classification="identifier", meaning="person"),
        Column(name="observation_period_start_date", type="date", nullable=False, meaning="first day of the span"),
        Column(name="observation_period_end_date", type="date", nullable=False, meaning="last day of the span"),
    ),
    rules=(
        not_before("observation_period_end_date", "observation_period_start_date"), refers("person_id", "person"),
    ),
    unused=("period_type_concept_id",),
)  # fmt: skip


def extracted(moment: str) -> Rule:
    """Nothing is recorded after the day that `cdm_source` names."""
    return before_extraction(moment, table="cdm_source", day="coalesce(source_release_date, cdm_release_date)")


VISIT_OCCURRENCE = Contract(
    table="visit_occurrence", meaning="one row a visit: a stay or an outpatient contact", key=("visit_occurrence_id",),
    time_key="visit_start_date",
    columns=(
        Column(name="visit_occurrence_id", type="long", nullable=False, meaning="visit"),
        Column(name="person_id", type="long", nullable=False, classification="identifier", meaning="person"),
        Column(name="visit_concept_id", type="long", nullable=False, meaning="9201 inpatient, 9202 outpatient, ..."),
        Column(name="visit_start_date", type="date", nullable=False, meaning="first day"),
        Column(name="visit_start_datetime", type="timestamp", meaning="admission"),
        Column(name="visit_end_date", type="date", nullable=False, meaning="last day"),
        Column(name="visit_end_datetime", type="timestamp", meaning="discharge"),
        Column(name="provider_id", type="long", meaning="who gave the care"),
        Column(
            name="admitted_from_source_value", type="string", also=("admitting_source_value",), optional=True,
            meaning="where the person came from",
        ),
        Column(
            name="discharged_to_concept_id", type="long", also=("discharge_to_concept_id",), optional=True,
            meaning="where the person went; 4216643 expired, 8546 hospice",
        ),
        Column(
            name="discharged_to_source_value", type="string", also=("discharge_to_source_value",), optional=True,
            meaning="where the person went",
        ),
    ),
    rules=(
        not_before("visit_end_date", "visit_start_date"), refers("person_id", "person"),
        after_birth("visit_start_date", table="person", key="person_id", born=BORN),
        extracted("visit_start_date"), extracted("visit_end_date"),
    ),
    unused=(
        "visit_type_concept_id", "care_site_id", "visit_source_value", "visit_source_concept_id",
        "admitting_source_concept_id", "admitted_from_concept_id", "preceding_visit_occurrence_id",
    ),
)  # fmt: skip


def recorded(
    table: str, prefix: str, meaning: str, *, start: str, end: str | None = None, more: tuple[Column, ...] = (),
    rules: tuple[Rule, ...] = (), unused: tuple[str, ...] = (),
) -> Contract:  # fmt: skip
    """One of the event tables: an id, a person, a concept, a day, a visit. start, end: the stem of the dates."""
    day = f"{start}_date"
    ends = () if end is None else (
        Column(name=f"{end}_date", type="date", optional=True, meaning="last day"),
        Column(name=f"{end}_datetime", type="timestamp", optional=True, meaning="when it ended"),
    )  # fmt: skip
    return Contract(
        table=table, meaning=meaning, key=(f"{table}_id",), key_severity="convention", time_key=day, empty=True,
        columns=(
            Column(name=f"{table}_id", type="long", nullable=False, meaning="row"),
            Column(name="person_id", type="long", nullable=False, classification="identifier", meaning="person"),
            Column(
                name=f"{prefix}_concept_id", type="long", nullable=False, meaning="standard concept; 0 where none fits"
            ),
            Column(name=day, type="date", nullable=False, meaning="first day"),
            Column(name=f"{start}_datetime", type="timestamp", optional=True, meaning="when it began"),
            *ends,
            Column(name="visit_occurrence_id", type="long", meaning="the visit at which it was recorded"),
            Column(name=f"{prefix}_source_value", type="string", meaning="as the source has it"),
            *more,
        ),
        rules=(
            refers("person_id", "person"),
            refers("visit_occurrence_id", "visit_occurrence"),
            refers(f"{prefix}_concept_id", "concept", "concept_id"),
            Rule(id=f"{prefix}_concept_id_mapped", severity="characterization", condition=f"{prefix}_concept_id <> 0",
                 meaning=f"{prefix}_concept_id is a concept, not 0"),
            after_birth(day, table="person", key="person_id", born=BORN),
            observed(day, table="observation_period", key="person_id", start="observation_period_start_date",
                     end="observation_period_end_date"),
            extracted(day),
            *(() if end is None else (not_before(f"{end}_date", day),)),
            *rules,
        ),
        unused=(
            f"{prefix}_type_concept_id", f"{prefix}_source_concept_id", "provider_id", "visit_detail_id", *unused
        ),
    )  # fmt: skip


VALUES = (
    Column(name="value_as_number", type="double", meaning="value"),
    Column(name="unit_source_value", type="string", meaning="unit of the value, as the source has it"),
    Column(name="unit_concept_id", type="long", optional=True, meaning="standard concept of the unit; 0 for none"),
)
CONDITION_OCCURRENCE = recorded(
    "condition_occurrence", "condition", "one row a recorded condition", start="condition_start", end="condition_end",
    unused=("condition_status_concept_id", "stop_reason", "condition_status_source_value"),
)  # fmt: skip
DRUG_EXPOSURE = recorded(
    "drug_exposure", "drug", "one row a drug prescribed, dispensed or given",
    start="drug_exposure_start", end="drug_exposure_end",
    unused=(
        "verbatim_end_date", "stop_reason", "refills", "quantity", "days_supply", "sig", "route_concept_id",
        "lot_number", "route_source_value", "dose_unit_source_value",
    ),
)  # fmt: skip
PROCEDURE_OCCURRENCE = recorded(
    "procedure_occurrence", "procedure", "one row a procedure", start="procedure", end="procedure_end",
    unused=("modifier_concept_id", "quantity", "modifier_source_value"),
)  # fmt: skip
DEVICE_EXPOSURE = recorded(
    "device_exposure", "device", "one row a device in or on a person",
    start="device_exposure_start", end="device_exposure_end",
    unused=(
        "unique_device_id", "production_id", "quantity", "unit_concept_id", "unit_source_value",
        "unit_source_concept_id",
    ),
)  # fmt: skip
MEASUREMENT = recorded(
    "measurement", "measurement", "one row a measurement with its value", start="measurement",
    more=(
        *VALUES,
        Column(name="operator_concept_id", type="long", optional=True,
               meaning="what the number is to the result, such as < at the limit of detection; 0 or = where it is it"),
        Column(name="value_source_value", type="string", meaning="value as the source has it"),
    ),
    rules=(
        filled("value_as_number"),
        Rule(id="value_as_number_finite", severity="convention", condition="abs(value_as_number) < 1e9",
             meaning="value_as_number is a number that can be measured"),
    ),
    unused=(
        "measurement_time", "value_as_concept_id", "range_low", "range_high",
        "unit_source_concept_id", "measurement_event_id", "meas_event_field_concept_id",
    ),
)  # fmt: skip
OBSERVATION = recorded(
    "observation", "observation", "one row a fact of the person's history", start="observation",
    more=(*VALUES, Column(name="value_as_string", type="string", meaning="value as text")),
    unused=(
        "value_as_concept_id", "qualifier_concept_id", "qualifier_source_value",
        "value_source_value", "observation_event_id", "obs_event_field_concept_id",
    ),
)  # fmt: skip

DEATH = Contract(
    table="death", meaning="one row a person who died", key=("person_id",), key_severity="convention", empty=True,
    time_key="death_date",
    columns=(
        Column(name="person_id", type="long", nullable=False, classification="identifier", meaning="person"),
        Column(name="death_date", type="date", nullable=False, meaning="day of death"),
    ),
    rules=(
        refers("person_id", "person"),
        after_birth("death_date", table="person", key="person_id", born=BORN),
    ),
    unused=(
        "death_datetime", "death_type_concept_id", "cause_concept_id", "cause_source_value", "cause_source_concept_id",
    ),
)  # fmt: skip

PROVIDER = Contract(
    table="provider", meaning="one row a provider", key=("provider_id",), empty=True,
    columns=(
        Column(name="provider_id", type="long", nullable=False, meaning="provider"),
        Column(name="provider_source_value", type="string", meaning="as the source names the provider"),
        Column(name="specialty_source_value", type="string", meaning="specialty as the source has it"),
    ),
    unused=(
        "provider_name", "npi", "dea", "specialty_concept_id", "care_site_id", "year_of_birth", "gender_concept_id",
        "specialty_source_concept_id", "gender_source_value", "gender_source_concept_id",
    ),
)  # fmt: skip


def public(name: str, type_: str, meaning: str, *, nullable: bool = True) -> Column:
    """A column that says nothing of a person."""
    return Column(name=name, type=type_, nullable=nullable, classification="public", meaning=meaning)


CONCEPT = Contract(
    table="concept", meaning="one row a concept of the standardised vocabularies", key=("concept_id",),
    columns=(
        public("concept_id", "long", nullable=False, meaning="concept"),
        public("concept_name", "string", nullable=False, meaning="name"),
        public("domain_id", "string", nullable=False, meaning="Condition, Drug, Measurement, ..."),
        public("vocabulary_id", "string", nullable=False, meaning="vocabulary of the code"),
        public("concept_code", "string", nullable=False, meaning="code"),
    ),
    unused=("concept_class_id", "standard_concept", "valid_start_date", "valid_end_date", "invalid_reason"),
)  # fmt: skip

CDM_SOURCE = Contract(
    table="cdm_source", meaning="one row: what the source is and when it was extracted", key=("cdm_source_name",),
    columns=(
        public("cdm_source_name", "string", nullable=False, meaning="name"),
        public("source_release_date", "date", meaning="day on which the source was extracted"),
        public("cdm_release_date", "date", meaning="day on which the model was filled"),
        public("cdm_version", "string", meaning="version of the model"),
    ),
    unused=(
        "cdm_source_abbreviation", "cdm_holder", "source_description", "source_documentation_reference",
        "cdm_etl_reference", "vocabulary_version", "cdm_version_concept_id",
    ),
)  # fmt: skip

EVENTS = (
    CONDITION_OCCURRENCE, DRUG_EXPOSURE, PROCEDURE_OCCURRENCE, DEVICE_EXPOSURE, MEASUREMENT, OBSERVATION
)  # fmt: skip
TABLES = (PERSON, OBSERVATION_PERIOD, VISIT_OCCURRENCE, *EVENTS, DEATH, PROVIDER, CONCEPT, CDM_SOURCE)
