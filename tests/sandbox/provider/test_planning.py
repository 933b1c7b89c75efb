"""The rules of a plan, without terraform."""

from __future__ import annotations

import pytest

from sandbox.provider.behaviour import BEHAVIOURS
from sandbox.provider.planning import Planner, hidden, validate
from sandbox.provider.rules import Behaviour
from sandbox.provider.values import UNKNOWN, conform, decode, encode, settle

BLOCK = {
    "attributes": {"id": {"computed": True}, "name": {"required": True}, "note": {"optional": True}},
    "block_types": {
        "part": {
            "nesting_mode": "list",
            "block": {
                "attributes": {"size": {"optional": True}, "made": {"computed": True}, "key": {"optional": True}}
            },
        }
    },
}
RULES = Behaviour(
    force_new=frozenset({"part.key"}), defaults={"part.size": 1}, hidden={"note": "removed", "name": "case"}
)


def plan(prior, config):
    given = conform(BLOCK, config)
    # as terraform proposes: an omitted computed attribute keeps its value
    proposed = given | ({"id": prior["id"]} if prior else {})
    planner = Planner(BLOCK, RULES)
    return planner.plan(prior, proposed, given), planner.replacing


def test_a_new_resource_has_defaults_and_unknown_computed_values():
    planned, replacing = plan(None, {"name": "a", "part": [{}]})
    assert planned == {
        "id": UNKNOWN,
        "name": "a",
        "note": None,
        "part": [{"size": 1, "made": UNKNOWN, "key": None}],
    }
    assert replacing == []


def test_an_unchanged_resource_plans_what_is_there():
    prior = {"id": "7", "name": "a", "note": None, "part": [{"size": 1, "made": None, "key": None}]}
    assert plan(prior, {"name": "a", "part": [{}]}) == (prior, [])


def test_a_change_deep_inside_a_block_replaces_the_resource():
    prior = {"id": "7", "name": "a", "note": None, "part": [{"size": 1, "made": None, "key": "x"}]}
    planned, replacing = plan(prior, {"name": "a", "part": [{"key": "y"}]})
    assert planned["part"][0]["key"] == "y"
    assert replacing == [("part", 0, "key")]


def test_a_hidden_difference_keeps_the_old_value_and_a_real_one_does_not():
    prior = {"id": "7", "name": "Ab", "note": "n", "part": []}
    assert plan(prior, {"name": "aB"})[0] == prior
    assert plan(prior, {"name": "other", "note": "m"})[0] == prior | {"name": "other", "note": "m"}


@pytest.mark.parametrize(
    ("kind", "old", "new", "is_hidden"),
    [
        ("removed", "a", None, True),
        ("removed", "a", "b", False),
        ("case", "Ab", "aB", True),
        ("case", "Ab", "c", False),
        ("slash", "abfss://x/", "abfss://x", True),
        ("slash", "abfss://x/", "abfss://y", False),
        ("prefix", "/Shared/x", "/Workspace/Shared/x", True),
        ("prefix", "/Shared/x", "/Shared/y", False),
        ("json", '{"a": 1, "b": 2}', '{"b":2,"a":1}', True),
        ("json", '{"a": 1}', '{"a": 2}', False),
        ("json", "{", "}", False),
        ("removed", "a", UNKNOWN, False),
        ("server", "a", "b", True),
        ("skipped", False, True, True),
        ("skipped", True, False, False),
        ("location", "westeurope", "West Europe", True),
        ("location", "westeurope", "northeurope", False),
    ],
)
def test_each_kind_of_hidden_difference(kind, old, new, is_hidden):
    assert hidden(kind, old, new) is is_hidden


def test_arguments_that_exclude_each_other_are_refused_at_any_depth():
    cluster = {"aws_attributes": [{}], "azure_attributes": [{}]}
    found = list(validate(BEHAVIOURS["databricks_job"], {"new_cluster": [cluster]}))
    assert {refusal.steps for refusal in found} == {
        ("new_cluster", 0, "aws_attributes"),
        ("new_cluster", 0, "azure_attributes"),
    }
    assert list(validate(BEHAVIOURS["databricks_job"], {"new_cluster": [{"azure_attributes": [{}]}]})) == []


def test_exactly_one_and_at_least_one_are_counted():
    both = {"run_as": [{"user_name": "a", "service_principal_name": "b"}]}
    assert "only one of" in next(validate(BEHAVIOURS["databricks_job"], both)).detail
    assert "must be specified" in next(validate(BEHAVIOURS["databricks_job"], {"run_as": [{}]})).detail
    assert list(validate(BEHAVIOURS["databricks_job"], {"run_as": [{"user_name": "a"}]})) == []
    assert "must be specified" in next(validate(BEHAVIOURS["databricks_grants"], {"grant": []})).detail


def test_an_argument_that_needs_another_is_refused_alone():
    alone = {"policy_family_definition_overrides": "{}"}
    refusals = list(validate(BEHAVIOURS["databricks_cluster_policy"], alone))
    assert [refusal.summary for refusal in refusals] == ["Missing required argument"]
    assert not list(validate(BEHAVIOURS["databricks_cluster_policy"], alone | {"policy_family_id": "f"}))


def test_values_survive_the_wire_and_unknown_ones_stay_unknown():
    value = {"a": [1, 2.5, "x", None, True, {"b": UNKNOWN}], "c": {"d": "é"}}
    assert decode(encode(value)) == value
    assert settle(value)["a"][5] == {"b": None}


def test_an_argument_inside_a_block_counts_for_the_block_that_needs_it():
    behaviour = BEHAVIOURS["databricks_notification_destination"]
    needs = [refusal for refusal in validate(behaviour, {"config": [{"email": [{"addresses": []}]}]}) if refusal.steps]
    assert [refusal.detail for refusal in needs] == [
        '"config.0.email": all of `config.email,config.email.addresses` must be specified'
    ]
    assert not list(validate(behaviour, {"config": [{"email": [{"addresses": ["a@example.gov"]}]}]}))


def test_on_the_plugin_framework_any_change_makes_what_is_computed_unknown():
    prior = {"id": "7", "name": "a", "note": None, "part": []}
    for name, expected in (("a", "7"), ("b", UNKNOWN)):
        config = conform(BLOCK, {"name": name})
        planner = Planner(BLOCK, Behaviour(), framework=True)
        assert planner.plan(prior, config | {"id": "7"}, config)["id"] == expected
