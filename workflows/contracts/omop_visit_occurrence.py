"""OMOP CDM 5.4 VISIT_OCCURRENCE, the columns in use. https://ohdsi.github.io/CommonDataModel/cdm54.html#visit_occurrence"""

from workflows.contract import Column, Contract
from workflows.rules import not_before, not_future, refers

VISIT_OCCURRENCE = Contract(
    table="visit_occurrence",
    meaning="one row a visit: a stay or an outpatient contact",
    key=("visit_occurrence_id",),
    time_key="visit_start_datetime",
    columns=(
        Column(name="visit_occurrence_id", type="long", nullable=False, meaning="visit"),
        Column(name="person_id", type="long", nullable=False, classification="identifier", meaning="person"),
        Column(
            name="visit_concept_id", type="long", nullable=False, allowed=("9201", "9202", "9203"),
            meaning="9201 inpatient, 9202 outpatient, 9203 emergency room",
        ),
        Column(name="visit_start_datetime", type="timestamp", nullable=False, meaning="admission"),
        Column(name="visit_end_datetime", type="timestamp", nullable=False, meaning="discharge"),
        Column(
            name="discharged_to_source_value", type="string", meaning="where the person went",
            allowed=("home", "nursing facility", "hospice", "expired"),
        ),
    ),
    rules=(
        not_before("visit_end_datetime", "visit_start_datetime"), refers("person_id", "person"),
        not_future("visit_start_datetime"), not_future("visit_end_datetime"),
    ),
)  # fmt: skip
