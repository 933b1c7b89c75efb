"""Thirty-day readmission risk at discharge."""

from workflows.declare import *

readmission = Model(
    name="readmission",
    question="Which discharged patients come back within 30 days?",
    source="synthetic_omop",
    cohort=InpatientStays(index="discharge"),
    outcome=Event("inpatient_admission", time_at_risk=days(1, 30)),
    features=[
        Demographics(),
        AtIndex("length_of_stay", because="known at discharge"),
        AnyOf("chronic_conditions", window=days(-365, -1)),
        CountOf("inpatient_admission", window=days(-365, -1)),
    ],
    method=GradientBoosting(max_depth=Choice(2, 3), learning_rate=Choice(0.05, 0.1), seed=42),
    cluster="ml_cpu",
    gates=[AtLeast("auroc", 0.62), Calibrated(), NonInferior("auroc", margin=0.01), Implausible("auroc", above=0.85)],
    serve=[Batch("daily")],
    monitor=Monitor(),
    examples=[
        Example(
            "the year before the index date has 365 days, and its first and last day count",
            index="2021-06-30",
            person=Person(sex="F", birth_date="1950-07-01"),
            encounters=[
                Encounter("2020-06-29", "2020-06-30"),  # starts on day -366
                Encounter("2020-06-30", "2020-07-03"),  # day -365
                Encounter("2021-06-26", "2021-06-30"),
            ],
            events=[
                Occurrence("ICD10CM", "I50.9", "2020-06-30"),  # day -365
                Occurrence("ICD10CM", "E11.65", "2020-06-29"),  # day -366
                Occurrence("ICD10CM", "J44.1", "2021-06-29"),  # day -1
            ],
            features={
                "age": 70,
                "sex": "F",
                "length_of_stay": 4,
                "count_inpatient_admission_365_1": 1,
                "any_chronic_conditions_heart_failure": 1,
                "any_chronic_conditions_diabetes": 0,
                "any_chronic_conditions_chronic_lung_disease": 1,
            },
            outcome=0,
        ),
        Example(
            "what is coded on the day of discharge is not known yet, and a stay that begins that day is no readmission",
            index="2021-06-30",
            encounters=[Encounter("2021-06-26", "2021-06-30"), Encounter("2021-06-30", "2021-07-02")],
            events=[Occurrence("ICD10CM", "I50.9", "2021-06-30 07:15")],
            features={"any_chronic_conditions_heart_failure": 0, "count_inpatient_admission_365_1": 0},
            outcome=0,
        ),
        Example(
            "a readmission counts from the day after discharge",
            index="2021-06-30",
            encounters=[Encounter("2021-06-26", "2021-06-30"), Encounter("2021-07-01", "2021-07-02")],
            features={"count_inpatient_admission_365_1": 0},
            outcome=1,
        ),
        Example(
            "a readmission counts until day 30",
            index="2021-06-30",
            encounters=[Encounter("2021-06-26", "2021-06-30"), Encounter("2021-07-30", "2021-08-02")],
            outcome=1,
        ),
        Example(
            "day 31 is too late, and a visit without a stay is no readmission",
            index="2021-06-30",
            encounters=[
                Encounter("2021-06-26", "2021-06-30"),
                Encounter("2021-07-05", "2021-07-05", is_inpatient_visit=False),
                Encounter("2021-07-31", "2021-08-02"),
            ],
            outcome=0,
        ),
        Example(
            "who was born on 29 February is a year older on 1 March of a common year, and not before",
            index="2021-02-28",
            person=Person(birth_date="1980-02-29"),
            encounters=[Encounter("2021-02-20", "2021-02-28")],
            features={"age": 40, "sex": None},
        ),
        Example(
            "and on 1 March is",
            index="2021-03-01",
            person=Person(birth_date="1980-02-29"),
            encounters=[Encounter("2021-02-20", "2021-03-01")],
            features={"age": 41},
        ),
    ],
)
