"""Kinds of defects, each planted a counted number of times and in rows of its own.

A defect says which checks must count it: some wrongs are two, such as a day before birth, which is outside of every
span too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthetic.sources.population import Table

# Stands in the tables for a byte that is no UTF-8; the writer puts the byte there.
NOT_UTF8 = "\x01"
Tables = dict[str, Table]


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One kind in one table. values: the column's new values, from its old ones and those of the row's others.

    breaks: (table, check) of every check that counts a row. last: only rows of the last tenth, on which nothing hangs.
    No defect takes away what tells two rows apart: two of a kind would be duplicates too.
    """

    table: str
    column: str
    breaks: tuple[tuple[str, str], ...]
    values: Callable[[Table, np.ndarray], pa.Array] | None = None
    last: bool = False


def constant(value: object) -> Callable[[Table, np.ndarray], pa.Array]:
    """The same value for every row."""
    return lambda _, rows: pa.array([value] * len(rows))


def shifted(column: str, days: int) -> Callable[[Table, np.ndarray], pa.Array]:
    """A day so many days from the one in another column."""
    return lambda table, rows: pa.array(
        table[column].take(pa.array(rows)).cast(pa.date32()).to_numpy(zero_copy_only=False).astype("datetime64[D]")
        + np.timedelta64(days, "D")
    )


def one(table: str, *checks: str) -> tuple[tuple[str, str], ...]:
    """Checks of one table."""
    return tuple((table, check) for check in checks)


FUTURE, LONG_AGO, UNREADABLE = "2999-01-01", "1800-01-01", "2021-02-30"

OMOP = {
    "missing_column": Defect(
        table="device_exposure", column="person_id", breaks=one("device_exposure", "person_id_present")
    ),
    "wrong_type": Defect(
        table="condition_occurrence", column="visit_occurrence_id", values=constant("seven"),
        breaks=one("condition_occurrence", "visit_occurrence_id_readable"),
    ),
    "empty_value": Defect(
        table="condition_occurrence", column="person_id", values=constant(None),
        breaks=one("condition_occurrence", "person_id_not_null"),
    ),
    "duplicate_key": Defect(
        table="measurement", column="measurement_id", breaks=one("measurement", "key"),
        values=lambda table, rows: pa.array([table["measurement_id"][0].as_py()] * len(rows)),
    ),
    "unparseable_date": Defect(
        table="drug_exposure", column="drug_exposure_start_date", values=constant(UNREADABLE),
        breaks=one("drug_exposure", "drug_exposure_start_date_readable"),
    ),
    "before_birth": Defect(
        table="visit_occurrence", column="visit_start_date", values=constant(LONG_AGO), last=True,
        breaks=one("visit_occurrence", "visit_start_date_after_birth"),
    ),
    "after_extraction": Defect(
        table="measurement", column="measurement_date", values=constant(FUTURE),
        breaks=one("measurement", "measurement_date_before_extraction", "measurement_date_observed"),
    ),
    "negative_stay": Defect(
        table="visit_occurrence", column="visit_end_date", values=shifted("visit_start_date", -3), last=True,
        breaks=one("visit_occurrence", "visit_end_date_not_before_visit_start_date"),
    ),
    "unknown_code": Defect(
        table="procedure_occurrence", column="procedure_concept_id", values=constant(99),
        breaks=one("procedure_occurrence", "procedure_concept_id_in_concept"),
    ),
    "orphan_visit": Defect(
        table="condition_occurrence", column="visit_occurrence_id", values=constant(10**15),
        breaks=one("condition_occurrence", "visit_occurrence_id_in_visit_occurrence"),
    ),
    "orphan_person": Defect(
        table="drug_exposure", column="person_id", values=constant(10**15),
        breaks=one("drug_exposure", "person_id_in_person"),
    ),
    "outside_observation": Defect(
        table="observation", column="observation_date", values=constant("2018-06-01"),
        breaks=one("observation", "observation_date_observed"),
    ),
    "encoding": Defect(
        table="measurement", column="unit_source_value", values=constant(f"{NOT_UTF8}mol"),
        breaks=one("measurement", "utf8"),
    ),
}  # fmt: skip

