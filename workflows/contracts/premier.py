"""A hospital source in Premier's shape: one row an encounter in `patdemo`, everything else hangs on its PAT_KEY."""

from workflows.contract import Column, Contract
from workflows.expressions import first_birth_date_of_age
from workflows.rules import Rule, after_birth, filled, in_range, not_before, not_future, observed, refers
from workflows.vocabularies import known


def key() -> Column:
    """The encounter of a row."""
    return Column(name="PAT_KEY", type="long", nullable=False, classification="identifier", meaning="encounter")


def text(name: str, meaning: str, *allowed: str, nullable: bool = True) -> Column:
    """A text column."""
    return Column(name=name, type="string", nullable=nullable, allowed=allowed, meaning=meaning)


def during(moment: str) -> tuple[Rule, ...]:
    """What holds of the day on which something was done in an encounter."""
    return (
        after_birth(moment, table="patdemo", key="PAT_KEY", born=first_birth_date_of_age("ADMIT_DATE", "AGE")),
        observed(moment, table="patdemo", key="PAT_KEY", start="ADMIT_DATE", end="DISCHARGE_DATE", span="its stay"),
        not_future(moment),
    )


PATDEMO = Contract(
    table="patdemo", meaning="one row an encounter: inpatient stay, emergency or outpatient visit", key=("PAT_KEY",),
    time_key="ADMIT_DATE",
    columns=(
        key(),
        Column(name="MEDREC_KEY", type="long", nullable=False, classification="identifier", meaning="person"),
        Column(name="ADMIT_DATE", type="date", nullable=False, meaning="admission"),
        Column(name="DISCHARGE_DATE", type="date", nullable=False, meaning="discharge"),
        Column(name="LOS", type="long", nullable=False, meaning="length of stay in days"),
        text("I_O_IND", "I inpatient, O outpatient", "I", "O", nullable=False),
        Column(name="PAT_TYPE", type="long", nullable=False, meaning="patient type; 28 emergency"),
        text("ADM_TYPE", "admission type"),
        Column(name="MS_DRG", type="long", meaning="MS-DRG of the stay"),
        text("POINT_OF_ORIGIN", "where the person came from"),
        Column(
            name="DISC_STATUS", type="long", meaning="discharge status; 20, 40, 41, 42 died, 50, 51 to hospice",
        ),
        text("MART_STATUS", "marital status"),
        Column(name="AGE", type="long", nullable=False, meaning="completed years at admission"),
        text("GENDER", "M, F or U", "M", "F", "U", nullable=False),
        text("RACE", "race as recorded"),
        text("HISPANIC_IND", "Y, N or U", "Y", "N", "U"),
        Column(name="PROV_ID", type="long", nullable=False, meaning="hospital"),
        text("STD_PAYOR", "payer"),
    ),
    rules=(
        not_before("DISCHARGE_DATE", "ADMIT_DATE"), in_range("AGE", 0, 120), not_future("ADMIT_DATE"),
        not_future("DISCHARGE_DATE"), refers("PROV_ID", "providers"), filled("MS_DRG"),
        Rule(id="LOS_of_dates", severity="convention", meaning="LOS is the days from ADMIT_DATE to DISCHARGE_DATE",
             condition="LOS = datediff(DISCHARGE_DATE, ADMIT_DATE)"),
    ),
)  # fmt: skip

PATCPT = Contract(
    table="patcpt", meaning="one row a CPT or HCPCS code of an encounter", key=(), time_key="PROC_DATE", once=True,
    columns=(
        key(), text("CPT_CODE", "code", nullable=False),
        Column(name="PROC_DATE", type="date", meaning="day; the admission where it is empty"),
    ),
    rules=(refers("PAT_KEY", "patdemo"), *during("PROC_DATE")),
)  # fmt: skip

