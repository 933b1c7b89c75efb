"""Curated notes to `note`, `note_clean` and `note_sentences`; the Python part of each runs in Spark's workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from workflows.contract import Contract
from workflows.contracts.notes import NOTE, NOTE_CLEAN, NOTE_SENTENCES
from workflows.source import Notes

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import Column, DataFrame

# As pandas has them: the moment in microseconds.
WHOSE = "note_id long, person_id long, note_datetime long"
CLEANED = f"{WHOSE}, clean_text string, encoding string, word_count long, reason string"
SENTENCES = f"{WHOSE}, note_sent long, `begin` long, `end` long, note_text string, word_count long"


def names(contract: Contract) -> list[str]:
    """Column names of a contract, in order."""
    return [column.name for column in contract.columns]


def note_id(source: str, key: Column) -> Column:
    """The first 64 bits of SHA-256 over the source and its own key, without the sign: the same in every load, in any
    engine."""
    digest = sf.sha2(sf.concat(sf.lit(f"{source}|"), key), 256)
    unsigned = sf.conv(sf.substring(digest, 1, 16), 16, 10).cast("decimal(20, 0)")
    return sf.floor(unsigned / sf.lit(2)).cast("bigint")


def read(table: DataFrame, source: str, notes: Notes) -> DataFrame:
    """Every delivered note by the contract of `note`, and `reason`: why it can be none, or null."""
    key = sf.trim(sf.expr(notes.key).cast("string"))
    when = sf.expr(notes.written).cast("timestamp")
    text = sf.expr(notes.text).cast("string")
    described = table.select(
        note_id(source, key).alias("note_id"),
        sf.expr(notes.person_id).cast("bigint").alias("person_id"),
        when.alias("note_datetime"),
        sf.to_date(when).alias("note_date"),
        sf.expr(notes.type).cast("string").alias("note_type"),
        sf.expr(notes.title).cast("string").alias("note_title"),
        text.alias("note_text"),
        sf.expr(notes.provider_id).cast("bigint").alias("provider_id"),
        sf.expr(notes.visit_occurrence_id).cast("bigint").alias("visit_occurrence_id"),
        key.alias("note_source_value"),
    )
    blank = sf.coalesce(sf.length(sf.trim("note_text")) == 0, sf.lit(True))
    faults = {
        "no key": sf.col("note_id").isNull(), "no person": sf.col("person_id").isNull(),
        "no date": sf.col("note_datetime").isNull(), "no text": blank,
    }  # fmt: skip
    reasons = sf.array_compact(sf.array(*(sf.when(fault, sf.lit(what)) for what, fault in faults.items())))
    return described.select("*", sf.nullif(sf.array_join(reasons, "; "), sf.lit("")).alias("reason"))


def note(table: DataFrame, source: str, notes: Notes) -> DataFrame:
    """The contract of `note`: the delivered notes that have a key, a person, a date and a text."""
    return read(table, source, notes).where("reason IS NULL").select(*names(NOTE))


def note_rejected(table: DataFrame, source: str, notes: Notes) -> DataFrame:
    """The others, with the reason."""
    return read(table, source, notes).where("reason IS NOT NULL").select(*names(NOTE), "reason")


def cleaned_frames(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Rows of `note` with their clean text."""
    from jobs.notes.clean import cleaned, words

    for frame in frames:
        found = [cleaned(text) for text in frame["note_text"]]
        made = frame[["note_id", "person_id", "note_datetime"]].copy()
        made["clean_text"] = [one.text for one in found]
        made["encoding"] = [one.encoding for one in found]
        made["word_count"] = [words(one.text or "") for one in found]
        made["reason"] = [one.reason for one in found]
        yield made


def read_texts(notes: DataFrame) -> DataFrame:
    """Every row of `note` cleaned, those that could not be read with the reason."""
    return moments_kept(notes.select("note_id", "person_id", "note_datetime", "note_text"), cleaned_frames, CLEANED)


def note_clean(notes: DataFrame) -> DataFrame:
    """The contract of `note_clean`."""
    return read_texts(notes).where("reason IS NULL").select(*names(NOTE_CLEAN))


def note_clean_rejected(notes: DataFrame, clean: DataFrame) -> DataFrame:
    """The notes that could not be read, without their text: those that `note_clean` lacks are read once more."""
    return (
        read_texts(notes.join(clean.select("note_id"), "note_id", "left_anti"))
        .where("reason IS NOT NULL")
        .select("note_id", "person_id", "note_datetime", "encoding", "reason")
    )


def sentence_frames(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """One row a sentence of each row of `note_clean`."""
    import pandas as pd

    from jobs.notes.clean import words
    from jobs.notes.sentences import sentences

    for frame in frames:
        rows = [
            (*row[:3], place, begin, end, row[3][begin:end], words(row[3][begin:end]))
            for row in frame.itertuples(index=False, name=None)
            for place, (begin, end) in enumerate(sentences(row[3]))
        ]
        yield pd.DataFrame(rows, columns=names(NOTE_SENTENCES))


def note_sentences(clean: DataFrame) -> DataFrame:
    """The contract of `note_sentences`."""
    used = clean.select("note_id", "person_id", "note_datetime", "clean_text")
    return moments_kept(used, sentence_frames, SENTENCES).select(*names(NOTE_SENTENCES))


def moments_kept(
    frame: DataFrame, made: Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]], schema: str
) -> DataFrame:
    """`mapInPandas`, with `note_datetime` as a number on the way: pandas has no moment of the year 202 or 9999."""
    given = frame.withColumn("note_datetime", sf.unix_micros("note_datetime"))
    return given.mapInPandas(made, schema).withColumn("note_datetime", sf.timestamp_micros("note_datetime"))
