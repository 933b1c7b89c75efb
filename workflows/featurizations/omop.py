"""Facts of an OMOP CDM folder."""

from workflows.declare import *

omop = Featurization(
    name="omop", source="omop", cluster="ml_cpu",
    tables=("fact_person", "fact_encounter_index", "fact_observation_period", "fact_provider"),
)  # fmt: skip
