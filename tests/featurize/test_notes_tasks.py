"""Notes through their tasks on invented data with counted defects; the acceptance test is shown to fail."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from curated import empty_zones
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf

from jobs.errors import TaskError
from jobs.featurize.contract import results
from jobs.io.context import Task
from jobs.notes import sentences
from jobs.notes.acceptance import TOKEN, Accepted, of_expected, of_offsets
from jobs.notes.sentences import LONGEST
from jobs.notes.tables import note_clean, note_sentences
from jobs.tasks.note_acceptance import _note_acceptance
from jobs.tasks.notes import _notes, counted
from synthetic.notes import Planted, generate
from workflows.contracts.notes import NOTES
from workflows.deliveries import recognise
from workflows.featurizations.synthetic_notes import synthetic_notes
from workflows.featurizations.uci130 import uci130

pytestmark = pytest.mark.spark
RA = "synthetic_notes_ra"


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Planted]:
    folder = tmp_path_factory.mktemp("notes")
    return folder, generate(folder, persons=150, seed=5)


@pytest.fixture(scope="module")
def delivered(spark: SparkSession, delivery: tuple[Path, Planted]):
    with empty_zones(spark) as zones:
        for table in ("note", "note_expected"):
            save(zones.read.parquet(str(delivery[0] / f"{table}.parquet")), f"synthetic_notes.{table}")
        yield zones


def save(frame, name: str) -> None:
    frame.coalesce(1).write.format("delta").mode("overwrite").option("overwriteSchema", "true").saveAsTable(name)


@pytest.fixture
def accept(make_task: Callable[..., Task]) -> Callable[[], None]:
    def run() -> None:
        task = make_task(synthetic_notes)
        try:
            _note_acceptance(task)
        finally:
            task.tables.flush()

    return run


@pytest.fixture
def chain(delivered: SparkSession, make_task: Callable[..., Task], accept) -> Callable[[], None]:
    def run() -> None:
        for table in NOTES:
            _notes(make_task(synthetic_notes, table=table))
        accept()

    return run


@pytest.mark.clause("F2", "F3", "Q2")
def test_notes_become_sentences_and_every_planted_defect_is_counted(
    chain, delivered: SparkSession, delivery: tuple[Path, Planted], capsys: pytest.CaptureFixture[str]
):
    folder, planted = delivery
    assert recognise(folder).name == "synthetic_notes"
    assert min(planted.undated, planted.unreadable) >= 11, "counts below 11 are suppressed, and could be anything"
    chain()
    log = capsys.readouterr().out
    counted = {
        name: delivered.table(f"{RA}.{name}").count()
        for name in ("note", "note_rejected", "note_clean", "note_clean_rejected")
    }
    assert counted == {
        "note": planted.notes - planted.undated, "note_rejected": planted.undated,
        "note_clean": planted.notes - planted.undated - planted.unreadable, "note_clean_rejected": planted.unreadable,
    }  # fmt: skip
    assert f"{RA}.note_rejected: no date: {planted.undated} notes" in log
    assert f"{RA}.note_clean_rejected: rtf cannot be read (UnicodeDecodeError): {planted.unreadable} notes" in log
    for name, contract in NOTES.items():
        frame = delivered.table(f"{RA}.{name}")
        assert frame.columns == [column.name for column in contract.columns]
        assert [one for one in results(frame, contract) if one.stops] == []
        said = {column.name: column.description for column in delivered.catalog.listColumns(f"{RA}.{name}")}
        assert said == {column.name: column.meaning for column in contract.columns}
    report = delivered.table(f"{RA}.quality").where(f"table LIKE '{RA}.%'").collect()
    assert {(row["table"], row["table_version"]) for row in report} == {(f"{RA}.{name}", 0) for name in NOTES}
    assert {row["state"] for row in report} == {"passed"}
    assert {row["check_id"] for row in report} >= {"key", "note_text_not_null", "encoding_allowed", "end_after_begin"}

    # An id is a hash that anyone can compute, so it is the same in the next load.
    ids = {(row["note_source_value"], row["note_id"]) for row in delivered.table(f"{RA}.note").collect()}
    for key, note_id in ids:
        assert note_id == int(hashlib.sha256(f"synthetic_notes|{key}".encode()).hexdigest()[:16], 16) // 2
    accepted = {row["check_id"]: row for row in delivered.table(f"{RA}.note_acceptance").collect()}
    assert {name: row["state"] for name, row in accepted.items()} == dict.fromkeys(
        ("N1", "N2", "N3", "N4", "N5"), "passed"
    )
    assert accepted["N5"]["checked"] == planted.expected == pq.read_table(folder / "note_expected.parquet").num_rows
    secret = delivered.table(f"{RA}.note_sentences").select("note_text").distinct().toPandas()["note_text"]
    assert not [text for text in secret if text in log]


BROKEN = [
    # what is done to the sentences, the checks that find it
    (lambda frame: frame.withColumn("note_text", sf.upper("note_text")), {"N1", "N5"}),
    (lambda frame: frame.withColumn("end", sf.col("end") - 1), {"N1"}),
    (lambda frame: frame.where("note_sent <> 1"), {"N2", "N3", "N5"}),
    (lambda frame: frame.where("note_id <> 2"), {"N3", "N5"}),
    (lambda frame: frame.withColumn("note_sent", sf.col("note_sent") + 1), {"N2", "N5"}),
    (lambda frame: frame.withColumn("note_id", sf.col("note_id") + 1), {"N1", "N3", "N5"}),
    (lambda frame: frame.withColumn("note_text", sf.repeat("note_text", 141)), {"N1", "N3", "N4", "N5"}),
]


@pytest.mark.clause("F2", "Q2")
@pytest.mark.parametrize(("spoil", "wanted"), [(lambda frame: frame, set()), *BROKEN], ids=range(len(BROKEN) + 1))
def test_what_is_wrong_with_sentences_is_found_by_the_check_that_says_so(spark, spoil, wanted):
    text = "One is here.  Two is there.\nThree."
    parts = [(0, 12, "One is here."), (14, 27, "Two is there."), (28, 34, "Three.")]
    clean = spark.createDataFrame([(1, text, 7), (2, text, 8)], "note_id long, clean_text string, person_id long")
    rows = [(note, note + 6, place, *part) for note in (1, 2) for place, part in enumerate(parts)]
    columns = "note_id long, person_id long, note_sent long, `begin` long, `end` long, note_text string"
    sentences = spark.createDataFrame(rows, columns)
    expected = sentences.select("note_id", "note_sent", sf.col("note_text").alias("expected_text"))
    spoiled = spoil(sentences)
    results = [*of_offsets(clean, spoiled), of_expected(expected, spoiled)]
    assert {one.check_id for one in results if one.state == "failed"} == wanted
    assert {one.check_id for one in results} == {"N1", "N2", "N3", "N4", "N5"}


@pytest.mark.clause("F2", "Q2")
def test_the_acceptance_test_fails_with_counts_and_ids_of_checks_and_no_text(
    accept, delivered, make_task, capsys, monkeypatch
):
    good = delivered.table(f"{RA}.note_sentences")
    texts = [row["note_text"] for row in good.select("note_text").distinct().collect()]
    spoiled = good.where("note_sent > 0").count()
    upper = sf.upper("note_text")
    monkeypatch.setattr(
        "jobs.notes.tables.note_sentences",
        lambda clean: note_sentences(clean).where("note_sent = 0").withColumn("note_text", upper),
    )
    _notes(make_task(synthetic_notes, table="note_sentences"))
    with pytest.raises(TaskError, match="the notes of synthetic_notes are not accepted: N1: ") as raised:
        accept()
    said = str(raised.value) + capsys.readouterr().out
    assert spoiled > 0
    assert [one for one in texts if one in said or one.upper() in said] == []
    failed = delivered.table(f"{RA}.note_acceptance").where("state = 'failed'").collect()
    assert {row["check_id"] for row in failed} == {"N1", "N3", "N5"}


def test_a_check_that_all_but_few_fail_does_not_tell_of_those_few(accept, delivered, make_task, capsys, monkeypatch):
    _notes(make_task(synthetic_notes, table="note_sentences"))
    few, many = Accepted("N1", 60, 55, (60, 55, 20)), Accepted("N2", 60, 49, (60, 49, 11))
    of_few = Accepted("N3", 60, 30, (40, 10, 35))
    monkeypatch.setattr("jobs.notes.acceptance.of_offsets", lambda *_: [few, many, of_few])
    with pytest.raises(
        TaskError, match="N1: few or all but few of 60; N2: 49 of 60; N3: few or all but few of 60"
    ) as raised:
        accept()
    assert "55" not in str(raised.value) + capsys.readouterr().out
    found = delivered.table(f"{RA}.note_acceptance").where("checked = 60").collect()
    assert {row["check_id"]: row["failed"] for row in found} == {"N1": None, "N2": 49, "N3": None}


@pytest.mark.parametrize(
    ("persons", "told"),
    [
        ((40, 20, 35), (60, 30)), ((40, 10, 35), (60, None)), ((40, 35, 10), (60, None)), ((10, 10, 10), (None, None)),
        ((40, 40, 0), (60, 30)),
    ],
)  # fmt: skip
def test_sentences_are_counted_where_more_than_ten_persons_stand_behind_those_that_fail_and_the_others(persons, told):
    assert Accepted("N1", 60, 30, persons).told == told


def test_the_persons_behind_a_check_are_counted_once_each(spark):
    text = "One is here."
    clean = spark.createDataFrame(
        [(note, text, note % 3) for note in range(12)], "note_id long, clean_text string, person_id long"
    )
    columns = "note_id long, person_id long, note_sent long, `begin` long, `end` long, note_text string"
    rows = [(note, note % 3, 0, 0, 12, text if note % 3 else "Another.") for note in range(12)]
    sentences = spark.createDataFrame(rows, columns)
    expected = sentences.selectExpr("note_id", "note_sent", f"'{text}' AS expected_text")
    found = {one.check_id: one for one in [*of_offsets(clean, sentences), of_expected(expected, sentences)]}
    assert (found["N1"].checked, found["N1"].failed, found["N1"].persons) == (12, 4, (3, 1, 2))
    assert (found["N5"].checked, found["N5"].failed, found["N5"].persons) == (12, 4, (3, 1, 2))
    assert found["N4"].persons == (3, 0, 3)


@pytest.mark.parametrize(("rejected", "kept", "shown"), [
    ({"no date": (20, 20), "no text": (30, 11)}, (50, 50), {"no date": 20, "no text": 30}),
    # What is rejected in all follows from what goes on: five are not left to be subtracted.
    ({"no date": (5, 5), "no text": (30, 30)}, (50, 50), {"no date": None, "no text": None}),
    ({"no date": (55, 55)}, (5, 5), {"no date": None}),
    # Twelve notes of one person are theirs.
    ({"no date": (12, 1), "no text": (30, 30)}, (50, 50), {"no date": None, "no text": None}),
    ({"no date": (12, 1)}, (50, 50), {"no date": None}),
    ({"no date": (55, 55)}, (30, 2), {"no date": None}),
])  # fmt: skip
def test_reasons_of_few_notes_do_not_follow_from_the_others(rejected, kept, shown):
    assert counted(rejected, kept) == shown


MARKS = ["²", "½", "Ⅷ", "①", "é", "e\u0301", "中", "_", "-", "٣", "ª", "😀", "\u0903", "‿", "µ", "°", "\u00a0", "ß"]


@pytest.mark.clause("F2")
def test_the_acceptance_test_counts_the_tokens_that_sentences_are_cut_by(spark):
    texts = [*(f"x{one}y {one}{one} {one}" for one in MARKS), "".join(MARKS), "10²³ " * LONGEST]
    frame = spark.createDataFrame([(one,) for one in texts], "text string")
    counts = frame.select("text", sf.regexp_count("text", sf.lit(TOKEN)).alias("tokens")).collect()
    cut_by = {one: len(sentences.TOKEN.findall(one)) for one in texts}
    assert {row["text"]: row["tokens"] for row in counts} == cut_by
    assert cut_by[texts[-1]] == LONGEST


@pytest.mark.spark
def test_a_mistyped_year_stops_no_other_note(spark):
    days = ("0202-03-01", "2021-03-01", "9999-12-31")
    rows = [(place, 1, f"{day} 08:30:00.000001", "Stable. No fever.") for place, day in enumerate(days)]
    notes = spark.createDataFrame(rows, "note_id long, person_id long, at string, note_text string").selectExpr(
        "note_id", "person_id", "timestamp(at) AS note_datetime", "note_text"
    )
    clean = note_clean(notes)
    for frame in (clean, note_sentences(clean)):
        found = (
            frame.selectExpr("note_id", "cast(note_datetime AS string) AS at").distinct().orderBy("note_id").collect()
        )
        assert [row["at"] for row in found] == [f"{day} 08:30:00.000001" for day in days]


def test_two_notes_of_one_key_are_refused_and_the_previous_version_stays(delivered, make_task):
    before = delivered.table(f"{RA}.note").count()
    delivered.sql("INSERT INTO synthetic_notes.note SELECT * FROM synthetic_notes.note LIMIT 20")
    with pytest.raises(
        TaskError, match=r"note breaks its contract: note: beyond the first of their key \(note_id\).*; version 0 is in"
    ):
        _notes(make_task(synthetic_notes, table="note"))
    assert delivered.table(f"{RA}.note").count() == before


def test_a_source_without_notes_and_a_table_that_is_none_of_notes_are_refused(make_task):
    with pytest.raises(TaskError, match=r"uci130 declares no notes; valid: a source with notes=Notes"):
        _notes(make_task(uci130, table="note"))
    with pytest.raises(TaskError, match="table = 'note_nlp' is not valid; valid: note, note_clean, note_sentences"):
        _notes(make_task(synthetic_notes, table="note_nlp"))