PREMIER = {
    "missing_column": Defect(
        table="paticd_proc", column="ICD_PRI_SEC", breaks=one("paticd_proc", "ICD_PRI_SEC_present")
    ),
    "wrong_type": Defect(
        table="genlab", column="numeric_value", values=constant("high"), breaks=one("genlab", "numeric_value_readable")
    ),
    "empty_value": Defect(
        table="patbill", column="PAT_KEY", values=constant(None), breaks=one("patbill", "PAT_KEY_not_null")
    ),
    "duplicate_key": Defect(
        table="patdemo", column="PAT_KEY", breaks=one("patdemo", "key"), last=True,
        values=lambda table, rows: pa.array([len(table["PAT_KEY"])] * len(rows)),
    ),
    "unparseable_date": Defect(
        table="patbill", column="SERV_DATE", values=constant(UNREADABLE), breaks=one("patbill", "SERV_DATE_readable")
    ),
    "before_birth": Defect(
        table="patcpt", column="PROC_DATE", values=constant(LONG_AGO),
        breaks=one("patcpt", "PROC_DATE_after_birth", "PROC_DATE_observed"),
    ),
    "after_extraction": Defect(
        table="lab_res", column="collection_datetime", values=constant(FUTURE),
        breaks=one("lab_res", "collection_datetime_not_future", "collection_datetime_observed"),
    ),
    "negative_stay": Defect(
        table="patdemo", column="DISCHARGE_DATE", values=shifted("ADMIT_DATE", -3), last=True,
        breaks=one("patdemo", "DISCHARGE_DATE_not_before_ADMIT_DATE", "LOS_of_dates"),
    ),
    "not_allowed": Defect(
        table="patdemo", column="GENDER", values=constant("X"), breaks=one("patdemo", "GENDER_allowed")
    ),
    "unknown_spelling": Defect(
        table="vitals", column="lab_test_code_type", values=constant("OURS"),
        breaks=one("vitals", "lab_test_code_type_known"),
    ),
    "orphan_visit": Defect(
        table="genlab", column="PAT_KEY", values=constant(10**15), breaks=one("genlab", "PAT_KEY_in_patdemo")
    ),
    "outside_stay": Defect(
        table="patbill", column="SERV_DATE", values=shifted("SERV_DATE", 40),
        breaks=one("patbill", "SERV_DATE_observed"),
    ),
    "exact_duplicate": Defect(table="paticd_diag", column="", breaks=one("paticd_diag", "duplicates")),
    "encoding": Defect(
        table="lab_res", column="test", values=constant(f"caf{NOT_UTF8}"), breaks=one("lab_res", "utf8")
    ),
}  # fmt: skip

