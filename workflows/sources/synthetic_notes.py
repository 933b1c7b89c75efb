"""Synthetic clinical notes in the shape of OMOP CDM 5.4, in five encodings, with sentences that are expected."""

from dataclasses import replace

from workflows.contracts.notes import NOTE_EXPECTED
from workflows.contracts.omop_note import OMOP_NOTE
from workflows.contracts.omop_person import PERSON
from workflows.contracts.omop_visit_occurrence import VISIT_OCCURRENCE
from workflows.source import Delivery, Notes
from workflows.sources.synthetic_omop import synthetic_omop

synthetic_notes = replace(
    synthetic_omop,
    name="synthetic_notes",
    title="Synthetic clinical notes, OMOP CDM 5.4",
    deliveries=(
        *(Delivery(table=contract.table, files=(f"{contract.table}.csv",)) for contract in (PERSON, VISIT_OCCURRENCE)),
        # Text with line breaks and quotes: a CSV is read in as many ways as there are readers.
        *(
            Delivery(table=contract.table, files=(f"{contract.table}.parquet",))
            for contract in (OMOP_NOTE, NOTE_EXPECTED)
        ),
    ),
    contracts=(PERSON, VISIT_OCCURRENCE, OMOP_NOTE, NOTE_EXPECTED),
    events=(),
    observation=None,
    collections=(),
    notes=Notes(
        table="note",
        key="note_id",
        person_id="person_id",
        written="coalesce(note_datetime, note_date)",
        text="note_text",
        type="note_source_value",
        title="note_title",
        visit_occurrence_id="visit_occurrence_id",
        expected="note_expected",
    ),
)
