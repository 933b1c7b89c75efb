"""What must hold of the sentences of notes before anyone uses them, with counts of what does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as sf

from jobs.notes.sentences import LONGEST

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# The tokens of `jobs.notes.sentences` for Java, whose \w has marks in it and lacks ² and ½.
TOKEN = r"(?U)[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]"
CHECKS = {
    "N1": "a sentence is the text between its offsets",
    "N2": "sentences are numbered from 0, in order, and do not overlap",
    "N3": "nothing of a note but white space is outside its sentences",
    "N4": f"a sentence has at most {LONGEST} tokens",
    "N5": "an expected note has exactly the expected sentences",
}


@dataclass(frozen=True)
class Accepted:
    """The result of one check: how many things it looked at, and how many of them failed."""

    check_id: str
    checked: int
    failed: int

    @property
    def state(self) -> str:
        """passed, failed, or not applicable where there was nothing to look at."""
        return "failed" if self.failed else "passed" if self.checked else "not applicable"


def filled(text: Column) -> Column:
    """How many characters of a text are no white space."""
    return sf.length(sf.regexp_replace(text, r"(?U)\s", ""))


def of_offsets(clean: DataFrame, sentences: DataFrame) -> list[Accepted]:
    """N1 to N4, by one query."""
    before = Window.partitionBy("note_id").orderBy("note_sent", "begin")
    placed = sentences.select(
        "note_id", "begin", "end", "note_text", "note_sent",
        (sf.row_number().over(before) - 1).alias("_place"),
        sf.coalesce(sf.lag("end").over(before), sf.lit(0)).alias("_kept"),
    )  # fmt: skip
    texts = clean.select("note_id", "clean_text")
    # Outside joins on both sides: a note without sentences and sentences without a note are faults, not absences.
    both = texts.join(placed, "note_id", "full_outer").select(
        "note_id", "note_sent", "clean_text",
        sf.coalesce(sf.col("note_text") != sf.expr("substring(clean_text, `begin` + 1, `end` - `begin`)"), sf.lit(True))
        .alias("_n1"),
        ((sf.col("note_sent") != sf.col("_place")) | (sf.col("begin") < sf.col("_kept"))).alias("_n2"),
        filled(sf.col("note_text")).alias("_filled"),
        (sf.regexp_count(sf.col("note_text"), sf.lit(TOKEN)) > LONGEST).alias("_n4"),
    )  # fmt: skip
    per_note = both.groupBy("note_id").agg(
        sf.count("note_sent").alias("sentences"),
        *(sf.count_if(sf.col("note_sent").isNotNull() & sf.col(f"_{n}")).alias(n) for n in ("n1", "n2", "n4")),
        (sf.coalesce(sf.sum("_filled"), sf.lit(0)) != sf.coalesce(filled(sf.first("clean_text")), sf.lit(0))).alias(
            "n3"
        ),
    )
    row = per_note.agg(
        sf.coalesce(sf.sum("sentences"), sf.lit(0)).alias("sentences"), sf.count(sf.lit(1)).alias("notes"),
        *(sf.coalesce(sf.sum(n), sf.lit(0)).alias(n) for n in ("n1", "n2", "n4")), sf.count_if("n3").alias("n3"),
    ).first()  # fmt: skip
    assert row is not None
    return [
        Accepted("N1", row["sentences"], row["n1"]),
        Accepted("N2", row["sentences"], row["n2"]),
        Accepted("N3", row["notes"], row["n3"]),
        Accepted("N4", row["sentences"], row["n4"]),
    ]


def of_expected(expected: DataFrame, sentences: DataFrame) -> Accepted:
    """N5: sentences that are missing, that nobody expects in a note of which all are, or that differ.

    expected: note_id, note_sent, expected_text.
    """
    about = expected.select("note_id").distinct()
    found = sentences.join(about, "note_id", "left_semi").select("note_id", "note_sent", "note_text")
    both = expected.join(found, ["note_id", "note_sent"], "full_outer")
    differs = ~sf.col("expected_text").eqNullSafe(sf.col("note_text"))
    row = both.agg(sf.count(sf.lit(1)).alias("checked"), sf.count_if(differs).alias("failed")).first()
    assert row is not None
    return Accepted("N5", row["checked"], row["failed"])
