"""A hospital source in Premier's shape. An encounter's person, admission and discharge stand in `patdemo` alone."""

from workflows.contracts.premier import TABLES
from workflows.expressions import trimmed
from workflows.source import Delivery, Encounters, Events, Join, Persons, Providers, Source
from workflows.vocabularies import vocabulary_id


def of_encounter(table: str, code: str, vocabulary: str, **more: str) -> Events:
    """Rows that hang on an encounter."""
    return Events(
        table=table,
        person_id="patdemo.MEDREC_KEY",
        visit_occurrence_id=f"{table}.PAT_KEY",
        vocabulary=vocabulary,
        code=code,
        joins=(Join(table="patdemo", on=f"{table}.PAT_KEY = patdemo.PAT_KEY"),),
        **more,
    )


def tests(table: str, number: str) -> Events:
    """Tests with their results; a result is text where it is no number."""
    return of_encounter(
        table, "lab_test_code", vocabulary_id("lab_test_code_type"), start="collection_datetime",
        value_as_number=number, value_as_string="lab_test_result", unit="lab_test_result_unit",
    )  # fmt: skip


# A limit is no measured value: "< 0.1" stays text.
MEASURED = f"CASE WHEN coalesce({trimmed('numeric_value_operator')}, '') IN ('', '=') THEN numeric_value END"


def charges(vocabulary: str, where: str) -> Events:
    """Charges, of which the first digits say what they are for."""
    return of_encounter(
        "patbill", "STD_CHG_CODE", f"'{vocabulary}'", start="SERV_DATE", where=where, value_as_number="STD_QTY"
    )


premier = Source(
    name="premier",
    title="A hospital source in Premier's shape",
    time="calendar",
    deliveries=tuple(Delivery(table=one.table, files=(f"{one.table}.csv", f"{one.table}.parquet")) for one in TABLES),
    contracts=TABLES,
    persons=Persons(
        table="patdemo",
        person_id="MEDREC_KEY",
        sex="nullif(GENDER, 'U')",
        # Only the age at admission is known; this birth date gives it on that day.
        birth_date="add_months(ADMIT_DATE, cast(-12 * AGE AS int))",
        birth_date_assumed="true",
    ),
    encounters=Encounters(
        table="patdemo",
        person_id="MEDREC_KEY",
        visit_occurrence_id="PAT_KEY",
        order="DISCHARGE_DATE",
        start="ADMIT_DATE",
        end="DISCHARGE_DATE",
        provider_id="PROV_ID",
        inpatient="I_O_IND = 'I'",
        # Died, or discharged to hospice care.
        not_at_risk="DISC_STATUS IN (20, 40, 41, 42, 50, 51)",
        attributes=(
            ("length_of_stay", "LOS"),
            ("visit_type", "CASE WHEN PAT_TYPE = 28 THEN 'ER' WHEN I_O_IND = 'I' THEN 'IN' ELSE 'OUT' END"),
            ("admission_type", "ADM_TYPE"),
            ("ms_drg", "cast(MS_DRG AS string)"),
            ("admitted_from", "POINT_OF_ORIGIN"),
            ("discharge_status", "cast(DISC_STATUS AS string)"),
            ("marital_status", "MART_STATUS"),
            ("race", "RACE"),
            ("is_hispanic", "nullif(HISPANIC_IND, 'U')"),
            ("payer", "STD_PAYOR"),
        ),
        at_end=("ms_drg",),
    ),
    events=(
        of_encounter(
            "patcpt", "CPT_CODE", "CASE WHEN trim(CPT_CODE) RLIKE '^[0-9]{4}[0-9A-Z]$' THEN 'CPT4' ELSE 'HCPCS' END",
            start="coalesce(PROC_DATE, patdemo.ADMIT_DATE)",
        ),
        # Known at admission: the admitting diagnosis, and what was present then.
        of_encounter(
            "paticd_diag", "ICD_CODE", vocabulary_id("ICD_VERSION"), value_as_string="ICD_PRI_SEC",
            start="if(ICD_PRI_SEC = 'A' OR coalesce(ICD_POA, '') = 'Y', patdemo.ADMIT_DATE, patdemo.DISCHARGE_DATE)",
        ),
        of_encounter(
            "paticd_proc", "ICD_CODE", vocabulary_id("ICD_VERSION", "procedure"), value_as_string="ICD_PRI_SEC",
            start="coalesce(PROC_DATE, patdemo.ADMIT_DATE)",
        ),
        charges("STDRX", "STD_CHG_CODE LIKE '250%'"),
        charges("STDLAB", "STD_CHG_CODE LIKE '300%'"),
        charges("STDCHG", "NOT (STD_CHG_CODE LIKE '250%' OR STD_CHG_CODE LIKE '300%')"),
        tests("genlab", MEASURED),
        tests("vitals", "numeric_value"),
        of_encounter(
            "lab_res", "SPECIMEN_SOURCE_CODE", "'SNOMED'", start="collection_datetime", value_as_string="observation",
            where="SPECIMEN_SOURCE_CODE IS NOT NULL",
        ),
    ),
    collections=("charlson",),
    providers=Providers(
        table="providers", provider_id="PROV_ID", source_value="cast(PROV_ID AS string)",
        specialty="CASE TEACHING WHEN 'Y' THEN 'teaching hospital' WHEN 'N' THEN 'hospital' END",
    ),
)  # fmt: skip