PATICD_DIAG = Contract(
    table="paticd_diag", meaning="one row a diagnosis of an encounter", key=(), once=True,
    columns=(
        key(), text("ICD_CODE", "code, with its dot", nullable=False),
        text("ICD_VERSION", "9 or 10", nullable=False), text("ICD_POA", "Y present on admission"),
        text("ICD_PRI_SEC", "A admitting, P principal, S secondary", "A", "P", "S", nullable=False),
    ),
    rules=(refers("PAT_KEY", "patdemo"), known("ICD_VERSION")),
)  # fmt: skip

PATICD_PROC = Contract(
    table="paticd_proc", meaning="one row an ICD procedure of an encounter", key=(), time_key="PROC_DATE", once=True,
    columns=(
        key(), text("ICD_CODE", "code", nullable=False), text("ICD_VERSION", "9 or 10", nullable=False),
        text("ICD_PRI_SEC", "P principal, S secondary", "P", "S", nullable=False),
        Column(name="PROC_DATE", type="date", meaning="day; the admission where it is empty"),
    ),
    rules=(refers("PAT_KEY", "patdemo"), known("ICD_VERSION", "procedure"), *during("PROC_DATE")),
)  # fmt: skip

PATBILL = Contract(
    table="patbill", meaning="one row a charge of an encounter", key=(), time_key="SERV_DATE", once=True,
    columns=(
        key(), text("STD_CHG_CODE", "standard charge; 250... drug, 300... laboratory", nullable=False),
        Column(name="SERV_DATE", type="date", nullable=False, meaning="day"),
        Column(name="STD_QTY", type="double", meaning="quantity"),
        # Of one standard charge and day there may be several of the hospital's: no duplicates.
        Column(name="HOSP_CHG_ID", type="string", optional=True, meaning="the hospital's own charge"),
    ),
    rules=(refers("PAT_KEY", "patdemo"), *during("SERV_DATE")),
)  # fmt: skip


def tested(table: str, meaning: str, *more: Column) -> Contract:
    """A table of tests with their results."""
    return Contract(
        table=table, meaning=meaning, key=(), time_key="collection_datetime", once=True,
        columns=(
            key(),
            Column(name="collection_datetime", type="timestamp", nullable=False, meaning="when it was taken"),
            text("lab_test_code", "code", nullable=False), text("lab_test_code_type", "vocabulary of the code"),
            text("lab_test_result", "result as text"), text("lab_test_result_unit", "unit"),
            Column(name="numeric_value", type="double", meaning="result as number"), *more,
        ),
        rules=(
            refers("PAT_KEY", "patdemo"), known("lab_test_code_type"), *during("collection_datetime"),
            filled("numeric_value"),
        ),
    )  # fmt: skip


GENLAB = tested(
    "genlab", "one row a laboratory test", text("abnormal_flag", "Y abnormal", "Y", "N"),
    Column(
        name="numeric_value_operator", type="string", optional=True,
        meaning="what the number is to the result, such as < at the limit of detection; = or empty where it is it",
    ),
)  # fmt: skip
VITALS = tested("vitals", "one row a vital sign")
LAB_RES = Contract(
    table="lab_res", meaning="one row a microbiology result", key=(), time_key="collection_datetime", once=True,
    columns=(
        key(),
        Column(name="collection_datetime", type="timestamp", nullable=False, meaning="when it was taken"),
        text("SPECIMEN_SOURCE_CODE", "SNOMED CT code of the specimen"), text("test", "test"),
        text("observation", "what was seen", nullable=False),
    ),
    rules=(refers("PAT_KEY", "patdemo"), *during("collection_datetime")),
)  # fmt: skip

PROVIDERS = Contract(
    table="providers", meaning="one row a hospital", key=("PROV_ID",),
    columns=(
        Column(name="PROV_ID", type="long", nullable=False, meaning="hospital"),
        text("PROV_REGION", "census region"), text("TEACHING", "Y teaching hospital", "Y", "N"),
    ),
)  # fmt: skip
TABLES = (PATDEMO, PATCPT, PATICD_DIAG, PATICD_PROC, PATBILL, GENLAB, VITALS, LAB_RES, PROVIDERS)
