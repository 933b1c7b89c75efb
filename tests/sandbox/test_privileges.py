"""Sentences of the documentation, "Unity Catalog permissions model concepts" and "Manage privileges"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.privileges import Privileges, Securable, stored
from sandbox.store import Store

CATALOG, SCHEMA = Securable("catalog", "c"), Securable("schema", "c.s")
TABLE, VOLUME, MODEL = Securable("table", "c.s.t"), Securable("volume", "c.s.v"), Securable("model", "c.s.m")
USE = {CATALOG: {"ann": {"USE_CATALOG"}}, SCHEMA: {"ann": {"USE_SCHEMA"}}}


def held(grants, owners=None, groups=None) -> Privileges:
    frozen = {on: {who: frozenset(what) for who, what in found.items()} for on, found in grants.items()}
    members = {name: frozenset(found) for name, found in (groups or {}).items()}
    return Privileges(frozen, owners or {}, members)


def joined(*parts):
    out = {}
    for part in parts:
        for on, found in part.items():
            for who, what in found.items():
                out.setdefault(on, {}).setdefault(who, set()).update(what)
    return out


# The sentence, grants, owners, groups, what is asked, and the refusal (None when it is held).
CASES = [
    ("Having only SELECT is not enough to read a table", {TABLE: {"ann": {"SELECT"}}}, {}, {}, ("SELECT", TABLE),
     "User does not have USE CATALOG on Catalog 'c'."),
    ("all three are required", joined({TABLE: {"ann": {"SELECT"}}}, {CATALOG: {"ann": {"USE_CATALOG"}}}), {}, {},
     ("SELECT", TABLE), "User does not have USE SCHEMA on Schema 'c.s'."),
    ("all three are required", joined(USE, {TABLE: {"ann": {"SELECT"}}}), {}, {}, ("SELECT", TABLE), None),
    ("an action must be granted explicitly", USE, {}, {}, ("SELECT", TABLE),
     "User does not have SELECT on Table 'c.s.t'."),
    ("granting a privilege on the catalog grants it to all objects within", joined(USE, {CATALOG: {"ann": {"SELECT"}}}),
     {}, {}, ("SELECT", TABLE), None),
    ("Similarly, privileges granted on a schema are inherited", joined(USE, {SCHEMA: {"ann": {"READ_VOLUME"}}}), {}, {},
     ("READ_VOLUME", VOLUME), None),
    ("USE SCHEMA on the catalog is inherited by its schemas", {CATALOG: {"ann": {"USE_CATALOG", "USE_SCHEMA", "EXECUTE"}}},
     {}, {}, ("EXECUTE", MODEL), None),
    ("a privilege on one table is none on another", joined(USE, {Securable("table", "c.s.other"): {"ann": {"SELECT"}}}),
     {}, {}, ("SELECT", TABLE), "User does not have SELECT on Table 'c.s.t'."),
    ("Object owners have all privileges on that object", USE, {TABLE: "ann"}, {}, ("MODIFY", TABLE), None),
    ("... but need the usage privileges of what it stands in", {}, {TABLE: "ann"}, {}, ("MODIFY", TABLE),
     "User does not have USE CATALOG on Catalog 'c'."),
    ("owning a container lets manage the children, not read them", USE, {SCHEMA: "ann"}, {}, ("SELECT", TABLE),
     "User does not have SELECT on Table 'c.s.t'."),
    ("ALL PRIVILEGES stands for every privilege", joined(USE, {SCHEMA: {"ann": {"ALL_PRIVILEGES"}}}), {}, {},
     ("SELECT", TABLE), None),
    ("... but MANAGE", joined(USE, {SCHEMA: {"ann": {"ALL_PRIVILEGES"}}}), {}, {}, ("MANAGE", TABLE),
     "User does not have MANAGE on Table 'c.s.t'."),
    ("granted to a group, held by its members", {CATALOG: {"g": {"USE_CATALOG", "USE_SCHEMA", "SELECT"}}}, {},
     {"ann": {"g"}}, ("SELECT", TABLE), None),
    ("... through other groups too", {CATALOG: {"g": {"USE_CATALOG", "USE_SCHEMA", "SELECT"}}}, {},
     {"ann": {"h"}, "h": {"g"}}, ("SELECT", TABLE), None),
    ("... and not by others", {CATALOG: {"g": {"USE_CATALOG"}}}, {}, {"bob": {"g"}}, ("USE_CATALOG", CATALOG),
     "User does not have USE CATALOG on Catalog 'c'."),
    ("account users: everyone", {CATALOG: {"account users": {"USE_CATALOG"}}}, {}, {}, ("use catalog", CATALOG), None),
    ("BROWSE does not require USE CATALOG or USE SCHEMA", {CATALOG: {"ann": {"BROWSE"}}}, {}, {}, ("BROWSE", TABLE), None),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "grants", "owners", "groups", "asked", "refusal"), CASES)
def test_the_answer_is_the_documentations(sentence, grants, owners, groups, asked, refusal):
    found = held(grants, owners, groups).missing("ann", *asked)
    assert (None if found is None else str(found)) == refusal, sentence


@pytest.mark.parametrize(
    ("grants", "owners", "expected"),
    [
        ({}, {TABLE: "ann"}, True),
        ({}, {SCHEMA: "ann"}, True),
        ({}, {CATALOG: "ann"}, True),
        ({SCHEMA: {"ann": {"MANAGE"}}}, {}, True),
        ({SCHEMA: {"ann": {"ALL_PRIVILEGES"}}}, {}, False),
        ({}, {TABLE: "bob"}, False),
    ],
)
def test_owners_and_managers_of_it_or_its_containers_may_change_it(grants, owners, expected):
    assert held(grants, owners).may_manage("ann", TABLE) is expected


GRANTED = st.dictionaries(
    st.sampled_from([CATALOG, SCHEMA, TABLE, VOLUME]),
    st.dictionaries(
        st.sampled_from(["ann", "g", "bob"]),
        st.sets(st.sampled_from(["USE_CATALOG", "USE_SCHEMA", "SELECT", "MODIFY", "READ_VOLUME", "ALL_PRIVILEGES"])),
    ),
)


@given(GRANTED, GRANTED, st.sampled_from(["SELECT", "MODIFY", "USE_SCHEMA"]))
def test_a_further_grant_never_takes_a_privilege_away(some, more, privilege):
    before, after = (held(grants, {}, {"ann": {"g"}}) for grants in (some, joined(some, more)))
    for on in (CATALOG, SCHEMA, TABLE):
        assert not before.holds("ann", privilege, on) or after.holds("ann", privilege, on)


@given(GRANTED)
def test_who_holds_a_privilege_has_it_among_the_effective_ones(grants):
    found = held(grants, {}, {"ann": {"g"}})
    if found.holds("ann", "SELECT", TABLE):
        effective = found.effective_for("ann", TABLE)
        assert effective.keys() & {"SELECT", "ALL_PRIVILEGES"}
        assert effective.keys() & {"USE_SCHEMA", "ALL_PRIVILEGES"}


def test_the_store_gives_grants_owners_and_members(tmp_path):
    store = Store(tmp_path / "resources.sqlite")
    store.create("databricks_catalog", "c", {"name": "c", "owner": "deployer"})
    grant = [{"principal": "analysts", "privileges": ["use catalog", "SELECT"]}]
    store.create("databricks_grants", "catalog/c", {"grant": grant})
    store.create("databricks_group", "7", {"display_name": "analysts"})
    store.create("databricks_service_principal", "8", {"application_id": "app"})
    store.create("databricks_group_member", "7|8", {"group_id": "7", "member_id": "8"})
    found = stored(store, {"r3": frozenset({"analysts"})})
    assert found.holds("app", "USE_CATALOG", CATALOG)
    assert found.holds("r3", "USE_CATALOG", CATALOG)
    assert found.may_manage("deployer", SCHEMA)
    assert not found.holds("deployer", "SELECT", TABLE)
    assert found.effective_for("r3", TABLE) == {"USE_CATALOG": CATALOG, "SELECT": CATALOG}
