"""Public code files and the vocabularies of an Athena bundle; all collections of concept sets."""

from workflows.declare import *

reference_data = Reference(name="reference_data", cluster="ml_cpu")
