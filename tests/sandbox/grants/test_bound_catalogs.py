"""A catalog that another workspace bound to this one is read under the grants that are deployed there, and not written.

"Any workspace not in the assigned list receives an error when users try to access the catalog, overriding any
individual privilege grants those users hold"; "All write operations from that workspace to the catalog are blocked"
(Databricks, Workspace-catalog binding).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bound_writes import FRAMES, IS_READ_ONLY, STATEMENTS, TABLE, THERE
from grants_bench import CACHE, CATALOG, NUMBER, GrantsBench, bind, grants_workspace, refused
from pyspark.errors import PySparkException

from sandbox.grants.policy import Need, Policy, within
from sandbox.grants.published import DELIVERS, grants_of
from sandbox.grants.record import checks
from sandbox.services import Services
from sandbox.workspace import Workspace

pytestmark = pytest.mark.spark

READ_ONLY = "BINDING_TYPE_READ_ONLY"
READ = [f"USE CATALOG {THERE}", f"USE SCHEMA {THERE}.ml", f"SELECT {TABLE}"]


@dataclass
class Bound:
    """grants: what a test grants in the other workspace, asked in this one. services: the other one's."""

    grants: GrantsBench
    services: Services

    @property
    def warehouse(self) -> Path:
        return self.grants.workspace.warehouse.resolve()

    @property
    def record(self) -> Path:
        return self.warehouse / "ml" / "record"

    def files(self) -> dict[str, int]:
        every = (path for path in self.warehouse.rglob("*") if path.is_file())
        return {str(path): path.stat().st_mtime_ns for path in every}

    def copied(self, name: str) -> Workspace:
        """One more workspace beside both, with the same table, whose catalog has the folder's name."""
        made = grants_workspace(self.grants.workspace.root.parent / name, name, number=0)
        shutil.copytree(self.record, made.warehouse / "ml" / "record")
        everything = {"grant": [{"principal": "everyone", "privileges": ["ALL_PRIVILEGES"]}]}
        made.store.create("databricks_grants", f"catalog/{name}", everything)
        return made


@pytest.fixture(scope="module")
def bound(grants: GrantsBench) -> Iterator[Bound]:
    """The other workspace has a server of its own, which makes the table `ml.record` of two versions."""
    workspace = grants_workspace(grants.workspace.root.parent / "dbw-cdh-there", THERE, number=8)
    bind(workspace, THERE, NUMBER, READ_ONLY)
    with Services(workspace, CACHE) as services:
        with services.session(DELIVERS) as spark:
            spark.range(3).write.format("delta").saveAsTable("ml.record")
            spark.range(2).write.format("delta").mode("append").saveAsTable("ml.record")
        yield Bound(GrantsBench(workspace, grants.services), services)


def eventually(holds: Callable[[], bool]) -> bool:
    for _ in range(100):
        if holds():
            return True
        time.sleep(0.2)
    return False


READS: dict[str, Callable[[Any, str], Any]] = {
    "a query": lambda spark, path: spark.sql("SELECT * FROM cdh_there.ml.record").collect(),
    "a query in capitals": lambda spark, path: spark.sql("SELECT RECORD.ID FROM CDH_THERE.ML.RECORD").collect(),
    "a version": lambda spark, path: spark.sql("SELECT * FROM cdh_there.ml.record VERSION AS OF 0").collect(),
    "a subquery": lambda spark, path: spark.sql("SELECT (SELECT max(id) FROM cdh_there.ml.record)").collect(),
    "a temporary view": lambda spark, path: spark.table(TABLE).createOrReplaceTempView("v"),
    "a frame": lambda spark, path: spark.table(TABLE).count(),
    "a frame of a version": lambda spark, path: spark.read.option("versionAsOf", 0).table(TABLE).count(),
    "its columns": lambda spark, path: spark.sql("DESCRIBE TABLE cdh_there.ml.record").collect(),
    "its history": lambda spark, path: spark.sql("DESCRIBE HISTORY cdh_there.ml.record").collect(),
    "a path": lambda spark, path: spark.sql(f"SELECT * FROM delta.`{path}`").collect(),
    "a frame of a path": lambda spark, path: spark.read.format("delta").load(path).count(),
    "its files": lambda spark, path: spark.read.parquet(path).count(),
    "its log": lambda spark, path: spark.read.text(f"{path}/_delta_log").count(),
}


