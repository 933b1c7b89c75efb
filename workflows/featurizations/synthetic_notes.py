"""Notes of the synthetic source of notes."""

from workflows.declare import *

synthetic_notes = Featurization(
    name="synthetic_notes",
    source="synthetic_notes",
    cluster="ml_cpu",
    tables=("note", "note_clean", "note_sentences"),
)
