"""The population as a hospital source in Premier's shape; its codes are invented."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthetic.sources.population import Population, Table, chosen, dates, ids, labels, times

SHARES = {
    "patcpt": 0.15, "paticd_diag": 0.3, "paticd_proc": 0.05, "patbill": 0.3, "genlab": 0.12, "vitals": 0.05,
    "lab_res": 0.03,
}  # fmt: skip
HOSPITALS = 25


def coded(letter: str, size: int = 150) -> list[str]:
    """Invented codes."""
    return [f"{letter}{number:02d}.{number % 10}" for number in range(size)]


def result_table(people: Population, of: np.ndarray) -> Table:
    """Tests with their values."""
    rng, visit, size = people.rng, people.event_visit[of], len(of)
    tests = chosen(rng, [f"{number}-{number % 9}" for number in range(1000, 1100)], size)
    return {
        "PAT_KEY": pa.array(visit + 1),
        "collection_datetime": times(people.event_day[of], rng.integers(0, 24, size)),
        "lab_test_code": tests,
        "lab_test_code_type": chosen(rng, ["LOINC", "4"], size),
        # A running number: two tests of one moment stay two.
        "lab_test_result": labels("measured ", np.arange(size)),
        # One unit a test, as features take them.
        "lab_test_result_unit": pc.if_else(pc.match_substring_regex(tests, "[02468]-"), "mg/dL", "mmol/L"),
        "numeric_value": pa.array(rng.normal(100, 15, size).round(1)),
    }


def patdemo(people: Population) -> Table:
    """The encounters."""
    rng, whose, size = people.rng, people.visit_person, people.visits
    age = (people.visit_start - people.birth_day[whose]) // 366
    return {
        "PAT_KEY": ids(size),
        "MEDREC_KEY": pa.array(whose + 1),
        "ADMIT_DATE": dates(people.visit_start),
        "DISCHARGE_DATE": dates(people.visit_end),
        "LOS": pa.array(people.visit_end - people.visit_start),
        "I_O_IND": pa.array(np.where(people.inpatient, "I", "O")),
        "PAT_TYPE": pa.array(np.where(people.inpatient, 8, 28)),
        "ADM_TYPE": chosen(rng, ["01", "02", "03"], size),
        "MS_DRG": pa.array(rng.integers(1, 999, size)),
        "POINT_OF_ORIGIN": chosen(rng, ["1", "2", "4"], size),
        "DISC_STATUS": pa.array(rng.choice([1, 3, 6, 20], size, p=[0.8, 0.1, 0.07, 0.03])),
        "MART_STATUS": chosen(rng, ["M", "S"], size),
        "AGE": pa.array(age),
        "GENDER": pa.array(np.where(people.female[whose], "F", "M")),
        "RACE": chosen(rng, ["W", "B", "A", "O"], size),
        "HISPANIC_IND": chosen(rng, ["N", "Y", "U"], size),
        "PROV_ID": pa.array(whose % HOSPITALS + 1),
        "STD_PAYOR": chosen(rng, ["300", "310", "320"], size),
    }


def tables(people: Population) -> dict[str, Table]:
    """Every table of the delivery."""
    rng, of = people.rng, people.share(SHARES)
    key = {name: pa.array(people.event_visit[some] + 1) for name, some in of.items()}
    day = {name: dates(people.event_day[some]) for name, some in of.items()}
    size = {name: len(some) for name, some in of.items()}
    labs = result_table(people, of["genlab"])
    cultures = size["lab_res"]
    return {
        "patdemo": patdemo(people),
        "patcpt": {
            "PAT_KEY": key["patcpt"], "PROC_DATE": day["patcpt"],
            # Rows of one encounter stand together, so no two of them have one code.
            "CPT_CODE": labels("", np.arange(size["patcpt"]) % 90_000 + 10_000),
        },
        "paticd_diag": {
            "PAT_KEY": key["paticd_diag"],
            "ICD_CODE": numbered(coded("J"), size["paticd_diag"]),
            "ICD_VERSION": chosen(rng, ["10", "9"], size["paticd_diag"]),
            "ICD_POA": chosen(rng, ["Y", "N"], size["paticd_diag"]),
            "ICD_PRI_SEC": chosen(rng, ["S", "P", "A"], size["paticd_diag"]),
        },
        "paticd_proc": {
            "PAT_KEY": key["paticd_proc"], "PROC_DATE": day["paticd_proc"],
            "ICD_CODE": numbered(coded("0"), size["paticd_proc"]),
            "ICD_VERSION": chosen(rng, ["10", "09"], size["paticd_proc"]),
            "ICD_PRI_SEC": chosen(rng, ["S", "P"], size["paticd_proc"]),
        },
        "patbill": {
            "PAT_KEY": key["patbill"], "SERV_DATE": day["patbill"],
            "STD_CHG_CODE": labels(chosen(rng, ["250", "300", "110"], size["patbill"]), np.arange(size["patbill"])),
            "STD_QTY": pa.array(rng.integers(1, 5, size["patbill"]).astype(float)),
        },
        "genlab": labs | {"abnormal_flag": chosen(rng, ["N", "Y"], size["genlab"])},
        "vitals": result_table(people, of["vitals"]),
        "lab_res": {
            "PAT_KEY": key["lab_res"],
            "collection_datetime": times(people.event_day[of["lab_res"]], rng.integers(0, 24, cultures)),
            "SPECIMEN_SOURCE_CODE": chosen(rng, ["119297000", "122575003"], cultures),
            "test": chosen(rng, ["culture", "stain"], cultures),
            "observation": labels("seen ", np.arange(cultures)),
        },
        "providers": {
            "PROV_ID": ids(HOSPITALS),
            "PROV_REGION": chosen(rng, ["SOUTH", "WEST"], HOSPITALS),
            "TEACHING": chosen(rng, ["N", "Y"], HOSPITALS),
        },
    }  # fmt: skip


def numbered(pool: list[str], size: int) -> pa.Array:
    """Codes of a pool, each with a running number, so that no two rows are the same by chance."""
    return labels(pa.array(pool).take(pa.array(np.arange(size) % len(pool))), np.arange(size))
