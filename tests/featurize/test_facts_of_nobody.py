"""Events of an encounter that is not there are nobody's: kept apart, until their encounter is delivered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import lit

from jobs.errors import TaskError
from jobs.io.context import Task
from jobs.tasks.facts import _facts
from synthetic.sources.write import write
from workflows.declare import Featurization
from workflows.sources import named, names

pytestmark = [pytest.mark.spark, pytest.mark.clause("F5", "F7")]
FACTS, APART = "premier_ra.fact_person", "premier_ra.fact_person_rejected"
ORPHANS = 13


@pytest.mark.parametrize("history", [False, True])
def test_events_of_nobody_are_apart_until_their_encounter_comes_and_facts_from_then_on(
    history: bool, spark: SparkSession, make_task: Callable[..., Task], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    write("premier", tmp_path / "delivery", events=1_000, defects={"orphan_visit": ORPHANS})
    zones = ("premier", "premier_ra", "ml")
    for zone in zones:
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {zone}")

    def deliver(frame: DataFrame, table: str) -> None:
        frame.coalesce(1).write.format("delta").mode("overwrite").saveAsTable(f"premier.{table}")

    def facts() -> tuple[int, int, str]:
        declared = Featurization(name="premier", source="premier", cluster="ml_cpu", history=history)
        capsys.readouterr()
        _facts(make_task(declared, table="fact_person", person_sample="1.0"))
        assert spark.table(FACTS).where("person_id IS NULL").isEmpty()
        return spark.table(FACTS).count(), spark.table(APART).count(), capsys.readouterr().out

    try:
        for path in sorted((tmp_path / "delivery").glob("*.csv")):
            deliver(spark.read.csv(str(path), header=True, escape='"'), path.stem)
        before, apart, log = facts()
        assert apart == ORPHANS
        assert f"{APART}: no person" in log
        told = {
            (row["source_table"], row["visit_occurrence_id"], row["reason"]) for row in spark.table(APART).collect()
        }
        assert told == {("genlab", 10**15, "no person")}
        stays = spark.table("premier.patdemo")
        deliver(stays.unionByName(stays.limit(1).withColumn("PAT_KEY", lit(str(10**15)))), "patdemo")
        after, apart, log = facts()
        assert (after, apart) == (before + ORPHANS, 0)
        assert "no person" not in log
        if not history:
            # No encounter of the events is there: every feature would be 0.
            deliver(stays.limit(1).withColumn("PAT_KEY", lit(str(10**15 + 7))), "patdemo")
            with pytest.raises(TaskError, match=r"fact_person breaks its contract: .*the table is empty.*place again"):
                facts()
            assert spark.table(FACTS).count() == after
    finally:
        for zone in zones:
            spark.sql(f"DROP SCHEMA IF EXISTS {zone} CASCADE")


def test_rows_of_every_other_source_name_their_person_themselves():
    from jobs.featurize.facts import told_beside

    assert [name for name in names() if any(told_beside(kind) for kind in named(name).events)] == ["premier"]
