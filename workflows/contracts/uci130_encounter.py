"""UCI 296, Diabetes 130-US hospitals 1999-2008 (Strack 2014, CC BY 4.0): `diabetic_data.csv`. `?` is unknown."""

from workflows.contract import Column, Contract

DRUGS = (
    "metformin", "repaglinide", "nateglinide", "chlorpropamide", "glimepiride", "acetohexamide", "glipizide",
    "glyburide", "tolbutamide", "pioglitazone", "rosiglitazone", "acarbose", "miglitol", "troglitazone", "tolazamide",
    "examide", "citoglipton", "insulin", "glyburide-metformin", "glipizide-metformin", "glimepiride-pioglitazone",
    "metformin-rosiglitazone", "metformin-pioglitazone",
)  # fmt: skip
BANDS = tuple(f"[{age}-{age + 10})" for age in range(0, 100, 10))


def number(name: str, meaning: str) -> Column:
    """A count that is always recorded."""
    return Column(name=name, type="long", nullable=False, meaning=meaning)


def category(name: str, meaning: str, *allowed: str) -> Column:
    """A category; `?` where it is not known."""
    return Column(name=name, type="string", nullable=False, meaning=meaning, allowed=allowed)


ENCOUNTER = Contract(
    table="encounter",
    meaning="one row a diabetic inpatient encounter; encounter ids rise with time, an order and not a calendar",
    key=("encounter_id",),
    columns=(
        number("encounter_id", "encounter; rises with time"),
        Column(name="patient_nbr", type="long", nullable=False, classification="identifier", meaning="person"),
        category("race", "race as recorded"),
        category("gender", "sex as recorded", "Female", "Male", "Unknown/Invalid"),
        category("age", "ten-year band at the encounter", *BANDS),
        category("weight", "band in pounds"),
        number("admission_type_id", "admission type, see IDs_mapping.csv"),
        number("discharge_disposition_id", "where the person went, see IDs_mapping.csv"),
        number("admission_source_id", "where the person came from, see IDs_mapping.csv"),
        number("time_in_hospital", "days from admission to discharge"),
        category("payer_code", "payer"),
        category("medical_specialty", "specialty of the admitting physician"),
        number("num_lab_procedures", "lab tests during the encounter"),
        number("num_procedures", "procedures other than lab tests during the encounter"),
        number("num_medications", "distinct drugs given during the encounter"),
        number("number_outpatient", "outpatient visits in the year before"),
        number("number_emergency", "emergency visits in the year before"),
        number("number_inpatient", "inpatient visits in the year before"),
        category("diag_1", "primary diagnosis, ICD-9-CM"),
        category("diag_2", "second diagnosis, ICD-9-CM"),
        category("diag_3", "third diagnosis, ICD-9-CM"),
        number("number_diagnoses", "diagnoses entered"),
        category("max_glu_serum", "highest glucose range, None where not measured", "None", "Norm", ">200", ">300"),
        category("A1Cresult", "A1c range, None where not measured", "None", "Norm", ">7", ">8"),
        *(category(drug, "prescribed, and whether the dose changed", "No", "Steady", "Up", "Down") for drug in DRUGS),
        category("change", "any change of diabetic medication", "Ch", "No"),
        category("diabetesMed", "any diabetic medication", "Yes", "No"),
        category("readmitted", "days to the next inpatient encounter, NO where none is recorded", "<30", ">30", "NO"),
    ),
)
