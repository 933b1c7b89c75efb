"""Histories of sources whose rows have no key: what a delivery says more or less than the one before it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace as changed
from datetime import datetime
from pathlib import Path
from typing import Any

import nightly
import pytest
from curated import deliver, frame
from history_world import CONDITIONS, DECLARED, NAME, moments
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

from jobs.errors import TaskError
from jobs.featurize.columns import typed
from jobs.featurize.facts import EVENT_COLUMNS, fact_person
from jobs.io.context import Task
from jobs.io.lineage import Provenance
from jobs.io.tables import Tables
from jobs.tasks import history
from jobs.tasks.facts import _facts
from synthetic.sources.write import write
from workflows.declare import Continuous, Featurization, replace
from workflows.source import Source
from workflows.sources import named
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark, pytest.mark.clause("O3")]

# person, day of March, code
Said = tuple[int, int, str]
PEOPLE = 40


def without_key(*, once: bool) -> Source:
    contracts = tuple(
        changed(one, key=(), once=once) if one.table == "condition_occurrence" else one
        for one in synthetic_omop.contracts
    )
    return changed(synthetic_omop, contracts=contracts)


def states(seed: int, count: int) -> list[Counter[Said]]:
    """Deliveries of equal and unequal rows; each loses, repeats and gains some."""
    chance, made = random.Random(seed), []
    state: Counter[Said] = Counter()
    for _ in range(count):
        state = Counter(
            {row: n for row, held in state.items() if (n := max(0, held + chance.choice([-2, -1, 0, 0, 1])))}
        )
        for person in range(1, PEOPLE + 1):
            if chance.random() < 0.6:
                state[person, chance.randint(1, 3), chance.choice(["I50.9", "E11.9"])] += chance.choice([1, 1, 2])
        made.append(state)
    return made


def delivered(spark: SparkSession, state: Counter[Said]) -> None:
    rows = [
        {"condition_occurrence_id": "7", "person_id": str(person), "visit_occurrence_id": None,
         "condition_start_datetime": f"2021-03-{day:02d} 08:00:00", "condition_source_value": code}
        for person, day, code in state.elements()
    ]  # fmt: skip
    deliver(spark, {"condition_occurrence": frame(spark, "condition_occurrence", rows)})


def counted(state: Counter[Said], *, once: bool) -> Counter[Said]:
    return Counter(dict.fromkeys(state, 1)) if once else Counter(state)


def expected(told: list[Counter[Said]], at: list[datetime]) -> Counter[tuple[Any, ...]]:
    """The facts and when they were known, in plain Python: of equal rows the last to come is the first to go."""
    found: Counter[tuple[Any, ...]] = Counter()
    everything = {row for state in told for row in state}
    for row in everything:
        opened: list[datetime] = []
        most = 0
        for version, state in enumerate(told):
            before = told[version - 1] if version else Counter()
            goes = {one[0] for one in before if state[one] < before[one]}
            while len(opened) > state[row]:
                found[*row, opened.pop(), at[version]] += 1
            while len(opened) < state[row]:
                # Said again, or beside something of the person that goes, so that it may be a correction of that.
                again = len(opened) < most or row[0] in goes
                start = datetime(2021, 3, row[1])
                opened.append(max(start, at[version]) if version and again else start)
            most = max(most, len(opened))
        for start in opened:
            found[*row, start, None] += 1
    return found


def content(spark: SparkSession) -> Counter[tuple[Any, ...]]:
    return Counter(
        (r["person_id"], r["event_start_datetime"].day, r["concept_code"], r["known_from"], r["known_to"])
        for r in spark.table(NAME).collect()
    )


def begun(task: Task, source: Source) -> None:
    """`fact_person` made anew from a source that is declared otherwise."""
    inputs = task.tables.inputs(CONDITIONS)
    tables = {"condition_occurrence": typed(task.tables.read(CONDITIONS), source.contract("condition_occurrence"))}
    versions = {"condition_occurrence": inputs[CONDITIONS]}
    made = fact_person(tables, source, person_sample=1.0, versions=versions)
    task.tables.replace(NAME, made, inputs, history.note(source, 1.0, inputs))


@pytest.fixture
def begin(zones: SparkSession, make_task: Callable[..., Task]) -> Callable[..., Task]:
    def start(source: Source, state: Counter[Said]) -> Task:
        delivered(zones, state)
        task = make_task(DECLARED, table="fact_person", person_sample="1.0")
        begun(task, source)
        return task

    return start


@pytest.mark.parametrize("once", [False, True])
def test_of_equal_rows_as_many_are_closed_and_opened_as_went_and_came(
    zones: SparkSession, begin: Callable[..., Task], once: bool
):
    source, told = without_key(once=once), states(3, 3)
    task = begin(source, told[0])
    for state in told[1:]:
        delivered(zones, state)
        assert history.brought_up(task, source, 1.0)
    counts = [counted(state, once=once) for state in told]
    found = content(zones)
    assert found == expected(counts, moments(zones))
    assert max(counts[-1].values()) == (1 if once else max(told[-1].values()))
    assert sum(1 for row in found if row[-1]) > 10
    assert any(n > 1 for n in found.values()) != once
    before = task.tables.version(NAME)
    assert history.brought_up(task, source, 1.0)
    assert task.tables.version(NAME) == before, "nothing new, nothing written"
    # The same comparison again, as by a task that was killed after its commit and before anyone knew of it.
    newest = task.tables.inputs(CONDITIONS)
    history.compared_with(task, source, ["condition_occurrence"], ["condition_occurrence"], newest, 1.0)
    assert content(zones) == found


def test_a_source_without_keys_is_compared_also_when_it_runs_without_end_and_a_repeated_key_is_refused(
    zones: SparkSession, begin: Callable[..., Task]
):
    source, told = without_key(once=True), states(4, 3)
    task = begin(source, told[0])
    vars(task)["declaration"] = replace(DECLARED, updates=Continuous())
    delivered(zones, told[1])
    assert history.brought_up(task, source, 1.0)
    assert content(zones) == expected([counted(state, once=True) for state in told[:2]], moments(zones))
    # With the key that the contract declares, the rows of this delivery are one row said many times.
    delivered(zones, Counter(dict.fromkeys(told[2], 2)))
    version = task.tables.version(NAME)
    newest = task.tables.inputs(CONDITIONS)
    with pytest.raises(TaskError, match=r"condition_occurrence: a key is repeated in one version"):
        history.compared_with(task, synthetic_omop, ["condition_occurrence"], ["condition_occurrence"], newest, 1.0)
    assert task.tables.version(NAME) == version


def test_what_is_delivered_while_a_comparison_runs_is_compared_by_the_next(
    zones: SparkSession, begin: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
):
    source, told = without_key(once=False), states(6, 3)
    task = begin(source, told[0])
    delivered(zones, told[1])
    decided = history.otherwise

    def meanwhile(*given: Any) -> list[str]:
        delivered(zones, told[2])
        return decided(*given)

    with monkeypatch.context() as patch:
        patch.setattr(history, "otherwise", meanwhile)
        assert history.brought_up(task, source, 1.0)
    assert task.tables.commits.noted(NAME, "made_by")["inputs"] == {CONDITIONS: 1}
    assert content(zones) == expected(told[:2], moments(zones)[:2])
    assert history.brought_up(task, source, 1.0)
    assert content(zones) == expected(told, moments(zones))


class EndedError(Exception):
    """The process ends here."""


@pytest.mark.slow
def test_a_comparison_that_ends_at_any_step_has_done_all_or_nothing(zones: SparkSession, begin: Callable[..., Task]):
    source, told = without_key(once=False), states(5, 2)
    task = begin(source, told[0])
    delivered(zones, told[1])
    seen, ends = set(), 0
    while True:
        left = [ends]

        def step(left: list[int] = left) -> SparkSession:
            if not left[0]:
                raise EndedError
            left[0] -= 1
            return zones

        vars(task)["tables"] = Tables(step, Provenance("22", "333", "abc", "req", "dec"))
        try:
            history.brought_up(task, source, 1.0)
        except EndedError:
            ends += 1
            seen.add(frozenset(content(zones).items()))
            continue
        break
    at = moments(zones)
    old, new = (expected(told[:count], at) for count in (1, 2))
    assert content(zones) == new
    assert ends > 8
    assert seen == {frozenset(old.items()), frozenset(new.items())}, "ended before the commit, and after it"


def text(spark: SparkSession, folder: Path) -> dict[str, DataFrame]:
    """Every file of a delivery as text."""
    return {path.stem: spark.read.csv(str(path), header=True, escape='"') for path in sorted(folder.glob("*.csv"))}


@pytest.fixture
def shaped(spark: SparkSession) -> Iterator[SparkSession]:
    """Zones of the sources in Premier's and ABFM's shapes."""
    schemas = [f"{name}{zone}" for name in ("premier", "abfm") for zone in ("", "_ra")] + ["ml"]
    for schema in schemas:
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    yield spark
    for schema in schemas:
        spark.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


# What the next delivery says otherwise: rows that go, and of a joined table rows that say something else.
OTHERWISE = {
    "premier": ("paticd_diag", {"patdemo": ("ADMIT_DATE", "string(date_add(ADMIT_DATE, -1))")}),
    "abfm": ("visitdiagnosis", {}),
}


@pytest.mark.parametrize("name", nightly.split(sorted(OTHERWISE), lambda name: name == "abfm"))
def test_facts_that_are_open_are_those_of_the_newest_delivery(
    shaped: SparkSession, make_task: Callable[..., Task], tmp_path: Path, name: str
):
    write(name, tmp_path / "delivery", events=1_000)
    source, given = named(name), text(shaped, tmp_path / "delivery")
    some = {table for kind in source.events for table in (kind.table, *(join.table for join in kind.joins))}

    def arrive(table: str, rows: DataFrame) -> None:
        rows.coalesce(1).write.format("delta").mode("overwrite").saveAsTable(f"{name}.{table}")

    for table in some:
        arrive(table, given[table])
    declared = Featurization(name=name, source=name, cluster="ml_cpu", history=True)
    task = make_task(declared, table="fact_person", person_sample="1.0")
    _facts(task)
    facts = f"{name}_ra.fact_person"
    first = shaped.table(facts).count()
    gone, columns = OTHERWISE[name]
    arrive(gone, given[gone].where("hash(*) % 3 <> 0"))
    for table, (column, says) in columns.items():
        arrive(table, given[table].withColumn(column, sf.expr(says)))
    _facts(task)
    now = {table: typed(shaped.table(f"{name}.{table}"), source.contract(table)) for table in some}
    wanted = fact_person(now, source, person_sample=1.0).select(*EVENT_COLUMNS)
    found = shaped.table(facts)
    assert Counter(map(tuple, found.where("known_to IS NULL").select(*EVENT_COLUMNS).collect())) == Counter(
        map(tuple, wanted.collect())
    )
    closed = found.where("known_to IS NOT NULL").count()
    assert 0 < closed <= first
    assert found.count() > closed
    version = task.tables.version(facts)
    _facts(task)
    assert task.tables.version(facts) == version
