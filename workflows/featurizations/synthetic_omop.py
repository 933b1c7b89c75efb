"""Facts of the synthetic OMOP source."""

from workflows.declare import *

synthetic_omop = Featurization(
    name="synthetic_omop", source="synthetic_omop", cluster="ml_cpu",
    tables=("fact_person", "fact_encounter_index", "fact_observation_period"),
)  # fmt: skip
