"""Synthetic source data: invented hospitals and persons in the shape of OMOP CDM 5.4, and named changes of them."""