@pytest.mark.parametrize("case", READS)
def test_a_bound_catalog_is_read_with_exactly_what_its_own_workspace_grants(bound: Bound, case: str):
    grants, path = bound.grants, str(bound.record)
    principal = grants.principal()
    with grants.session(principal) as spark:
        assert grants.granted_until_it_passes(principal, lambda: READS[case](spark, path)) == READ


def test_the_rows_are_those_of_the_version_asked_and_the_record_of_checks_is_this_workspaces(
    grants: GrantsBench, bound: Bound
):
    principal = bound.grants.principal()
    with grants.session(principal) as spark:
        bound.grants.granted_until_it_passes(principal, lambda: spark.table(TABLE).count())
        assert sorted(row.id for row in spark.table(TABLE).collect()) == [0, 0, 1, 1, 2]
        assert spark.sql("SELECT * FROM cdh_there.ml.record VERSION AS OF 0").count() == 3
    recorded = [(one.need.privilege, one.allowed) for one in checks(grants.workspace) if one.principal == principal]
    needs = ("USE_CATALOG", "USE_SCHEMA", "SELECT")
    assert set(recorded) == {(privilege, allowed) for privilege in needs for allowed in (True, False)}
    assert not [one for one in checks(bound.grants.workspace) if one.principal == principal]


def test_what_this_workspace_grants_on_the_others_catalog_opens_nothing(grants: GrantsBench, bound: Bound):
    principal = grants.principal()
    grants.grant(principal, "ALL_PRIVILEGES", "Catalog", THERE)
    with grants.session(principal) as spark:
        assert "USE CATALOG" in str(refused(lambda: spark.table(TABLE).count()))


def test_spark_decides_of_a_bound_catalog_as_the_policy_does(grants: GrantsBench, bound: Bound):
    principal, random = bound.grants.principal(), Random(4)
    places = [("Table", f"{THERE}.ml.record"), ("Schema", f"{THERE}.ml"), ("Catalog", THERE)]
    deepest = {"USE CATALOG": 2, "USE SCHEMA": 1, "SELECT": 0, "MODIFY": 0, "ALL_PRIVILEGES": 0}
    needs = {
        "SELECT * FROM cdh_there.ml.record": within(Need("SELECT", *places[0])),
        "INSERT INTO cdh_there.ml.record VALUES (1)": (Need("MODIFY", *places[0]),),
    }
    held: list[tuple[str, str, str]] = []
    seen = set()
    with grants.session(principal) as spark:
        for _ in range(30):
            if held and random.random() < 0.3:
                bound.grants.revoke(principal, *held.pop(random.randrange(len(held))))
            else:
                privilege = random.choice(list(deepest))
                one = (privilege, *random.choice(places[deepest[privilege] :]))
                if one not in held:
                    held.append(one)
                    bound.grants.grant(principal, *one)
            decided = Policy(grants_of(grants.workspace))
            for statement, needed in needs.items():
                allowed = all(decided.allows(principal, need, owner=None) for need in needed)
                passed = refused(lambda told=statement: spark.sql(told).collect()) is None
                assert passed == allowed, (held, statement)
                seen.add((statement[:6], allowed))
    assert seen == {("SELECT", True), ("SELECT", False), ("INSERT", False)}


UNBOUND: dict[str, Callable[[Workspace], None]] = {
    "none": lambda there: None,
    "to another workspace": lambda there: bind(there, there.name, NUMBER + 1, READ_ONLY),
    "of another catalog": lambda there: bind(there, "another", NUMBER, READ_ONLY),
    "of a location of the catalog's name": lambda there: bind(
        there, there.name, NUMBER, READ_ONLY, "external_location"
    ),
    "of a catalog that is gone": lambda there: (
        bind(there, there.name, NUMBER, READ_ONLY),
        there.store.delete("databricks_catalog", there.name),
    ),
}


