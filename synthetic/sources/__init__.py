"""Bulk source data in the shapes of OMOP, Premier and ABFM, of any size, with planted and counted defects."""
