"""OMOP CDM 5.4 CONDITION_OCCURRENCE, the columns in use.

https://ohdsi.github.io/CommonDataModel/cdm54.html#condition_occurrence
"""

from workflows.contract import Column, Contract
from workflows.rules import refers

CONDITION_OCCURRENCE = Contract(
    table="condition_occurrence",
    meaning="one row a recorded condition",
    key=("condition_occurrence_id",),
    time_key="condition_start_datetime",
    columns=(
        Column(name="condition_occurrence_id", type="long", nullable=False, meaning="recorded condition"),
        Column(name="person_id", type="long", nullable=False, classification="identifier", meaning="person"),
        Column(name="condition_start_datetime", type="timestamp", nullable=False, meaning="when it was recorded"),
        Column(name="visit_occurrence_id", type="long", meaning="the visit at which it was recorded"),
        Column(name="condition_source_value", type="string", nullable=False, meaning="ICD-10-CM code with its dot"),
    ),
    rules=(refers("visit_occurrence_id", "visit_occurrence"),),
)
