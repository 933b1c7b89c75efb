"""A column that no contract names is told of where contracts let tables evolve, and fails the job where they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from curated import contract, deliver, frame, rows
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io.context import Task
from jobs.tasks import check
from workflows.featurizations.synthetic_omop import synthetic_omop
from workflows.handbook import contract_lines
from workflows.sources import named

pytestmark = pytest.mark.spark
STAYS, REFUSED = "visit_occurrence", "column site is unknown, and new columns are refused"


@pytest.mark.parametrize("says", ["evolve", "refuse"])
def test_a_column_that_its_contract_does_not_name_stops_the_job_just_where_new_columns_are_refused(
    says: str, zones: SparkSession, make_task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
):
    source = named("synthetic_omop")
    strict = tuple(replace(one, new_columns=says) if one.table == STAYS else one for one in source.contracts)
    monkeypatch.setattr(check, "named", lambda _: replace(source, contracts=strict))
    given = rows()
    deliver(zones, {table: frame(zones, table, given[table]) for table in given})
    check._check(make_task(synthetic_omop))
    deliver(zones, {STAYS: frame(zones, STAYS, given[STAYS]).selectExpr("*", "'here' AS site")})
    if says == "evolve":
        check._check(make_task(synthetic_omop))
    else:
        with pytest.raises(TaskError) as failure:
            check._check(make_task(synthetic_omop))
        assert str(failure.value) == f"synthetic_omop breaks its contract: {STAYS}: {REFUSED}: 30 rows"
    (row,) = zones.table("synthetic_omop_ra.quality").where("check_id = 'site_known'").collect()
    wanted = ("failed", "convention") if says == "evolve" else ("error", "fatal")
    assert (row["state"], row["severity"]) == wanted
    assert not zones.catalog.tableExists(f"synthetic_omop_ra.rejected_{STAYS}"), "no row is at fault"


def test_the_page_of_contracts_says_which_tables_refuse_new_columns():
    for says in ("evolve", "refuse"):
        told = "\n".join(contract_lines(replace(contract(STAYS), new_columns=says)))
        assert ("new columns are refused" in told) == (says == "refuse")
