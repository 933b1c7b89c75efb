"""A primary-care source in ABFM's shape: persons are text, vocabularies are spelled in every way, nothing has a key."""

from workflows.contract import Column, Contract
from workflows.rules import Rule, after_birth, filled, not_before, not_future, refers
from workflows.vocabularies import known

UID = Column(name="patientuid", type="string", nullable=False, classification="identifier", meaning="person")
PRACTICE = Column(name="practiceid", type="string", meaning="practice")


def text(name: str, meaning: str, *allowed: str, nullable: bool = True) -> Column:
    """A text column."""
    return Column(name=name, type="string", nullable=nullable, allowed=allowed, meaning=meaning)


def day(name: str, meaning: str, nullable: bool = True) -> Column:
    """A date column."""
    return Column(name=name, type="date", nullable=nullable, meaning=meaning)


def of_person(*moments: str) -> tuple[Rule, ...]:
    """What holds of the rows of a person and of the days on which they happened."""
    born = tuple(after_birth(moment, table="patient", key="patientuid", born="dob") for moment in moments)
    return (refers("patientuid", "patient"), *born, *(not_future(moment) for moment in moments))


PATIENT = Contract(
    table="patient", meaning="one row a person", key=("patientuid",),
    columns=(
        UID, day("dob", "date of birth"), text("gender", "M, F or U", "M", "F", "U"), text("statecode", "state"),
        text("isdeceased", "whether the person died", "true", "false"), PRACTICE,
    ),
    rules=(not_future("dob"), filled("dob")),
)  # fmt: skip
VISIT = Contract(
    table="visit", meaning="one row a contact with a practice", key=(), time_key="encounterstartdate", once=True,
    columns=(
        UID, day("encounterstartdate", "first day", nullable=False), day("encounterenddate", "last day"),
        text("encountertypecode", "kind of contact"), text("serviceprovidernpi", "who gave the care"), PRACTICE,
    ),
    rules=(
        not_before("encounterenddate", "encounterstartdate"), *of_person("encounterstartdate"),
        not_future("encounterenddate"),
    ),
)  # fmt: skip
VISITDIAGNOSIS = Contract(
    table="visitdiagnosis", meaning="one row a diagnosis of a contact", key=(), time_key="encounterdate", once=True,
    columns=(
        UID, day("encounterdate", "day of the contact", nullable=False),
        text("encounterdiagnosiscode", "code", nullable=False),
        text("encounterproblemtypecode", "vocabulary of the code, as spelled"), PRACTICE,
    ),
    rules=(
        *of_person("encounterdate"), known("encounterproblemtypecode"),
    ),
)  # fmt: skip
PATIENTPROBLEM = Contract(
    table="patientproblem", meaning="one row an entry of a problem list", key=(), once=True,
    time_key="documentationdate",
    columns=(
        UID, text("problemcode", "code", nullable=False), text("problemcategory", "vocabulary of the code, as spelled"),
        day("documentationdate", "day of the entry", nullable=False), day("problemonsetdate", "day it began"),
        day("problemresolutiondate", "day it ended"), PRACTICE,
    ),
    rules=(
        *of_person("documentationdate", "problemonsetdate"), known("problemcategory"),
        not_before("problemresolutiondate", "problemonsetdate"),
        Rule(id="problemresolutiondate_not_before_documentationdate", severity="convention",
             meaning="problemresolutiondate not before documentationdate, on which it begins where no onset is known",
             condition="CASE WHEN problemonsetdate IS NULL THEN problemresolutiondate >= documentationdate END"),
    ),
)  # fmt: skip
# The left and the right knee on one day are two procedures.
MODIFIERS = tuple(
    Column(name=f"modifier{place}", type="string", optional=True, meaning="modifier of the code, such as the side")
    for place in range(1, 5)
)
PATIENTPROCEDURE = Contract(
    table="patientprocedure", meaning="one row a procedure", key=(), time_key="effectivedate", once=True,
    columns=(
        UID, text("procedurecode", "code", nullable=False), text("codesystem", "vocabulary of the code, as spelled"),
        day("effectivedate", "day", nullable=False), text("negationind", "true: it was not done", "true", "false"),
        PRACTICE, *MODIFIERS,
    ),
    rules=(*of_person("effectivedate"), known("codesystem")),
)  # fmt: skip
PATIENTMEDICATION = Contract(
    table="patientmedication", meaning="one row a drug on a medication list", key=(), time_key="startdate", once=True,
    columns=(
        UID, text("medicationcode", "code", nullable=False), text("drugsource", "vocabulary of the code, as spelled"),
        day("startdate", "first day", nullable=False), day("stopdate", "last day"),
        text("negationind", "true: it was not taken", "true", "false"), PRACTICE,
    ),
    rules=(*of_person("startdate"), known("drugsource"), not_before("stopdate", "startdate")),
)  # fmt: skip
PATIENTIMMUNIZATION = Contract(
    table="patientimmunization", meaning="one row an immunisation", key=(), time_key="immunizationstartdate", once=True,
    columns=(
        UID, text("immunizationcode", "CVX code", nullable=False), day("immunizationstartdate", "day", nullable=False),
        PRACTICE,
    ),
    rules=of_person("immunizationstartdate"),
)  # fmt: skip
PATIENTRESULTOBSERVATION = Contract(
    table="patientresultobservation", meaning="one row a laboratory result", key=(), time_key="resultdate", once=True,
    columns=(
        UID, text("practicecode", "code", nullable=False), text("codesystem", "vocabulary of the code, as spelled"),
        day("resultdate", "day", nullable=False), text("resultvalue", "result, a number or text"), text("unit", "unit"),
        PRACTICE,
    ),
    rules=(*of_person("resultdate"), known("codesystem"), filled("resultvalue")),
)  # fmt: skip
TABLES = (
    PATIENT, VISIT, VISITDIAGNOSIS, PATIENTPROBLEM, PATIENTPROCEDURE, PATIENTMEDICATION, PATIENTIMMUNIZATION,
    PATIENTRESULTOBSERVATION,
)  # fmt: skip
