"""OMOP CDM 5.4 PERSON, the columns in use. https://ohdsi.github.io/CommonDataModel/cdm54.html#person"""

from workflows.rules import in_range
from workflows.source import Column, Contract

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
    rules=tuple(
        in_range(name, low, high)
        for name, low, high in (("year_of_birth", 1880, 2100), ("month_of_birth", 1, 12), ("day_of_birth", 1, 31))
    ),
)  # fmt: skip
