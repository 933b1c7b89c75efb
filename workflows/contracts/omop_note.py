"""OMOP CDM 5.4 NOTE, the columns in use. https://ohdsi.github.io/CommonDataModel/cdm54.html#note"""

from workflows.contract import Column, Contract

OMOP_NOTE = Contract(
    table="note",
    meaning="one row a note; a note without a date is delivered, and rejected when it would become a fact",
    key=("note_id",),
    time_key="note_date",
    columns=(
        Column(name="note_id", type="long", nullable=False, meaning="note"),
        Column(name="person_id", type="long", meaning="person"),
        # The model requires the day and leaves the time free; some deliveries have the time alone.
        Column(name="note_date", type="date", optional=True, meaning="day on which it was written"),
        Column(name="note_datetime", type="timestamp", optional=True, meaning="when it was written"),
        Column(name="note_title", type="string", meaning="title"),
        Column(name="note_text", type="string", meaning="text in any encoding"),
        Column(name="note_source_value", type="string", meaning="what kind of note it is"),
        Column(name="visit_occurrence_id", type="long", meaning="visit at which it was written"),
    ),
)
