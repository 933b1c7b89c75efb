"""Code lists held against reference data, without Spark: on a laptop and in a task alike."""
