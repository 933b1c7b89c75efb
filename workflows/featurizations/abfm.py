"""Facts of a primary-care source in ABFM's shape."""

from workflows.declare import *

abfm = Featurization(
    name="abfm", source="abfm", cluster="ml_cpu", tables=("fact_person", "fact_encounter_index", "person_xref")
)
