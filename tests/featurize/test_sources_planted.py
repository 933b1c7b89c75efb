"""k planted defects of every kind are exactly k reported, and nothing else is; what is let by becomes right facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.featurize.columns import typed
from jobs.featurize.contract import results, shape
from jobs.featurize.facts import of_nobody
from jobs.io.context import Task
from jobs.quality.result import Result
from jobs.tasks.facts import made
from synthetic.sources.defects import KINDS
from synthetic.sources.write import write
from workflows.contracts.facts import fact_contracts
from workflows.declare import Featurization
from workflows.deliveries import recognise
from workflows.source import Source
from workflows.sources import named

pytestmark = [pytest.mark.spark, pytest.mark.clause("F5", "F6")]
EVENTS = 3_000


def delivered(spark: SparkSession, folder: Path) -> dict[str, DataFrame]:
    """Every file as the sandbox delivers it: text, with a header."""
    return {
        path.stem: spark.read.csv(str(path), header=True, inferSchema=False, escape='"')
        for path in sorted(folder.glob("*.csv"))
    }


def checked(source: Source, frames: dict[str, DataFrame]) -> list[Result]:
    whole = {
        one.table: typed(frames[one.table], one)
        for one in source.contracts
        if not any(severity == "fatal" for *_, severity in shape(frames[one.table].schema, one))
    }
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: results(frames[one.table], one, whole), source.contracts))
    return [result for some in found for result in some]


def reported(found: list[Result]) -> Counter[tuple[str, str]]:
    """Rows of every check that failed; a column that is missing is one."""
    counted = [one for one in found if one.severity != "characterization" or one.check == "duplicates"]
    return Counter(
        {(one.table, one.check): one.rows for one in counted if one.state == "failed"}
        | {(one.table, one.check): 1 for one in counted if one.state == "error"}
    )


@pytest.mark.parametrize("name", sorted(KINDS))
def test_k_planted_defects_of_every_kind_are_exactly_k_reported_and_no_others(name, spark, tmp_path):
    # A number of its own for each kind, so that no two can be taken for each other.
    plant = {kind: 1 if kind == "missing_column" else 3 + place for place, kind in enumerate(KINDS[name])}
    write(name, tmp_path, events=EVENTS, defects=plant)
    expected: Counter[tuple[str, str]] = Counter()
    for kind, count in plant.items():
        for where in KINDS[name][kind].breaks:
            expected[where] += count
    source = recognise(tmp_path)
    assert source.name == name
    found = checked(source, delivered(spark, tmp_path))
    assert reported(found) == expected
    fatal = {kind for kind in plant if any((r.table, r.check) in KINDS[name][kind].breaks for r in found if r.stops)}
    assert {"missing_column", "empty_value", "unparseable_date", "negative_stay", "encoding"} <= fatal
    assert not fatal & {"before_birth", "after_extraction", "orphan_visit", "orphan_person", "unknown_spelling"}


def let_by(source: Source) -> list[str]:
    """The kinds of defects that break no fatal check: facts are made of such a delivery."""
    severities = {(one.table, rule.id): rule.severity for one in source.contracts for rule in one.rules}
    severities |= {(one.table, "key"): one.key_severity for one in source.contracts}
    severities |= {(one.table, "duplicates"): "characterization" for one in source.contracts}
    kinds = KINDS[source.name]
    return [kind for kind in kinds if all(severities.get(one, "fatal") != "fatal" for one in kinds[kind].breaks)]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_facts_of_what_is_let_by_keep_their_contracts_in_every_sample_of_persons(
    name: str, spark: SparkSession, tmp_path: Path, make_task: Callable[..., Task]
):
    source = named(name)
    plant = {kind: 3 + place for place, kind in enumerate(let_by(source))}
    write(name, tmp_path, events=EVENTS, defects=plant)
    frames = delivered(spark, tmp_path)
    tables = {one.table: typed(frames[one.table], one) for one in source.contracts}
    declared = Featurization(name=name, source=name, cluster="ml_cpu")
    for share in ("1.0", "0.15"):
        task = make_task(declared, person_sample=share, outcomes_through="1.0")
        for table, contract in fact_contracts(source).items():
            found = results(made(task, source, table, tables, {}), contract)
            assert not [str(one) for one in found if one.stops], (table, share)
    if name == "premier":
        apart = of_nobody(tables, source, versions={"genlab": 4}).collect()
        assert [(r["source_table"], r["source_version"], r["reason"]) for r in apart] == (
            [("genlab", 4, "no person")] * plant["orphan_visit"]
        )