ABFM = {
    "missing_column": Defect(
        table="patientimmunization", column="immunizationcode",
        breaks=one("patientimmunization", "immunizationcode_present"),
    ),
    "empty_value": Defect(
        table="visitdiagnosis", column="encounterdate", values=constant(None),
        breaks=one("visitdiagnosis", "encounterdate_not_null"),
    ),
    "unparseable_date": Defect(
        table="patientprocedure", column="effectivedate", values=constant(UNREADABLE),
        breaks=one("patientprocedure", "effectivedate_readable"),
    ),
    "before_birth": Defect(
        table="visitdiagnosis", column="encounterdate", values=constant(LONG_AGO),
        breaks=one("visitdiagnosis", "encounterdate_after_birth"),
    ),
    "after_extraction": Defect(
        table="patientresultobservation", column="resultdate", values=constant(FUTURE),
        breaks=one("patientresultobservation", "resultdate_not_future"),
    ),
    "negative_stay": Defect(
        table="visit", column="encounterenddate", values=shifted("encounterstartdate", -3),
        breaks=one("visit", "encounterenddate_not_before_encounterstartdate"),
    ),
    "not_allowed": Defect(
        table="patient", column="gender", values=constant("X"), breaks=one("patient", "gender_allowed")
    ),
    "unknown_spelling": Defect(
        table="patientprocedure", column="codesystem", values=constant("PSYCH"),
        breaks=one("patientprocedure", "codesystem_known"),
    ),
    "no_spelling": Defect(
        table="patientmedication", column="drugsource", values=constant(None),
        breaks=one("patientmedication", "drugsource_known"),
    ),
    "orphan_person": Defect(
        table="patientmedication", column="patientuid", values=constant("nobody"),
        breaks=one("patientmedication", "patientuid_in_patient"),
    ),
    "onset_before_birth": Defect(
        table="patientproblem", column="problemonsetdate", values=constant(LONG_AGO),
        breaks=one("patientproblem", "problemonsetdate_after_birth"),
    ),
    "exact_duplicate": Defect(table="patientproblem", column="", breaks=one("patientproblem", "duplicates")),
    "encoding": Defect(
        table="patientresultobservation", column="unit", values=constant(f"{NOT_UTF8}g"),
        breaks=one("patientresultobservation", "utf8"),
    ),
}  # fmt: skip
KINDS: dict[str, dict[str, Defect]] = {"omop": OMOP, "premier": PREMIER, "abfm": ABFM}


def planted(tables: Tables, shape: str, counts: Mapping[str, int], rng: np.random.Generator) -> Tables:
    """The tables with so many defects of each kind; raises ValueError for a kind or a count that does not fit."""
    made = {name: dict(table) for name, table in tables.items()}
    used: dict[str, set[int]] = {}
    for kind, count in counts.items():
        if kind not in KINDS[shape]:
            raise ValueError(f"defect {kind!r} is not valid for {shape}; valid: {', '.join(sorted(KINDS[shape]))}")
        defect = KINDS[shape][kind]
        table = made[defect.table]
        if kind == "missing_column":
            if count > 1:
                raise ValueError(f"{kind} = {count} is not valid; valid: 0 or 1")
            if count:
                del table[defect.column]
            continue
        rows = drawn(tables[defect.table], defect, count, used.setdefault(defect.table, {0}), rng)
        if defect.values is None:
            again = pa.array(rows)
            made[defect.table] = {
                name: pa.concat_arrays([column, tables[defect.table][name].take(again).cast(column.type)])
                for name, column in table.items()
            }
        else:
            table[defect.column] = put(table[defect.column], rows, defect.values(tables[defect.table], rows))
    return made


def drawn(table: Table, defect: Defect, count: int, used: set[int], rng: np.random.Generator) -> np.ndarray:
    """So many rows that no other defect has; row 0 and the last row stay as they are, for others to refer to."""
    size = len(next(iter(table.values())))
    first = size - size // 10 if defect.last else 0
    free = np.setdiff1d(np.arange(first, size - 1), np.fromiter(used, dtype=np.int64))
    if count > len(free):
        raise ValueError(f"{defect.table} has {len(free)} rows for this defect, not {count}; make more events")
    rows = np.sort(rng.choice(free, count, replace=False))
    used.update(rows.tolist())
    return rows


def put(column: pa.Array, rows: np.ndarray, values: pa.Array) -> pa.Array:
    """The column with other values in some rows; as text where they are of another kind."""
    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = True
    if values.null_count == len(values):
        values = pa.nulls(len(values), column.type)
    elif values.type != column.type:
        # A shifted day stays a day; any other value is as a CSV delivers it.
        kind = column.type if pa.types.is_date(values.type) and pa.types.is_date(column.type) else pa.string()
        column, values = column.cast(kind), values.cast(kind)
    return pc.replace_with_mask(column, pa.array(mask), values)
