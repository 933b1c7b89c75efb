"""What stands of the notes of a source after a run that was refused: the texts and sentences accepted last."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf

from jobs.errors import TaskError
from jobs.featurize.contract import results
from jobs.io.context import Task
from jobs.notes import tables
from jobs.notes.clean import cleaned
from jobs.tasks.note_acceptance import _note_acceptance
from jobs.tasks.notes import _notes
from workflows.contracts.facts import tables_of
from workflows.contracts.notes import NOTE_CLEAN, NOTES
from workflows.featurizations.synthetic_notes import synthetic_notes
from workflows.sources import named

pytestmark = [pytest.mark.spark, pytest.mark.clause("F2", "Q2", "4")]
RA = "synthetic_notes_ra"
CLEAN, SENTENCES = f"{RA}.note_clean", f"{RA}.note_sentences"
UNREADABLE = r"{\rtf1\ansi\ansicpg99999 caf\'e9}"


@pytest.fixture
def deliver(zones: SparkSession) -> Callable[..., None]:
    """A note of two sentences of each of thirty persons; `expected` of the first."""

    def run(word: str, texts: tuple[str, ...] = (), expected: str | None = None) -> None:
        given = [*texts, *(f"{word} is here. {word} is there." for _ in range(30 - len(texts)))]
        rows = [(n, n, "2021-03-01 08:30:00", None, text, "utf", None) for n, text in enumerate(given, 1)]
        kinds = {
            "note": "note_id long, person_id long, at string, note_title string, note_text string, "
            "note_source_value string, visit_occurrence_id long",
            "note_expected": "note_source_value string, note_sent long, expected_text string",
        }
        sentences = [("30", 0, expected or f"{word} is here."), ("30", 1, f"{word} is there.")]
        for table, some in (("note", rows), ("note_expected", sentences)):
            frame = zones.createDataFrame(some, kinds[table])
            if table == "note":
                frame = frame.withColumn("at", sf.to_timestamp("at")).withColumnRenamed("at", "note_datetime")
            frame.coalesce(1).write.format("delta").mode("overwrite").saveAsTable(f"synthetic_notes.{table}")

    return run


@pytest.fixture
def chain(make_task: Callable[..., Task]) -> Callable[[str], None]:
    def run(job_run_id: str) -> None:
        for table in NOTES:
            _notes(make_task(synthetic_notes, table=table, job_run_id=job_run_id))
        accept(make_task, job_run_id)

    return run


def accept(make_task: Callable[..., Task], job_run_id: str) -> None:
    task = make_task(synthetic_notes, job_run_id=job_run_id)
    try:
        _note_acceptance(task)
    finally:
        task.tables.flush()


def standing(spark: SparkSession) -> list[list[str]]:
    """The rows of clean texts and of sentences that a reader gets."""
    return [sorted(map(str, spark.table(name).collect())) for name in (CLEAN, SENTENCES)]


def test_notes_that_are_not_accepted_leave_those_accepted_last_and_their_report(
    zones: SparkSession, deliver, chain, make_task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
):
    deliver("One")
    chain("1")
    before = standing(zones)
    deliver("Two", expected="Two is elsewhere.")
    # A run that ends before anything is accepted: what it left is no version to go back to.
    for table in NOTES:
        _notes(make_task(synthetic_notes, table=table, job_run_id="2"))
    assert standing(zones) != before
    with pytest.raises(TaskError, match="the notes of synthetic_notes are not accepted: N5: few or all") as raised:
        chain("3")
    for name in (CLEAN, SENTENCES):
        assert f"{name}: version 0 is in its place again, as version 3" in str(raised.value)
    assert standing(zones) == before
    told = zones.table(f"{RA}.note_acceptance").where("state = 'failed'").collect()
    assert [(row["job_run_id"], row["check_id"]) for row in told] == [("3", "N5")]
    report = zones.table(f"{RA}.quality").where("job_run_id = '3'").collect()
    assert {(row["table"], row["table_version"]) for row in report} == {(f"{RA}.{name}", 2) for name in NOTES}
    assert zones.table(f"{RA}.note").where("note_text LIKE 'Two%'").count() == 30, "the notes themselves are right"
    said = {column.name: column.description for column in zones.catalog.listColumns(CLEAN)}
    assert said == {column.name: column.meaning for column in NOTE_CLEAN.columns}

    # Databricks tries a failed task once more; it must not accept what was put back in the name of this run.
    with pytest.raises(TaskError, match=f"{CLEAN} is at version 3, and version 2 of it is what was found to keep"):
        accept(make_task, "3")
    assert standing(zones) == before

    deliver("Two")
    chain("4")
    assert [len(some) for some in standing(zones)] == [30, 60]
    assert zones.table(CLEAN).where("clean_text LIKE 'Two%'").count() == 30


def test_nothing_stands_where_nothing_was_ever_accepted(zones: SparkSession, deliver, chain):
    deliver("One", expected="One is elsewhere.")
    with pytest.raises(TaskError, match=f"{CLEAN}: it is empty now, as version 1; {SENTENCES}: it is empty now, as"):
        chain("1")
    assert standing(zones) == [[], []]
    assert zones.read.option("versionAsOf", 0).table(SENTENCES).count() == 60, "what was refused can be looked at"


def test_an_acceptance_that_cannot_be_run_leaves_what_was_accepted(
    zones: SparkSession, deliver, chain, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    deliver("One")
    chain("1")
    before = standing(zones)
    deliver("Two")

    def lost(*_: object) -> None:
        raise OSError("the server went away")

    monkeypatch.setattr("jobs.notes.acceptance.of_offsets", lost)
    with pytest.raises(OSError, match="the server went away"):
        chain("2")
    assert f"could not be judged; {CLEAN}: version 0 is in its place again, as version 2" in capsys.readouterr().out
    assert standing(zones) == before


def test_sentences_that_break_their_contract_give_way_with_the_texts_that_they_are_of(
    zones: SparkSession, deliver, chain, monkeypatch: pytest.MonkeyPatch
):
    deliver("One")
    chain("1")
    before = standing(zones)
    deliver("Two")
    monkeypatch.setattr(
        tables, "note_sentences", lambda clean, real=tables.note_sentences: real(clean).withColumn("end", sf.col("begin"))
    )  # fmt: skip
    with pytest.raises(TaskError, match=f"{SENTENCES} breaks its contract: note_sentences: not so: end after begin"):
        chain("2")
    assert standing(zones) == before
    report = zones.table(f"{RA}.quality").where("state = 'failed'").collect()
    assert [(row["table"], row["table_version"], row["check_id"]) for row in report] == [
        (SENTENCES, 1, "end_after_begin")
    ]


def test_texts_that_break_their_contract_give_way_and_the_sentences_stay(
    zones: SparkSession, deliver, chain, monkeypatch: pytest.MonkeyPatch
):
    deliver("One")
    chain("1")
    before = standing(zones)
    deliver("Two")
    real = tables.note_clean
    monkeypatch.setattr(tables, "note_clean", lambda notes: real(notes).withColumn("encoding", sf.lit("ebcdic")))
    with pytest.raises(
        TaskError, match=f"encoding is none of utf, rtf.*; {CLEAN}: version 0 is in.*; {SENTENCES} stays at version 0"
    ):
        chain("2")
    assert standing(zones) == before


def test_few_notes_that_cannot_be_read_are_not_left_to_be_subtracted(zones: SparkSession, deliver, chain):
    deliver("One", texts=(UNREADABLE,) * 3)
    chain("1")
    shown = {row["table"]: row["table_rows"] for row in zones.table(f"{RA}.quality").collect()}
    assert shown == {f"{RA}.note": 30, CLEAN: None, SENTENCES: 54}
    assert zones.table(CLEAN).count() == 27


def test_a_character_that_a_note_writes_itself_is_no_text_in_a_wrong_encoding(spark: SparkSession):
    text = cleaned("<html><body>Weight &#65533; kg.</body></html>").text
    assert text == "Weight \ufffd kg."
    row = [(1, 1, "2021-03-01 08:30:00", text, "html", 3)]
    columns = "note_id long, person_id long, at string, clean_text string, encoding string, word_count long"
    clean = spark.createDataFrame(row, columns).withColumn("at", sf.to_timestamp("at"))
    found = results(clean.withColumnRenamed("at", "note_datetime"), NOTE_CLEAN)
    assert [one for one in found if one.stops] == []


def test_an_approval_is_of_the_tables_of_notes_too():
    assert tables_of(named("synthetic_notes")) >= {f"{RA}.{table}" for table in NOTES}
    assert not tables_of(named("uci130")) & {f"uci130_ra.{table}" for table in NOTES}
