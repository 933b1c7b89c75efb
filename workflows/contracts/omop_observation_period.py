"""OMOP CDM 5.4 OBSERVATION_PERIOD. https://ohdsi.github.io/CommonDataModel/cdm54.html#observation_period"""

from workflows.contract import Column, Contract
from workflows.rules import not_before

OBSERVATION_PERIOD = Contract(
    table="observation_period",
    meaning="one row a span of time in which a person's care is recorded",
    key=("observation_period_id",),
    time_key="observation_period_start_date",
    columns=(
        Column(name="observation_period_id", type="long", nullable=False, meaning="span"),
        Column(name="person_id", type="long", nullable=False, classification="identifier", meaning="person"),
        Column(name="observation_period_start_date", type="date", nullable=False, meaning="first day of the span"),
        Column(name="observation_period_end_date", type="date", nullable=False, meaning="last day of the span"),
    ),
    rules=(not_before("observation_period_end_date", "observation_period_start_date"),),
)
