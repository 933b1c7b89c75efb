"""What grants and ownership give, as Unity Catalog's documentation says it, decided in Python and in Spark alike."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from grants_bench import CATALOG, GrantsBench, refused
from hypothesis import given
from hypothesis import strategies as st

from sandbox.grants.policy import Need, Policy, within
from sandbox.grants.published import Published, grants_of
from sandbox.workspace import Workspace

TABLE, SCHEMA = "cdh_test.ml.t", "cdh_test.ml"
PLACES = ("table/cdh_test.ml.t", "schema/cdh_test.ml", "catalog/cdh_test")


def policy(grants: dict[str, list[str]] | None = None, owners: dict[str, str] | None = None) -> Policy:
    given = {place: {"sp": privileges} for place, privileges in (grants or {}).items()}
    return Policy({"trusted": ["sandbox"], "owners": owners or {}, "grants": given, "permissions": {}})


def test_privileges_are_inherited_downward():
    # "granting a privilege on the catalog automatically grants the privilege to all current and future objects"
    for place in PLACES:
        assert policy({place: ["SELECT"]}).allows("sp", Need("SELECT", "Table", TABLE))
    assert not policy({"schema/cdh_test.other": ["SELECT"]}).allows("sp", Need("SELECT", "Table", TABLE))
    assert not policy({"table/cdh_test.ml.t": ["USE_SCHEMA"]}).allows("sp", Need("USE_SCHEMA", "Schema", SCHEMA))


def test_an_owner_has_all_privileges_on_the_object_but_not_on_what_is_below_it():
    # "owners of a schema do not automatically have all privileges on the tables in the schema"
    of_schema = policy(owners={"schema/cdh_test.ml": "sp"})
    assert of_schema.allows("sp", Need("CREATE_TABLE", "Schema", SCHEMA))
    assert of_schema.allows("sp", Need("USE_SCHEMA", "Schema", SCHEMA))
    assert not of_schema.allows("sp", Need("SELECT", "Table", TABLE))
    assert of_schema.allows("sp", Need("MANAGE", "Table", TABLE))
    # "The principal that creates an object becomes its initial owner"; "all privileges ... such as SELECT and MODIFY"
    for privilege in ("SELECT", "MODIFY", "MANAGE"):
        assert policy().allows("sp", Need(privilege, "Table", TABLE), owner="sp")
        assert not policy().allows("sp", Need(privilege, "Table", TABLE), owner="another")


def test_all_privileges_are_not_the_right_to_manage_nor_ownership():
    # "To avoid accidental privilege escalation, ALL PRIVILEGES does not include the MANAGE privilege"
    everything = policy({"catalog/cdh_test": ["ALL_PRIVILEGES"]})
    assert everything.allows("sp", Need("MODIFY", "Table", TABLE))
    assert not everything.allows("sp", Need("MANAGE", "Table", TABLE))
    assert not everything.allows("sp", Need("OWNER", "Model", "cdh_test.ml.m"))


def test_a_privilege_on_a_thing_needs_the_use_of_what_it_is_in():
    assert [need.privilege for need in within(Need("EXECUTE", "Model", "c.s.m"))] == [
        "USE_CATALOG",
        "USE_SCHEMA",
        "EXECUTE",
    ]


privileges = st.lists(st.sampled_from(["USE_CATALOG", "USE_SCHEMA", "SELECT", "MODIFY", "MANAGE", "ALL_PRIVILEGES"]))
needed = st.sampled_from([
    Need("USE_CATALOG", "Catalog", "cdh_test"), Need("USE_SCHEMA", "Schema", SCHEMA), Need("SELECT", "Table", TABLE),
    Need("MODIFY", "Table", TABLE), Need("MANAGE", "Table", TABLE),
])  # fmt: skip


@given(st.dictionaries(st.sampled_from(PLACES), privileges), st.sampled_from(PLACES), privileges, needed)
def test_more_grants_never_allow_less(grants: dict[str, list[str]], place: str, more: list[str], need: Need):
    wider = grants | {place: grants.get(place, []) + more}
    assert policy(wider).allows("sp", need) >= policy(grants).allows("sp", need)


@given(st.dictionaries(st.sampled_from(PLACES), privileges), needed)
def test_without_the_grants_that_were_its_reasons_a_need_is_refused(grants: dict[str, list[str]], need: Need):
    reasons = {(privilege, place) for _, privilege, place in policy(grants).reasons("sp", need)}
    left = {place: [one for one in given if (one, place) not in reasons] for place, given in grants.items()}
    assert not policy(left).allows("sp", need)


def test_grants_come_from_what_is_deployed(tmp_path: Path):
    workspace = Workspace(tmp_path / "dbw")
    store = workspace.store
    store.create("databricks_catalog", "c", {"name": "c", "owner": "sp-deploy"})
    store.create("databricks_mlflow_experiment", "7", {"name": "/cdh/m"})
    store.create("databricks_directory", "/cdh", {"path": "/cdh", "object_id": 9})
    store.create("databricks_grants", "schema/c.s", {"grant": [{"principal": "a", "privileges": ["SELECT"]}]})
    levels: list[tuple[str, dict[str, Any]]] = [
        ("/experiments/7", {"service_principal_name": "a", "permission_level": "CAN_EDIT"}),
        ("/directories/9", {"group_name": "g", "permission_level": "CAN_READ"}),
    ]
    for id_, entry in levels:
        store.create("databricks_permissions", id_, {"access_control": [entry]})
    found = grants_of(workspace)
    assert (found["catalog"], found["owners"], found["grants"]) == ("c", {"catalog/c": "sp-deploy"}, {"schema/c.s": {"a": ["SELECT"]}})  # fmt: skip
    # "experiments inherit the folder"
    assert Policy(found).allows("g", Need("CAN_READ", "Experiment", "/cdh/m"))
    assert Policy(found).allows("a", Need("CAN_READ", "Experiment", "/cdh/m"))
    assert not Policy(found).allows("g", Need("CAN_EDIT", "Experiment", "/cdh/m"))


def test_the_published_file_follows_the_store(tmp_path: Path):
    workspace = Workspace(tmp_path / "dbw")
    published = Published(workspace)
    workspace.store.create("databricks_catalog", "c", {"name": "c", "owner": "sp-deploy"})
    published.refresh()
    before = published.file.stat().st_mtime_ns
    published.refresh()
    assert published.file.stat().st_mtime_ns == before
    workspace.store.create("databricks_grants", "catalog/c", {"grant": [{"principal": "a", "privileges": ["SELECT"]}]})
    published.refresh()
    assert json.loads(published.file.read_text())["grants"] == {"catalog/c": {"a": ["SELECT"]}}


@pytest.mark.spark
def test_spark_decides_as_the_policy_does_and_a_revoked_grant_ends_a_running_session(grants: GrantsBench):
    table, principal, random = grants.table(), grants.principal(), Random(4)
    places = [("Table", f"{CATALOG}.raw.{table}"), ("Schema", f"{CATALOG}.raw"), ("Catalog", CATALOG)]
    deepest = {"USE CATALOG": 2, "USE SCHEMA": 1, "SELECT": 0, "MODIFY": 0, "ALL_PRIVILEGES": 0}
    needs = {
        "SELECT": within(Need("SELECT", *places[0])),
        "MODIFY": within(Need("SELECT", *places[0]), Need("MODIFY", *places[0])),
    }
    statements = {"SELECT": f"SELECT * FROM raw.{table}", "MODIFY": f"INSERT INTO raw.{table} VALUES (1)"}
    held: list[tuple[str, str, str]] = []
    seen = set()
    with grants.session(principal) as spark:
        for _ in range(40):
            if held and random.random() < 0.3:
                grants.revoke(principal, *held.pop(random.randrange(len(held))))
            else:
                privilege = random.choice(list(deepest))
                one = (privilege, *random.choice(places[deepest[privilege] :]))
                if one not in held:
                    held.append(one)
                    grants.grant(principal, *one)
            decided = Policy(grants_of(grants.workspace))
            for privilege, statement in statements.items():
                allowed = all(decided.allows(principal, need) for need in needs[privilege])
                assert (refused(lambda told=statement: spark.sql(told).collect()) is None) == allowed, (held, statement)
                seen.add((privilege, allowed))
    assert seen == {("SELECT", True), ("SELECT", False), ("MODIFY", True), ("MODIFY", False)}


@pytest.mark.spark
def test_who_creates_a_table_owns_it_until_it_is_dropped(grants: GrantsBench):
    maker, other = grants.principal(), grants.principal()
    for principal in (maker, other):
        grants.grant(principal, "USE CATALOG", "Catalog", CATALOG)
        grants.grant(principal, "USE SCHEMA", "Schema", f"{CATALOG}.ml")
        grants.grant(principal, "CREATE TABLE", "Schema", f"{CATALOG}.ml")
    with grants.session(maker) as mine, grants.session(other) as theirs:
        mine.range(3).write.format("delta").saveAsTable("ml.owned")
        mine.sql("UPDATE ml.owned SET id = 9 WHERE id = 0").collect()
        assert "SELECT on Table" in str(refused(lambda: theirs.table("ml.owned").count()))
        assert "MANAGE on Table" in str(refused(lambda: theirs.sql("DROP TABLE ml.owned")))
        mine.sql("DROP TABLE ml.owned")
        theirs.range(3).write.format("delta").saveAsTable("ml.owned")
        assert "SELECT on Table" in str(refused(lambda: mine.table("ml.owned").count()))


@pytest.mark.spark
def test_a_view_that_another_left_for_everyone_still_reads_as_who_asks(grants: GrantsBench):
    table, reader, other = grants.table(), grants.principal(), grants.principal()
    with grants.session(reader) as mine, grants.session(other) as theirs:
        grants.granted_until_it_passes(reader, lambda: mine.table(f"raw.{table}").count())
        mine.table(f"raw.{table}").createOrReplaceGlobalTempView(table)
        assert "USE CATALOG" in str(refused(lambda: theirs.table(f"global_temp.{table}").count()))
