"""Facts of a hospital source in Premier's shape."""

from workflows.declare import *

premier = Featurization(
    name="premier", source="premier", cluster="ml_cpu",
    tables=("fact_person", "fact_encounter_index", "fact_provider"),
)  # fmt: skip
