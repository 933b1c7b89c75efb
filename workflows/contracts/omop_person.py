"""OMOP CDM 5.4 PERSON, the columns in use. https://ohdsi.github.io/CommonDataModel/cdm54.html#person"""

from workflows.contract import Column, Contract
from workflows.rules import born_on_a_day, in_range

PERSON = Contract(
    table="person",
    meaning="one row a person",
    key=("person_id",),
    columns=(
        Column(name="person_id", type="long", nullable=False, classification="identifier", meaning="person"),
        Column(
            name="gender_concept_id", type="long", nullable=False, allowed=("8507", "8532", "0"),
            meaning="8507 male, 8532 female, 0 unknown",
        ),
        Column(name="year_of_birth", type="long", nullable=False, meaning="year"),
        Column(name="month_of_birth", type="long", meaning="1 to 12"),
        Column(name="day_of_birth", type="long", meaning="1 to 31"),
    ),
    rules=(
        in_range("year_of_birth", 1880, 2100), in_range("month_of_birth", 1, 12), in_range("day_of_birth", 1, 31),
        born_on_a_day("year_of_birth", "month_of_birth", "day_of_birth"),
    ),
)  # fmt: skip
