"""The population as a primary-care source in ABFM's shape; its codes are invented, its spellings are not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthetic.sources.population import Population, Table, chosen, dates, labels

SHARES = {
    "visitdiagnosis": 0.2, "patientproblem": 0.2, "patientprocedure": 0.2, "patientmedication": 0.2,
    "patientimmunization": 0.02, "patientresultobservation": 0.18,
}  # fmt: skip
ICD = ["ICD10CM", "ICD-10", "2.16.840.1.113883.6.90", "ICD9", "9"]
PROCEDURES = [
    "6", "CPT-4", "CPT4", "4", "CPT", "HCPCS", "SNOMED CT", "SNOMED-CT", "SNOMEDCT", "3", "hcpcs-Level-II", "5",
]  # fmt: skip
DRUGS = ["RxNorm", "2.16.840.1.113883.6.88", "NDC"]
TESTS = ["LOINC", "4", "2.16.840.1.113883.6.1"]


def uid(persons: np.ndarray) -> pa.Array:
    """Text ids of persons."""
    return labels("p-", persons)


def code(letter: str, size: int) -> pa.Array:
    """Invented codes, each with a running number, so that no two rows are the same by chance."""
    return labels(letter, np.arange(size))


def practice(persons: np.ndarray) -> pa.Array:
    """The practice of each person."""
    return labels("practice ", persons % 30)


def of_persons(people: Population, of: np.ndarray) -> Table:
    """Whose the rows are, and at which practice."""
    whose = people.visit_person[people.event_visit[of]]
    return {"patientuid": uid(whose), "practiceid": practice(whose)}


def tables(people: Population) -> dict[str, Table]:
    """Every table of the delivery."""
    rng, of = people.rng, people.share(SHARES)
    every, visits = np.arange(people.persons), people.visits
    base = {name: of_persons(people, some) for name, some in of.items()}
    day = {name: people.event_day[some] for name, some in of.items()}
    size = {name: len(some) for name, some in of.items()}

    def not_done(name: str) -> pa.Array:
        return chosen(rng, ["false", "true"], size[name])

    later = day["patientproblem"] + rng.integers(0, 60, size["patientproblem"])
    until = day["patientmedication"] + rng.integers(0, 60, size["patientmedication"])
    return {
        "patient": {
            "patientuid": uid(every),
            "dob": dates(people.birth_day),
            "gender": pa.array(np.where(people.female, "F", "M")),
            "statecode": chosen(rng, ["GA", "KY", "TX"], people.persons),
            "isdeceased": chosen(rng, ["false", "true"], people.persons),
            "practiceid": practice(every),
        },
        "visit": {
            "patientuid": uid(people.visit_person),
            "encounterstartdate": dates(people.visit_start),
            "encounterenddate": dates(people.visit_end),
            "encountertypecode": chosen(rng, ["99213", "99214"], visits),
            # Each visit has its own number, so that no two are the same by chance.
            "serviceprovidernpi": labels("", 1_000_000_000 + np.arange(visits)),
            "practiceid": practice(people.visit_person),
        },
        "visitdiagnosis": base["visitdiagnosis"] | {
            "encounterdate": dates(day["visitdiagnosis"]),
            "encounterdiagnosiscode": code("I", size["visitdiagnosis"]),
            "encounterproblemtypecode": chosen(rng, ICD, size["visitdiagnosis"]),
        },
        "patientproblem": base["patientproblem"] | {
            "problemcode": code("P", size["patientproblem"]),
            "problemcategory": chosen(rng, [*ICD, "SNOMED CT", "1", "2"], size["patientproblem"]),
            "documentationdate": dates(day["patientproblem"]),
            "problemonsetdate": dates(day["patientproblem"]),
            "problemresolutiondate": dates(later),
        },
        "patientprocedure": base["patientprocedure"] | {
            "procedurecode": code("C", size["patientprocedure"]),
            "codesystem": chosen(rng, PROCEDURES, size["patientprocedure"]),
            "effectivedate": dates(day["patientprocedure"]),
            "negationind": not_done("patientprocedure"),
        },
        "patientmedication": base["patientmedication"] | {
            "medicationcode": code("R", size["patientmedication"]),
            "drugsource": chosen(rng, DRUGS, size["patientmedication"]),
            "startdate": dates(day["patientmedication"]),
            "stopdate": dates(until),
            "negationind": not_done("patientmedication"),
        },
        "patientimmunization": base["patientimmunization"] | {
            "immunizationcode": code("", size["patientimmunization"]),
            "immunizationstartdate": dates(day["patientimmunization"]),
        },
        "patientresultobservation": base["patientresultobservation"] | {
            "practicecode": code("L", size["patientresultobservation"]),
            "codesystem": chosen(rng, TESTS, size["patientresultobservation"]),
            "resultdate": dates(day["patientresultobservation"]),
            "resultvalue": pa.array(rng.normal(100, 15, size["patientresultobservation"]).round(1).astype(str)),
            "unit": chosen(rng, ["mg/dL", "mmol/L"], size["patientresultobservation"]),
        },
    }  # fmt: skip
