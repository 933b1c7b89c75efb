"""The three tables of notes in a source's `_ra` zone, with the names of OMOP CDM 5.4 NOTE where it has them.

https://ohdsi.github.io/CommonDataModel/cdm54.html#note
"""

from workflows.contract import Column, Contract
from workflows.rules import Rule

WHOSE = (
    Column(name="note_id", type="long", nullable=False, meaning="hash of the source's own key: the same in every load"),
    Column(name="person_id", type="long", nullable=False, classification="identifier", meaning="person"),
    Column(name="note_datetime", type="timestamp", nullable=False, meaning="when the note was written"),
)  # fmt: skip

NOTE = Contract(
    table="note",
    meaning="one row a dated note, as its source has it",
    key=("note_id",),
    time_key="note_datetime",
    empty=True,
    written=True,
    columns=(
        *WHOSE,
        Column(name="note_date", type="date", nullable=False, meaning="day on which the note was written"),
        Column(name="note_type", type="string", meaning="what kind of note it is, as the source says"),
        Column(name="note_title", type="string", meaning="title or section of the note"),
        Column(name="note_text", type="string", nullable=False, meaning="text as delivered, in any encoding"),
        Column(name="provider_id", type="long", meaning="who wrote it"),
        Column(name="visit_occurrence_id", type="long", meaning="visit at which it was written"),
        Column(name="note_source_value", type="string", nullable=False, meaning="the source's own key of the note"),
    ),
)

NOTE_CLEAN = Contract(
    table="note_clean",
    meaning="one row a note whose text could be read",
    key=("note_id",),
    time_key="note_datetime",
    empty=True,
    written=True,
    columns=(
        *WHOSE,
        Column(name="clean_text", type="string", nullable=False, meaning="text without its encoding, normalised"),
        Column(
            name="encoding", type="string", nullable=False, allowed=("utf", "rtf", "html", "xml", "sop"),
            meaning="what the note was encoded in",
        ),
        Column(name="word_count", type="long", nullable=False, meaning="words in clean_text"),
    ),
)  # fmt: skip

NOTE_SENTENCES = Contract(
    table="note_sentences",
    meaning="one row a sentence: the characters begin to end (exclusive) of clean_text",
    key=("note_id", "note_sent"),
    time_key="note_datetime",
    empty=True,
    written=True,
    columns=(
        *WHOSE,
        Column(name="note_sent", type="long", nullable=False, meaning="which sentence of the note, from 0"),
        Column(name="begin", type="long", nullable=False, meaning="first character in clean_text, from 0"),
        Column(name="end", type="long", nullable=False, meaning="character after the last"),
        Column(name="note_text", type="string", nullable=False, meaning="the sentence"),
        Column(name="word_count", type="long", nullable=False, meaning="words in the sentence"),
    ),
    rules=(
        Rule(id="end_after_begin", condition="`end` > `begin`", meaning="end after begin"),
        Rule(id="begin_from_0", condition="`begin` >= 0", meaning="begin from 0"),
    ),
)

NOTE_EXPECTED = Contract(
    table="note_expected",
    meaning="one row a sentence that an analyst expects; every sentence of a note that is here is expected",
    key=("note_source_value", "note_sent"),
    columns=(
        Column(name="note_source_value", type="string", nullable=False, meaning="the source's own key of the note"),
        Column(name="note_sent", type="long", nullable=False, meaning="which sentence of the note, from 0"),
        Column(name="expected_text", type="string", nullable=False, meaning="the sentence"),
    ),
)

NOTES = {contract.table: contract for contract in (NOTE, NOTE_CLEAN, NOTE_SENTENCES)}
