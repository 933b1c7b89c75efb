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
)
