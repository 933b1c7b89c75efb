"""UCI 296: diabetic inpatient encounters of 130 US hospitals, 1999-2008. Its time is only an order."""

from workflows.contracts.uci130_encounter import DRUGS, ENCOUNTER
from workflows.source import Delivery, Encounters, Events, Persons, Source

NUMBERS = (
    "num_lab_procedures", "num_procedures", "num_medications", "number_outpatient", "number_emergency",
    "number_inpatient", "number_diagnoses",
)  # fmt: skip
CATEGORIES = {
    "race": "race", "payer_code": "payer_code", "medical_specialty": "medical_specialty",
    "admission_type": "cast(admission_type_id AS string)", "admission_source": "cast(admission_source_id AS string)",
    "discharge_disposition": "cast(discharge_disposition_id AS string)",
    "max_glu_serum": "max_glu_serum", "a1c_result": "A1Cresult", "insulin": "insulin", "metformin": "metformin",
    "medication_change": "change", "diabetes_medication": "diabetesMed",
}  # fmt: skip
# What the stay itself brought; the visits and stays of the year before are known at admission.
DURING = (
    "num_lab_procedures", "num_procedures", "num_medications", "number_diagnoses", "max_glu_serum", "a1c_result",
    "insulin", "metformin", "medication_change", "diabetes_medication",
)  # fmt: skip


def restored(column: str) -> str:
    """An ICD-9-CM code of this file, which lost the zeros that codes begin with: `8` was `008`, `38.9` was `038.9`."""
    before = f"substring_index({column}, '.', 1)"
    rest = f"substring({column}, length({before}) + 1)"
    return f"if({before} RLIKE '^[0-9]+$', concat(lpad({before}, 3, '0'), {rest}), {column})"


uci130 = Source(
    name="uci130",
    title="Diabetes 130-US hospitals 1999-2008 (UCI 296)",
    time="order",
    deliveries=(
        Delivery(table="encounter", files=("dataset_diabetes.zip",), member="dataset_diabetes/diabetic_data.csv"),
    ),
    contracts=(ENCOUNTER,),
    persons=Persons(
        table="encounter",
        person_id="patient_nbr",
        sex="CASE gender WHEN 'Female' THEN 'F' WHEN 'Male' THEN 'M' END",
        age_band="age",
    ),
    encounters=Encounters(
        table="encounter",
        person_id="patient_nbr",
        visit_occurrence_id="encounter_id",
        order="encounter_id",
        inpatient="true",
        # Expired, hospice and still in hospice care: IDs_mapping.csv.
        not_at_risk="discharge_disposition_id IN (11, 13, 14, 19, 20, 21)",
        attributes=(
            ("length_of_stay", "time_in_hospital"),
            *((name, name) for name in NUMBERS),
            *((name, f"nullif({column}, '?')") for name, column in CATEGORIES.items()),
        ),
        outcomes=(("readmitted", "readmitted"),),
        at_end=DURING,
    ),
    events=(
        *(
            Events(
                table="encounter",
                person_id="patient_nbr",
                visit_occurrence_id="encounter_id",
                vocabulary="'ICD9CM'",
                code=restored(column),
                where=f"{column} <> '?'",
            )
            for column in ("diag_1", "diag_2", "diag_3")
        ),
        *(
            Events(
                table="encounter",
                person_id="patient_nbr",
                visit_occurrence_id="encounter_id",
                vocabulary="'UCI130 drug'",
                code=f"'{drug}'",
                where=f"`{drug}` <> 'No'",
                value_as_string=f"`{drug}`",
            )
            for drug in DRUGS
        ),
    ),
    collections=("icd9_chapters",),
)
