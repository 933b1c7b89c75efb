"""Invented clinical notes in five encodings, with the sentences that must come out of them, and counted defects."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthetic.generate import TABLES, moment, population
from synthetic.persons import Person, stream

ENCODINGS = ("utf", "rtf", "html", "xml", "sop")
PURPOSE = 7
NOTES_EACH = 1_000
# One note in so many has the defect; one in so many has its sentences written down.
UNDATED, UNREADABLE, EXPECTED = 13, 29, 3
# A sentence is written here once, and neither made nor split by any program.
SENTENCES = (
    "The patient was seen by Dr. Ames for follow-up of heart failure.",
    "Blood pressure was 128/76 and temperature 98.6 F.",
    "She takes metoprolol 25 mg b.i.d. and furosemide 40 mg p.o. every morning.",
    "Denies chest pain, palpitations, or syncope.",
    "He reports a low-salt diet & daily weights.",
    "Caf\u00e9 au lait spots were noted on the left arm.",
    "Weight < 80 kg is the goal!",
    "Is there any swelling of the ankles?",
    "Lungs are clear; no wheezes were heard.",
    "Return in approx. 3 weeks, or sooner vs. the plan of last year.",
    "No known allergies.",
    "Ejection fraction was 45% on the last echo.",
)


@dataclass(frozen=True)
class Planted:
    """What was written: all notes; those without a date; those that no reader can read; sentences written down."""

    notes: int
    undated: int
    unreadable: int
    expected: int


def utf(paragraphs: list[list[str]]) -> str:
    """Plain text as systems print it: two spaces after a sentence, Windows line ends, a blank line a paragraph."""
    return "\r\n\r\n".join("  ".join(sentences) for sentences in paragraphs) + "\r\n"


def rtf(paragraphs: list[list[str]]) -> str:
    """Rich text, with what is not ASCII as bytes of its code page."""
    body = r"\par\par ".join(" ".join(sentences) for sentences in paragraphs)
    plain = "".join(one if one.isascii() else f"\\'{ord(one):02x}" for one in body)
    return r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}}\pard\f0\fs20 " + plain + r"\par}"


def html(paragraphs: list[list[str]]) -> str:
    """A page with a head that nobody sees, entities and a script."""
    body = "".join(f"<p>{'&nbsp; '.join(map(escape, sentences))}</p>" for sentences in paragraphs)
    return f"<html><head><title>Note</title><script>var a = 1;</script></head><body>{body}</body></html>"


def xml(paragraphs: list[list[str]]) -> str:
    """A document with a declaration and a section a paragraph."""
    body = "".join(f"<Section><Text>{escape(' '.join(sentences))}</Text></Section>" for sentences in paragraphs)
    return f'<?xml version="1.0" encoding="utf-16"?><Care type="note">{body}</Care>'


def sop(paragraphs: list[list[str]]) -> str:
    """Sections of a SOAP note, whose tags nobody closes."""
    parts = zip(("S", "O", "A", "P"), paragraphs, strict=False)
    return "<SOAP>" + "".join(f"<{tag}>{escape(' '.join(sentences))}" for tag, sentences in parts)


WRITERS: dict[str, Callable[[list[list[str]]], str]] = {
    "utf": utf, "rtf": rtf, "html": html, "xml": xml, "sop": sop,
}  # fmt: skip


def notes_of(who: Person, seed: int) -> list[tuple[int, float, int, list[list[str]]]]:
    """(note, day, visit, paragraphs) for every inpatient visit of a person."""
    rng = stream(seed, who.number, PURPOSE)
    return [
        (who.number * NOTES_EACH + place, visit.end, who.number * NOTES_EACH + place, paragraphs(rng))
        for place, visit in enumerate(who.visits)
        if visit.inpatient
    ]


def paragraphs(rng: np.random.Generator) -> list[list[str]]:
    """One to four paragraphs of one to four sentences."""
    return [
        [SENTENCES[place] for place in rng.choice(len(SENTENCES), size=int(rng.integers(1, 5)), replace=False)]
        for _ in range(int(rng.integers(1, 5)))
    ]


def generate(folder: Path, persons: int = 300, seed: int = 42) -> Planted:
    """Write a delivery of the source `synthetic_notes` into `folder`; what was planted. Same arguments, same rows."""
    people = population(persons, seed)
    folder.mkdir(parents=True, exist_ok=True)
    for table in ("person", "visit_occurrence"):
        header, rows_of = TABLES[table]
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows((header, *rows_of(people)))
    rows: list[tuple[object, ...]] = []
    expected: list[tuple[str, int, str]] = []
    undated = unreadable = 0
    for who in people:
        for note_id, day, visit, text in notes_of(who, seed):
            count = len(rows)
            encoding = ENCODINGS[count % len(ENCODINGS)]
            broken, dated = count % UNREADABLE == UNREADABLE - 1, count % UNDATED != UNDATED - 1
            # A code page that does not exist: what the bytes mean can only be guessed.
            written = r"{\rtf1\ansi\ansicpg99999 caf\'e9}" if broken else WRITERS[encoding](text)
            when = datetime.fromisoformat(moment(day)) if dated else None
            rows.append((note_id, who.number, when, "Discharge summary", written, encoding, visit))
            undated, unreadable = undated + (not dated), unreadable + (broken and dated)
            if dated and not broken and count % EXPECTED == 0:
                sentences = [sentence for some in text for sentence in some]
                expected += [(str(note_id), place, sentence) for place, sentence in enumerate(sentences)]
    columns = {
        "note_id": pa.int64(), "person_id": pa.int64(), "note_datetime": pa.timestamp("us", tz="UTC"),
        "note_title": pa.string(), "note_text": pa.string(), "note_source_value": pa.string(),
        "visit_occurrence_id": pa.int64(),
    }  # fmt: skip
    save(folder / "note.parquet", columns, rows)
    save(
        folder / "note_expected.parquet",
        {"note_source_value": pa.string(), "note_sent": pa.int64(), "expected_text": pa.string()},
        expected,
    )
    return Planted(len(rows), undated, unreadable, len(expected))


def save(file: Path, columns: dict[str, pa.DataType], rows: Sequence[tuple[object, ...]]) -> None:
    """Write rows as a parquet file."""
    schema = pa.schema(list(columns.items()))
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    pq.write_table(
        pa.table(
            [pa.array(list(some), kind) for some, kind in zip(values, columns.values(), strict=True)], schema=schema
        ),
        file,
    )
