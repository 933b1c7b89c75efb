"""What was known when is kept: corrections close and open facts, by batch and by stream, whatever ends a task."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from curated import PERSONS, deliver, frame, rows
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io.context import Task
from jobs.io.tables import Provenance, Tables
from jobs.tasks import history
from jobs.tasks.facts import _facts
from workflows.declare import Continuous, Featurization, replace
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark, pytest.mark.clause("O3", "C4")]

NAME, CONDITIONS = "synthetic_omop_ra.fact_person", "synthetic_omop.condition_occurrence"
DECLARED = Featurization(name="synthetic_omop", source="synthetic_omop", cluster="ml_cpu", history=True)
State = dict[int, tuple[int, str, str]]
Fact = tuple[int, str, datetime, datetime | None]


def day(text: str) -> datetime:
    return datetime.fromisoformat(f"{text} 00:00:00")


@pytest.fixture
def recorded(zones: SparkSession) -> SparkSession:
    """The small delivery, whose tables record what changes."""
    zones.conf.set("spark.databricks.delta.properties.defaults.enableChangeDataFeed", "true")
    try:
        deliver(zones, {table: frame(zones, table, some) for table, some in rows().items()})
    finally:
        zones.conf.unset("spark.databricks.delta.properties.defaults.enableChangeDataFeed")
    return zones


@pytest.fixture
def facts(recorded: SparkSession, make_task: Callable[..., Task]) -> Callable[..., Task]:
    def run(declared: Featurization = DECLARED, **parameters: str) -> Task:
        task = make_task(declared, table="fact_person", person_sample="1.0", **parameters)
        _facts(task)
        return task

    return run


def base() -> State:
    return {500 + n: (n, f"2021-03-{n:02d}", "I50.9") for n in range(1, PERSONS + 1)}


def commits(spark: SparkSession) -> list[State]:
    """Commits of every kind, and the state of the source after each."""
    states = [base()]

    def then(sql: str, **changed: tuple[int, str, str] | None) -> None:
        spark.sql(sql).collect()
        state = {**states[-1], **{int(key[1:]): value for key, value in changed.items()}}
        states.append({key: value for key, value in state.items() if value is not None})

    def row(key: int, person: int, at: str, code: str) -> str:
        values = {"condition_occurrence_id": key, "person_id": person, "condition_start_datetime": f"{at} 08:00:00",
                  "visit_occurrence_id": 100 + person, "condition_source_value": code}  # fmt: skip
        return f"INSERT INTO {CONDITIONS} ({', '.join(values)}) VALUES ({', '.join(repr(str(v)) for v in values.values())})"

    then(row(600, 1, "2019-05-05", "E11.9"), _600=(1, "2019-05-05", "E11.9"))
    then(f"UPDATE {CONDITIONS} SET condition_source_value = 'I11.0' WHERE condition_occurrence_id IN ('501', '502')",
         _501=(1, "2021-03-01", "I11.0"), _502=(2, "2021-03-02", "I11.0"))  # fmt: skip
    then(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id IN ('503', '600')", _503=None, _600=None)
    then(f"UPDATE {CONDITIONS} SET visit_occurrence_id = visit_occurrence_id WHERE condition_occurrence_id = '504'")
    # The person is corrected, and what was deleted comes back, in one delivery that overwrites the table.
    state = {**states[-1], 505: (6, "2021-03-05", "I50.9"), 503: (3, "2021-03-03", "I50.9")}
    given = [
        {"condition_occurrence_id": str(key), "person_id": str(person), "condition_start_datetime": f"{at} 08:00:00",
         "visit_occurrence_id": str(100 + person), "condition_source_value": code}
        for key, (person, at, code) in state.items()
    ]  # fmt: skip
    deliver(spark, {"condition_occurrence": frame(spark, "condition_occurrence", given)})
    states.append(state)
    then(f"UPDATE {CONDITIONS} SET condition_source_value = 'I50.9' WHERE condition_occurrence_id = '501'",
         _501=(1, "2021-03-01", "I50.9"))  # fmt: skip
    return states


def expected(states: list[State], moments: list[datetime]) -> set[tuple[Any, ...]]:
    """The facts and when they were known, read off the states in plain Python."""
    found = set()
    for key in {key for state in states for key in state}:
        known: tuple[Any, ...] | None = None
        for version, state in enumerate(states):
            now = state.get(key)
            if version and now == states[version - 1].get(key):
                continue
            if known is not None:
                found.add((*known, moments[version]))
            first = not any(key in earlier for earlier in states[:version])
            known = None if now is None else (*now, day(now[1]) if first else moments[version])
        if known is not None:
            found.add((*known, None))
    return found


def content(spark: SparkSession) -> set[tuple[Any, ...]]:
    made = [
        (r["person_id"], r["event_start_datetime"].date().isoformat(), r["concept_code"], r["known_from"], r["known_to"])
        for r in spark.table(NAME).collect()
    ]  # fmt: skip
    assert len(set(made)) == len(made)
    return set(made)


def moments(spark: SparkSession) -> list[datetime]:
    told = spark.sql(f"DESCRIBE HISTORY {CONDITIONS}").orderBy("version").collect()
    return [row["timestamp"] for row in told]


def back_to_base(spark: SparkSession, task: Task) -> dict[str, Any]:
    """The table and what it says of itself as they were when it was made; what it says."""
    first = spark.sql(f"DESCRIBE HISTORY {NAME}").orderBy("version").first()
    said: dict[str, Any] = json.loads(first["userMetadata"])
    task.tables.replace(
        NAME, task.tables.read(NAME, 0), said["inputs"], {key: said[key] for key in ("made_by", "base")}
    )
    return said


@pytest.mark.slow
def test_one_batch_many_batches_a_stream_and_all_of_them_twice_make_the_same_history(
    recorded: SparkSession, facts: Callable[..., Task]
):
    facts()
    states = commits(recorded)
    task = facts()
    wanted = expected(states, moments(recorded))
    assert content(recorded) == wanted, "one batch"
    last = len(states) - 1
    said = task.tables.noted(NAME, "made_by")
    assert said["inputs"] == {CONDITIONS: last}

    def apply(first: int, through: int) -> None:
        feeds = {"condition_occurrence": task.tables.changes(CONDITIONS, first, through)}
        history.applied_to(task.tables, synthetic_omop, NAME, feeds, {CONDITIONS: through}, said, 1.0)

    # Backfill: a range that is there is read again, in whole and in parts.
    for first, through in ((1, last), (2, 4), (last, last)):
        apply(first, through)
        assert content(recorded) == wanted, (first, through)
    back_to_base(recorded, task)
    for version in range(1, last + 1):
        apply(version, version)
    assert content(recorded) == wanted, "commit by commit"
    back_to_base(recorded, task)
    apply(1, 2)
    apply(1, 5)
    apply(4, last)
    assert content(recorded) == wanted, "ranges that overlap"

    back_to_base(recorded, task)
    streaming = facts(replace(DECLARED, updates=Continuous()))
    assert content(recorded) == wanted, "a stream"
    streaming.tables.flush()
    noted = recorded.table("ml.lineage").where(f"object = '{NAME}'").orderBy("version").collect()[-1]
    assert noted["version"] == streaming.tables.version(NAME)
    before = task.tables.version(NAME)
    facts(replace(DECLARED, updates=Continuous()))
    assert task.tables.version(NAME) == before, "nothing new, nothing written"

    facts(rebuild="true")
    now = {(*one[:3], one[4]) for one in content(recorded)}
    assert now == {(*one[:3], one[4]) for one in wanted if one[4] is None}, "open rows are what a rebuild makes"


class EndedError(Exception):
    """The process ends here."""


@pytest.mark.slow
def test_a_task_that_ends_at_any_step_leaves_the_table_as_it_was_or_as_it_is_to_be(
    recorded: SparkSession, facts: Callable[..., Task], make_task: Callable[..., Task]
):
    """Every use of the session is a step; the task ends before the first, the second, and so on, until it comes through."""
    facts()
    recorded.sql(f"UPDATE {CONDITIONS} SET condition_source_value = 'I11.0' WHERE condition_occurrence_id < '505'")
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '510'")
    old, seen, ends = content(recorded), set(), 0
    while True:
        task, left = make_task(DECLARED, table="fact_person", person_sample="1.0"), [ends]

        def step(left: list[int] = left) -> SparkSession:
            if not left[0]:
                raise EndedError
            left[0] -= 1
            return recorded

        vars(task)["tables"] = Tables(step, Provenance("22", "333", "abc", "req", "dec"))
        try:
            _facts(task)
        except EndedError:
            ends += 1
            seen.add(frozenset(content(recorded)))
            continue
        break
    new = content(recorded)
    assert ends > 8
    assert seen == {frozenset(old), frozenset(new)}, "ended before the commit, and after it"
    assert sum(closed is not None for *_, closed in new) == 5
    assert len(new) == PERSONS + 4


def test_two_tasks_that_apply_the_same_changes_at_once_lose_and_repeat_nothing(
    recorded: SparkSession, facts: Callable[..., Task], spark_remote: str
):
    from sandbox.spark.session import session

    task = facts()
    recorded.sql(f"UPDATE {CONDITIONS} SET condition_source_value = 'I11.0' WHERE condition_occurrence_id < '505'")
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '510'")
    said, failures, ready = task.tables.noted(NAME, "made_by"), [], threading.Barrier(2)

    def apply(last: int) -> None:
        try:
            with session(spark_remote) as own:
                tables = Tables(lambda: own, Provenance("22", str(last), "abc", "req", "dec"))
                feeds = {"condition_occurrence": tables.changes(CONDITIONS, 1, last)}
                ready.wait()
                history.applied_to(tables, synthetic_omop, NAME, feeds, {CONDITIONS: last}, said, 1.0)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=apply, args=(last,)) for last in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    found = content(recorded)
    assert len(found) == PERSONS + 4
    assert sorted(person for person, *_, closed in found if closed) == [1, 2, 3, 4, 10]


# What changes in the table, and what the task says; without words it goes on.
SCHEMAS = [
    ({"site": "'here'"}, None),
    ({"condition_source_value": "cast(1.5 AS double)"}, r"condition_source_value was string and is double"),
    ({"visit_occurrence_id": None}, r"column visit_occurrence_id was string and is gone"),
    ({}, r"the schema of synthetic_omop.condition_occurrence changed and changed back"),
]


def test_a_column_that_is_new_is_passed_by_and_one_that_goes_or_changes_type_ends_the_history(
    recorded: SparkSession, facts: Callable[..., Task]
):
    task, version = facts(), 0
    names = recorded.table(CONDITIONS).columns
    for change, says in SCHEMAS:
        good = frame(recorded, "condition_occurrence", rows()["condition_occurrence"])
        columns = [
            f"{change.get(name, name)} AS {name}"
            for name in {**dict.fromkeys(names), **change}
            if change.get(name, name)
        ]
        deliver(recorded, {"condition_occurrence": good.selectExpr(*columns)})
        if says is None:
            facts()
            assert len(content(recorded)) == PERSONS, "the same rows with a column more say nothing new"
            version = task.tables.version(NAME) or 0
            continue
        with pytest.raises(TaskError, match=says) as caught:
            facts()
        assert CONDITIONS in str(caught.value)
        assert "rebuild=true" in str(caught.value)
        assert task.tables.version(NAME) == version, "the previous version is intact"


def test_what_has_no_history_is_refused_in_words_and_changes_nothing(
    recorded: SparkSession, facts: Callable[..., Task]
):
    task = facts()
    with pytest.raises(TaskError, match=r"made by another mapping or from another sample.*rebuild=true"):
        history.brought_up(task, synthetic_omop, 0.5)
    twice = rows()["condition_occurrence"]
    twice[1]["condition_occurrence_id"] = twice[0]["condition_occurrence_id"]
    deliver(recorded, {"condition_occurrence": frame(recorded, "condition_occurrence", twice)})
    with pytest.raises(TaskError, match=r"condition_occurrence: a key is repeated in one version"):
        facts()
    recorded.sql(f"ALTER TABLE {CONDITIONS} SET TBLPROPERTIES (delta.enableChangeDataFeed = false)")
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '510'")
    with pytest.raises(TaskError, match=r"condition_occurrence did not record changes"):
        facts()
    recorded.sql(f"DROP TABLE {CONDITIONS}")
    deliver(recorded, {"condition_occurrence": frame(recorded, "condition_occurrence", rows()["condition_occurrence"])})
    assert task.tables.version(NAME) == 0
    facts(rebuild="true")
    assert len(content(recorded)) == PERSONS


def test_a_table_is_read_as_it_was_at_a_version_and_at_a_moment(recorded: SparkSession, facts: Callable[..., Task]):
    task = facts()
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '510'")
    facts()
    told = recorded.sql(f"DESCRIBE HISTORY {NAME}").orderBy("version").collect()
    first, second = (row["timestamp"] for row in told)
    as_utc = [moment.replace(tzinfo=UTC) for moment in (first, second)]
    said = [json.loads(row["userMetadata"]) for row in told]
    assert [one["inputs"] for one in said] == [{CONDITIONS: 0}, {CONDITIONS: 1}]
    assert {one["contract_hash"] for one in said} == {hashlib.sha256(repr(synthetic_omop).encode()).hexdigest()}
    assert task.tables.read(NAME, 0).where("known_to IS NOT NULL").count() == 0
    assert task.tables.read(NAME, at=as_utc[0]).where("known_to IS NOT NULL").count() == 0
    assert task.tables.read(NAME, at=as_utc[1]).where("known_to IS NOT NULL").count() == 1
