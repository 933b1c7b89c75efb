"""Thirty-day readmission risk at discharge, on real encounters whose time is only an order."""

from workflows.declare import *
from workflows.models.readmission import readmission

BEFORE = "counted over the year before the encounter"
DURING = "recorded during the stay, which ends at the index date"

readmission_uci130 = replace(
    readmission,
    name="readmission_uci130",
    question="Which discharged diabetic patients come back within 30 days?",
    source="uci130",
    outcome=Recorded("readmitted", equals="<30"),
    features=[
        Demographics(),
        AtIndex("race", because="known at admission"),
        AtIndex("length_of_stay", because="known at discharge"),
        AtIndex("admission_type", because="known at admission"),
        AtIndex("admission_source", because="known at admission"),
        AtIndex("medical_specialty", because="known at admission"),
        AtIndex("discharge_disposition", because="known at discharge"),
        AtIndex("number_inpatient", because=BEFORE),
        AtIndex("number_emergency", because=BEFORE),
        AtIndex("number_outpatient", because=BEFORE),
        AtIndex("num_lab_procedures", because=DURING),
        AtIndex("num_procedures", because=DURING),
        AtIndex("num_medications", because=DURING),
        AtIndex("number_diagnoses", because=DURING),
        AtIndex("a1c_result", because=DURING),
        AtIndex("insulin", because=DURING),
        AtIndex("diabetes_medication", because=DURING),
        AnyOf("icd9_chapters", because="diagnoses of the stay, entered by discharge"),
    ],
    method=LogisticRegression(C=Choice(0.1, 1.0), seed=42),
    gates=[AtLeast("auroc", 0.62), Calibrated(), NonInferior("auroc", margin=0.01), Implausible("auroc", above=0.8)],
    # A scored slice holds about a thousand events, so its interval is 6 % wide on either side and the default bounds
    # would speak only of a change of 16 %. These were set after this set's last tenth was seen (observed over expected
    # 0.91, 0.86 to 0.96): that they raise a signal there shows the mechanism and is no finding.
    monitor=Monitor(calibration=(0.98, 1.02)),
    examples=[
        Example(
            "the diagnoses of the stay count, those of an earlier one do not, and later than 30 days is no event",
            person=Person(sex="F", age_band="[70-80)"),
            encounters=[
                Encounter(attributes={"length_of_stay": 9}),
                Encounter(attributes={"length_of_stay": 3, "number_inpatient": 1}, outcomes={"readmitted": ">30"}),
            ],
            events=[
                Occurrence("ICD9CM", "486", encounter=1),
                Occurrence("ICD9CM", "428.0", encounter=2),
                Occurrence("ICD9CM", "V45.81", encounter=2),
            ],
            features={
                "age_band": "[70-80)",
                "length_of_stay": 3,
                "number_inpatient": 1,
                "insulin": None,
                "any_icd9_chapters_circulatory": 1,
                "any_icd9_chapters_respiratory": 0,
            },
            outcome=0,
        ),
    ],
)
