"""Facts of the Olmsted County NAFLD cohort."""

from workflows.declare import *

nafld = Featurization(
    name="nafld", source="nafld", cluster="ml_cpu",
    tables=("fact_person", "fact_encounter_index", "fact_observation_period"),
)  # fmt: skip
