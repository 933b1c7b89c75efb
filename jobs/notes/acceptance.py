"""What must hold of the sentences of notes before anyone uses them, with counts of what does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as sf

from jobs.disclosure import few, portion, suppressed
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
    """The result of one check: how many things it looked at, and how many of them failed.

    persons: behind all of them, behind those that failed, and behind the others.
    """

    check_id: str
    checked: int
    failed: int
    persons: tuple[int, int, int]

    @property
    def state(self) -> str:
        """passed, failed, or not applicable where there was nothing to look at."""
        return "failed" if self.failed else "passed" if self.checked else "not applicable"

    @property
    def told(self) -> tuple[int | None, int | None]:
        """Both counts as they may be shown; None where one is of few persons, or its rest is."""
        everybody, *parts = self.persons
        checked = None if suppressed(everybody) is None else suppressed(self.checked)
        return checked, None if self.failed and (few(*parts) or checked is None) else portion(self.failed, self.checked)

    def __str__(self) -> str:
        checked, failed = self.told
        part = "few or all but few" if failed is None else f"{failed:,}"
        return f"{part} of {'few' if checked is None else f'{checked:,}'}"


def summed(count: Column) -> Column:
    """A sum that is 0 of no rows."""
    return sf.coalesce(sf.sum(count), sf.lit(0))


def by_person(looked_at: DataFrame, checks: Mapping[str, tuple[str, str]]) -> list[Accepted]:
    """The results of checks, by one query. looked_at: `_person`, and of each check a count of what it saw and of
    what failed, named in `checks`."""
    columns = sorted({name for pair in checks.values() for name in pair})
    persons = looked_at.groupBy("_person").agg(*(summed(sf.col(name)).alias(name) for name in columns))
    row = persons.agg(
        *(summed(sf.col(name)).alias(name) for name in columns),
        *(sf.count_if(sf.col(seen) > 0).alias(f"{check}_all") for check, (seen, _) in checks.items()),
        *(sf.count_if(sf.col(failed) > 0).alias(f"{check}_failed") for check, (_, failed) in checks.items()),
        *(sf.count_if(sf.col(seen) > sf.col(bad)).alias(f"{check}_rest") for check, (seen, bad) in checks.items()),
    ).first()  # fmt: skip
    assert row is not None
    return [
        Accepted(check, row[seen], row[failed], (row[f"{check}_all"], row[f"{check}_failed"], row[f"{check}_rest"]))
        for check, (seen, failed) in checks.items()
    ]


def filled(text: Column) -> Column:
    """How many characters of a text are no white space."""
    return sf.length(sf.regexp_replace(text, r"(?U)\s", ""))


def of_offsets(clean: DataFrame, sentences: DataFrame) -> list[Accepted]:
    """N1 to N4, by one query."""
    before = Window.partitionBy("note_id").orderBy("note_sent", "begin")
    placed = sentences.select(
        "note_id", "begin", "end", "note_text", "note_sent", sf.col("person_id").alias("_whose"),
        (sf.row_number().over(before) - 1).alias("_place"),
        sf.coalesce(sf.lag("end").over(before), sf.lit(0)).alias("_kept"),
    )  # fmt: skip
    texts = clean.select("note_id", "clean_text", "person_id")
    # Outside joins on both sides: a note without sentences and sentences without a note are faults, not absences.
    both = texts.join(placed, "note_id", "full_outer").select(
        "note_id", "note_sent", "clean_text", sf.coalesce("person_id", "_whose").alias("_person"),
        sf.coalesce(sf.col("note_text") != sf.expr("substring(clean_text, `begin` + 1, `end` - `begin`)"), sf.lit(True))
        .alias("_n1"),
        ((sf.col("note_sent") != sf.col("_place")) | (sf.col("begin") < sf.col("_kept"))).alias("_n2"),
        filled(sf.col("note_text")).alias("_filled"),
        (sf.regexp_count(sf.col("note_text"), sf.lit(TOKEN)) > LONGEST).alias("_n4"),
    )  # fmt: skip
    per_note = both.groupBy("note_id").agg(
        sf.first("_person").alias("_person"), sf.lit(1).alias("notes"),
        sf.count("note_sent").alias("sentences"),
        *(sf.count_if(sf.col("note_sent").isNotNull() & sf.col(f"_{n}")).alias(n) for n in ("n1", "n2", "n4")),
        (sf.coalesce(sf.sum("_filled"), sf.lit(0)) != sf.coalesce(filled(sf.first("clean_text")), sf.lit(0)))
        .cast("int").alias("n3"),
    )  # fmt: skip
    seen = {"N1": "sentences", "N2": "sentences", "N3": "notes", "N4": "sentences"}
    return by_person(per_note, {check: (what, check.lower()) for check, what in seen.items()})


def of_expected(expected: DataFrame, sentences: DataFrame) -> Accepted:
    """N5: sentences that are missing, that nobody expects in a note of which all are, or that differ.

    expected: note_id, note_sent, expected_text.
    """
    about = expected.select("note_id").distinct()
    there = sentences.join(about, "note_id", "left_semi").select("note_id", "note_sent", "note_text")
    both = expected.join(there, ["note_id", "note_sent"], "full_outer")
    differs = ~sf.col("expected_text").eqNullSafe(sf.col("note_text"))
    # An expected note without sentences is of nobody known; all such count as one person.
    whose = sentences.groupBy("note_id").agg(sf.first("person_id").alias("_person"))
    looked_at = both.join(whose, "note_id", "left").select(
        "_person", sf.lit(1).alias("seen"), differs.cast("int").alias("differs")
    )
    (found,) = by_person(looked_at, {"N5": ("seen", "differs")})
    return found
