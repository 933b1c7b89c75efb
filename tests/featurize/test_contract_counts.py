"""What the counts of a contract's checks make of it."""

from __future__ import annotations

import pytest
from curated import contract
from pyspark.sql import SparkSession

from jobs.featurize.contract import counted
from jobs.featurize.counts import Check

pytestmark = pytest.mark.spark
STAYS = "visit_occurrence"


@pytest.mark.parametrize(
    ("threshold", "rows_at_fault", "state"), [(0.29, 29, "passed"), (0.29, 30, "failed"), (0.07, 7, "passed")]
)
def test_a_threshold_allows_just_the_share_that_it_says(
    threshold: float, rows_at_fault: int, state: str, spark: SparkSession
):
    from pyspark.sql import functions as sf

    check = Check(id="x", what="x", severity="fatal", applies=None, broken=sf.lit(False), threshold=threshold)
    assert counted(contract(STAYS), check, rows_at_fault, 100, 100, None).state == state