@pytest.mark.parametrize("case", UNBOUND)
@pytest.mark.parametrize("principal", ["everyone", DELIVERS])
def test_a_catalog_that_is_not_bound_is_not_there_whatever_its_grants(bound: Bound, case: str, principal: str):
    there = bound.copied(f"unbound_{len(case)}_{len(principal)}")
    UNBOUND[case](there)
    bound.grants.services.spark_remote("anyone")
    with bound.grants.session(principal) as spark:
        for act in (spark.table(f"{there.name}.ml.record").count, lambda: spark.sql(f"DROP TABLE {there.name}.ml.x")):
            with pytest.raises(PySparkException):
                act()
        told = refused(lambda: spark.sql(f"SELECT * FROM {there.name}.ml.record").collect())
        assert f"Catalog '{there.name}' is not accessible in current workspace" in str(told)
        if principal != DELIVERS:
            by_path = refused(lambda: spark.read.format("delta").load(str(there.warehouse / "ml" / "record")).count())
            assert "on any file" in str(by_path)


def test_a_catalog_deployed_while_the_server_runs_is_there_within_seconds_and_gone_with_its_workspace(bound: Bound):
    name = "deployed_later"
    with bound.grants.session("everyone") as spark:

        def told() -> str:
            try:
                return f"{spark.table(f'{name}.ml.record').count()} rows"
            except PySparkException as error:
                return str(error)

        assert "not accessible" in told()
        there = bound.copied(name)
        bind(there, name, NUMBER, READ_ONLY)
        # Nothing is asked for: the server's services follow the store.
        assert eventually(lambda: told() == "5 rows")
        shutil.rmtree(there.root)
        assert eventually(lambda: "not accessible" in told())
    assert not there.root.exists(), "a look at a store makes none"


def test_what_the_other_workspace_writes_is_seen_by_the_next_read_and_a_table_made_anew_too(bound: Bound):
    principal = bound.grants.principal()
    bound.grants.grant(principal, "ALL_PRIVILEGES", "Catalog", THERE)
    with bound.grants.session(principal) as spark, bound.services.session(DELIVERS) as theirs:
        theirs.range(2).write.format("delta").saveAsTable("ml.seen")
        assert spark.table("cdh_there.ml.seen").count() == 2
        for times in (2, 3):
            theirs.range(2).write.format("delta").mode("append").saveAsTable("ml.seen")
            assert spark.table("cdh_there.ml.seen").count() == 2 * times
        theirs.sql("DROP TABLE ml.seen")
        shutil.rmtree(bound.warehouse / "ml" / "seen", ignore_errors=True)
        theirs.range(9).write.format("delta").saveAsTable("ml.seen")
        assert spark.table("cdh_there.ml.seen").count() == 9


@pytest.fixture(scope="module")
def mighty(grants: GrantsBench, bound: Bound) -> Iterator[tuple[Any, str]]:
    """The session of one who may do everything in both workspaces, and a table of this one."""
    principal = grants.principal()
    for bench, catalog in ((grants, CATALOG), (bound.grants, THERE)):
        for privilege in ("ALL_PRIVILEGES", "MANAGE"):
            bench.grant(principal, privilege, "Catalog", catalog)
    own = grants.table()
    with grants.session(principal) as spark:
        yield spark, own


def refused_and_the_same(bound: Bound, act: Callable[[], Any], why: str) -> None:
    before = bound.files()
    with pytest.raises(PySparkException) as caught:
        act()
    assert any(words in str(caught.value) for words in why.split("|")), str(caught.value)[:400]
    assert bound.files() == before


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_that_writes_to_a_bound_catalog_is_refused_to_one_who_may_do_everything(
    bound: Bound, mighty: tuple[Any, str], statement: str
):
    (spark, own), path = mighty, bound.record
    told = statement.format(t=TABLE, own=own, path=path, schema=path.parent)
    refused_and_the_same(bound, lambda: spark.sql(told).collect(), STATEMENTS[statement])


@pytest.mark.parametrize("case", FRAMES)
def test_a_frame_that_writes_to_a_bound_catalog_is_refused_to_one_who_may_do_everything(
    bound: Bound, mighty: tuple[Any, str], case: str
):
    (spark, own), (act, why) = mighty, FRAMES[case]
    assert spark.table(TABLE).count() == 5
    refused_and_the_same(bound, lambda: act(spark, str(bound.record), own), why)


def test_the_data_manager_who_may_deliver_anything_delivers_to_this_workspace_alone(grants: GrantsBench, bound: Bound):
    with grants.session(DELIVERS) as spark:
        assert spark.table(TABLE).count() == 5
        for target in (TABLE, f"delta.`{bound.record}`"):
            assert IS_READ_ONLY in str(refused(lambda to=target: spark.sql(f"INSERT INTO {to} VALUES (9)").collect()))
