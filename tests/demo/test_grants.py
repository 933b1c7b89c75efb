"""The demo under enforced grants: what its record says of them, and what becomes of it without one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from asked import rights, workspaces
from needed_rights import rights as recorded
from removal import needed_grants, run_without

from infra.unasked import UNASKED
from sandbox.grants.policy import Need, Policy, within
from sandbox.grants.published import grants_of
from sandbox.grants.record import Check, checks
from sandbox.workspace import Workspace

CACHE = Path(__file__).parents[2] / ".cache"
# One for each door: Spark's tables, MLflow's models. All of them, volumes too: every night.
SAMPLE = ("SELECT schema/cdh_prod.synthetic_omop", "EXECUTE model/cdh_prod.readmission.readmission")


def disagreements(workspace: Workspace, record: Iterable[Check]) -> list[Check]:
    """Recorded decisions that the grants as deployed now do not give again."""
    policy = Policy(grants_of(workspace))
    known = {"Catalog", "Schema", "Table", "Volume", "Model", "Experiment", "Directory", "Job"}
    return [
        check
        for check in record
        if check.need.type in known and policy.allows(check.principal, check.need, check.owner) != check.allowed
    ]


@pytest.mark.slow
@pytest.mark.clause("P5", "O1")
def test_nothing_was_refused_and_each_decision_of_the_servers_is_given_again_by_the_deployed_grants(demo):
    for workspace in workspaces(demo().home):
        record = list(checks(workspace))
        assert len(record) > 50
        assert all(check.allowed for check in record)
        assert disagreements(workspace, record) == []


@pytest.mark.slow
def test_every_decision_about_a_service_principal_knows_its_run_and_task(demo):
    for workspace in workspaces(demo().home):
        known = {one.body["application_id"] for one in workspace.store.list("databricks_service_principal")}
        assert all(check.run and check.task for check in checks(workspace) if check.principal in known)


@pytest.mark.slow
@pytest.mark.clause("P5")
def test_every_right_of_a_service_principal_was_needed_or_is_listed_with_its_reason(demo):
    needed, unneeded = rights([demo().home])
    assert unneeded - UNASKED.keys() == set(), "take these out of infra/roles.py, or give a reason in infra/unasked.py"
    assert UNASKED.keys() & needed == set(), "these were needed: take them out of infra/unasked.py"
    assert UNASKED.keys() <= needed | unneeded, "these are deployed nowhere: take them out of infra/unasked.py"


@pytest.mark.slow
def test_the_committed_record_of_needed_rights_is_that_of_a_real_demo(demo):
    needed, _ = rights([demo().home])
    assert {(one.value, right, on.name) for one, on, right in needed} == recorded()


@pytest.mark.slow
@pytest.mark.clause("P5")
def test_of_all_service_principals_prods_promoter_alone_reads_another_stage_and_there_the_records(demo):
    may = set()
    for workspace in workspaces(demo().home):
        published = grants_of(workspace)
        policy = Policy(published)
        zones = [one for other in published["bound"].values() for one in other["owners"] if one.startswith("schema/")]
        tables = [f"{zone.removeprefix('schema/')}.t" for zone in zones]
        for principal in workspace.store.list("databricks_service_principal"):
            who = principal.body["application_id"]
            for table in tables:
                if all(policy.allows(who, need) for need in within(Need("SELECT", "Table", table))):
                    may.add((principal.body["display_name"], table))
                assert not policy.allows(who, Need("MODIFY", "Table", table))
    assert may == {("sp-promote-prod", "cdh_validation.ml.t")}


def unlike_the_record(demo: Callable[..., object], homes: Path, wanted: str | None) -> list[object]:
    """Grants, all or the first that reads `wanted`, whose job does not fail by their name when they are taken away."""
    finished = workspaces(demo().home)[-1]  # type: ignore[attr-defined]
    grants = [grant for grant in needed_grants(finished) if wanted is None or f"{grant[1]} {grant[2]}" == wanted]
    assert grants, wanted
    found = []
    for number, grant in enumerate(grants[: None if wanted is None else 1]):
        home = homes / str(number)
        needs, result = run_without(finished, home, CACHE, grant)
        shutil.rmtree(home)
        if result.result != "FAILED" or not any(need.denial in result.reason for need in needs):
            found.append((grant, needs, result))
    return found


@pytest.mark.slow
@pytest.mark.clause("P5")
@pytest.mark.parametrize("wanted", SAMPLE)
def test_without_a_grant_the_job_that_needed_it_fails_by_the_privileges_name(demo, tmp_path: Path, wanted: str):
    assert unlike_the_record(demo, tmp_path, wanted) == []


@pytest.mark.nightly
def test_without_any_grant_that_the_record_needs_its_job_fails_by_the_privileges_name(demo, tmp_path: Path):
    assert unlike_the_record(demo, tmp_path, None) == []
