"""The population as an OMOP CDM 5.4 folder; its codes are invented."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthetic.sources.population import EXTRACTED, FIRST, Population, Table, chosen, dates, empty, ids, times

SHARES = {
    "condition_occurrence": 0.4, "drug_exposure": 0.25, "procedure_occurrence": 0.1, "measurement": 0.2,
    "observation": 0.05,
}  # fmt: skip
VOCABULARIES = {
    "condition_occurrence": "SNOMED", "drug_exposure": "RxNorm", "procedure_occurrence": "CPT4",
    "measurement": "LOINC", "observation": "SNOMED",
}  # fmt: skip
STEMS = {
    "condition_occurrence": ("condition", "condition_start", "condition_end"),
    "drug_exposure": ("drug", "drug_exposure_start", "drug_exposure_end"),
    "procedure_occurrence": ("procedure", "procedure", "procedure_end"),
    "measurement": ("measurement", "measurement", None),
    "observation": ("observation", "observation", None),
}
CODES = 200  # concepts a table
LOCAL = 2_000_000_001  # ids from here on are for local concepts


def concepts() -> Table:
    """The concept table: `CODES` invented concepts for each event table."""
    names = [(table, number) for table in SHARES for number in range(CODES)]
    return {
        "concept_id": ids(len(names), LOCAL),
        "concept_name": pa.array([f"invented {table} {number}" for table, number in names]),
        "domain_id": pa.array([table.split("_")[0].title() for table, _ in names]),
        "vocabulary_id": pa.array([VOCABULARIES[table] for table, _ in names]),
        "concept_code": pa.array([f"{table[:3].upper()}{number:04d}" for table, number in names]),
    }


def event_table(people: Population, table: str, of: np.ndarray) -> Table:
    """One event table of the events at the positions `of`."""
    rng, (prefix, start, end) = people.rng, STEMS[table]
    visit, day, size = people.event_visit[of], people.event_day[of], len(of)
    concept = np.minimum(rng.integers(0, CODES, size), rng.integers(0, CODES, size))
    first = LOCAL + list(SHARES).index(table) * CODES
    made: Table = {
        f"{table}_id": ids(size),
        "person_id": pa.array(people.visit_person[visit] + 1),
        f"{prefix}_concept_id": pa.array(first + concept),
        f"{start}_date": dates(day),
        f"{start}_datetime": times(day, rng.integers(0, 24, size)),
        "visit_occurrence_id": pa.array(visit + 1),
        f"{prefix}_source_value": chosen(rng, [f"local {number}" for number in range(CODES)], size),
    }
    if end is not None:
        made |= {
            f"{end}_date": dates(day + rng.integers(0, 20, size)),
            f"{end}_datetime": empty(size, pa.timestamp("s")),
        }
    if table in ("measurement", "observation"):
        made |= {
            "value_as_number": pa.array(rng.normal(100, 15, size).round(1)),
            # One unit a concept, as features take them.
            "unit_source_value": pa.array(np.where(concept % 2, "mmol/L", "mg/dL")),
        }
    if table == "measurement":
        made["value_source_value"] = empty(size, pa.string())
    if table == "observation":
        made["value_as_string"] = empty(size, pa.string())
    return made


def tables(people: Population) -> dict[str, Table]:
    """Every table of the delivery."""
    born = (FIRST + people.birth_day.astype("timedelta64[D]")).astype("datetime64[D]")
    year, month = born.astype("datetime64[Y]"), born.astype("datetime64[M]")
    number, span = ids(people.persons), ids(people.visits)
    made: dict[str, Table] = {
        "person": {
            "person_id": number,
            "gender_concept_id": pa.array(np.where(people.female, 8532, 8507)),
            "year_of_birth": pa.array(year.astype(int) + 1970),
            "month_of_birth": pa.array(month.astype(int) % 12 + 1),
            "day_of_birth": pa.array((born - month).astype(int) + 1),
        },
        "observation_period": {
            "observation_period_id": number,
            "person_id": number,
            "observation_period_start_date": dates(people.first_day),
            "observation_period_end_date": dates(people.last_day),
        },
        "visit_occurrence": {
            "visit_occurrence_id": span,
            "person_id": pa.array(people.visit_person + 1),
            "visit_concept_id": pa.array(np.where(people.inpatient, 9201, 9202)),
            "visit_start_date": dates(people.visit_start),
            "visit_start_datetime": empty(people.visits, pa.timestamp("s")),
            "visit_end_date": dates(people.visit_end),
            "visit_end_datetime": empty(people.visits, pa.timestamp("s")),
            "provider_id": pa.array(people.visit_person % 20 + 1),
            "admitted_from_source_value": chosen(people.rng, ["home", "emergency room"], people.visits),
            "discharged_to_concept_id": empty(people.visits, pa.int64()),
            "discharged_to_source_value": chosen(people.rng, ["home", "nursing facility"], people.visits),
        },
        "provider": {
            "provider_id": ids(20),
            "provider_source_value": pa.array([f"provider {number}" for number in range(20)]),
            "specialty_source_value": chosen(people.rng, ["family medicine", "surgery"], 20),
        },
        "concept": concepts(),
        "cdm_source": {
            "cdm_source_name": pa.array(["invented"]),
            "source_release_date": pa.array([EXTRACTED.item()]),
            "cdm_release_date": pa.array([EXTRACTED.item()]),
            "cdm_version": pa.array(["5.4"]),
        },
        "death": {"person_id": empty(0, pa.int64()), "death_date": empty(0, pa.date32())},
        "device_exposure": {
            name: empty(0, pa.string())
            for name in (
                "device_exposure_id", "person_id", "device_concept_id", "device_exposure_start_date",
                "visit_occurrence_id", "device_source_value",
            )
        },
    }  # fmt: skip
    return made | {table: event_table(people, table, of) for table, of in people.share(SHARES).items()}
