"""A primary-care source in ABFM's shape: text ids become hashes, and each spelling of a vocabulary OMOP's name."""

from typing import Any

from workflows.contracts.abfm import TABLES
from workflows.expressions import number
from workflows.source import Delivery, Encounters, Events, Persons, Source, hashed
from workflows.vocabularies import vocabulary_id

PERSON = hashed("patientuid")
VISIT = hashed(
    "patientuid", "encounterstartdate", "encounterenddate", "encountertypecode", "serviceprovidernpi", "practiceid"
)  # fmt: skip
DONE = "coalesce(negationind, 'false') <> 'true'"


def dated(table: str, code: str, start: str, vocabulary: str, **more: Any) -> Events:
    """Rows that hang on a person and a day; the source does not say on which contact."""
    return Events(
        table=table, person_id=PERSON, visit_occurrence_id="null", code=code, start=start, vocabulary=vocabulary, **more
    )


abfm = Source(
    name="abfm",
    title="A primary-care source in ABFM's shape",
    time="calendar",
    deliveries=tuple(Delivery(table=one.table, files=(f"{one.table}.csv", f"{one.table}.parquet")) for one in TABLES),
    contracts=TABLES,
    persons=Persons(
        table="patient", person_id=PERSON, sex="nullif(gender, 'U')", birth_date="dob", source_value="patientuid"
    ),
    encounters=Encounters(
        table="visit",
        person_id=PERSON,
        visit_occurrence_id=VISIT,
        order="coalesce(encounterenddate, encounterstartdate)",
        start="encounterstartdate",
        end="coalesce(encounterenddate, encounterstartdate)",
        inpatient="false",
        not_at_risk="false",
        attributes=(("encounter_type", "encountertypecode"), ("practice", "practiceid")),
    ),
    events=(
        dated("visitdiagnosis", "encounterdiagnosiscode", "encounterdate", vocabulary_id("encounterproblemtypecode")),
        dated(
            "patientproblem", "problemcode", "coalesce(problemonsetdate, documentationdate)",
            vocabulary_id("problemcategory"), end="problemresolutiondate",
            # Often written down long after it began.
            known_from="documentationdate",
        ),
        dated(
            "patientprocedure", "procedurecode", "effectivedate", vocabulary_id("codesystem"), where=DONE,
        ),
        dated(
            "patientmedication", "medicationcode", "startdate", vocabulary_id("drugsource"), end="stopdate", where=DONE,
        ),
        dated("patientimmunization", "immunizationcode", "immunizationstartdate", "'CVX'"),
        dated(
            "patientresultobservation", "practicecode", "resultdate", vocabulary_id("codesystem"), unit="unit",
            value_as_number=number("resultvalue"), value_as_string="resultvalue",
        ),
    ),
    collections=("charlson",),
    named_events=(),
)  # fmt: skip
